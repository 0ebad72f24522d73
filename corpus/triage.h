// What an alleged dump has in common with the lists of a corpus (docs/triage.md): numbers only, no words, and no account's name.
//
// One pass over the dump. An account that is in a list is counted at first sight, by a bit for its first entry in the corpus; the others are spilled as
// keyed hashes and sorted a part at a time. So all counts of distinct accounts are exact.
// The result follows from dump, corpus and format; not from threads, memory or time.
//
// Threads: the caller's and `threads` more. Memory: the corpus, a bit an entry of it, about `memory`, and 100 MB at most for names of domains.
// Disk: Spill::kBytesAnAccount a line whose account is in no list, in a file without a name. Cost: see docs/triage.md.
// Errors: those of ListInput and Spill. A stop is none: Triage::stopped, and then nothing else of it counts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/result.h"
#include "corpus/account_key.h"
#include "corpus/corpus.h"
#include "corpus/line_hashing.h"
#include "corpus/list_input.h"

namespace stuffwatch::corpus {

struct TriageOptions {
  std::optional<ListFormat> format;  // nothing: guessed for every text
  std::uint64_t memory = std::uint64_t{256} << 20;
  unsigned threads = 2;
  std::filesystem::path temporary;  // the folder for what is spilled
  // Every distinct account once, of any class: those in a list while the dump is read, the others while sorting. One call at a time, in no order.
  // Here joins what else knows accounts, e.g. the register of the site's own.
  std::function<void(AccountKey)> on_account;
};

// How the matches of a list follow each other from the top of the dump to its end. Were the dump shuffled, a pair would be near with a chance of kReach by
// the number of accounts that it shares with the list, however these lie in it.
struct MatchOrder {
  static constexpr std::uint64_t kReach = 8;  // lines of the list
  std::uint64_t pairs = 0;                  // of consecutive matches, unless both are the same line
  std::uint64_t forward = 0, backward = 0;  // whose second is 1 to kReach lines behind, before
};

enum class OrderKind : std::uint8_t { kNone, kForward, kPartlyForward, kBackward, kPartlyBackward };
// 20 pairs or more, of which half (partly: a tenth) are near in one direction, which shuffling gives once in a million dumps at most.
[[nodiscard]] OrderKind kind_of(const MatchOrder& order, std::uint64_t shared_accounts);

struct TriagedList {
  struct Ordered {
    // The list, of those that are one in different orders, that the dump follows best.
    std::string ordering;
    MatchOrder matches;
  };
  std::string name;
  std::uint32_t id = 0, date = 0;  // as in SegmentList
  std::uint64_t held = 0;          // accounts of the list; of several orderings, of the largest
  std::uint64_t accounts = 0;      // of the dump, distinct
  // Nothing: no ordering has positions, or no two matches follow each other.
  std::optional<Ordered> order = std::nullopt;
};

struct Triage {
  bool stopped = false;
  std::string format;  // of the first text
  std::uint64_t lines = 0;
  LineTally tally;  // of all lines: valid ones, the others by reason
  Sha256::Digest sha256{};

  // E-mail addresses, unless there is none: then user names and phone numbers, which have another person's likeness in any list. All that follows is of
  // these; `names_apart` are user names and phone numbers beside addresses.
  bool of_addresses = false;
  std::uint64_t duplicates = 0, accounts = 0, known = 0;
  struct NamesApart {
    std::uint64_t lines = 0, accounts = 0, known = 0;
  };
  NamesApart names_apart;

  std::vector<TriagedList>
      lists;  // all that the corpus holds, orderings of one as one; most accounts of the dump first
  // The fewest lists (found greedily) that have all known accounts of the dump.
  struct Explained {
    std::size_t list;  // index of `lists`
    std::uint64_t accounts_so_far;
  };
  std::vector<Explained> explained_by;
  bool explained_exactly =
      true;  // not so with more than Census::kCombinations different combinations of lists

  static constexpr std::size_t kTopDomains = 20;
  struct Domain {
    std::string name;
    std::uint64_t accounts;
  };
  std::vector<Domain> domains;  // registrable ones, most accounts first, kTopDomains at most
  bool domains_exact =
      true;  // not so with more than DomainCounts::kMost of them: then at least so many
};

[[nodiscard]] config::Result<Triage> triage(ListInput& dump, const Corpus& corpus,
                                            const AccountHasher& hasher,
                                            const TriageOptions& options,
                                            const OnListProgress& on_progress);

// The 95 % interval of Wilson (1927) for a share of which `count` of `all` were seen; 0 to 1 when `all` is 0.
struct Interval {
  double low = 0, high = 1;
};
[[nodiscard]] Interval wilson_interval(std::uint64_t count, std::uint64_t all);

}  // namespace stuffwatch::corpus
