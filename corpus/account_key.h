// An account as everything but the identity team sees it: a keyed 64-bit hash of its canonical name.
//
// One canonical form and one key serve breach lists, the register of the site's own accounts and live events: a difference
// anywhere would be a silent miss. The form has a version (kCanonicalVersion) that every stored artefact carries.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "config/result.h"

namespace stuffwatch::corpus {

inline constexpr std::uint32_t kCanonicalVersion = 1;

enum class AccountKey : std::uint64_t {};
[[nodiscard]] constexpr std::uint64_t value_of(AccountKey key) {
  return static_cast<std::uint64_t>(key);
}

enum class AccountClass : char { kEmail = 'e', kUserName = 'u', kPhone = 'p', kInvalid = 0 };

// Canonical form v1: UTF-8; ASCII lower-cased, else NFKC case folding and NFC; e-mail domains as IDNA2008 A-labels, lower case, without a trailing dot.
// Surrounding ASCII space is dropped. `out` receives the class byte followed by the form (what is hashed); its capacity is reused.
// Invalid UTF-8 and the empty name give kInvalid, and `out` then holds 'u' + the raw bytes: such names are still counted, never dropped.
// Cost: about 20 ns for an ASCII e-mail; some microseconds otherwise (normalisation, IDNA). Threads: any.
AccountClass canonicalise(std::string_view name, std::string& out);

// The secret that turns canonical names into keys, and derives every other keyed hash of the daemon. SipHash-2-4, 128-bit key.
// Threads: const members may be called from any. Memory: the key is locked and kept out of core dumps.
class AccountHasher {
 public:
  static constexpr std::size_t kKeyBytes = 32;  // master; purposes are derived from it (crypto_kdf)

  // The fixed key that `replay` uses when none is configured: reproducible anywhere, and therefore no protection.
  [[nodiscard]] static AccountHasher public_key();
  // Reads a key file (64 hex digits). Errors: absent, readable by others, wrong length; each with the remedy.
  [[nodiscard]] static config::Result<AccountHasher> from_file(const std::filesystem::path& file);
  // As from_file, but makes the file (0400, random key) when it is absent.
  [[nodiscard]] static config::Result<AccountHasher> from_file_or_create(
      const std::filesystem::path& file);

  // `scratch` is reused between calls and holds the canonical form afterwards.
  [[nodiscard]] AccountKey operator()(std::string_view name, std::string& scratch) const;

  // Keyed hash of any other string, under a purpose of its own (event ids, password tokens, device ids, clients, the provider's account ids).
  enum class Purpose : std::uint8_t { kEventId, kPasswordToken, kClient, kTable, kAccountId };
  [[nodiscard]] std::uint64_t keyed(Purpose purpose, std::string_view bytes) const;

  [[nodiscard]] std::uint64_t table_seed()
      const;  // mixes table indexes, so that nobody outside can choose collisions
  [[nodiscard]] std::uint64_t check_value() const;  // tells keys apart without giving one away
  [[nodiscard]] bool is_public() const { return public_; }

 private:
  struct Secrets;  // the derived keys
  explicit AccountHasher(const std::array<unsigned char, kKeyBytes>& master, bool is_public);
  std::shared_ptr<const Secrets>
      secrets_;  // in guarded, locked memory (sodium_malloc); copies share it
  bool public_ = false;
};

// "acct:" + 16 hex digits: how a keyed account is printed.
[[nodiscard]] std::string to_string(AccountKey key);

}  // namespace stuffwatch::corpus
