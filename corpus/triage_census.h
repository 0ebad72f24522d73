// The counts of a triage (corpus/triage.h), over all chunks. For triage*.cc only.
//
// Any thread compares a chunk with the corpus (corpus/triage_matches.h); what that gives is added in the order of the dump, one chunk at a time.
// So nothing depends on which thread was faster.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "corpus/corpus.h"
#include "corpus/domain_counts.h"
#include "corpus/spill.h"
#include "corpus/triage.h"
#include "corpus/triage_matches.h"

namespace stuffwatch::corpus {

// Threads: add() from any, the others from one when all is added. Memory: a bit an entry of the corpus, and what DomainCounts and kCombinations bound.
// Cost: about 10 ns a line in add(), one thread at a time; comparing chunks costs ten times as much, side by side.
class Census {
 public:
  static constexpr std::size_t kCombinations = std::size_t{1} << 16;

  Census(const Corpus& corpus, const ListGroups& groups,
         std::function<void(AccountKey)> on_account);

  // Waits until all chunks before it were added. Domains have their numbers then.
  void add(std::uint64_t chunk, ChunkMatches& matches);
  // A distinct account that is in no list.
  void add_unknown(const KeyedLine& account);
  // The result, but for what was not counted here.
  void tell(Triage& out) const;

 private:
  struct Kind {
    std::uint64_t lines = 0, accounts = 0, known = 0;
    std::vector<std::uint64_t> in_group;
    std::vector<MatchRun> runs;
  };
  void count_known(ChunkMatches& matches);
  void count_combinations(const ChunkMatches& matches);
  [[nodiscard]] std::vector<std::uint32_t> tell_lists(const Kind& kind, Triage& out) const;
  void explain(AccountKind kind, const std::vector<std::uint32_t>& place_of, Triage& out) const;

  const Corpus& corpus_;
  const ListGroups& groups_;
  std::function<void(AccountKey)> on_account_;
  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::uint64_t next_chunk_ = 0;
  std::vector<std::uint64_t> seen_;  // a bit an entry
  std::array<Kind, kAccountKinds> kinds_;
  DomainCounts domains_;
  NameMap<std::uint64_t> combinations_;
  bool all_combinations_ = true;
};

}  // namespace stuffwatch::corpus
