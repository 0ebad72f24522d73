// The years of several syslog files that belong together and name none.
//
// Files of one rotation (auth.log.2.gz, auth.log.1, auth.log; auth.log-20261231, auth.log) follow one
// another: by the number at the end, the greatest first, or by the date; the one without is the last.
// A first stamp before that of the file in front means that a year has begun between them. Rotations
// are laid beside one another so that their last files begin within half a year of each other.
// A file that spans more than a year is beyond this.
//
// Pure: a function of names and of what stands in the files.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ingest/raw_login.h"

namespace stuffwatch::ingest {

struct YearlessLog {
  std::string path;
  std::optional<EventTime>
      first;  // its first stamp, in the year 2000; empty: it has a year, or no stamp
};

// The first stamp of a text, if it has no year.
[[nodiscard]] std::optional<EventTime> first_yearless_stamp(std::string_view text);

// Moves `first` into years that count on from 2000, which is that of the oldest file.
void count_years(std::span<YearlessLog> logs);

}  // namespace stuffwatch::ingest
