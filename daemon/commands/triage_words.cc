#include "daemon/commands/triage_words.h"

#include <algorithm>

#include <fmt/format.h>

#include "daemon/commands/render.h"

namespace stuffwatch::daemon {

double share_of(std::uint64_t count, std::uint64_t all) {
  return all == 0 ? 0 : static_cast<double>(count) / static_cast<double>(all);
}

std::string about(std::uint64_t number) {
  if (number < 1'000'000) return grouped(number);
  const bool billions = number >= 999'500'000;
  const double scaled = static_cast<double>(number) / (billions ? 1e9 : 1e6);
  return fmt::format("{:.{}f} {}", scaled, scaled < 9.95 ? 1 : 0, billions ? "billion" : "million");
}

std::string percent(double share) {
  if (share <= 0) return "0 %";
  if (share >= 1) return "100 %";
  if (share < 0.0005) return "under 0.1 %";
  if (share > 0.9995) return "over 99.9 %";
  const bool fine = share < 0.0995 || share > 0.99;
  return fmt::format("{:.{}f} %", share * 100, fine ? 1 : 0);
}

std::string percent(const corpus::Interval& interval) {
  return fmt::format("{:.1f} to {:.1f} %", interval.low * 100, interval.high * 100);
}

double expected_share(const corpus::TriagedList& list, double population) {
  return std::min(1.0, static_cast<double>(list.held) / population);
}

corpus::OrderKind order_of(const corpus::TriagedList& list) {
  return list.order ? corpus::kind_of(list.order->matches, list.accounts)
                    : corpus::OrderKind::kNone;
}

double in_order_share(const corpus::MatchOrder& matches) {
  return share_of(matches.forward, matches.pairs);
}
double reverse_order_share(const corpus::MatchOrder& matches) {
  return share_of(matches.backward, matches.pairs);
}

}  // namespace stuffwatch::daemon
