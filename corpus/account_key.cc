#include "corpus/account_key.h"

#include <cstring>
#include <new>

#include <fmt/format.h>
#include <sodium.h>

namespace stuffwatch::corpus {
namespace {

using SipKey = std::array<unsigned char, crypto_shorthash_siphashx24_KEYBYTES>;

// Numbers of the keys derived from the master. Part of the format: a change makes every stored hash
// meaningless.
enum class Derived : std::uint64_t {
  kAccount = 1,
  kEventId,
  kPasswordToken,
  kClient,
  kTable,
  kCheck,
  kAccountId
};
constexpr char kDerivation[crypto_kdf_CONTEXTBYTES + 1] = "stuffwat";
static_assert(crypto_kdf_KEYBYTES == AccountHasher::kKeyBytes);

void derive(const std::array<unsigned char, AccountHasher::kKeyBytes>& master, Derived number,
            SipKey& key) {
  crypto_kdf_derive_from_key(key.data(), key.size(), static_cast<std::uint64_t>(number),
                             kDerivation, master.data());
}

// SipHash-2-4 with 128 bits of output, of which the first 64 are kept. Read little-endian: the same
// number on every machine.
std::uint64_t siphash(const SipKey& key, std::string_view bytes) {
  unsigned char digest[crypto_shorthash_siphashx24_BYTES];
  crypto_shorthash_siphashx24(digest, reinterpret_cast<const unsigned char*>(bytes.data()),
                              bytes.size(), key.data());
  std::uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | digest[i];
  return value;
}

}  // namespace

struct AccountHasher::Secrets {
  SipKey account, event_id, password_token, client, table, check, account_id;
};

AccountHasher::AccountHasher(const std::array<unsigned char, kKeyBytes>& master, bool is_public)
    : public_(is_public) {
  // sodium_malloc surrounds the keys with guard pages, keeps them out of swap (as far as
  // RLIMIT_MEMLOCK goes) and out of core dumps.
  if (sodium_init() < 0) throw std::bad_alloc();
  void* const memory = sodium_malloc(sizeof(Secrets));
  if (memory == nullptr) throw std::bad_alloc();
  auto* const secrets = new (memory) Secrets;
  secrets_ = std::shared_ptr<const Secrets>(
      secrets, [](const Secrets* s) { sodium_free(const_cast<Secrets*>(s)); });
  derive(master, Derived::kAccount, secrets->account);
  derive(master, Derived::kEventId, secrets->event_id);
  derive(master, Derived::kPasswordToken, secrets->password_token);
  derive(master, Derived::kClient, secrets->client);
  derive(master, Derived::kTable, secrets->table);
  derive(master, Derived::kCheck, secrets->check);
  derive(master, Derived::kAccountId, secrets->account_id);
  sodium_mprotect_readonly(memory);
}

AccountHasher AccountHasher::public_key() {
  std::array<unsigned char, kKeyBytes> master{};
  constexpr std::string_view kText = "stuffwatch public key: no secret";
  static_assert(kText.size() == kKeyBytes);
  std::memcpy(master.data(), kText.data(), kText.size());
  return AccountHasher(master, true);
}

AccountKey AccountHasher::operator()(std::string_view name, std::string& scratch) const {
  canonicalise(name, scratch);
  return AccountKey{siphash(secrets_->account, scratch)};
}

std::uint64_t AccountHasher::keyed(Purpose purpose, std::string_view bytes) const {
  switch (purpose) {
    case Purpose::kEventId: return siphash(secrets_->event_id, bytes);
    case Purpose::kPasswordToken: return siphash(secrets_->password_token, bytes);
    case Purpose::kClient: return siphash(secrets_->client, bytes);
    case Purpose::kTable: return siphash(secrets_->table, bytes);
    case Purpose::kAccountId: return siphash(secrets_->account_id, bytes);
  }
  std::unreachable();
}

std::uint64_t AccountHasher::table_seed() const { return siphash(secrets_->table, "table seed"); }
std::uint64_t AccountHasher::check_value() const { return siphash(secrets_->check, "key check"); }

std::string to_string(AccountKey key) { return fmt::format("acct:{:016x}", value_of(key)); }

}  // namespace stuffwatch::corpus
