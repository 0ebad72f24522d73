#include "daemon/sinks/outbox_reader.h"

#include <fcntl.h>

#include <utility>

#include "daemon/sinks/outbox.h"

namespace stuffwatch::daemon::sinks {

using config::Result;

OutboxReader::OutboxReader(Outbox& outbox, std::string name, std::uint64_t cursor)
    : outbox_(outbox), name_(std::move(name)), cursor_(cursor), position_(cursor) {}

OutboxReader::~OutboxReader() { outbox_.detach(this); }

Result<std::vector<Entry>> OutboxReader::next(std::size_t count, std::size_t bytes) {
  std::vector<Entry> entries;
  std::size_t taken = 0;
  while (entries.size() < count && taken < bytes) {
    auto entry = scanner_.next();
    if (!entry) {
      const auto more = refill();
      if (!more && entries.empty()) return std::unexpected(more.error());
      if (!more || !*more) break;
      continue;
    }
    if (entry->sequence <= position_) continue;
    position_ = entry->sequence;
    taken += entry->revision.body.size();
    entries.push_back(std::move(*entry));
  }
  return entries;
}

// Reads the rest of the segment that holds the next record; false when there is none. The buffer always ends where a
// durable group ends, so a record that is cut short in it is damage.
Result<bool> OutboxReader::refill() {
  if (const std::size_t damaged = scanner_.damaged() + (buffer_.size() - scanner_.valid_end());
      damaged != 0)
    outbox_.report_damage(name_, damaged);
  buffer_.clear();
  scanner_ = RecordScanner({});
  const auto segment = outbox_.locate(position_);
  if (!segment) return false;
  if (!file_ || segment->first != segment_first_) {
    auto file = config::open_file(segment->path, O_RDONLY);
    if (!file) return std::unexpected(file.error());
    file_ = std::move(*file);
    segment_first_ = segment->first;
    offset_ = kSegmentHeaderBytes;
  }
  if (offset_ >=
      segment->bytes) {  // read to its end without meeting its last record: that one is damaged
    position_ = segment->last;
    return true;
  }
  auto bytes = config::read_range(file_, offset_, segment->bytes - offset_, segment->path);
  if (!bytes) return std::unexpected(bytes.error());
  buffer_ = std::move(*bytes);
  scanner_ = RecordScanner(buffer_);
  offset_ = segment->bytes;
  return true;
}

void OutboxReader::advance(std::uint64_t sequence, WallTime waiting) {
  cursor_ = sequence;
  waits_since(waiting);
}

}  // namespace stuffwatch::daemon::sinks
