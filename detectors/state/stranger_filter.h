// The `stranger` bit (detection.md 3.0): has this account succeeded from this network, or with this client, in the last 30 days?
//
// Two generations of 30 days, each a blocked Bloom filter (Putze, Sanders, Singler 2007) of 10 bits a pair in 512-bit blocks: learn into the newer, ask both,
// so a pair is kept 30 to 60 days. A false positive (about 1 %) loses an attack event and never invents one.
// Time: event time. Threads: none; one instance a logical partition of accounts. Memory: 2 * max_pairs * 1.25 B, touched as it fills.
// Cost: four cache lines an event; prefetch() first.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "config/result.h"
#include "detectors/event.h"
#include "detectors/state/lazy_array.h"
#include "detectors/state/state_io.h"

namespace stuffwatch::detectors {

class StrangerFilter {
 public:
  static constexpr std::chrono::milliseconds kGeneration = std::chrono::days{30};

  StrangerFilter(std::uint64_t max_pairs, std::uint64_t seed);

  // The two pairs of an event, hashed: (tenant, account) with its network (/24 or /48), and with its client (0 when it has none).
  struct Pairs {
    std::uint64_t network = 0, client = 0;
  };
  [[nodiscard]] Pairs pairs_of(const LoginEvent& event) const;
  void prefetch(const Pairs& pairs) const;
  [[nodiscard]] bool is_stranger(const Pairs& pairs) const;
  void learn(const Pairs& pairs);
  void advance(EventTime watermark);  // rolls the generations

  void save(StateWriter& out) const;
  [[nodiscard]] config::Result<void> load(StateReader& in);
  [[nodiscard]] std::uint64_t state_bytes() const;  // of save(), about
  [[nodiscard]] std::uint64_t bytes() const { return 2 * blocks_ * sizeof(Block); }

 private:
  using Block = std::array<std::uint64_t, 8>;  // one cache line
  struct Probe {
    std::size_t block;
    Block bits;
  };
  [[nodiscard]] Probe probe(std::uint64_t pair) const;
  [[nodiscard]] bool holds(std::uint64_t pair) const;

  std::size_t blocks_;
  std::uint64_t seed_;
  std::array<LazyArray<Block>, 2> generation_;  // [0] is the newer
  // Blocks that hold something: an empty generation is not asked, which is half of the accesses until the first turn.
  std::array<std::uint64_t, 2> used_{};
  EventTime since_{};  // when the newer one began; 0 = no event yet
};

}  // namespace stuffwatch::detectors
