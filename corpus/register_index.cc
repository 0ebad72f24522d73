#include "corpus/register_index.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

namespace stuffwatch::corpus {
namespace {

constexpr std::size_t kAtOnce = 4096;

}  // namespace

class RegisterIndex::Builder {
 public:
  Builder(const AccountRegister& accounts, const Corpus& corpus)
      : accounts_(accounts), corpus_(corpus), counted_(corpus.lists().size(), kNobody) {
    index_.root_ = corpus.originals();
    index_.counts_.resize(corpus.lists().size()), index_.places_.resize(corpus.lists().size());
    const std::uint64_t last = std::max<std::uint64_t>(accounts.accounts().size(), 2) - 1;
    index_.account_bits_ = static_cast<unsigned>(std::bit_width(last));
    index_.open_ = accounts.open_accounts();
  }

  // Accounts [first, first + kAtOnce). False: a place does not fit.
  [[nodiscard]] bool add(std::uint32_t first) {
    const auto accounts = accounts_.accounts();
    const auto end = static_cast<std::uint32_t>(std::min(accounts.size(), first + kAtOnce));
    keys_.clear();
    for (std::uint32_t i = first; i < end; ++i) keys_.push_back(AccountKey{accounts[i].hash});
    corpus_.resolve(keys_, hits_, std::numeric_limits<std::size_t>::max());
    for (std::uint32_t i = first; i < end; ++i)
      if (!add(i, accounts_.is_open(accounts[i]), hits_.of(i - first))) return false;
    return true;
  }

  RegisterIndex finish() {
    for (auto& places : index_.places_) {
      std::ranges::sort(places);
      places.shrink_to_fit();
    }
    return std::move(index_);
  }

 private:
  static constexpr std::uint32_t kNobody = std::numeric_limits<std::uint32_t>::max();

  bool add(std::uint32_t account, bool open, std::span<const ListHit> hits) {
    const auto count = [open](Counts& counts) { ++counts.accounts, counts.open += open; };
    if (!hits.empty()) count(index_.known_);
    for (const ListHit& hit : hits) {
      const std::uint32_t root = index_.root_[hit.list];
      if (std::exchange(counted_[root], account) != account) count(index_.counts_[root]);
      if (!open || hit.position == 0) continue;
      if (hit.position >> (64 - index_.account_bits_) != 0) return false;
      index_.places_[hit.list].push_back(hit.position << index_.account_bits_ | account);
    }
    return true;
  }

  const AccountRegister& accounts_;
  const Corpus& corpus_;
  std::vector<std::uint32_t> counted_;  // [root] the last account that was counted
  std::vector<AccountKey> keys_;
  Hits hits_;
  RegisterIndex index_;
};

config::Result<RegisterIndex> RegisterIndex::of(const AccountRegister& accounts,
                                                const Corpus& corpus,
                                                const std::function<void(double)>& on_progress) {
  if (accounts.key_check() != corpus.manifest().key_check)
    return config::misconfigured(
        "the register of accounts was made with another key than the corpus: load the accounts "
        "again with the key of the corpus");
  Builder builder(accounts, corpus);
  const std::size_t all = accounts.accounts().size();
  for (std::size_t first = 0; first < all; first += kAtOnce) {
    if (!builder.add(static_cast<std::uint32_t>(first)))
      return config::failed(
          "{} accounts and a list of that many lines are more than the index holds: split the list",
          all);
    on_progress(static_cast<double>(first) / static_cast<double>(all));
  }
  return builder.finish();
}

double RegisterIndex::base_rate(std::uint32_t list) const {
  return open_ == 0 ? 0 : static_cast<double>(counts(list).open) / static_cast<double>(open_);
}

std::vector<RegisterIndex::Place> RegisterIndex::ahead_of(std::uint32_t list,
                                                          std::uint64_t position,
                                                          Direction direction,
                                                          std::size_t most) const {
  std::vector<Place> ahead;
  const auto& places = places_[list];
  const auto line_of = [this](std::uint64_t packed) { return place_of(packed).position; };
  if (direction == Direction::kAscending) {
    auto at = std::ranges::upper_bound(places, position, {}, line_of);
    for (; at != places.end() && ahead.size() < most; ++at) ahead.push_back(place_of(*at));
  } else {
    auto at = std::ranges::lower_bound(places, position, {}, line_of);
    while (at != places.begin() && ahead.size() < most) ahead.push_back(place_of(*--at));
  }
  return ahead;
}

std::uint64_t RegisterIndex::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& places : places_) sum += places.capacity() * sizeof places[0];
  return sum;
}

config::Result<ListDirectory> directory_of(const Corpus& corpus, const AccountRegister& accounts) {
  auto index = RegisterIndex::of(accounts, corpus);
  if (!index) return std::unexpected(index.error());
  ListDirectory directory = corpus.directory();
  for (std::uint32_t list = 0; list < directory.lists.size(); ++list)
    directory.lists[list].base_rate = index->base_rate(list);
  return directory;
}

}  // namespace stuffwatch::corpus
