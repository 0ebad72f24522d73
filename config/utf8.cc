#include "config/utf8.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>

namespace stuffwatch::config {
namespace {

constexpr std::size_t kShown = 60;

std::uint32_t byte(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

}  // namespace

std::size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const std::uint32_t first = byte(text, 0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (text.size() < length) return 0;
  std::uint32_t code = first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(text, i) & 0xC0U) != 0x80U) return 0;
    code = code << 6U | (byte(text, i) & 0x3FU);
  }
  constexpr std::array<std::uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return (code < kSmallest[length] || code > 0x10FFFF || surrogate) ? 0 : length;
}

std::string printable(std::string_view text) {
  std::string shown;
  for (std::size_t at = 0; at < text.size();) {
    if (shown.size() >= kShown) return shown + "...";
    const std::size_t length = utf8_length(text.substr(at));
    if (length == 0 || (length == 1 && (byte(text, at) < 0x20 || byte(text, at) == 0x7F))) {
      shown += fmt::format("\\x{:02x}", byte(text, at));
      ++at;
    } else {
      shown += text.substr(at, length);
      at += length;
    }
  }
  return shown;
}

}  // namespace stuffwatch::config
