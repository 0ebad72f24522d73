#include "detectors/state/stranger_filter.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

#include "detectors/finding.h"
#include "detectors/state/mix.h"

namespace stuffwatch::detectors {
namespace {

constexpr std::size_t kBitsPerPair = 10, kProbes = 6;

}  // namespace

StrangerFilter::StrangerFilter(std::uint64_t max_pairs, std::uint64_t seed)
    : blocks_(std::max<std::size_t>(1, (max_pairs * kBitsPerPair + 511) / 512)),
      seed_(seed),
      generation_{LazyArray<Block>(blocks_), LazyArray<Block>(blocks_)} {}

StrangerFilter::Pairs StrangerFilter::pairs_of(const LoginEvent& event) const {
  const std::uint64_t account = mix(event.tenant, value_of(event.account), seed_);
  const Entity network = Entity::prefix(0, event.source_ip);
  return {mix(account, network.value + network.v4) | 1,
          event.client == 0 ? 0 : mix(account, event.client, 1) | 1};
}

// A block by the high half, six bits in it by 9-bit slices of the remixed hash.
StrangerFilter::Probe StrangerFilter::probe(std::uint64_t pair) const {
  Probe probe{(pair >> 32) * blocks_ >> 32, {}};
  std::uint64_t bits = mix(pair, seed_);
  for (std::size_t i = 0; i < kProbes; ++i, bits >>= 9)
    probe.bits[(bits >> 6) & 7] |= 1ull << (bits & 63);
  return probe;
}

void StrangerFilter::prefetch(const Pairs& pairs) const {
  for (const std::uint64_t pair : {pairs.network, pairs.client}) {
    if (pair == 0) continue;
    const std::size_t block = (pair >> 32) * blocks_ >> 32;
    __builtin_prefetch(&generation_[0][block]);
    if (older_) __builtin_prefetch(&generation_[1][block]);
  }
}

bool StrangerFilter::holds(std::uint64_t pair) const {
  if (pair == 0) return false;
  const Probe p = probe(pair);
  const auto all = [&](const Block& block) {
    std::uint64_t missing = 0;
    for (std::size_t i = 0; i < block.size(); ++i) missing |= p.bits[i] & ~block[i];
    return missing == 0;
  };
  return all(generation_[0][p.block]) || (older_ && all(generation_[1][p.block]));
}

bool StrangerFilter::is_stranger(const Pairs& pairs) const {
  return !holds(pairs.network) && !holds(pairs.client);
}

void StrangerFilter::learn(const Pairs& pairs) {
  for (const std::uint64_t pair : {pairs.network, pairs.client}) {
    if (pair == 0) continue;
    const Probe p = probe(pair);
    Block& block = generation_[0][p.block];
    for (std::size_t i = 0; i < block.size(); ++i) block[i] |= p.bits[i];
  }
}

void StrangerFilter::advance(EventTime watermark) {
  if (since_ == EventTime{}) since_ = watermark;
  if (watermark - since_ <= kGeneration) return;
  std::swap(generation_[0], generation_[1]);
  generation_[0].clear();
  older_ = true;
  if (watermark - since_ > 2 * kGeneration)
    generation_[1].clear();  // a silence: all of it is older than one generation
  since_ = watermark;
}

// Only blocks that hold something are written.
void StrangerFilter::save(StateWriter& out) const {
  out.put(blocks_), out.put(since_);
  const auto empty = [](const Block& block) {  // without a branch for each word
    return std::accumulate(block.begin(), block.end(), std::uint64_t{0}, std::bit_or<>{}) == 0;
  };
  for (const auto& blocks : generation_) {
    std::vector<std::size_t> used;
    const bool may_hold = older_ || &blocks == &generation_.front();
    for (std::size_t i = 0; may_hold && i < blocks_; ++i)
      if (!empty(blocks[i])) used.push_back(i);
    out.put(std::uint64_t{used.size()});
    for (const std::size_t i : used) out.put(i), out.put(blocks[i]);
  }
}

config::Result<void> StrangerFilter::load(StateReader& in) {
  if (in.get<std::uint64_t>() != blocks_) in.fail();
  since_ = in.get<EventTime>();
  for (auto& blocks : generation_) {
    const auto used = in.get<std::uint64_t>();
    older_ = used != 0;  // of the last one read: the older
    for (std::uint64_t i = 0; i < used && !in.failed(); ++i) {
      const auto at = in.get<std::uint64_t>();
      const auto block = in.get<Block>();
      if (at < blocks_)
        blocks[at] = block;
      else
        in.fail();
    }
  }
  return in.finish("stranger filter");
}

}  // namespace stuffwatch::detectors
