#include "config/duration.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace stuffwatch::config {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
constexpr std::array<Unit, 5> kUnits = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::string_view kForm =
    "a duration is written with its unit, such as 1500ms, 90s, 10m, 24h, 7d or 1h30m";

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds{0};
  std::int64_t total = 0;
  std::int64_t previous_unit = INT64_MAX;
  const char* at = text.data();
  const char* const end = at + text.size();
  if (at == end) return misconfigured("{}", kForm);
  while (at != end) {
    std::uint64_t count = 0;
    const auto [after, error] = std::from_chars(at, end, count);
    if (error == std::errc::result_out_of_range) return misconfigured("the duration is too long");
    if (error != std::errc{}) return misconfigured("{}", kForm);
    const char* const unit_end = std::find_if_not(after, end, is_letter);
    const std::string_view name(after, unit_end);
    const auto* const unit = std::ranges::find(kUnits, name, &Unit::name);
    if (unit == kUnits.end() || unit->milliseconds >= previous_unit)
      return misconfigured("{}", kForm);
    const auto left = static_cast<std::uint64_t>(INT64_MAX - total);
    if (count > left / static_cast<std::uint64_t>(unit->milliseconds))
      return misconfigured("the duration is too long");
    total += static_cast<std::int64_t>(count) * unit->milliseconds;
    previous_unit = unit->milliseconds;
    at = unit_end;
  }
  return std::chrono::milliseconds{total};
}

std::string format_duration(std::chrono::milliseconds duration) {
  const std::int64_t ms = duration.count();
  if (ms == 0) return "0s";
  for (const Unit& unit : kUnits)
    if (ms % unit.milliseconds == 0) return fmt::format("{}{}", ms / unit.milliseconds, unit.name);
  return {};  // not reached: every count is a multiple of 1 ms
}

}  // namespace stuffwatch::config
