// One partition's queue, taken out of the consumer queue, as chunks of records.
// Why: read only when the merge wants it, the queue fills up and the library stops fetching by
// itself. No pause()/resume(): they throw away what was fetched ahead.
// Threads: one. Memory: one block a chunk, about 1 MiB unless a single record is larger. Cost: one
// copy of each payload.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ingest/kafka_handle.h"
#include "ingest/raw_chunk.h"

namespace stuffwatch::ingest {

using KafkaMessage = std::unique_ptr<rd_kafka_message_t, KafkaDelete<rd_kafka_message_destroy>>;

class KafkaPartition {
 public:
  enum class Outcome : std::uint8_t { kChunk, kNothing, kOutOfRange, kError };

  // Takes the queue out of the consumer queue at once: construct it before the partition is
  // assigned.
  KafkaPartition(rd_kafka_t& client, std::string topic, std::int32_t partition, InputId id);

  // What has been fetched, without waiting; never a record at or past `end`. kOutOfRange: the
  // position is no longer (or not yet) in the topic. kError: see error(); cleared by the next
  // success.
  [[nodiscard]] Outcome read(RawChunk& out, std::int64_t end = INT64_MAX);

  // Continue at `offset` and forget what was fetched. Asynchronous; records of before never show
  // up. Does nothing for a partition that the library has stopped reading (kOutOfRange): that one
  // must be assigned again.
  void move_to(std::int64_t offset);
  // Forget what was fetched, because the partition is being assigned (again) from `offset`.
  void assigned_at(std::int64_t offset);
  // Continue where we are, so that reaching the end is noticed afresh.
  void refresh() { move_to(position_); }

  // The offset that comes next; negative until known.
  [[nodiscard]] std::int64_t position() const { return position_; }
  // The last thing the broker said was: nothing more here.
  [[nodiscard]] bool at_end() const { return at_end_; }
  [[nodiscard]] std::int64_t last_timestamp_ms() const { return last_timestamp_ms_; }
  [[nodiscard]] const std::string& error() const { return error_; }
  // Records between the position and the end, as of the last fetch; empty before the first.
  [[nodiscard]] std::optional<std::int64_t> lag() const;

  [[nodiscard]] const std::string& topic() const { return topic_; }
  [[nodiscard]] std::int32_t partition() const { return partition_; }

 private:
  bool refill();
  Outcome note_event(const rd_kafka_message_t& message);
  void fill(RawChunk& out, std::size_t first, std::size_t last, std::size_t bytes);

  rd_kafka_t& client_;
  std::string topic_;
  std::int32_t partition_;
  InputId id_;
  KafkaQueue queue_;
  std::vector<rd_kafka_message_t*> buffer_;  // filled by the library; emptied into fetched_ at once
  std::vector<KafkaMessage> fetched_;
  std::size_t next_ = 0;  // first of fetched_ not handed out
  std::size_t mean_bytes_ = 512;
  std::int64_t position_ = -1;
  std::int64_t last_timestamp_ms_ = -1;
  bool at_end_ = false;
  std::string error_;
};

}  // namespace stuffwatch::ingest
