#include "corpus/list_fields.h"

#include <algorithm>
#include <iterator>

namespace stuffwatch::corpus {
namespace {

bool is_same_word(std::string_view word, std::string_view name) {
  return std::ranges::equal(word, name, {},
                            [](char c) { return c == ' ' || c == '-' ? '_' : lower(c); });
}

}  // namespace

std::optional<std::uint8_t> list_field(std::string_view word) {
  const auto* const found = std::ranges::find_if(
      kListFields, [&](const ListField& field) { return is_same_word(word, field.name); });
  if (found == std::end(kListFields)) return std::nullopt;
  return static_cast<std::uint8_t>(found - std::begin(kListFields));
}

std::string_view without_line_end(std::string_view line) {
  if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  return trimmed(line, [](char c) { return c == ' ' || c == '\r' || c == '\n' || c == '\0'; });
}

std::size_t end_of_url(std::string_view text, std::string_view delimiter) {
  constexpr std::size_t kLongestScheme = 16, kPortDigits = 5;
  const std::size_t scheme = text.substr(0, kLongestScheme + 3).find("://");
  const std::size_t host = scheme != std::string_view::npos ? scheme + 3 : 0;
  if (delimiter != ":") return host;
  const std::size_t colon = text.find_first_of(":/", host);
  if (colon == std::string_view::npos || text[colon] == '/') return host;
  const std::size_t end = text.find_first_not_of("0123456789", colon + 1);
  if (end == std::string_view::npos || end == colon + 1 || end - colon - 1 > kPortDigits)
    return host;
  const bool fields_follow = text[end] == ':' && text.find(':', end + 1) != std::string_view::npos;
  return text[end] == '/' || fields_follow ? end : host;
}

std::string_view unquoted(std::string_view text, bool sql, std::string& scratch) {
  text = trimmed(text, is_blank);
  const bool single = text.size() > 1 && text.front() == '\'' && text.back() == '\'';
  if (!single && !text.starts_with('"') && !text.ends_with('"')) return text;
  const char quote = single ? '\'' : '"';
  if (text.front() == quote) text.remove_prefix(1);
  if (text.ends_with(quote)) text.remove_suffix(1);
  if (text.find(quote) != std::string_view::npos ||
      (sql && text.find('\\') != std::string_view::npos)) {
    scratch.clear();
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool escape = (sql && text[i] == '\\') || text[i] == quote;
      if (escape && i + 1 < text.size() && (text[i] == '\\' || text[i + 1] == quote)) ++i;
      scratch.push_back(text[i]);
    }
    text = scratch;
  }
  return trimmed(text, is_blank);
}

}  // namespace stuffwatch::corpus
