// When matches of a list have an order, and how sure a share is.
#include "corpus/triage_matches.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "corpus/triage.h"

namespace stuffwatch::corpus {
namespace {

TEST(Order, IsSeenInHalfOfTwentyPairs) {
  const auto kind = [](std::uint64_t pairs, std::uint64_t forward, std::uint64_t backward,
                       std::uint64_t shared) {
    return kind_of({pairs, forward, backward}, shared);
  };
  EXPECT_EQ(kind(20, 20, 0, 21), OrderKind::kForward);
  EXPECT_EQ(kind(19, 19, 0, 20), OrderKind::kNone);
  EXPECT_EQ(kind(999, 500, 499, 1000), OrderKind::kForward);
  EXPECT_EQ(kind(999, 499, 500, 1000), OrderKind::kBackward);
  EXPECT_EQ(kind(999, 499, 0, 1000), OrderKind::kPartlyForward);
  EXPECT_EQ(kind(999, 0, 100, 1000), OrderKind::kPartlyBackward);
  EXPECT_EQ(kind(1'000'000, 99'999, 0, 1'000'000), OrderKind::kNone);
  EXPECT_EQ(kind(0, 0, 0, 1000), OrderKind::kNone);
  EXPECT_EQ(kind(1000, 1000, 0, 8), OrderKind::kNone) << "few accounts, again and again";
}

// A block of a list, shuffled: its lines are near each other in any order.
TEST(Order, IsNotSeenInWhatWasShuffled) {
  std::mt19937_64 random(4);
  for (const std::size_t count : {21U, 40U, 100U, 1000U}) {
    std::vector<std::uint64_t> lines(count);
    std::iota(lines.begin(), lines.end(), 0U);
    for (int round = 0; round < 1000; ++round) {
      std::ranges::shuffle(lines, random);
      MatchRun run;
      for (const std::uint64_t line : lines) run.append(line);
      ASSERT_EQ(kind_of(run.order, count), OrderKind::kNone) << count;
    }
  }
}

TEST(Wilson, GivesWhatTheTextbookHas) {
  EXPECT_DOUBLE_EQ(wilson_interval(0, 0).low, 0);
  EXPECT_DOUBLE_EQ(wilson_interval(0, 0).high, 1);
  EXPECT_DOUBLE_EQ(wilson_interval(0, 10).low, 0);
  EXPECT_NEAR(wilson_interval(0, 10).high, 0.2775, 0.0001);
  EXPECT_DOUBLE_EQ(wilson_interval(10, 10).high, 1);
  EXPECT_NEAR(wilson_interval(50, 100).low, 0.4038, 0.0001);
}

}  // namespace
}  // namespace stuffwatch::corpus
