// What an input was in an earlier life, beside the position that the merge keeps: which file, in which format. Part of the checkpoint.
//
// A file is known by what its text begins with: under its own name first, then under any other of the same entry of `inputs` (auth.log became auth.log.1, or
// auth.log.2.gz). Another file under a known name is a new one. Inode and times say nothing: they change when a file is copied or packed.
// Threads: the merge thread. Memory: some 100 bytes an input. Cost: at start, files x files of an entry.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/pipeline/merge.h"
#include "detectors/state/state_io.h"
#include "ingest/source.h"

namespace stuffwatch::daemon::pipeline {

class KnownInputs {
 public:
  // `lost`: bytes that nobody has read are gone, or may be.
  using Replaced = std::function<void(bool lost, const std::string&)>;

  // Tells the files of a source apart, before any of them is read; tells of those that were replaced.
  void recognise(const ingest::Source& source, const Replaced& replaced);
  // Where this very file stood. nullptr: it is new.
  [[nodiscard]] const Merge::Resume* file(ingest::InputId id) const;
  // The format that was found for what the input goes on with. nullptr: none was.
  [[nodiscard]] const ingest::DecoderInfo* format(ingest::InputId id) const;
  // The newest event that the entry of `inputs` has brought.
  [[nodiscard]] std::optional<EventTime> newest(std::uint32_t declared) const;

  // Another input has its number now, or a stream that is another each time: nothing of it holds any more.
  void forget(ingest::InputId id) { traces_.erase(id); }
  // An input that this process gives back.
  void keep_format(const InputQueue& queue);

  // In the order of merge.positions().
  void save(const Merge& merge, detectors::StateWriter& out) const;
  void load(const Merge& merge, detectors::StateReader& in);

 private:
  struct Trace {
    std::string format;       // empty: not known
    std::uint64_t hash = 0;   // of the first `bytes` bytes of a file's text
    std::uint32_t bytes = 0;  // 0: no file, or an empty one
  };
  struct Past {
    Merge::Resume position;
    Trace trace;
    std::optional<ingest::InputId> now = {};  // which input goes on with it
    std::string now_called = {};
  };
  struct File {
    ingest::InputId id;
    std::string name;
    ingest::InputStart start;
    bool known = false;
  };
  void match(std::vector<File>& files, bool by_name);
  [[nodiscard]] static bool same(const Past& past, const ingest::InputStart& start);

  std::vector<Past> past_;
  std::map<ingest::InputId, Trace> traces_;
};

}  // namespace stuffwatch::daemon::pipeline
