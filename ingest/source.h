// Where records come from: files, standard input, Kafka, the embedded simulation. A Source serves one entry of `inputs`, which may be
// many inputs (partitions, files of a folder).
//
// Threads: every member is called from the merge thread only. Nothing blocks for longer than a few milliseconds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/result.h"
#include "ingest/raw_chunk.h"
#include "ingest/raw_login.h"

namespace stuffwatch::ingest {

enum class ReadStatus : std::uint8_t {
  kChunk,       // `out` holds the next records
  kNothingYet,  // records may come at any time: held, fetching, or the broker has not answered yet. Never counts as idle
  kAtEnd,       // stood at the broker's end when last asked (a successful fetch said so)
  kFinished,  // no record will ever follow: the end, or a place that cannot be got past; see status()
  kUnreachable,  // the broker does not answer; see status()
};

struct InputStatus {
  InputId id;
  std::string name;     // "logins[3]", "ssh", "ssh/auth.log.1": for people, metrics and checkpoints
  std::string problem;  // empty, or why it is unreachable or ended too early, with the remedy
  // Records between the last one handed out and the end; empty where no end is known.
  std::optional<std::int64_t> lag = {};
  std::string notice =
      {};  // empty, or what to know of an input that is well: bytes that were ignored
};

// What is known of an input before it is read.
struct InputStart {
  enum class Kind : std::uint8_t {
    kPartition,  // an offset means the same record for ever
    kFile,       // it does as long as it is the same file
    kStream,     // standard input, a pipe: what comes is another stream than in an earlier life
  } kind = Kind::kPartition;
  // A file's text up to kHead bytes, what there is now: tells it from another under its name, and again under another name or compressed.
  static constexpr std::size_t kHead = 4096;
  std::string head = {};
  std::optional<std::int64_t> size = {};  // bytes of text, where that is known
  std::optional<EventTime> begins =
      {};  // first stamp, when it has no year: see YearResolver::begins()
};

// What happened to the set of inputs since the last service(). Revoked: drop what is unmerged, finish what was merged, checkpoint,
// then call release(). Lost: the same without the commit.
struct InputChange {
  enum class Kind : std::uint8_t { kAssigned, kRevoked, kLost } kind;
  InputId id;
};

class Source {
 public:
  virtual ~Source() = default;
  // Serves the client library (rebalances, errors). Call at least once a second.
  [[nodiscard]] virtual std::vector<InputChange> service() = 0;
  // The next records of one input. Never more than some 128 KiB (what stays in the cache until it is decoded), or one record.
  [[nodiscard]] virtual ReadStatus read(InputId id, RawChunk& out) = 0;
  // Before the first read of that input.
  [[nodiscard]] virtual InputStart start(InputId) const { return {}; }
  // Start reading at `offset` (from a checkpoint) instead of where the source would by itself; before the first read of that input.
  [[nodiscard]] virtual config::Result<void> seek(InputId id, std::int64_t offset) = 0;
  // Every input this source holds now, in id order.
  [[nodiscard]] virtual std::vector<InputStatus> status() const = 0;
  // Up to where an earlier life of this process, or another member of its group, has dealt with the input; nothing when nobody has.
  [[nodiscard]] virtual std::optional<std::int64_t> committed(InputId) const { return {}; }
  // Durably processed up to (excluding) this offset: commits it where the source has such a thing, and holds the input or is about to give it back.
  virtual void commit(InputId id, std::int64_t next_offset) = 0;
  // The consequences of a kRevoked/kLost change are dealt with.
  virtual void release(InputId id) = 0;
  // True while this process stands by for another that owns the inputs (kafka.ownership: exclusive).
  [[nodiscard]] virtual bool standby() const { return false; }
  // False while other members of the group hold some of what it names (kafka.ownership: shared).
  [[nodiscard]] virtual bool complete() const { return true; }
};

}  // namespace stuffwatch::ingest
