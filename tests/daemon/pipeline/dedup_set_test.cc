#include "daemon/pipeline/dedup_set.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <string>

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

// The same set, told plainly, with a checkpoint now and then.
TEST(DedupSet, AgreesWithAPlainList) {
  struct Seen {
    std::uint64_t id;
    EventTime time;
  };
  for (unsigned seed = 1; seed <= 6; ++seed) {
    std::mt19937 random(seed);
    const std::size_t max_ids = seed % 2 == 0 ? 40 : 400;
    auto set = std::make_unique<DedupSet>(10s, max_ids);
    std::deque<Seen> model;
    std::uint64_t forced = 0;
    EventTime front{};
    for (int step = 0; step < 5000; ++step) {
      front += std::chrono::milliseconds{random() % 200};
      const std::uint64_t id = random() % 300;
      while (!model.empty() && front - model.front().time > 10s) model.pop_front();
      const bool fresh = std::ranges::find(model, id, &Seen::id) == model.end();
      if (fresh && model.size() == max_ids) model.pop_front(), ++forced;
      if (fresh) model.push_back({id, front});
      ASSERT_EQ(set->insert(id, front), fresh) << "seed " << seed << " step " << step;
      ASSERT_EQ(set->forced_evictions(), forced) << "seed " << seed << " step " << step;
      if (random() % 500 != 0) continue;
      std::string bytes;
      detectors::StateWriter writer(bytes);
      set->save(writer);
      set = std::make_unique<DedupSet>(10s, max_ids);
      detectors::StateReader reader(bytes);
      set->load(reader);
      ASSERT_TRUE(reader.finish("dedup"));
    }
    EXPECT_EQ(forced != 0, max_ids == 40);
  }
}

}  // namespace
}  // namespace stuffwatch::daemon::pipeline
