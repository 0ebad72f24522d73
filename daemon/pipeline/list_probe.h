// The breach corpus as the engine asks it: one state of it for a whole block of events, another one from the next block on when it has been reloaded.
//
// Threads: use() and counts() from any; the rest belongs to whoever runs the engine. Memory: 16 bytes a hit of a block.
// Errors: a mapped corpus whose file is cut short is given up: from then on there are no lists, and the directory says so.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "corpus/corpus.h"
#include "detectors/event.h"
#include "detectors/finding.h"

namespace stuffwatch::daemon::pipeline {

class ListProbe {
 public:
  using Directory = std::shared_ptr<const corpus::ListDirectory>;

  // What stands for a corpus that cannot be read.
  [[nodiscard]] static Directory unavailable();
  // From the next block on. nullptr: no lists; the directory says why. Whoever gives a corpus keeps it alive until it is given up, so that nobody waits here
  // for gigabytes to be freed.
  void use(std::shared_ptr<const corpus::Corpus> corpus, Directory directory);

  // The next block: sets `lists` of each event; they hold until the next call. True: directory() is another one than before.
  [[nodiscard]] bool begin(std::span<detectors::LoginEvent* const> events);
  [[nodiscard]] const Directory& directory() const { return directory_; }
  // In the block: the same for the accounts in the evidence of findings.
  void mark(std::span<detectors::Finding> findings);

  struct Counts {
    std::uint64_t lookups = 0;                  // accounts of events
    std::map<std::string, std::uint64_t> hits;  // events by list; orderings of one are one
  };
  [[nodiscard]] Counts counts() const;

 private:
  bool refresh();
  [[nodiscard]] bool mark(std::span<detectors::LoginEvent* const> events);
  [[nodiscard]] bool resolve(corpus::Hits& hits);
  void fold(Counts& counts) const;

  std::shared_ptr<const corpus::Corpus> corpus_;
  Directory directory_ = std::make_shared<const corpus::ListDirectory>();
  std::vector<corpus::AccountKey> accounts_;
  corpus::Hits of_events_, of_findings_;
  mutable std::mutex mutex_;  // of what follows
  std::shared_ptr<const corpus::Corpus> next_;
  Directory next_directory_;         // nullptr: nothing new
  std::vector<std::uint64_t> hits_;  // by list of directory_, since it is in use
  Counts counts_;                    // hits: before that
};

}  // namespace stuffwatch::daemon::pipeline
