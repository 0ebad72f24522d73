// What became of the records of a replay: for people, for programs, and what to do when too little did. Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "daemon/config.h"
#include "daemon/pipeline/pipeline.h"
#include "detectors/campaigns/json_writer.h"

namespace stuffwatch::daemon {

struct ReplayCounts {
  explicit ReplayCounts(const pipeline::Pipeline& pipeline);

  ingest::DecodeCounts records;
  pipeline::PipelineCounts events;
  std::map<std::string, std::uint64_t> formats;  // how many inputs are written so
  std::optional<std::pair<int, int>> years;  // first and last that stamps without one were given

  // Nothing but blank lines was left when the rejected records were out.
  [[nodiscard]] bool all_rejected() const;
  // One or two lines.
  [[nodiscard]] std::string text() const;
  // The members events, formats and years of an object that is open.
  void append_to(detectors::JsonWriter& w) const;
};

// Why no record became a login event, with the remedy; empty when some did, or there was none.
[[nodiscard]] std::string no_event_advice(const ReplayCounts& counts);
// How many events came out of order, with the remedy; empty when they are few.
[[nodiscard]] std::string order_advice(const ReplayCounts& counts, const MergeSection& merge);

}  // namespace stuffwatch::daemon
