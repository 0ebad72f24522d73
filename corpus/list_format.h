// From a line of a breach list to the account in it: what `--format` says, or what the first lines show.
//
// A format is names of fields joined by the delimiter of the list: email:pass, user|pass, account,list,
// url:login:pass, id:user:email:hash; `(id,email,pass)` is one row of an SQL INSERT a line; `mixed` is an
// e-mail address and then any of the usual delimiters. The account is the first `email`, else the first of
// user, login, account, phone. With `email` only an address counts; with the others any name does.
// Fields are found by their place. A password may hold the delimiter: it is counted around, from the
// other side of the line, and never compared, copied or looked at. Quotes as in CSV are undone.
//
// Threads: const members may be called from any.
// Memory:  none beyond the object, which is a plain value; `scratch` grows to the longest account that
//          has an escaped quote in it.
// Cost:    about 30 ns for an `email:pass` line of 40 bytes; guess() some 20 ms for 10,000 lines.
// Errors:  a LineReject; parse() kConfiguration, with the remedy and examples.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "config/result.h"

namespace stuffwatch::corpus {

// Why a line gives no account. What a list had of each is shown and kept with it.
enum class LineReject : std::uint8_t {
  kNone,
  kEmpty,
  kTooLong,          // more than ListFormat::kMaxLineBytes
  kBadUtf8,          // the account, not the line: passwords are anything
  kNoAccount,        // the field is missing or empty
  kNoAt,             // no address where the format wants one
  kBadAddress,       // two @, a local part of more than 64 bytes or with what no mail system takes
  kBadDomain,        // no dot, empty label, more than 255 bytes
  kHashOnly,         // the hex digest of an address or of a password
  kHeader,           // "email,password"
  kSeveralAccounts,  // more than one SQL row in the line
  kCount
};
// As metrics and JSON print it: too_long, bad_utf8.
[[nodiscard]] std::string_view name_of(LineReject reject);
// Counts by LineReject: visit(reason's name, count) for each that was met.
template <class Visit>
void for_each_reject(std::span<const std::uint64_t> counts, Visit&& visit) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(LineReject::kCount); ++i)
    if (counts[i] != 0) visit(name_of(static_cast<LineReject>(i)), counts[i]);
}

struct ListLine {
  std::string_view account;  // views the line or the scratch; empty when rejected
  LineReject reject = LineReject::kNone;
};

class ListFormat {
 public:
  static constexpr std::size_t kMaxLineBytes = 4096;
  static constexpr std::size_t kGuessLines = 10'000;

  ListFormat() = default;  // `email`
  [[nodiscard]] static config::Result<ListFormat> parse(std::string_view text);
  // What the header line says, else the format that finds most addresses in the first kGuessLines, else
  // user names in front of the delimiter with the most consistent number of fields, else `email`: a list
  // of bare words is taken for user names only when told so, as it may be one of passwords.
  [[nodiscard]] static ListFormat guess(std::span<const std::string_view> first_lines);

  // `line` with or without its end. The account is trimmed of space, NUL and quotes, not canonical.
  [[nodiscard]] ListLine account_of(std::string_view line, std::string& scratch) const;

  // What parse() takes for the same format.
  [[nodiscard]] std::string name() const;

 private:
  enum class Shape : std::uint8_t { kDelimited, kRow, kMixed };
  static constexpr std::size_t kMaxFields = 24, kMaxDelimiter = 4;

  bool add_field(std::string_view name);
  bool add_delimiter(std::string_view between);
  bool settle();
  [[nodiscard]] std::string_view delimiter() const { return {delimiter_.data(), delimiter_size_}; }
  [[nodiscard]] std::size_t end_of_field(std::string_view rest, bool is_url) const;
  [[nodiscard]] LineReject find(std::string_view line, std::string_view& field) const;
  [[nodiscard]] LineReject find_in_row(std::string_view line, std::string_view& field) const;
  [[nodiscard]] ListLine judge(std::string_view account) const;

  Shape shape_ = Shape::kDelimited;
  std::uint8_t delimiter_size_ = 0, field_count_ = 1;
  std::uint8_t account_ = 0;  // column, from the left or from the right
  bool from_right_ = false;   // a password stands in front of the account
  bool takes_names_ = false;  // a name without @ is an account
  bool quotes_ = false;       // a field may be quoted to hold the delimiter
  std::array<char, kMaxDelimiter> delimiter_{};
  std::array<std::uint8_t, kMaxFields> fields_{};  // which of the known names; 0 is `email`
};

}  // namespace stuffwatch::corpus
