// Instants as text, RFC 3339: 2026-01-02T03:04:05.678Z.
// Cost: about 10 ns each way and no allocation (append_rfc3339 only grows its string); no locale,
// no time zone database.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace stuffwatch::config {

using TimeMs = std::chrono::sys_time<std::chrono::milliseconds>;

// Strict: the whole text is one date-time of years 0001 to 9999 (in UTC too) with a zone, Z or
// +hh:mm; the separator is T, t or a blank. Any number of fractional digits, cut (not rounded) to
// milliseconds. A leap second, 23:59:60 UTC, is 23:59:59.999.
[[nodiscard]] std::optional<TimeMs> parse_rfc3339(std::string_view text);

// UTC with milliseconds, 24 characters. A time outside the years 0001 to 9999 is moved to the
// nearest one inside.
[[nodiscard]] std::string format_rfc3339(TimeMs time);
void append_rfc3339(std::string& out, TimeMs time);

}  // namespace stuffwatch::config
