#include "config/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace stuffwatch::config {
namespace {

constexpr std::size_t kShown = 60;

std::uint32_t byte(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

// First and last code point, by rising order: Unicode's controls (Cc), line ends (Zl, Zp) and format characters (Cf) but those of single scripts.
constexpr std::array<std::array<char32_t, 2>, 12> kInvisible = {{{0x00, 0x1F},
                                                                 {0x7F, 0x9F},
                                                                 {0xAD, 0xAD},
                                                                 {0x61C, 0x61C},
                                                                 {0x180E, 0x180E},
                                                                 {0x200B, 0x200F},
                                                                 {0x2028, 0x202E},
                                                                 {0x2060, 0x206F},
                                                                 {0xFEFF, 0xFEFF},
                                                                 {0xFFF9, 0xFFFB},
                                                                 {0x1BCA0, 0x1BCA3},
                                                                 {0xE0000, 0xE007F}}};

bool is_visible(char32_t code) {
  return std::ranges::none_of(
      kInvisible, [=](const auto& range) { return code >= range[0] && code <= range[1]; });
}

// 0 bytes when the text starts with no well-formed sequence.
Character decode(std::string_view text) {
  if (text.empty()) return {0};
  const std::uint32_t first = byte(text, 0);
  if (first < 0x80) return {1, first};
  if (first < 0xC2 || first > 0xF4) return {0};
  const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (text.size() < length) return {0};
  char32_t code = first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(text, i) & 0xC0U) != 0x80U) return {0};
    code = code << 6U | (byte(text, i) & 0x3FU);
  }
  constexpr std::array<char32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < kSmallest[length] || code > 0x10FFFF || surrogate) return {0};
  return {length, code};
}

}  // namespace

std::size_t utf8_length(std::string_view text) { return decode(text).bytes; }

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

Character first_character(std::string_view text) {
  Character found = decode(text);
  found.visible = found.bytes != 0 && is_visible(found.code);
  found.bytes = std::max<std::size_t>(found.bytes, 1);
  return found;
}

std::string one_line(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const Character next = first_character(text);
    shown += next.visible ? text.substr(0, next.bytes) : "?";
    text.remove_prefix(next.bytes);
  }
  return shown;
}

std::string printable(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    if (shown.size() >= kShown) return shown + "...";
    const Character next = first_character(text);
    if (next.visible)
      shown += text.substr(0, next.bytes);
    else
      for (std::size_t i = 0; i < next.bytes; ++i) shown += fmt::format("\\x{:02x}", byte(text, i));
    text.remove_prefix(next.bytes);
  }
  return shown;
}

}  // namespace stuffwatch::config
