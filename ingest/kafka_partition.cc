#include "ingest/kafka_partition.h"

#include <algorithm>
#include <cstring>

namespace stuffwatch::ingest {
namespace {

constexpr std::size_t kMaxRecords = 4096;
constexpr std::size_t kMaxBytes = std::size_t{128} << 10U;

bool is_record(const rd_kafka_message_t& message) {
  return message.err == RD_KAFKA_RESP_ERR_NO_ERROR;
}

// A tombstone is a record without a payload: an empty one.
std::size_t payload_bytes(const rd_kafka_message_t& message) {
  return message.payload == nullptr ? 0 : message.len;
}

}  // namespace

KafkaPartition::KafkaPartition(rd_kafka_t& client, std::string topic, std::int32_t partition,
                               InputId id)
    : client_(client),
      topic_(std::move(topic)),
      partition_(partition),
      id_(id),
      queue_(rd_kafka_queue_get_partition(&client, topic_.c_str(), partition)),
      buffer_(kMaxRecords) {
  if (queue_) rd_kafka_queue_forward(queue_.get(), nullptr);
}

// As many messages as make about a chunk, going by the size of the last ones: what is taken here
// but not yet handed out is memory that the library no longer counts.
bool KafkaPartition::refill() {
  fetched_.clear();
  next_ = 0;
  if (!queue_) return false;
  const std::size_t want =
      std::clamp<std::size_t>(kMaxBytes / std::max<std::size_t>(mean_bytes_, 1), 16, kMaxRecords);
  const ssize_t got = rd_kafka_consume_batch_queue(queue_.get(), 0, buffer_.data(), want);
  for (ssize_t i = 0; i < got; ++i) fetched_.emplace_back(buffer_[static_cast<std::size_t>(i)]);
  return got > 0;
}

KafkaPartition::Outcome KafkaPartition::read(RawChunk& out, std::int64_t end) {
  if (!queue_) {
    error_ = explain_kafka_error(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION);
    return Outcome::kError;
  }
  while (next_ < fetched_.size() || refill()) {
    if (!is_record(*fetched_[next_])) {
      const Outcome outcome = note_event(*fetched_[next_]);
      ++next_;
      if (outcome != Outcome::kNothing) return outcome;
      continue;
    }
    std::size_t last = next_;
    std::size_t bytes = 0;
    while (last < fetched_.size() && is_record(*fetched_[last]) && fetched_[last]->offset < end) {
      const std::size_t size = payload_bytes(*fetched_[last]);
      if (last > next_ && bytes + size > kMaxBytes) break;
      bytes += size;
      ++last;
    }
    if (last == next_) {  // at or past `end`
      position_ = std::max(position_, end);
      return Outcome::kNothing;
    }
    fill(out, next_, last, bytes);
    next_ = last;
    return Outcome::kChunk;
  }
  return error_.empty() ? Outcome::kNothing : Outcome::kError;
}

void KafkaPartition::fill(RawChunk& out, std::size_t first, std::size_t last, std::size_t bytes) {
  auto block = std::make_unique_for_overwrite<char[]>(bytes + RawChunk::kPadding);
  std::memset(block.get() + bytes, 0, RawChunk::kPadding);
  out.input = id_;
  out.records.clear();
  out.records.reserve(last - first);
  out.memory.clear();
  char* to = block.get();
  for (std::size_t i = first; i < last; ++i) {
    const rd_kafka_message_t& message = *fetched_[i];
    const std::size_t size = payload_bytes(message);
    if (size != 0) std::memcpy(to, message.payload, size);
    rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
    const std::int64_t timestamp = rd_kafka_message_timestamp(&message, &type);
    out.records.push_back({std::string_view(to, size), message.offset,
                           type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : timestamp});
    to += size;
    fetched_[i].reset();
  }
  out.memory.push_back(std::move(block));
  position_ = out.records.back().offset + 1;
  out.next_offset = position_;
  last_timestamp_ms_ = out.records.back().timestamp_ms;
  mean_bytes_ = bytes / (last - first) + 1;
  at_end_ = false;
  error_.clear();
}

KafkaPartition::Outcome KafkaPartition::note_event(const rd_kafka_message_t& message) {
  switch (message.err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      at_end_ = true;
      error_.clear();
      position_ =
          std::max(position_, message.offset);  // past control records, which nobody is shown
      return Outcome::kNothing;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE: at_end_ = false; return Outcome::kOutOfRange;
    default:
      at_end_ = false;
      error_ = explain_kafka_error(message.err, rd_kafka_message_errstr(&message));
      return Outcome::kError;
  }
}

void KafkaPartition::assigned_at(std::int64_t offset) {
  fetched_.clear();
  next_ = 0;
  at_end_ = false;
  position_ = offset;
}

void KafkaPartition::move_to(std::int64_t offset) {
  assigned_at(offset);
  const KafkaPartitionList list = make_partition_list(1);
  rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), partition_)->offset = offset;
  const KafkaFault fault(rd_kafka_seek_partitions(&client_, list.get(), 0));
}

std::optional<std::int64_t> KafkaPartition::lag() const {
  std::int64_t low = 0;
  std::int64_t high = 0;
  if (position_ < 0 ||
      rd_kafka_get_watermark_offsets(&client_, topic_.c_str(), partition_, &low, &high) !=
          RD_KAFKA_RESP_ERR_NO_ERROR ||
      high < 0)
    return std::nullopt;
  return std::max<std::int64_t>(0, high - position_);
}

}  // namespace stuffwatch::ingest
