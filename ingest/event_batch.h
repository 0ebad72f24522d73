// A decoded chunk: events, what only people read, and the verdict on every record.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "detectors/event.h"
#include "ingest/raw_chunk.h"
#include "ingest/raw_login.h"

namespace stuffwatch::ingest {

// Bump allocator for the batch's strings: addresses stay valid while the batch lives. Blocks are kept by clear().
class TextArena {
 public:
  [[nodiscard]] std::string_view copy(std::string_view text);
  void clear();

 private:
  static constexpr std::size_t kBlock = std::size_t{256} << 10;
  std::vector<std::unique_ptr<char[]>> blocks_, large_;
  std::size_t block_ = 0, used_ = kBlock;
};

// Per event, what the merge needs and no detector does.
struct EventOrigin {
  std::uint32_t record = 0;  // index into chunk.records
  bool yearless = false, zoneless = false;
  std::uint64_t event_id = 0;  // keyed hash of (tenant, event id), 0 = none: deduplicates
  // From when on its source is not trusted; a date and no verdict, because a yearless event has no
  // time yet.
  detectors::EventTime trusted_until = detectors::EventTime::min();
};

struct BadRecord {
  std::uint32_t record = 0;
  Reject why = Reject::kNone;
};

struct DecodeCounts {
  std::uint64_t records = 0, bytes = 0, decoded = 0, unknown_fields = 0, secret_fields = 0;
  std::uint64_t skipped[static_cast<std::size_t>(Skip::kCount)] = {};
  std::uint64_t rejected[static_cast<std::size_t>(Reject::kCount)] = {};

  DecodeCounts& operator+=(const DecodeCounts& more);
};

// events[i], texts[i] and origins[i] belong together, in record order. The chunk stays with the batch until its bad records are dead-lettered.
struct EventBatch {
  RawChunk chunk;
  TextArena arena;
  std::vector<detectors::LoginEvent> events;
  std::vector<detectors::EventText>
      texts;  // events[i].text is set to &texts[i] once the batch is complete
  std::vector<EventOrigin> origins;
  std::vector<BadRecord> bad;
  DecodeCounts counts;
};

}  // namespace stuffwatch::ingest
