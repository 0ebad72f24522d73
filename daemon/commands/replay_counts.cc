#include "daemon/commands/replay_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <string_view>

#include "config/duration.h"

namespace stuffwatch::daemon {
namespace {

using ingest::Reject;
using ingest::Skip;

constexpr std::uint64_t kFewOutOfOrder = 100;  // one in so many events

template <std::size_t N>
std::uint64_t sum_of(const std::uint64_t (&counts)[N]) {
  return std::accumulate(std::begin(counts), std::end(counts), std::uint64_t{0});
}

template <class Reason, std::size_t N, class Take>
void for_each_reason(const std::uint64_t (&counts)[N], Take take) {
  for (std::size_t i = 1; i < N; ++i)
    if (counts[i] != 0) take(name_of(static_cast<Reason>(i)), counts[i]);
}

std::string listed(const std::map<std::string, std::uint64_t>& formats) {
  std::string names;
  for (const auto& [name, count] : formats)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  return names.empty() ? "no format" : names;
}

// Events that came as far as the merge.
std::uint64_t merged(const pipeline::PipelineCounts& events) {
  return events.events + events.late + events.duplicates + events.trusted;
}

std::string_view remedy(Reject most) {
  switch (most) {
    case Reject::kNotJson:
    case Reject::kNotThisFormat:
      return "are they in this format? Without --format (and inputs[].format) it is found from the "
             "records";
    case Reject::kMissingTime:
    case Reject::kMissingAccount:
    case Reject::kMissingAddress:
    case Reject::kMissingOutcome:
    case Reject::kBadAddress:
    case Reject::kBadOutcome:
    case Reject::kBadValue:
    case Reject::kDuplicateField:
      return "are they in this format? stuffwatch schema event describes the native one; another "
             "is named with --format";
    case Reject::kBadTime:
      return "a time is RFC 3339 with its zone, or epoch milliseconds; for stamps without a year "
             "set inputs[].year";
    case Reject::kInvalidUtf8: return "convert the text to UTF-8 first (iconv)";
    case Reject::kTooLarge:
    case Reject::kTooDeep: return "a record is one line of at most 1 MiB: is this a log?";
    case Reject::kTruncated: return "the lines are cut off: raise the limit of what writes them";
    case Reject::kClockAhead: return "sort the records by time";
    case Reject::kNone:
    case Reject::kCount: break;
  }
  std::unreachable();
}

}  // namespace

ReplayCounts::ReplayCounts(const pipeline::Pipeline& pipeline) : events(pipeline.counts()) {
  pipeline.merge().for_each([&](const pipeline::InputQueue& input, bool, bool) {
    records += input.counts();
    if (input.decoder() != nullptr) ++formats[std::string(input.decoder()->name)];
    const ingest::YearResolver& given = input.years();
    if (!given.first_year()) return;
    const int first = *given.first_year(), last = *given.last_year();
    years = years ? std::pair(std::min(years->first, first), std::max(years->second, last))
                  : std::pair(first, last);
  });
}

bool ReplayCounts::all_rejected() const {
  const std::uint64_t rejected = sum_of(records.rejected);
  const std::uint64_t blank = records.skipped[static_cast<std::size_t>(Skip::kBlankLine)];
  return rejected != 0 && merged(events) == 0 && rejected + blank >= records.records;
}

std::string ReplayCounts::text() const {
  std::string out = fmt::format(
      "{} records ({}): {} login events, {} skipped, {} rejected, {} duplicates, {} late, {} "
      "trusted\n",
      records.records, listed(formats), events.events, sum_of(records.skipped),
      sum_of(records.rejected), events.duplicates, events.late, events.trusted);
  if (years)
    out += years->first == years->second
               ? fmt::format("stamps without a year were read as {}\n", years->first)
               : fmt::format("stamps without a year were read as {} to {}\n", years->first,
                             years->second);
  return out;
}

void ReplayCounts::append_to(detectors::JsonWriter& w) const {
  const auto member = [&](std::string_view name, std::uint64_t count) { w.member(name, count); };
  w.key("events").open_object();
  w.member("read", records.records).member("decoded", events.events);
  w.key("skipped").open_object();
  for_each_reason<Skip>(records.skipped, member);
  w.close_object().key("rejected").open_object();
  for_each_reason<Reject>(records.rejected, member);
  w.close_object().member("duplicates", events.duplicates).member("late", events.late);
  w.member("trusted", events.trusted).close_object();
  w.key("formats").open_object();
  for (const auto& [name, count] : formats) w.member(name, count);
  w.close_object();
  if (!years) return;
  w.key("years").open_object();
  w.member("first", years->first).member("last", years->second).close_object();
}

std::string no_event_advice(const ReplayCounts& counts) {
  const ingest::DecodeCounts& records = counts.records;
  const bool none = counts.all_rejected() || records.decoded == 0;
  if (records.records == 0 || !none) return {};
  std::string reasons;
  const auto append = [&](std::string_view name, std::uint64_t count) {
    reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", count, name);
  };
  for_each_reason<Reject>(records.rejected, append);
  for_each_reason<Skip>(records.skipped, append);
  std::string out = fmt::format("none of {} records ({}) became a login event: {}", records.records,
                                listed(counts.formats), reasons);
  const auto most = std::ranges::max_element(records.rejected);
  if (*most == 0) return out;
  return out + "; " + std::string(remedy(static_cast<Reject>(most - std::begin(records.rejected))));
}

std::string order_advice(const ReplayCounts& counts, const MergeSection& merge) {
  const std::uint64_t late = counts.events.late;
  const std::uint64_t ahead =
      counts.records.rejected[static_cast<std::size_t>(Reject::kClockAhead)];
  const std::uint64_t lost = late + ahead, all = merged(counts.events) + ahead;
  if (lost * kFewOutOfOrder < all || lost == 0) return {};
  return fmt::format(
      "{} of {} login events were out of order and reached no detector: {} more than "
      "merge.allowed_lateness ({}) behind, {} more than merge.max_clock_skew ({}) ahead; sort the "
      "records by time, or raise the keys (--set merge.allowed_lateness=1h)",
      lost, all, late, config::format_duration(merge.allowed_lateness), ahead,
      config::format_duration(merge.max_clock_skew));
}

}  // namespace stuffwatch::daemon
