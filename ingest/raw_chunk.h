// Records as they came: a run of one input, in offset order, and the bytes they view.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace stuffwatch::ingest {

// An input is a Kafka partition or a file. The order of ids is the order of the merge's ties: declaration order, then partition.
struct InputId {
  std::uint32_t declared = 0;   // index in `inputs`
  std::uint32_t partition = 0;  // Kafka partition; index of the file when `file` names a folder
  auto operator<=>(const InputId&) const = default;
};

struct RawRecord {
  std::string_view bytes;   // at least kPadding readable bytes follow it (simdjson)
  std::int64_t offset = 0;  // Kafka offset, or byte offset of the line in the decompressed file
  std::int64_t timestamp_ms = -1;  // Kafka record timestamp; -1 = none
};

struct RawChunk {
  static constexpr std::size_t kPadding = 64;
  InputId input;
  std::vector<RawRecord> records;
  std::int64_t next_offset = 0;                 // where the next chunk of this input begins
  std::vector<std::unique_ptr<char[]>> memory;  // owns the bytes
};

}  // namespace stuffwatch::ingest
