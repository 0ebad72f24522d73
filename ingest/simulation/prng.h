// The simulation's own random numbers: integers only, so that a seed gives the same bytes on any
// machine and library.
//
// Nothing of <random>'s distributions (they differ between libraries) and no floating point
// (contraction and libm differ between machines). Threads: none. Cost: about 1 ns a number.
#pragma once

#include <array>
#include <cstdint>

namespace stuffwatch::ingest::simulation {

// splitmix64's finaliser: a bijection that makes related numbers unrelated.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// A property of a thing: mix(seed, which property, which thing). The same question always gets the
// same answer, so that millions of accounts need no memory.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t seed, std::uint64_t a,
                                          std::uint64_t b = 0) {
  return mix(mix(mix(seed) ^ a) ^ b);
}

// 0 .. bound-1 from the upper half of a mixed number. bound >= 1.
[[nodiscard]] constexpr std::uint32_t reduce(std::uint64_t mixed, std::uint32_t bound) {
  return static_cast<std::uint32_t>(((mixed >> 32) * bound) >> 32);
}

inline constexpr std::uint32_t kMillion = 1'000'000;  // chances are given per million

// xoshiro256** 1.0 (Blackman and Vigna 2018).
class Prng {
 public:
  explicit Prng(std::uint64_t seed);

  std::uint64_t next();
  std::uint32_t below(std::uint32_t bound) { return reduce(next(), bound); }  // bound >= 1
  std::uint32_t between(std::uint32_t low, std::uint32_t high) {
    return low + below(high - low + 1);
  }
  bool chance(std::uint32_t per_million) { return below(kMillion) < per_million; }
  // An exponential variate of this mean (< 2^40): von Neumann's comparisons of uniforms, no
  // logarithm.
  std::uint64_t exponential(std::uint64_t mean);

 private:
  std::array<std::uint64_t, 4> state_;
};

// A bijection of 0 .. size-1, computed and not stored: a four-round Feistel network, walked until
// inside. size >= 1.
class Permutation {
 public:
  Permutation(std::uint64_t size, std::uint64_t seed);
  [[nodiscard]] std::uint64_t operator()(std::uint64_t index) const;
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  std::uint64_t size_, mask_;
  unsigned half_bits_ = 1;
  std::array<std::uint64_t, 4> keys_;
};

}  // namespace stuffwatch::ingest::simulation
