// Writes a register of accounts, in whatever order they come. The same accounts in the same order give the same bytes.
//
// Threads: one. Memory: 24 bytes a row, and what vectors that grow leave behind: 26 measured. Cost: about 80 ns an account.
// Errors:  kFailed, naming the file; nothing is left then, and the register is the one before.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"
#include "corpus/account_register.h"

namespace stuffwatch::corpus {

class AccountRegisterWriter {
 public:
  static constexpr std::size_t kMaxClasses = 256;

  // Of several with the same hash the last one counts.
  void add(const RegisteredAccount& account) {
    parts_[account.hash >> (64 - kPartBits)].push_back(account);
  }
  // Empty: 0. Errors: kConfiguration for more than kMaxClasses different ones.
  [[nodiscard]] config::Result<std::uint16_t> class_number(std::string_view name);

  // Makes the folder when there is none. `source` without duplicates, which are told here: how many of what was added do not count.
  // Errors: also another process that writes.
  [[nodiscard]] config::Result<std::uint64_t> finish(const std::filesystem::path& folder,
                                                     const RegisterSource& source,
                                                     std::uint64_t key_check);

 private:
  static constexpr unsigned kPartBits = 8;
  // Sorts and takes out duplicates.
  [[nodiscard]] RegisterHeader header_of(const RegisterSource& source, std::string_view classes);

  std::array<std::vector<RegisteredAccount>, std::size_t{1} << kPartBits> parts_;
  std::vector<std::string> classes_;
};

}  // namespace stuffwatch::corpus
