#include "detectors/state/stranger_filter.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "detectors/finding.h"
#include "detectors/state/mix.h"

namespace stuffwatch::detectors {
namespace {

constexpr std::size_t kBitsPerPair = 10, kProbes = 6;
// Of a block in a checkpoint: its number and which of its bytes follow; and how many do while the filter fills.
constexpr std::size_t kBlockHead = 12, kUsualBytes = 24;

// Bit i: byte i is not zero.
std::uint64_t bytes_set(std::uint64_t word) {
  word |= word >> 4, word |= word >> 2, word |= word >> 1;
  return (word & 0x0101010101010101) * 0x0102040810204080 >> 56;
}

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
    if (used_[1] != 0) __builtin_prefetch(&generation_[1][block]);
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
  return all(generation_[0][p.block]) || (used_[1] != 0 && all(generation_[1][p.block]));
}

bool StrangerFilter::is_stranger(const Pairs& pairs) const {
  return !holds(pairs.network) && !holds(pairs.client);
}

void StrangerFilter::learn(const Pairs& pairs) {
  for (const std::uint64_t pair : {pairs.network, pairs.client}) {
    if (pair == 0) continue;
    const Probe p = probe(pair);
    Block& block = generation_[0][p.block];
    std::uint64_t before = 0;
    for (std::size_t i = 0; i < block.size(); ++i) before |= block[i], block[i] |= p.bits[i];
    used_[0] += before == 0;
  }
}

void StrangerFilter::advance(EventTime watermark) {
  if (since_ == EventTime{}) since_ = watermark;
  if (watermark - since_ <= kGeneration) return;
  std::swap(generation_[0], generation_[1]), std::swap(used_[0], used_[1]);
  generation_[0].clear(), used_[0] = 0;
  if (watermark - since_ > 2 * kGeneration)  // a silence: all of it is older than one generation
    generation_[1].clear(), used_[1] = 0;
  since_ = watermark;
}

std::uint64_t StrangerFilter::state_bytes() const {
  return (used_[0] + used_[1]) * (kBlockHead + kUsualBytes) + 64;
}

// Only what is not zero is written, byte by byte: a pair sets six bits in a block of 512.
void StrangerFilter::save(StateWriter& out) const {
  out.put(blocks_), out.put(since_), out.put(used_);
  out.expect(state_bytes());
  for (std::size_t g = 0; g < generation_.size(); ++g) {
    if (used_[g] == 0) continue;
    for (std::size_t i = 0; i < blocks_; ++i) {
      const Block& block = generation_[g][i];
      std::uint64_t set = 0;
      for (std::size_t w = 0; w < block.size(); ++w) set |= bytes_set(block[w]) << 8 * w;
      if (set == 0) continue;
      const auto bytes = std::bit_cast<std::array<char, sizeof(Block)>>(block);
      std::array<char, sizeof(Block)> kept;
      std::size_t count = 0;
      for (std::uint64_t left = set; left != 0; left &= left - 1)
        kept[count++] = bytes[static_cast<std::size_t>(std::countr_zero(left))];
      out.put(static_cast<std::uint32_t>(i)), out.put(set), out.bytes({kept.data(), count});
    }
  }
}

config::Result<void> StrangerFilter::load(StateReader& in) {
  if (in.get<std::uint64_t>() != blocks_) in.fail();
  since_ = in.get<EventTime>(), used_ = in.get<decltype(used_)>();
  for (std::size_t g = 0; g < generation_.size(); ++g) {
    for (std::uint64_t i = 0; i < used_[g] && !in.failed(); ++i) {
      const auto at = in.get<std::uint32_t>();
      std::uint64_t set = in.get<std::uint64_t>();
      std::array<char, sizeof(Block)> bytes{};
      for (const char byte : in.bytes(static_cast<std::size_t>(std::popcount(set)))) {
        bytes[static_cast<std::size_t>(std::countr_zero(set))] = byte;
        set &= set - 1;
      }
      if (at < blocks_)
        generation_[g][at] = std::bit_cast<Block>(bytes);
      else
        in.fail();
    }
  }
  return in.finish("stranger filter");
}

}  // namespace stuffwatch::detectors
