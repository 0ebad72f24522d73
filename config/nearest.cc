#include "config/nearest.h"

#include <algorithm>
#include <array>

namespace stuffwatch::config {
namespace {

constexpr std::size_t kLongest = 64;
constexpr std::size_t kMostEdits = 2;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Optimal string alignment distance (Damerau 1964), three rows.
std::size_t edits(std::string_view a, std::string_view b) {
  using Row = std::array<std::size_t, kLongest + 1>;
  Row before{}, above{}, row{};
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
          lower(a[i - 2]) == lower(b[j - 1]))
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = above;
    above = row;
  }
  return above[b.size()];
}

}  // namespace

std::string nearest(std::string_view typed, std::span<const std::string> words) {
  if (typed.empty() || typed.size() > kLongest) return {};
  std::size_t fewest = std::min(kMostEdits, std::max<std::size_t>(1, typed.size() / 3)) + 1;
  std::string_view best;
  for (const std::string& word : words) {
    if (word.size() > kLongest) continue;
    if (const std::size_t count = edits(typed, word); count < fewest) {
      fewest = count;
      best = word;
    }
  }
  return std::string(best);
}

}  // namespace stuffwatch::config
