// The little of UTF-8 that everybody needs: is this text, and how to show what others wrote so that it cannot pass for something else.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace stuffwatch::config {

// Length in bytes, 1 to 4, of the well-formed sequence text starts with; 0 when there is none (no
// surrogates, shortest form only).
[[nodiscard]] std::size_t utf8_length(std::string_view text);

[[nodiscard]] bool is_utf8(std::string_view text);

// A character that a reader sees, or the first byte of what is none.
struct Character {
  std::size_t bytes = 1;
  char32_t code = 0;  // 0 for what is not UTF-8
  bool visible =
      false;  // not so: a control (C0, DEL, C1), a line end, what has no width or turns the direction of text
};
// `text` is not empty.
[[nodiscard]] Character first_character(std::string_view text);

// One line of visible characters, for people; every other becomes '?'.
[[nodiscard]] std::string one_line(std::string_view text);

// For messages: what is not visible as \xNN, byte by byte, cut after about 60 bytes.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace stuffwatch::config
