// Gives the pipeline its breach lists, and gives them anew when the corpus folder changes: the lists that are new are read while everything goes on.
//
// A corpus that cannot be read stops nothing: what was read before stays in use, or there are no lists, and health() says why. It is tried again when its
// manifest changes, and now and then. So it is with the register of the site's own accounts, which says how common each list is among them.
// Threads: start() and health() from the owner's; one of its own in between. Memory: corpus.memory for segments that are held; during a change those that come
// are mapped as long as those that go take their room.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "corpus/account_register.h"
#include "corpus/corpus.h"
#include "daemon/pipeline/list_probe.h"
#include "daemon/status.h"

namespace stuffwatch::daemon {

struct CorpusWatchOptions {
  std::filesystem::path folder;
  std::filesystem::path accounts = {};  // of the register; may be empty
  std::uint64_t memory = 0;
  std::chrono::milliseconds look_every = std::chrono::seconds{1},
                            retry_every = std::chrono::seconds{30};
};

class CorpusWatch {
 public:
  CorpusWatch(CorpusWatchOptions options, corpus::AccountHasher hasher, pipeline::ListProbe& probe)
      : options_(std::move(options)), hasher_(std::move(hasher)), probe_(probe) {}
  ~CorpusWatch() { thread_ = {}; }
  CorpusWatch(const CorpusWatch&) = delete;
  CorpusWatch& operator=(const CorpusWatch&) = delete;

  // Reads it, if it can be read, before this returns; then watches.
  void start();
  [[nodiscard]] CorpusHealth health() const;

 private:
  using Clock = std::chrono::steady_clock;
  // Tells one manifest from the next without reading it.
  struct Version {
    std::chrono::sys_time<std::chrono::nanoseconds> time{};
    std::uint64_t inode = 0;  // 0: there is none
    bool operator==(const Version&) const = default;
  };
  void watch(const std::stop_token& stop);
  void look();
  void read(const Version& version);
  void read_accounts(const Version& version);
  void take(corpus::Corpus corpus, const Version& version, double seconds);
  void give();
  [[nodiscard]] static Version version_of(const std::filesystem::path& file);
  [[nodiscard]] Version version() const {
    return version_of(options_.folder / corpus::Manifest::kFileName);
  }
  [[nodiscard]] bool more_fits() const;

  const CorpusWatchOptions options_;
  const corpus::AccountHasher hasher_;
  pipeline::ListProbe& probe_;
  // Of the thread, and of start() before it.
  std::shared_ptr<const corpus::Corpus> current_;
  std::vector<std::shared_ptr<const corpus::Corpus>>
      retired_;  // until the pipeline lets go of them
  std::optional<corpus::AccountRegister> accounts_;
  Version tried_, accounts_tried_;
  Clock::time_point retry_at_{};
  mutable std::mutex mutex_;  // of what follows
  CorpusHealth health_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it ends before what it uses
};

}  // namespace stuffwatch::daemon
