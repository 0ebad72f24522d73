#include "daemon/sinks/revision_record.h"

#include <xxhash.h>

#include <cstring>
#include <utility>

#include "detectors/state/state_io.h"

namespace stuffwatch::daemon::sinks {
namespace {

using detectors::AttackKind;
using detectors::CampaignStatus;
using detectors::EventTime;
using detectors::Feed;
using detectors::Revision;
using detectors::RevisionReason;
using detectors::Severity;
using detectors::StateReader;
using detectors::StateWriter;
using detectors::Urgency;

constexpr std::uint32_t kMarker = 0x52575301;  // 01 'S' 'W' 'R'
constexpr std::uint8_t kPayloadVersion = 1;

struct RecordHeader {
  std::uint32_t marker = kMarker;
  std::uint32_t length = 0;
  std::uint64_t sequence = 0;
  std::uint64_t checksum = 0;
};
static_assert(sizeof(RecordHeader) == kRecordHeaderBytes);

std::uint64_t checksum(const RecordHeader& header, std::string_view payload) {
  const std::uint64_t seed = XXH3_64bits(&header, offsetof(RecordHeader, checksum));
  return XXH3_64bits_withSeed(payload.data(), payload.size(), seed);
}

void encode(std::string& out, const Entry& entry) {
  const Revision& revision = entry.revision;
  StateWriter writer(out);
  writer.put(kPayloadVersion);
  writer.put(revision.feed);
  writer.put(revision.severity);
  writer.put(revision.urgency);
  writer.put(revision.status);
  writer.put(revision.reason);
  writer.put(revision.attack);
  writer.put(revision.revision);
  writer.put(entry.appended.time_since_epoch().count());
  writer.put(revision.time.time_since_epoch().count());
  writer.put(revision.end_time.time_since_epoch().count());
  for (const std::string* text :
       {&revision.id, &revision.tenant, &revision.primary, &revision.summary, &revision.body})
    writer.text(*text);
}

// An enumerator that this version does not know makes the record unreadable rather than wrong.
template <class E>
E get_enum(StateReader& reader, E last) {
  const auto value = reader.get<E>();
  if (std::to_underlying(value) > std::to_underlying(last)) reader.fail();
  return value;
}

template <class Time>
Time get_time(StateReader& reader) {
  return Time(typename Time::duration(reader.get<std::int64_t>()));
}

std::optional<Entry> decode(std::uint64_t sequence, std::string_view payload) {
  StateReader reader(payload);
  if (reader.get<std::uint8_t>() != kPayloadVersion) return std::nullopt;
  Entry entry;
  entry.sequence = sequence;
  Revision& revision = entry.revision;
  revision.feed = get_enum(reader, Feed::kAccounts);
  revision.severity = get_enum(reader, Severity::kCritical);
  revision.urgency = get_enum(reader, Urgency::kPage);
  revision.status = get_enum(reader, CampaignStatus::kClosed);
  revision.reason = get_enum(reader, RevisionReason::kClosed);
  revision.attack = get_enum(reader, AttackKind::kOperational);
  revision.revision = reader.get<std::uint32_t>();
  entry.appended = get_time<WallTime>(reader);
  revision.time = get_time<EventTime>(reader);
  revision.end_time = get_time<EventTime>(reader);
  for (std::string* text :
       {&revision.id, &revision.tenant, &revision.primary, &revision.summary, &revision.body})
    *text = reader.text();
  if (reader.failed() || !reader.at_end()) return std::nullopt;
  return entry;
}

// The header at the front of `bytes`, when a whole record with the right checksum stands there.
std::optional<RecordHeader> whole_record(std::string_view bytes) {
  if (bytes.size() < kRecordHeaderBytes) return std::nullopt;
  RecordHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.marker != kMarker || header.length > kMaxRecordBytes) return std::nullopt;
  if (bytes.size() - kRecordHeaderBytes < header.length) return std::nullopt;
  if (checksum(header, bytes.substr(kRecordHeaderBytes, header.length)) != header.checksum)
    return std::nullopt;
  return header;
}

// Where a record may start at or after `offset`.
std::size_t next_marker(std::string_view bytes, std::size_t offset) {
  char marker[sizeof kMarker];
  std::memcpy(marker, &kMarker, sizeof kMarker);
  const std::size_t found = bytes.find(std::string_view(marker, sizeof marker), offset);
  return found == std::string_view::npos ? bytes.size() : found;
}

}  // namespace

bool append_record(std::string& out, const Entry& entry) {
  const std::size_t begin = out.size();
  out.append(kRecordHeaderBytes, '\0');
  encode(out, entry);
  const std::string_view payload = std::string_view(out).substr(begin + kRecordHeaderBytes);
  if (payload.size() > kMaxRecordBytes) {
    out.resize(begin);
    return false;
  }
  RecordHeader header;
  header.length = static_cast<std::uint32_t>(payload.size());
  header.sequence = entry.sequence;
  header.checksum = checksum(header, payload);
  std::memcpy(out.data() + begin, &header, sizeof header);
  return true;
}

std::optional<Entry> RecordScanner::next() {
  while (offset_ < bytes_.size()) {
    const auto header = whole_record(bytes_.substr(offset_));
    if (!header) {
      offset_ = next_marker(bytes_, offset_ + 1);
      continue;
    }
    damaged_ += offset_ - valid_end_;
    auto entry =
        decode(header->sequence, bytes_.substr(offset_ + kRecordHeaderBytes, header->length));
    const std::size_t size = kRecordHeaderBytes + header->length;
    offset_ += size;
    valid_end_ = offset_;
    if (!entry) damaged_ += size;  // whole, yet not of this version
    if (!entry || entry->sequence <= last_sequence_) continue;
    last_sequence_ = entry->sequence;
    return entry;
  }
  return std::nullopt;
}

}  // namespace stuffwatch::daemon::sinks
