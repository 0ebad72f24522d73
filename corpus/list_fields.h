// What list formats and header lines are made of: the names of fields, and how one field is cut out of a line. For list_format*.cc only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stuffwatch::corpus {

enum class FieldRole : std::uint8_t {
  kAddress,   // the account, when it is an e-mail address
  kName,      // the account, whatever it looks like, when no field is an address
  kPassword,  // may hold the delimiter
  kUrl,       // holds :// and perhaps a port
  kOther,
};

struct ListField {
  std::string_view name;
  FieldRole role;
};

// Other names of the same thing are known so that a header can be read; `email` is the first.
inline constexpr ListField kListFields[] = {
    {"email", FieldRole::kAddress},   {"mail", FieldRole::kAddress},
    {"e_mail", FieldRole::kAddress},  {"email_address", FieldRole::kAddress},
    {"user", FieldRole::kName},       {"username", FieldRole::kName},
    {"user_name", FieldRole::kName},  {"login", FieldRole::kName},
    {"account", FieldRole::kName},    {"phone", FieldRole::kName},
    {"pass", FieldRole::kPassword},   {"password", FieldRole::kPassword},
    {"passwd", FieldRole::kPassword}, {"url", FieldRole::kUrl},
    {"host", FieldRole::kUrl},        {"skip", FieldRole::kOther},
    {"hash", FieldRole::kOther},      {"salt", FieldRole::kOther},
    {"id", FieldRole::kOther},        {"user_id", FieldRole::kOther},
    {"name", FieldRole::kOther},      {"first_name", FieldRole::kOther},
    {"last_name", FieldRole::kOther}, {"list", FieldRole::kOther},
    {"breach", FieldRole::kOther},    {"date", FieldRole::kOther},
    {"ip", FieldRole::kOther},        {"country", FieldRole::kOther},
};

[[nodiscard]] constexpr bool is_account(FieldRole role) {
  return role == FieldRole::kAddress || role == FieldRole::kName;
}
// Upper and lower case are alike, and so are space, hyphen and underscore: "E-Mail Address" is e_mail_address.
[[nodiscard]] std::optional<std::uint8_t> list_field(std::string_view word);

[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
[[nodiscard]] constexpr bool is_blank(char c) {
  return c == ' ' || c == '\0' || (c >= '\t' && c <= '\r');
}

template <class Predicate>
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text, Predicate drop) {
  while (!text.empty() && drop(text.front())) text.remove_prefix(1);
  while (!text.empty() && drop(text.back())) text.remove_suffix(1);
  return text;
}

// Without byte order mark and line end. Tabs stay: they may stand for empty fields.
[[nodiscard]] std::string_view without_line_end(std::string_view line);

// Where the delimiter after the URL may begin: behind the scheme, and behind what can only be a port, as
// a path follows it or two fields do. 0 when there is neither.
[[nodiscard]] std::size_t end_of_url(std::string_view text, std::string_view delimiter);

// A field without the space and the quotes around it, and what is escaped in it as itself. `sql`: in
// single quotes, with backslashes.
[[nodiscard]] std::string_view unquoted(std::string_view text, bool sql, std::string& scratch);

}  // namespace stuffwatch::corpus
