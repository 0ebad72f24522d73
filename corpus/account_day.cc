#include "corpus/account_day.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <iterator>
#include <limits>
#include <string>

#include "config/rfc3339.h"

namespace stuffwatch::corpus {
namespace {

constexpr std::size_t kDateBytes = std::string_view("YYYY-MM-DD").size();

bool means_none(std::string_view text) {
  constexpr std::string_view kNone[] = {"", "NULL", "null", "\\N"};
  return std::ranges::find(kNone, text) != std::end(kNone) || text.starts_with("0000-00-00");
}

std::optional<Day> day_of(std::chrono::milliseconds since_1970) {
  const auto days = std::chrono::floor<std::chrono::days>(since_1970).count();
  return static_cast<Day>(std::clamp<std::int64_t>(days, 0, std::numeric_limits<Day>::max()));
}

// Milliseconds, or seconds, which are a thousand times smaller: no site has accounts of before 1973. Smaller numbers are flags or days, not times.
std::optional<Day> day_of_number(std::string_view text) {
  constexpr std::int64_t kLeast = 100'000'000, kLeastMs = kLeast * 1000;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (number == 0) return Day{0};
  if (number < kLeast) return std::nullopt;
  return day_of(number < kLeastMs ? std::chrono::milliseconds(std::chrono::seconds(number))
                                  : std::chrono::milliseconds(number));
}

}  // namespace

std::optional<Day> parse_day(std::string_view text) {
  if (means_none(text)) return Day{0};
  if (text.find_first_not_of("0123456789") == std::string_view::npos) return day_of_number(text);
  std::array midnight = std::to_array("YYYY-MM-DDT00:00:00Z");
  if (text.size() == kDateBytes) {
    std::ranges::copy(text, midnight.begin());
    text = {midnight.data(), midnight.size() - 1};
  }
  if (const auto time = config::parse_rfc3339(text)) return day_of(time->time_since_epoch());
  // Without a zone, and with half of one, as PostgreSQL writes it (+00).
  for (const char* const rest : {"Z", ":00"})
    if (const auto time = config::parse_rfc3339(std::string(text) + rest))
      return day_of(time->time_since_epoch());
  return std::nullopt;
}

}  // namespace stuffwatch::corpus
