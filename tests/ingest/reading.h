// Reads a source to its end, and checks on the way what chunks promise.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "ingest/file_source.h"
#include "ingest/line_reader.h"
#include "ingest/record_limits.h"
#include "tests/ingest/files.h"

namespace stuffwatch::ingest::testing {

struct Line {
  std::string bytes;
  std::int64_t offset = 0;
  bool operator==(const Line&) const = default;
};

struct Everything {
  std::vector<Line> lines;
  ReadStatus end = ReadStatus::kNothingYet;
  std::string problem, notice;
  std::size_t chunks = 0;
  std::int64_t next_offset = 0;

  [[nodiscard]] std::vector<std::string> texts() const {
    std::vector<std::string> out;
    out.reserve(lines.size());
    for (const Line& line : lines) out.push_back(line.bytes);
    return out;
  }
};

// Checks what a chunk promises, then keeps its lines.
inline void take(const RawChunk& chunk, Everything& all) {
  EXPECT_FALSE(chunk.records.empty());
  EXPECT_LE(chunk.records.size(), LineReader::kMaxRecords);
  std::size_t bytes = 0;
  std::uint64_t padding = 0;
  for (const RawRecord& record : chunk.records) {
    EXPECT_EQ(record.timestamp_ms, -1);
    bytes += record.bytes.size();
    for (std::size_t i = 0; i < RawChunk::kPadding; ++i)
      padding +=
          static_cast<unsigned char>(record.bytes.data()[record.bytes.size() + i]);  // readable
    all.lines.push_back({std::string(record.bytes), record.offset});
  }
  EXPECT_LE(bytes, kMaxRecordBytes + 1);
  EXPECT_LT(padding, RawChunk::kPadding * 256 * chunk.records.size());
  EXPECT_GT(chunk.next_offset, all.next_offset);
  all.next_offset = chunk.next_offset;
  ++all.chunks;
}

inline Everything read_on(Source& source, InputId id) {
  Everything all;
  for (int idle = 0; idle < 1'000;) {
    RawChunk chunk;
    all.end = source.read(id, chunk);
    if (all.end == ReadStatus::kChunk) {
      EXPECT_EQ(chunk.input, id);
      take(chunk, all);
    } else if (all.end == ReadStatus::kNothingYet) {
      ++idle;
    } else {
      break;
    }
  }
  for (const InputStatus& status : source.status()) {
    if (status.id == id) all.problem = status.problem, all.notice = status.notice;
  }
  return all;
}

inline Everything read_file(const std::string& path, std::int64_t from = 0,
                            Rest rest = Rest::kRecord) {
  const auto source = open_files(3, {path}, {}, rest);
  EXPECT_TRUE(source.has_value()) << (source ? "" : source.error().message);
  if (!source) return {};
  EXPECT_TRUE((*source)->seek({3, 0}, from).has_value());
  return read_on(**source, {3, 0});
}

inline Everything read_text(std::string_view text) {
  const TempFolder folder;
  return read_file(folder.write("a.log", text));
}

// What the lines of a text are, told another way.

// The lines of a text, told plainly.
inline std::vector<Line> naive_lines(const std::string& text) {
  std::vector<Line> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    if (line.size() > kMaxRecordBytes + 1) line.resize(kMaxRecordBytes + 1);
    if (line.ends_with('\r')) line.pop_back();
    out.push_back({line, static_cast<std::int64_t>(at)});
    at = end + 1;
  }
  return out;
}

}  // namespace stuffwatch::ingest::testing
