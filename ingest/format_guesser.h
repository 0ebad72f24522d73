// `format: auto` for one input: holds its records back until one of the formats finds a login among
// them, so that poison in front of good records decides nothing and costs nothing.
//
// What is held holds no login under any format: nobody need wait for it.
// Threads: one at a time. Memory: kMostRecords and kMostBytes, and one chunk. Cost: what is held is
// looked at again with every chunk.
#pragma once

#include <cstddef>
#include <vector>

#include "ingest/decoder.h"
#include "ingest/raw_chunk.h"
#include "ingest/record_limits.h"

namespace stuffwatch::ingest {

class FormatGuesser {
 public:
  // One record that is too long must not end the guessing.
  static constexpr std::size_t kMostRecords = 200, kMostBytes = 2 * kMaxRecordBytes;

  // The format that finds a login in what is held; nullptr: none does yet.
  [[nodiscard]] const DecoderInfo* add(RawChunk&& chunk);
  // More is held than should be.
  [[nodiscard]] bool full() const { return records_.size() > kMostRecords || bytes_ > kMostBytes; }
  // What decodes records of which none is a login: the format whose shape they have, or one that
  // rejects them all.
  [[nodiscard]] const DecoderInfo& shape() const;
  [[nodiscard]] bool has_shape() const { return guess_.decoder != nullptr; }
  // What is held, in order; guessing begins afresh.
  [[nodiscard]] std::vector<RawChunk> take();
  [[nodiscard]] std::size_t records() const { return records_.size(); }

 private:
  std::vector<RawChunk> chunks_;
  std::vector<RawRecord> records_;  // of all chunks
  std::size_t bytes_ = 0;
  FormatGuess guess_;
};

}  // namespace stuffwatch::ingest
