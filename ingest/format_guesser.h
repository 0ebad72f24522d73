// `format: auto` for one input: holds its records back until one of the formats finds a login among
// them, so that poison in front of good records decides nothing and costs nothing.
//
// Records are looked at one by one, so that what becomes of them depends on them alone and not on the
// chunks they came in. What is held holds no login under any format: nobody need wait for it.
// Threads: one at a time. Memory: kMostRecords and kMostBytes, and one chunk. Cost: one decoding by
// each format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "ingest/decoder.h"
#include "ingest/guess_format.h"
#include "ingest/raw_chunk.h"
#include "ingest/record_limits.h"

namespace stuffwatch::ingest {

class FormatGuesser {
 public:
  // One record that is too long must not end the guessing.
  static constexpr std::size_t kMostRecords = 200, kMostBytes = 2 * kMaxRecordBytes;

  enum class Found : std::uint8_t {
    kNothing,  // the chunk is held
    kFormat,   // a login: the chunk is held, and shape() decodes what is held and what follows
    kFull,  // more is held than should be; what is left of the chunk waits to be added behind a take()
  };
  [[nodiscard]] Found add(RawChunk& chunk);
  // What decodes what is held: the format that finds a login; else the one whose shape the records
  // have; else one that rejects them all.
  [[nodiscard]] const DecoderInfo& shape() const;
  [[nodiscard]] bool has_shape() const { return best() != nullptr; }
  // What is held, in order; guessing begins afresh.
  [[nodiscard]] std::vector<RawChunk> take();
  [[nodiscard]] std::size_t records() const { return records_; }

 private:
  struct Candidate {
    const DecoderInfo* info;
    std::unique_ptr<Decoder> decoder;
    FormatTally tally;
  };
  void begin();
  [[nodiscard]] const Candidate* best() const;

  std::vector<Candidate> candidates_;
  std::vector<RawChunk> chunks_;
  std::size_t records_ = 0, bytes_ = 0;  // of all chunks
};

}  // namespace stuffwatch::ingest
