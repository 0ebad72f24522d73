#include "daemon/pipeline/dedup_set.h"

#include <gtest/gtest.h>

namespace stuffwatch::daemon::pipeline {
namespace {

using detectors::EventTime;
using namespace std::chrono_literals;

TEST(DedupSet, TheFirstWinsWithinTheWindow) {
  DedupSet set(10min, 100);
  EXPECT_TRUE(set.insert(1, EventTime{0ms}));
  EXPECT_FALSE(set.insert(1, EventTime{10min}));
  EXPECT_TRUE(set.insert(1, EventTime{10min + 1ms}));
}

TEST(DedupSet, TheOldestGoesFirstAndIsCounted) {
  DedupSet set(10min, 3);
  for (std::uint64_t id = 1; id <= 4; ++id) EXPECT_TRUE(set.insert(id, EventTime{0ms}));
  EXPECT_EQ(set.forced_evictions(), 1u);
  EXPECT_TRUE(set.insert(1, EventTime{0ms}));
  EXPECT_FALSE(set.insert(4, EventTime{0ms}));
}

TEST(DedupSet, SurvivesACheckpoint) {
  DedupSet set(10min, 3);
  for (std::uint64_t id = 1; id <= 5; ++id) static_cast<void>(set.insert(id, EventTime{0ms}));
  std::string bytes;
  detectors::StateWriter writer(bytes);
  set.save(writer);
  DedupSet loaded(10min, 3);
  detectors::StateReader reader(bytes);
  loaded.load(reader);
  ASSERT_TRUE(reader.finish("dedup"));
  EXPECT_EQ(loaded.forced_evictions(), 2u);
  EXPECT_FALSE(loaded.insert(5, EventTime{1min}));
  EXPECT_TRUE(loaded.insert(2, EventTime{1min}));
}

}  // namespace
}  // namespace stuffwatch::daemon::pipeline
