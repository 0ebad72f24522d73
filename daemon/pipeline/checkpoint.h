// The cut on disk (pipeline.md 3): two generations of state.path/checkpoints/<number>.state, each complete or absent.
//
// write() serialises section by section into the file while the pipeline stands still (one section's bytes in memory at a time); a thread then waits for what
// the cut says to be durable, syncs and renames. Times: none. Threads: write(), load() and poll_done() from the merge thread.
// Errors: a torn, damaged or foreign file is refused with the reason and the older generation is tried.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include "config/result.h"
#include "daemon/pipeline/pipeline.h"

namespace stuffwatch::daemon::pipeline {

struct CheckpointIdentity {
  std::string config_sha256;
  std::uint64_t key_check = 0;
};

class CheckpointStore {
 public:
  CheckpointStore(std::filesystem::path folder, CheckpointIdentity identity)
      : folder_(std::move(folder)), identity_(std::move(identity)) {}

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
  // `durable`: returns once everything said before the cut is durable; called on the background thread.
  void write(const Pipeline& pipeline, std::function<config::Result<void>()> durable);
  [[nodiscard]] bool busy() const { return pending_.valid(); }
  [[nodiscard]] std::optional<Done> poll_done(bool wait = false);

 private:
  [[nodiscard]] config::Result<void> read(const std::filesystem::path& file,
                                          Pipeline& pipeline) const;
  [[nodiscard]] std::vector<std::filesystem::path> generations() const;  // newest first

  std::filesystem::path folder_;
  CheckpointIdentity identity_;
  std::future<Done> pending_;
};

}  // namespace stuffwatch::daemon::pipeline
