// How much of something is in each breach list: the accounts of a campaign, and those that log in here anyway.
//
// A list counts by the name of its original, so that several orderings of it count once, and a reload of the corpus changes nothing that was counted.
// Threads: none. Memory: 128 lists a campaign (TopCounts); 32 bytes a list of the corpus in ListRates. Cost: some nanoseconds a hit.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "corpus/list_hit.h"
#include "detectors/state/state_io.h"
#include "detectors/state/top_counts.h"

namespace stuffwatch::detectors {

using corpus::ListDirectory;
using corpus::ListHit;

// Of the accounts that were looked up, how many each list holds.
struct ListShares {
  std::uint64_t looked_up = 0;
  TopCounts<std::string> lists;  // by ListName::key; the list's name

  // One account. Nothing when there is no corpus to look it up in.
  void add(std::span<const ListHit> hits, const ListDirectory& directory);
  void merge(const ListShares& other);
  void save(StateWriter& out) const;
  void load(StateReader& in);
};

// The share of the site's own accounts in each list, learned from logins that were an account's first from a network: what a share is to be compared with.
// Beta-binomial with 400 accounts, 4 of them listed, as prior (detection.md 4.4), over the last million logins or so; where a register of the accounts
// exists, its share goes before (ListName::base_rate).
class ListRates {
 public:
  // What the corpus holds now. Lists that are new are learned from here on.
  void use(const ListDirectory& directory);
  void learn(std::span<const ListHit> hits, const ListDirectory& directory);
  [[nodiscard]] double expected(std::uint64_t key, const ListDirectory& directory) const;
  void save(StateWriter& out) const;
  void load(StateReader& in);

 private:
  struct Seen {
    std::uint64_t hits = 0, since = 0;  // since: logins_ when it was new
  };
  void halve();

  std::uint64_t logins_ = 0;
  boost::unordered_flat_map<std::uint64_t, Seen> lists_;  // by ListName::key
};

// Whether k of n in a list are more than chance makes of `expected`: ten at least, twice as many as expected and eight standard deviations more (one in ten
// million, however small n is). It is what a sentence may say; it opens no campaign.
[[nodiscard]] bool stands_out(std::uint64_t k, std::uint64_t n, double expected);

}  // namespace stuffwatch::detectors
