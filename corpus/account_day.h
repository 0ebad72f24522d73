// The days of an account: when it was created, and when it was closed.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace stuffwatch::corpus {

// Days since 1970-01-01; 0 = not said.
using Day = std::uint16_t;

// RFC 3339, the same without a zone (taken for UTC), a date alone, or seconds or milliseconds since 1970. 0 for what programs write when there is none:
// nothing, NULL, \N, 0, 0000-00-00 and every day before 1970-01-02. What is beyond the last Day (2149-06-06) is that one. Nothing: no date.
[[nodiscard]] std::optional<Day> parse_day(std::string_view text);

}  // namespace stuffwatch::corpus
