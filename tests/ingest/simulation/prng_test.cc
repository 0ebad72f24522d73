#include "ingest/simulation/prng.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace stuffwatch::ingest::simulation {
namespace {

TEST(Prng, GivesTheSameNumbersEverywhere) {
  Prng prng(42);
  const std::vector<std::uint64_t> first = {prng.next(), prng.next(), prng.next()};
  EXPECT_EQ(first, (std::vector<std::uint64_t>{4511727728571527673u, 13683614658586226079u,
                                               2500708786568655691u}));
  EXPECT_EQ(mix(0), 0xe220a8397b1dcdaf) << "the first number of splitmix64 with seed 0";
}

TEST(Prng, StaysBelowAndBetween) {
  Prng prng(1);
  std::vector<int> counts(10);
  for (int i = 0; i < 100'000; ++i) ++counts.at(prng.below(10));
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
  for (int i = 0; i < 1'000; ++i) {
    const std::uint32_t n = prng.between(3, 8);
    EXPECT_GE(n, 3u);
    EXPECT_LE(n, 8u);
  }
}

TEST(Prng, ExponentialHasItsMeanAndTail) {
  Prng prng(7);
  constexpr std::uint64_t kMean = 1'000'000;
  constexpr int kDraws = 200'000;
  std::uint64_t sum = 0;
  int beyond_mean = 0, beyond_three = 0;
  for (int i = 0; i < kDraws; ++i) {
    const std::uint64_t x = prng.exponential(kMean);
    sum += x;
    beyond_mean += x > kMean;
    beyond_three += x > 3 * kMean;
  }
  EXPECT_NEAR(static_cast<double>(sum) / kDraws, 1e6, 1e4);
  EXPECT_NEAR(beyond_mean, 0.36788 * kDraws, 1'000);
  EXPECT_NEAR(beyond_three, 0.04979 * kDraws, 500);
}

TEST(Permutation, IsABijection) {
  for (const std::uint64_t size : {1u, 2u, 3u, 5u, 64u, 1'000u, 65'537u}) {
    const Permutation order(size, 99);
    std::vector<bool> seen(size);
    for (std::uint64_t i = 0; i < size; ++i) {
      const std::uint64_t place = order(i);
      ASSERT_LT(place, size);
      EXPECT_FALSE(seen[place]) << size << ": " << place << " twice";
      seen[place] = true;
    }
  }
}

TEST(Permutation, DependsOnTheSeed) {
  const Permutation a(1'000, 1), b(1'000, 2);
  int equal = 0;
  for (std::uint64_t i = 0; i < 1'000; ++i) equal += a(i) == b(i);
  EXPECT_LT(equal, 20);
}

}  // namespace
}  // namespace stuffwatch::ingest::simulation
