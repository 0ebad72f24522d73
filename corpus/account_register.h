// The register of the site's own accounts: who exists, since when, and whether the account is still open; as keyed hashes, without a name.
//
//   <folder>/accounts.reg    what stands here (docs/account-register.md); written whole or not at all, 0600
//   <folder>/accounts.lock   empty; whoever writes holds it
//
// It comes from an export of the site's directory (corpus/account_loader.h) and is replaced as a whole. Readers keep the state that they opened.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/durable_file.h"
#include "config/result.h"
#include "config/rfc3339.h"
#include "corpus/account_columns.h"
#include "corpus/account_key.h"

namespace stuffwatch::corpus {

static_assert(std::endian::native == std::endian::little, "registers are little endian");

inline constexpr std::array<char, 8> kRegisterMagic{'A', 'C', 'C', 'T', 'R', 'E', 'G', '1'};
inline constexpr std::uint32_t kRegisterVersion = 1;

// Entries follow each other by hash, and no two have the same.
struct RegisteredAccount {
  std::uint64_t hash = 0;  // AccountKey
  std::uint64_t id = 0;    // AccountHasher::Purpose::kAccountId of the provider's id; 0 = not said
  Day created = 0, closed = 0;     // 0 = not said; closed in the future: still open
  std::uint16_t class_number = 0;  // from 1; 0 = none
  std::uint16_t reserved = 0;
};
static_assert(sizeof(RegisteredAccount) == 24);

// What was read: rows = accounts + duplicates + rejected.
struct RegisterSource {
  std::uint64_t rows = 0, duplicates = 0;
  std::array<std::uint64_t, 16> rejected{};  // by AccountReject
  std::int64_t loaded_ms = 0;                // since 1970
};

struct RegisterHeader {
  std::array<char, 8> magic = kRegisterMagic;
  std::uint32_t version = kRegisterVersion, header_bytes = sizeof(RegisterHeader);
  std::uint64_t file_bytes = 0, accounts = 0;
  std::uint64_t key_check = 0;  // AccountHasher::check_value(): another key finds nobody, silently
  std::uint32_t canonical_version = kCanonicalVersion, classes = 0;
  RegisterSource source;
  std::uint64_t accounts_xxh3 = 0, classes_xxh3 = 0;
  std::uint64_t xxh3 = 0;  // of the header before it
};
static_assert(sizeof(RegisterHeader) == 224);

// Threads: const members from any. Memory: 24 bytes an account and 0.5 to 1 for finding them. Cost: see find(); open() about 20 ns an account.
// Figures are of 10 million accounts.
class AccountRegister {
 public:
  static constexpr std::string_view kFileName = "accounts.reg", kLockName = "accounts.lock";
  static constexpr std::uint64_t kMaxAccounts = std::uint64_t{1} << 30;

  // Nothing for the key: whoever only counts needs none. Errors: kConfiguration for a folder without a register, one of another key or of a later version,
  // with the remedy; kFailed for one that is damaged or cut short. Each names the file.
  [[nodiscard]] static config::Result<AccountRegister> open(const std::filesystem::path& folder,
                                                            std::optional<std::uint64_t> key_check);

  // Null: the site has no such account. Two dependent misses: 80 to 90 ns when nothing waits for the answer.
  [[nodiscard]] const RegisteredAccount* find(AccountKey account) const;
  // As many answers as questions, their misses overlapped: 50 to 65 ns an account.
  void find(std::span<const AccountKey> accounts, std::span<const RegisteredAccount*> out) const;

  [[nodiscard]] std::span<const RegisteredAccount> accounts() const { return accounts_; }
  // Not closed on the day of the load.
  [[nodiscard]] bool is_open(const RegisteredAccount& account) const {
    return account.closed == 0 || account.closed > loaded_;
  }
  [[nodiscard]] std::uint64_t open_accounts() const { return open_; }
  [[nodiscard]] const std::vector<std::string>& classes() const {
    return classes_;
  }  // number 1 first
  [[nodiscard]] const RegisterSource& source() const { return header_.source; }
  [[nodiscard]] config::TimeMs loaded() const {
    return config::TimeMs{std::chrono::milliseconds{header_.source.loaded_ms}};
  }
  [[nodiscard]] std::uint64_t key_check() const { return header_.key_check; }

 private:
  [[nodiscard]] config::Result<void> read_header(const config::FileDescriptor& file,
                                                 const std::filesystem::path& path);
  [[nodiscard]] config::Result<void> read_accounts(const config::FileDescriptor& file,
                                                   const std::filesystem::path& path);
  [[nodiscard]] bool take_classes(std::string_view bytes);
  [[nodiscard]] bool make_directory();
  [[nodiscard]] std::uint64_t bucket_of(std::uint64_t hash) const {
    return hash >> (64 - bucket_bits_);
  }
  [[nodiscard]] std::span<const RegisteredAccount> bucket(std::uint64_t hash) const {
    const std::uint64_t own = bucket_of(hash);
    return accounts().subspan(begins_[own], begins_[own + 1] - begins_[own]);
  }

  RegisterHeader header_;
  std::vector<RegisteredAccount> accounts_;
  std::vector<std::string> classes_;
  std::vector<std::uint32_t>
      begins_;  // of the accounts of a bucket: of those whose hashes have the same top bits
  unsigned bucket_bits_ = 1;
  std::uint64_t open_ = 0;
  Day loaded_ = 0;
};

}  // namespace stuffwatch::corpus
