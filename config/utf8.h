// The little of UTF-8 that configuration needs: is this text, and how to show it in an error
// message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace stuffwatch::config {

// Length in bytes, 1 to 4, of the well-formed sequence text starts with; 0 when there is none (no
// surrogates, shortest form only).
[[nodiscard]] std::size_t utf8_length(std::string_view text);

// For messages: control characters and bytes that are not UTF-8 as \xNN, cut after about 60 bytes.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace stuffwatch::config
