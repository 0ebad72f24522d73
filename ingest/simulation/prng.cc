#include "ingest/simulation/prng.h"

#include <bit>

namespace stuffwatch::ingest::simulation {

Prng::Prng(std::uint64_t seed) {
  for (std::uint64_t i = 0; i < state_.size(); ++i) state_[i] = mix(seed, i);
}

std::uint64_t Prng::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Prng::exponential(std::uint64_t mean) {
  // A descending run of uniforms that begins at u has odd length with probability exp(-u); an even
  // one adds 1 and tries again.
  for (std::uint64_t whole = 0;; ++whole) {
    const std::uint64_t first = next() >> 32;
    std::uint64_t last = first;
    unsigned length = 1;
    for (std::uint64_t u = next() >> 32; u < last; u = next() >> 32, ++length) last = u;
    if (length % 2 == 1) return (((whole << 16) + (first >> 16)) * mean) >> 16;
  }
}

Permutation::Permutation(std::uint64_t size, std::uint64_t seed) : size_(size) {
  const auto bits = static_cast<unsigned>(std::bit_width(size - (size > 1 ? 1 : 0)));
  half_bits_ = bits < 2 ? 1 : (bits + 1) / 2;
  mask_ = (std::uint64_t{1} << half_bits_) - 1;
  for (std::uint64_t i = 0; i < keys_.size(); ++i) keys_[i] = mix(seed, 0x7065726d, i);
}

std::uint64_t Permutation::operator()(std::uint64_t index) const {
  do {
    std::uint64_t left = index >> half_bits_;
    std::uint64_t right = index & mask_;
    for (const std::uint64_t key : keys_) {
      const std::uint64_t mixed = left ^ (mix(right ^ key) & mask_);
      left = right;
      right = mixed;
    }
    index = left << half_bits_ | right;
  } while (index >= size_);
  return index;
}

}  // namespace stuffwatch::ingest::simulation
