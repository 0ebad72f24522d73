// Durations that are written with their unit: 1500ms, 90s, 10m, 24h, 7d, and sums of them, largest
// first: 1h30m.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "config/result.h"

namespace stuffwatch::config {

// Never negative; a bare 0 is allowed, any other number needs its unit. Errors: kConfiguration,
// without position.
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text);

// One number and the largest unit that divides it: 5400000 ms -> "90m".
// parse_duration(format_duration(d)) == d for d >= 0.
[[nodiscard]] std::string format_duration(std::chrono::milliseconds duration);

}  // namespace stuffwatch::config
