#include "detectors/state/top_counts.h"

#include <map>

#include <gtest/gtest.h>

#include "tests/detectors/streams.h"

namespace stuffwatch::detectors {
namespace {

using Counts = TopCounts<int>;

TEST(TopCounts, IsExactWhileAllFit) {
  Random random(1);
  Counts counts;
  std::map<std::uint64_t, std::uint64_t> exact;
  for (int i = 0; i < 5000; ++i) {
    const std::uint64_t key = random.below(Counts::kCapacity), times = 1 + random.below(3);
    counts.add(key, times) = static_cast<int>(key);
    exact[key] += times;
  }
  ASSERT_EQ(counts.entries().size(), exact.size());
  for (const auto& [key, count] : exact) {
    ASSERT_NE(counts.find(key), nullptr);
    EXPECT_EQ(counts.find(key)->count, count);
    EXPECT_EQ(counts.find(key)->value, static_cast<int>(key));
  }
  EXPECT_EQ(counts.find(Counts::kCapacity + 1), nullptr);
}

TEST(TopCounts, SortsByCountAndThenByKey) {
  Counts counts;
  for (const std::uint64_t key : {9u, 3u, 7u, 3u, 5u, 9u, 1u}) counts.add(key);
  std::vector<std::uint64_t> keys;
  for (const auto& entry : counts.sorted()) keys.push_back(entry.key);
  EXPECT_EQ(keys, (std::vector<std::uint64_t>{3, 9, 1, 5, 7}));
}

TEST(TopCounts, TheSmallestMakesRoomAndItsCountIsInherited) {
  Counts counts;
  for (std::uint64_t key = 0; key < Counts::kCapacity; ++key) counts.add(key, 10 + key / 2) = 1;
  EXPECT_EQ(counts.add(1000, 2),
            0);  // in the place of 0: of those with the smallest count, the smallest key
  EXPECT_EQ(counts.find(0), nullptr);
  ASSERT_NE(counts.find(1000), nullptr);
  EXPECT_EQ(counts.find(1000)->count, 12U);
  EXPECT_EQ(counts.entries().size(), Counts::kCapacity);
  EXPECT_NE(counts.find(1), nullptr);
}

// Space-Saving: what stands for more than 1/capacity of the stream is in the table, and no count is too low.
TEST(TopCounts, KeepsEveryFrequentKey) {
  Random random(2);
  Counts counts;
  std::map<std::uint64_t, std::uint64_t> exact;
  constexpr std::uint64_t kTotal = 50'000;
  for (std::uint64_t i = 0; i < kTotal; ++i) {
    const std::uint64_t key = random.chance(.5) ? random.below(20) : 100 + random.below(5000);
    counts.add(key), ++exact[key];
  }
  for (const auto& [key, count] : exact)
    if (count > kTotal / Counts::kCapacity) {
      EXPECT_NE(counts.find(key), nullptr) << key;
    }
  for (const auto& entry : counts.entries()) {
    EXPECT_GE(entry.count, exact[entry.key]);
    EXPECT_LE(entry.count, exact[entry.key] + kTotal / Counts::kCapacity);
  }
}

TEST(TopCounts, GoesOnAfterRestoreAsBefore) {
  Random random(3);
  Counts counts;
  for (int i = 0; i < 2000; ++i) counts.add(random.below(300));
  Counts again;
  again.restore(counts.entries());
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t key = random.below(300);
    counts.add(key), again.add(key);
  }
  ASSERT_EQ(counts.entries().size(), again.entries().size());
  for (std::size_t i = 0; i < counts.entries().size(); ++i) {
    EXPECT_EQ(counts.entries()[i].key, again.entries()[i].key);
    EXPECT_EQ(counts.entries()[i].count, again.entries()[i].count);
  }
}

}  // namespace
}  // namespace stuffwatch::detectors
