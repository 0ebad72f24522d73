#include "corpus/account_register.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace stuffwatch::corpus {
namespace {

constexpr std::size_t kReadAtOnce = std::size_t{8} << 20;

// Of an index into so many.
unsigned bits_of(std::uint64_t count) {
  return static_cast<unsigned>(std::bit_width(std::max<std::uint64_t>(count, 1) - 1));
}

// All of it, or an error: the file was cut short since its length was asked for.
config::Result<void> read_into(char* to, std::uint64_t size, std::uint64_t offset,
                               const config::FileDescriptor& file,
                               const std::filesystem::path& path) {
  for (std::uint64_t at = 0; at < size; at += kReadAtOnce) {
    const std::uint64_t piece = std::min<std::uint64_t>(kReadAtOnce, size - at);
    const auto bytes = config::read_range(file, offset + at, piece, path);
    if (!bytes) return std::unexpected(bytes.error());
    if (bytes->size() != piece) return config::failed("{} is cut short", path.string());
    std::memcpy(to + at, bytes->data(), piece);
  }
  return {};
}

}  // namespace

config::Result<AccountRegister> AccountRegister::open(const std::filesystem::path& folder,
                                                      std::optional<std::uint64_t> key_check) {
  const std::filesystem::path path = folder / kFileName;
  if (std::error_code error; !std::filesystem::exists(path, error) && !error)
    return config::misconfigured(
        "{} holds no register of accounts: make one with stuffwatch accounts load {} FILE",
        folder.string(), folder.string());
  auto file = config::open_file(path, O_RDONLY | O_NONBLOCK);
  if (!file) return std::unexpected(file.error());
  AccountRegister made;
  if (auto read = made.read_header(*file, path); !read) return std::unexpected(read.error());
  if (key_check && made.key_check() != *key_check)
    return config::misconfigured(
        "{} was made with another key: it would find nobody; load the accounts again with the key "
        "of the lists and of the daemon",
        path.string());
  if (auto read = made.read_accounts(*file, path); !read) return std::unexpected(read.error());
  return made;
}

config::Result<void> AccountRegister::read_header(const config::FileDescriptor& file,
                                                  const std::filesystem::path& path) {
  // Of what is open: another register may have its name by now.
  struct stat status{};
  RegisterHeader& h = header_;
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      static_cast<std::uint64_t>(status.st_size) < sizeof h)
    return config::failed("{} is no register of accounts, or it is cut short", path.string());
  if (auto got = read_into(reinterpret_cast<char*>(&h), sizeof h, 0, file, path); !got) return got;
  if (h.magic != kRegisterMagic)
    return config::failed("{} is no register of accounts", path.string());
  if (h.version != kRegisterVersion)
    return config::misconfigured(
        "{} has version {} and this program reads version {}: load the accounts again, or use the "
        "program that wrote it",
        path.string(), h.version, kRegisterVersion);
  if (h.xxh3 != ::XXH3_64bits(&h, sizeof h - sizeof h.xxh3))
    return config::failed("{} is damaged in its header: load the accounts again", path.string());
  if (h.canonical_version != kCanonicalVersion)
    return config::misconfigured(
        "{} has version {} of the form of names, not {}: load the accounts again", path.string(),
        h.canonical_version, kCanonicalVersion);
  if (h.file_bytes != static_cast<std::uint64_t>(status.st_size) || h.accounts > kMaxAccounts ||
      h.accounts * sizeof(RegisteredAccount) > h.file_bytes - sizeof h)
    return config::failed("{} has another length than it says: load the accounts again",
                          path.string());
  return {};
}

config::Result<void> AccountRegister::read_accounts(const config::FileDescriptor& file,
                                                    const std::filesystem::path& path) {
  const RegisterHeader& h = header_;
  accounts_.resize(h.accounts);
  auto* const to = reinterpret_cast<char*>(accounts_.data());
  const std::uint64_t size = h.accounts * sizeof(RegisteredAccount), behind = sizeof h + size;
  if (auto got = read_into(to, size, sizeof h, file, path); !got) return got;
  const auto classes = config::read_range(file, behind, h.file_bytes - behind, path);
  if (!classes) return std::unexpected(classes.error());
  if (h.accounts_xxh3 != ::XXH3_64bits(to, size) ||
      h.classes_xxh3 != ::XXH3_64bits(classes->data(), classes->size()) ||
      !take_classes(*classes) || !make_directory())
    return config::failed("{} is damaged: load the accounts again", path.string());
  return {};
}

// A byte that says how long the name is, and the name.
bool AccountRegister::take_classes(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto size = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    if (size == 0 || size > bytes.size()) return false;
    classes_.emplace_back(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  return classes_.size() == header_.classes;
}

// 4 to 8 accounts a bucket. False: hashes that do not ascend, or a class that is none.
bool AccountRegister::make_directory() {
  const auto day = std::chrono::floor<std::chrono::days>(loaded()).time_since_epoch().count();
  loaded_ = static_cast<Day>(std::clamp<std::int64_t>(day, 0, std::numeric_limits<Day>::max()));
  const auto count = static_cast<std::uint32_t>(accounts_.size());
  bucket_bits_ = std::max(4U, bits_of(count)) - 3;
  begins_.assign((std::size_t{1} << bucket_bits_) + 1, count);
  std::uint64_t bucket = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const RegisteredAccount& account = accounts_[i];
    if (i != 0 && accounts_[i - 1].hash >= account.hash) return false;
    if (account.class_number > classes_.size()) return false;
    for (const std::uint64_t own = bucket_of(account.hash); bucket <= own; ++bucket)
      begins_[bucket] = i;
    open_ += is_open(account);
  }
  return true;
}

const RegisteredAccount* AccountRegister::find(AccountKey account) const {
  const std::uint64_t hash = value_of(account);
  for (const RegisteredAccount& each : bucket(hash))
    if (each.hash >= hash) return each.hash == hash ? &each : nullptr;
  return nullptr;
}

void AccountRegister::find(std::span<const AccountKey> accounts,
                           std::span<const RegisteredAccount*> out) const {
  constexpr std::size_t kBatch = 64;
  for (std::size_t first = 0; first < accounts.size(); first += kBatch) {
    const auto batch = accounts.subspan(first, std::min(kBatch, accounts.size() - first));
    for (const AccountKey account : batch)
      __builtin_prefetch(begins_.data() + bucket_of(value_of(account)));
    for (const AccountKey account : batch) {
      const auto own = bucket(value_of(account));
      if (own.empty()) continue;
      __builtin_prefetch(&own.front()), __builtin_prefetch(&own.back());
    }
    for (std::size_t i = 0; i < batch.size(); ++i) out[first + i] = find(batch[i]);
  }
}

}  // namespace stuffwatch::corpus
