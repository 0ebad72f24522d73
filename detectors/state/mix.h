// Integer mixing for table indexes. Not a keyed hash: the seed comes from the account key, so that nobody outside can choose collisions.
#pragma once

#include <cstdint>

namespace stuffwatch::detectors {

// Multiply-fold of two words (the step of wyhash); full avalanche in about 1 ns.
[[nodiscard]] inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a ^ 0x9e3779b97f4a7c15ull) * (b ^ 0xd6e8feb86659fd93ull);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}
[[nodiscard]] inline std::uint64_t mix(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  return mix(mix(a, b), c);
}

}  // namespace stuffwatch::detectors
