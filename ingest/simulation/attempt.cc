#include "ingest/simulation/attempt.h"

namespace stuffwatch::ingest::simulation {

std::optional<EventTime> MergedStream::next_time() {
  std::optional<EventTime> earliest;
  for (std::size_t i = 0; i < streams_.size();) {
    const auto time = streams_[i]->next_time();
    if (!time) {
      streams_.erase(streams_.begin() + static_cast<std::ptrdiff_t>(i));
      continue;
    }
    if (!earliest || *time < *earliest) {
      earliest = time;
      first_ = i;
    }
    ++i;
  }
  return earliest;
}

}  // namespace stuffwatch::ingest::simulation
