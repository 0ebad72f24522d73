// What `--format` says, and how it is said back.
#include <algorithm>
#include <string>
#include <vector>

#include "config/nearest.h"
#include "config/utf8.h"
#include "corpus/list_fields.h"
#include "corpus/list_format.h"

namespace stuffwatch::corpus {
namespace {

using config::misconfigured;

constexpr std::string_view kExamples =
    "email, email:pass, email;pass, user|pass, account,list, id:user:email:hash, url:login:pass, "
    "pass:email, \"email\\tpass\", (id,email,pass) for SQL rows, or mixed";

// What spreadsheets and databases write, quoting what holds it. Elsewhere a quote is a byte of a password.
constexpr std::string_view kQuotingDelimiters = ";|,\t";

bool is_word(char c) { return (lower(c) >= 'a' && lower(c) <= 'z') || is_digit(c) || c == '_'; }

std::string unescaped_tabs(std::string_view text) {
  std::string out(text);
  for (std::size_t i = 0; (i = out.find("\\t", i)) != std::string::npos;) out.replace(i, 2, "\t");
  return out;
}

std::string with_escaped_tab(std::string_view text) {
  std::string out;
  for (const char c : text) c == '\t' ? out += "\\t" : out += c;
  return out;
}

// The next run of bytes that are (not) part of a field's name.
std::string_view take(std::string_view& text, bool word) {
  const auto* const end = std::ranges::find_if(text, [word](char c) { return is_word(c) != word; });
  const auto length = static_cast<std::size_t>(end - text.begin());
  const std::string_view taken = text.substr(0, length);
  text.remove_prefix(length);
  return taken;
}

config::Result<ListFormat> unknown_field(std::string_view name) {
  std::vector<std::string> names;
  std::string all;
  for (const ListField& field : kListFields) {
    names.emplace_back(field.name);
    all += (all.empty() ? "" : ", ") + names.back();
  }
  const std::string nearest = config::nearest(name, names);
  return misconfigured("list format: no field is called '{}'{}; fields: {}; formats are, e.g., {}",
                       config::printable(name),
                       nearest.empty() ? "" : "; did you mean " + nearest + "?", all, kExamples);
}

}  // namespace

bool ListFormat::add_field(std::string_view name) {
  const auto known = list_field(name);
  if (!known || field_count_ == kMaxFields) return false;
  fields_[field_count_++] = *known;
  return true;
}

// `between` stands behind a field; space around a delimiter says nothing. False: another than before.
bool ListFormat::add_delimiter(std::string_view between) {
  const auto bare = trimmed(between, [](char c) { return c == ' '; });
  between = bare.empty() ? " " : bare;
  if (between.size() > kMaxDelimiter || (field_count_ > 1 && between != delimiter())) return false;
  std::ranges::copy(between, delimiter_.begin());
  delimiter_size_ = static_cast<std::uint8_t>(between.size());
  return shape_ != Shape::kRow || between == ",";
}

// Which field is the account, and from which side it is counted. False when there is none, or when a
// password stands on both sides of it so that no side is safe.
bool ListFormat::settle() {
  const auto role = [this](std::size_t i) { return kListFields[fields_[i]].role; };
  std::size_t column = 0;
  while (column < field_count_ && role(column) != FieldRole::kAddress) ++column;
  takes_names_ = column == field_count_;
  if (takes_names_) column = 0;
  while (column < field_count_ && !is_account(role(column))) ++column;
  if (column == field_count_) return false;
  bool before = false, after = false;
  for (std::size_t i = 0; i < field_count_; ++i) {
    const bool unsafe = role(i) == FieldRole::kPassword ||
                        (role(i) == FieldRole::kUrl && i > column && delimiter() == ":");
    (i < column ? before : after) |= unsafe;
  }
  from_right_ = before && shape_ == Shape::kDelimited;
  quotes_ =
      delimiter_size_ == 1 && kQuotingDelimiters.find(delimiter_[0]) != std::string_view::npos;
  account_ = static_cast<std::uint8_t>(from_right_ ? field_count_ - 1U - column : column);
  return !(from_right_ && after);
}

config::Result<ListFormat> ListFormat::parse(std::string_view text) {
  ListFormat format;
  if (text == "mixed") {
    format.shape_ = Shape::kMixed;
    return format;
  }
  format.field_count_ = 0;
  const std::string with_tabs = unescaped_tabs(text);
  std::string_view rest = with_tabs;
  if (rest.starts_with('(') && rest.ends_with(')')) {
    format.shape_ = Shape::kRow;
    rest = rest.substr(1, rest.size() - 2);
  }
  while (true) {
    const std::string_view name = take(rest, true);
    if (format.field_count_ == kMaxFields)
      return misconfigured("list format: more than {} fields; leave out those behind the account",
                           kMaxFields);
    if (!format.add_field(name)) return unknown_field(name);
    if (rest.empty()) break;
    if (!format.add_delimiter(take(rest, false)))
      return misconfigured(
          "list format: '{}' does not keep to one delimiter of at most {} bytes; formats are, "
          "e.g., {}",
          config::printable(text), kMaxDelimiter, kExamples);
  }
  if (!format.settle())
    return misconfigured(
        "list format: '{}' does not say where the account is: one field must be email, user, "
        "login, account "
        "or phone, and what may hold the delimiter may stand on one side of it only; formats are, "
        "e.g., {}",
        config::printable(text), kExamples);
  return format;
}

std::string ListFormat::name() const {
  if (shape_ == Shape::kMixed) return "mixed";
  std::string out;
  for (std::size_t i = 0; i < field_count_; ++i) {
    if (i > 0) out += with_escaped_tab(delimiter());
    out += kListFields[fields_[i]].name;
  }
  return shape_ == Shape::kRow ? "(" + out + ")" : out;
}

}  // namespace stuffwatch::corpus
