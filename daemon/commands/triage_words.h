// Numbers of a triage as words. For triage_*.cc only.
#pragma once

#include <cstdint>
#include <string>

#include "corpus/triage.h"

namespace stuffwatch::daemon {

// Below so many lines nothing is said of where they come from: a share is known to five points at best (95 %).
inline constexpr std::uint64_t kFewLines = 400;
// From so many on intervals are too narrow to be shown.
inline constexpr std::uint64_t kManyLines = 1'000'000;

[[nodiscard]] double share_of(std::uint64_t count, std::uint64_t all);  // 0 of 0
// 431000123 -> "431 million"; below a million all digits
[[nodiscard]] std::string about(std::uint64_t number);
// 0.613 -> "61 %", 0.0042 -> "0.4 %"; what is not quite nothing, or not quite all, does not look so
[[nodiscard]] std::string percent(double share);
// "60.6 to 61.4 %"
[[nodiscard]] std::string percent(const corpus::Interval& interval);
// What a random mailbox of so many in the world has.
[[nodiscard]] double expected_share(const corpus::TriagedList& list, double population);
[[nodiscard]] corpus::OrderKind order_of(const corpus::TriagedList& list);
[[nodiscard]] double in_order_share(const corpus::MatchOrder& matches);
[[nodiscard]] double reverse_order_share(const corpus::MatchOrder& matches);

}  // namespace stuffwatch::daemon
