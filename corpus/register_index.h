// Which of the site's own accounts are in the breach lists, and where: exact base rates, and who stands just ahead of somebody who walks a list.
//
// Orderings of one list (SegmentList::ordering_of) are one list in counts and base rates: an account counts once, whichever of them holds it. Positions are
// each ordering's own. Places are of open accounts only: a closed one is nobody to be warned.
//
// Threads: const members from any. Memory: 8 bytes for each open account in a list with positions (with 24 to 25 of the register and 1.3 lists an account
// 35 bytes an account); while it is made up to twice that. Cost: of() about 140 ns an account with two segments, ahead_of() a binary search.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "config/result.h"
#include "corpus/account_register.h"
#include "corpus/corpus.h"

namespace stuffwatch::corpus {

class RegisterIndex {
 public:
  // Of one register and one corpus: lists are numbered as ListHit::list. `on_progress`: the share that is done.
  // Errors: kConfiguration for a corpus of another key; kFailed for a list so long and a register so large that a place does not fit in 64 bits.
  [[nodiscard]] static config::Result<RegisterIndex> of(
      const AccountRegister& accounts, const Corpus& corpus,
      const std::function<void(double)>& on_progress = [](double) {});

  struct Counts {
    std::uint64_t accounts = 0, open = 0;
  };
  [[nodiscard]] Counts counts(std::uint32_t list) const { return counts_[root_[list]]; }
  // In any list.
  [[nodiscard]] Counts known() const { return known_; }
  // The share of the open accounts that is in the list; 0 when none is open.
  [[nodiscard]] double base_rate(std::uint32_t list) const;

  struct Place {
    std::uint64_t position;  // line, from 1
    std::uint32_t account;   // index into AccountRegister::accounts()
  };
  enum class Direction : std::uint8_t { kAscending, kDescending };
  // The nearest `most` behind `position` in that direction, nearest first, without what stands at it. Nothing for a list without positions.
  [[nodiscard]] std::vector<Place> ahead_of(std::uint32_t list, std::uint64_t position,
                                            Direction direction, std::size_t most) const;
  [[nodiscard]] std::uint64_t bytes() const;  // of places

 private:
  class Builder;
  [[nodiscard]] Place place_of(std::uint64_t packed) const {
    return {packed >> account_bits_,
            static_cast<std::uint32_t>(packed & ((std::uint64_t{1} << account_bits_) - 1))};
  }

  std::vector<std::uint32_t>
      root_;  // [list] the one that it is an ordering of; of several without one the first
  std::vector<Counts> counts_;  // [list] of roots
  std::vector<std::vector<std::uint64_t>>
      places_;  // [list] position << account_bits_ | account, sorted
  unsigned account_bits_ = 1;
  std::uint64_t open_ = 0;
  Counts known_;
};

// corpus.directory(), with the base rate of every list. Errors: those of RegisterIndex::of.
[[nodiscard]] config::Result<ListDirectory> directory_of(const Corpus& corpus,
                                                         const AccountRegister& accounts);

}  // namespace stuffwatch::corpus
