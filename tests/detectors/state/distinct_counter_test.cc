#include "detectors/state/distinct_counter.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "tests/detectors/streams.h"

namespace stuffwatch::detectors {
namespace {

std::string saved(const DistinctCounter& counter) {
  std::string out;
  StateWriter writer(out);
  counter.save(writer);
  return out;
}

TEST(DistinctCounter, IsExactUpToItsSize) {
  Random random(1);
  DistinctCounter counter;
  std::set<std::uint64_t> seen;
  EXPECT_EQ(counter.count(), 0U);
  while (seen.size() < DistinctCounter::kExact) {
    const std::uint64_t value = random.below(1500);
    counter.add(value), seen.insert(value);
    ASSERT_EQ(counter.count(), seen.size());
    ASSERT_TRUE(counter.exact());
  }
  for (const std::uint64_t value : seen) counter.add(value);  // all known
  EXPECT_TRUE(counter.exact());
  EXPECT_EQ(counter.count(), DistinctCounter::kExact);
  counter.add(1'000'000);
  EXPECT_FALSE(counter.exact());
}

TEST(DistinctCounter, EstimatesLargeNumbersWithinTenPercent) {
  for (const std::uint64_t n : {2000u, 10'000u, 300'000u}) {
    DistinctCounter counter;
    for (std::uint64_t i = 0; i < n; ++i) counter.add(i), counter.add(i / 2);
    EXPECT_FALSE(counter.exact());
    EXPECT_NEAR(static_cast<double>(counter.count()), static_cast<double>(n),
                .1 * static_cast<double>(n));
  }
}

TEST(DistinctCounter, DoesNotDependOnTheOrder) {
  DistinctCounter up, down;
  for (std::uint64_t i = 0; i < 5000; ++i) up.add(i), down.add(4999 - i);
  EXPECT_EQ(saved(up), saved(down));
}

TEST(DistinctCounter, AMergeIsTheCounterOfTheUnion) {
  for (const std::uint64_t n : {10u, 600u, 1024u, 5000u}) {
    DistinctCounter a, b, both;
    for (std::uint64_t i = 0; i < n; ++i)
      a.add(i), b.add(i + n / 2), both.add(i), both.add(i + n / 2);
    a.merge(b);
    EXPECT_EQ(saved(a), saved(both)) << n;
    EXPECT_EQ(a.exact(), n + n / 2 <= DistinctCounter::kExact) << n;
  }
}

TEST(DistinctCounter, ReadsBackWhatItSaved) {
  DistinctCounter first, again;
  for (std::uint64_t i = 0; i < 3000; ++i) first.add(i);
  const std::string state = saved(first);
  StateReader reader(state);
  again.load(reader);
  EXPECT_TRUE(reader.finish("counter").has_value());
  for (std::uint64_t i = 2000; i < 9000; ++i) first.add(i), again.add(i);
  EXPECT_EQ(saved(first), saved(again));
}

}  // namespace
}  // namespace stuffwatch::detectors
