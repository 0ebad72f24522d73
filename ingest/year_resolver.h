// Finds the year and the zone that a syslog stamp leaves out, from options and from data, never
// from a clock. One instance an input.
//
// Year, for a stamp without one, the first that applies:
//   1. no option `year`, but a Kafka record timestamp: the year that brings the stamp nearest to it
//   2. an event of this input was accepted before: its year, but the next one for a step back of
//      more than 300 days, and the one before for a step forward of more than 300 days (a line of
//      Dec 31 that comes late, after Jan 1)
//   3. other files of this input, or what stood in its place, were read before: the year counts on from them in
//      the same way
//   4. the option `year`: that of the input's first line, or of the oldest of files given together
//      (yearless_logs.h)
//   5. 2000, in UTC: assumed(); on Kafka no year at all
// Zone: the option, else UTC. Feb 29 in a year without one becomes Mar 1.
//
// Threads: one at a time. Cost: some 10 ns. Pure: the same calls give the same answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "config/result.h"
#include "ingest/raw_login.h"

namespace stuffwatch::ingest {

// "UTC", "Z", "+02:00", "-0530". Errors: anything else, with what to write instead; a named zone
// has a changing offset.
[[nodiscard]] config::Result<std::chrono::minutes> parse_zone(std::string_view text);

inline constexpr int kYearOfTheYearless = 2000;
[[nodiscard]] int year_of(EventTime time);
// The same month, day and time of day in another year; Feb 29 becomes Mar 1 where there is none.
[[nodiscard]] EventTime in_year(EventTime time, int year);
// The year that brings the stamp nearest to `to`.
[[nodiscard]] int nearest_year(EventTime stamp, EventTime to);

struct YearOptions {
  std::optional<int> year = std::nullopt;                   // inputs[].year
  std::optional<std::chrono::minutes> zone = std::nullopt;  // inputs[].zone: local time minus UTC
  bool year_2000 = true;  // files and standard input; false on Kafka, where it is an error
};

class YearResolver {
 public:
  explicit YearResolver(YearOptions options) : options_(options) {}

  // `record_timestamp_ms` < 0: none. nullopt: no year is to be had (kBadTime).
  [[nodiscard]] std::optional<EventTime> resolve(EventTime time, bool yearless, bool zoneless,
                                                 std::int64_t record_timestamp_ms);
  // An event of this input, with a year of its own or resolved, was accepted (after the skew
  // guard). Also on restart, with the newest of the checkpoint.
  void accepted(EventTime time) {
    if (!newest_ || time > *newest_) newest_ = time;
  }
  void follows(EventTime newest) { before_ = newest; }
  // The first stamp of the input, in a year that counts from 2000 at the oldest of the files given together.
  void begins(std::optional<EventTime> first) { first_ = first; }

  // The year 2000 was assumed: warn, and name the option.
  [[nodiscard]] bool assumed() const { return assumed_; }
  // The years given to stamps without one, for the summary.
  [[nodiscard]] std::optional<int> first_year() const { return first_year_; }
  [[nodiscard]] std::optional<int> last_year() const { return last_year_; }

 private:
  [[nodiscard]] std::optional<int> year_for(EventTime local, std::int64_t record_timestamp_ms);

  YearOptions options_;
  std::optional<EventTime> newest_, before_, first_;
  std::optional<int> first_year_, last_year_;
  bool assumed_ = false;
};

}  // namespace stuffwatch::ingest
