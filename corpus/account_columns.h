// One row of an export of the site's own accounts: a name, and perhaps the provider's id, when it was created and closed, and its class.
//
// Columns are found by the words of a header line, or said (`email;skip;closed`); their words and their order of preference are in account_columns.cc.
// A cell may be quoted as in CSV to hold the delimiter, but not a line end. Cells of other columns are stepped over and never compared or copied.
//
// Threads: const members from any. Memory: none beyond the object and what AccountRow grows to. Cost: about 150 ns a row of five columns.
// Errors:  an AccountReject; parse() and of_first_line() kConfiguration, with the remedy and without a word of the line: it may be a password.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"
#include "corpus/account_day.h"

namespace stuffwatch::corpus {

// Why a row gives no account.
enum class AccountReject : std::uint8_t {
  kNone,
  kEmpty,
  kTooLong,         // more than AccountColumns::kMaxLineBytes
  kNoAccount,       // the column is missing or empty
  kBadUtf8,         // the name, the id or the class
  kBadQuotes,       // a quote that nothing closes, or with something behind it
  kTooManyColumns,  // a delimiter that should stand in quotes: the columns behind it are other ones
  kBadDate,
  kBadClass,  // longer than kMaxClassBytes, or not one line of visible characters
  kCount
};
// As JSON prints it: too_long, bad_date.
[[nodiscard]] std::string_view name_of(AccountReject reject);

struct AccountRow {
  std::string_view account, id,
      class_name;               // view the line or the scratch; id and class_name may be empty
  Day created = 0, closed = 0;  // 0: not said

  std::array<std::string, 3>
      scratch;  // for what is escaped in a quoted cell; the capacity is reused
};

class AccountColumns {
 public:
  static constexpr std::size_t kMaxLineBytes = 4096, kMaxClassBytes = 64;
  enum class Role : std::uint8_t { kAccount, kId, kCreated, kClosed, kClass, kSkip };
  static constexpr std::size_t kRoles = 5;  // that are read

  // Words joined by the delimiter: , ; | or a tab, which may be written \t. One word: the whole line is the name.
  [[nodiscard]] static config::Result<AccountColumns> parse(std::string_view text);
  // Of the header that the line is. One name a line when it is none and holds no delimiter; else an error.
  [[nodiscard]] static config::Result<AccountColumns> of_first_line(std::string_view line);

  // Whether what stands in the column of the account is the word for it.
  [[nodiscard]] bool is_header(std::string_view line) const;
  [[nodiscard]] AccountReject read(std::string_view line, AccountRow& out) const;

  // The word that stands, or was said, for what is read; empty: there is no such column.
  [[nodiscard]] const std::string& word(Role role) const {
    return words_[static_cast<std::size_t>(role)];
  }
  // Columns whose words sound like passwords; they should not be in the export.
  [[nodiscard]] const std::vector<std::string>& secrets() const { return secrets_; }

 private:
  // False: no word is an account's.
  bool take_words(std::string_view line, char delimiter, bool header);
  [[nodiscard]] AccountReject cut(std::string_view line,
                                  std::array<std::string_view, kRoles>& cells) const;

  char delimiter_ = '\0';    // none: the line is the name
  std::vector<Role> roles_;  // of each column
  std::array<std::string, kRoles> words_;
  std::vector<std::string> secrets_;
};

}  // namespace stuffwatch::corpus
