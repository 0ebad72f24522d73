#include "config/bytes.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace stuffwatch::config {
namespace {

struct Unit {
  std::string_view name;
  unsigned shift;
};
constexpr std::array<Unit, 5> kUnits = {
    {{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"B", 0}}};

}  // namespace

Result<Bytes> parse_bytes(std::string_view text) {
  if (text == "0") return Bytes{0};
  std::uint64_t count = 0;
  const auto [after, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error == std::errc::result_out_of_range) return misconfigured("the size is too large");
  const std::string_view name = text.substr(static_cast<std::size_t>(after - text.data()));
  const auto* const unit = std::ranges::find(kUnits, name, &Unit::name);
  if (error != std::errc{} || unit == kUnits.end())
    return misconfigured(
        "a size is a whole number with its unit: B, KiB, MiB, GiB or TiB, such as 256KiB");
  if (count > (UINT64_MAX >> unit->shift)) return misconfigured("the size is too large");
  return Bytes{count << unit->shift};
}

std::string format_bytes(Bytes size) {
  if (size.count == 0) return "0B";
  for (const Unit& unit : kUnits) {
    const std::uint64_t whole = size.count >> unit.shift;
    if (whole << unit.shift == size.count) return fmt::format("{}{}", whole, unit.name);
  }
  return {};  // not reached: every count is a multiple of 1 B
}

}  // namespace stuffwatch::config
