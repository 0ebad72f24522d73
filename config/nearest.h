// "did you mean ...?": the known word nearest to a mistyped one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace stuffwatch::config {

// The word with the fewest single-character edits (insert, delete, replace, swap of neighbours;
// upper and lower case alike), the first of equals; "" when all are more than 2 edits away, or more
// than a third of the typed word's length. Cost: words are short; a typed word of more than 64
// bytes is near to nothing.
[[nodiscard]] std::string nearest(std::string_view typed, std::span<const std::string> words);

}  // namespace stuffwatch::config
