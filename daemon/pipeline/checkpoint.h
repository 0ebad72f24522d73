// The cut on disk (pipeline.md 3): two generations of state.path/checkpoints/<number>.state, each complete or absent.
//
// write() serialises the sections side by side into memory while the pipeline stands still; a thread then hashes and writes them, waits for what the cut
// counts on to be durable, syncs and renames. Bytes do not depend on the number of workers.
// Threads: every member from the merge thread. Memory: the serialised state, kept for the next cut: fresh pages would cost more than what is written to them.
// Errors: a torn, damaged or foreign file is refused with the reason and the older generation is tried; a file that cannot be completed is removed.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "config/durable_file.h"
#include "config/result.h"
#include "daemon/pipeline/pipeline.h"

namespace stuffwatch::daemon::pipeline {

struct CheckpointIdentity {
  std::string config_sha256;
  std::uint64_t key_check = 0;
};

class CheckpointStore {
 public:
  static constexpr std::size_t kMayLack = std::size_t{8} << 20;  // bytes of room at a cut

  CheckpointStore(std::filesystem::path folder, CheckpointIdentity identity,
                  std::size_t may_lack = kMayLack)
      : folder_(std::move(folder)), identity_(std::move(identity)), may_lack_(may_lack) {}

  // Loads the newest generation that is whole and ours into a fresh pipeline made by `fresh`; `refused` hears why others were not taken.
  [[nodiscard]] std::unique_ptr<Pipeline> load(
      const std::function<std::unique_ptr<Pipeline>()>& fresh,
      const std::function<void(const std::string&)>& refused);

  struct Done {
    std::uint64_t bytes = 0;
    double pause_seconds = 0;  // for how long the pipeline stood still
    std::vector<Merge::Resume> positions;
    std::string problem;  // empty = it is durable
  };
  // Returns once everything said before the cut is durable, or with an error once it is asked to stop; called on the background thread.
  using Durable = std::function<config::Result<void>(const std::stop_token&)>;
  // Whether the buffers have room for the state. If not, it is taken now, behind the pipeline's back: the first touch of memory costs more than
  // what is written there. Only when not busy(); true at the next call.
  [[nodiscard]] bool has_room(const Pipeline& pipeline);
  // Only when not busy().
  void write(Pipeline& pipeline, Durable durable);
  // Until its outcome was taken, or room was.
  [[nodiscard]] bool busy() const { return pending_.valid() || !room_taken(); }
  // The outcome of write(), once it is there.
  [[nodiscard]] std::optional<Done> poll_done();
  // Waits for it; after `patience` no longer for `durable`, and then it has failed. Nothing: none was under way.
  [[nodiscard]] std::optional<Done> finish(std::chrono::milliseconds patience);

 private:
  [[nodiscard]] config::Result<void> read(const std::filesystem::path& file, Pipeline& pipeline);
  [[nodiscard]] std::vector<std::filesystem::path> generations() const;  // newest first
  [[nodiscard]] std::filesystem::path next_generation() const;
  [[nodiscard]] bool room_taken() const {
    return !room_.valid() || room_.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
  }
  void remove_drafts() const;
  [[nodiscard]] config::Result<void> keep(const Durable& durable, const std::stop_token& stop,
                                          std::uint64_t& bytes) const;
  [[nodiscard]] config::Result<void> write_sections(config::DraftFile& draft,
                                                    std::uint64_t& bytes) const;

  std::filesystem::path folder_;
  CheckpointIdentity identity_;
  std::size_t may_lack_;
  std::vector<std::string> sections_;  // of the last cut; the background thread's while busy()
  std::stop_source stop_;
  std::future<void> room_;     // what takes room in sections_
  std::future<Done> pending_;  // last, with room_: they end before what they use
};

}  // namespace stuffwatch::daemon::pipeline
