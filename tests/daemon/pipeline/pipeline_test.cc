// The promises of pipeline.md on whole pipelines: one order, the same bits for any threads, batches and restarts, late and duplicate events, slow inputs.
#include "daemon/pipeline/pipeline.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/daemon/pipeline/rig.h"

namespace stuffwatch::daemon::pipeline {
namespace {

TEST(Pipeline, SaysTheSameForAnyThreadsBatchesAndChunks) {
  std::vector<std::string> expected;
  for (const std::uint32_t workers : {1u, 2u, 8u}) {
    for (const std::uint32_t batch : {1u, 7u, 4096u}) {
      Rig setup;
      setup.config.workers = workers, setup.config.batch_events = batch;
      auto pipeline = setup.make();
      pipeline->add_source(std::make_unique<MemorySource>(traffic(3, 1), 1 + batch % 50),
                           setup.settings);
      Rig::turn(*pipeline);
      EXPECT_EQ(pipeline->merge().behind_front(), 0u);
      if (expected.empty()) expected = setup.bodies;
      ASSERT_FALSE(expected.empty()) << "the attack was not found: the test shows nothing";
      EXPECT_EQ(setup.bodies, expected) << workers << " workers, batches of " << batch;
    }
  }
}

TEST(Pipeline, ARestartAtAnyTickSaysWhatTheUninterruptedRunSays) {
  Rig calm;
  auto whole = calm.make();
  whole->add_source(std::make_unique<MemorySource>(traffic(3, 2), 64), calm.settings);
  Rig::turn(*whole);
  ASSERT_FALSE(calm.bodies.empty());

  for (const int restart_every : {7, 50, 111}) {
    Rig hurt;
    std::vector<std::string> cut;  // of the last cut
    std::size_t said_at_cut = 0;
    bool ended = false;
    while (!ended) {
      int ticks = 0;
      Pipeline* current = nullptr;
      Pipeline::Hooks hooks;
      bool crash = false;
      hooks.on_cut = [&] {
        if (crash || ++ticks < restart_every) return;
        cut.resize(current->sections());
        for (std::size_t s = 0; s < cut.size(); ++s)
          cut[s].clear(), current->save_section(s, cut[s]);
        said_at_cut = hurt.bodies.size(), crash = true;
      };
      auto pipeline = hurt.make(std::move(hooks));
      current = pipeline.get();
      for (std::size_t s = 0; s < cut.size(); ++s)
        ASSERT_TRUE(pipeline->load_section(s, cut[s])) << s;
      pipeline->add_source(std::make_unique<MemorySource>(traffic(3, 2), 64), hurt.settings);
      for (auto progress = pipeline->run_once({}, 97); !crash;
           progress = pipeline->run_once({}, 97)) {
        if (progress != Pipeline::Progress::kFinished) continue;
        pipeline->finish(), ended = true;
        break;
      }
      if (!ended) hurt.bodies.resize(said_at_cut);  // what was said after the cut is said again
    }
    EXPECT_EQ(hurt.bodies, calm.bodies) << "restarted every " << restart_every << " ticks";
  }
}

TEST(Pipeline, MergesByTimeWhateverTheInput) {
  std::minstd_rand dice(3);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::vector<std::string>> inputs(1 + dice() % 5);
    std::size_t total = 0;
    for (auto& input : inputs) {
      std::chrono::milliseconds at{0};
      for (std::size_t n = dice() % 200; n != 0; --n, ++total)
        input.push_back(
            line(at += std::chrono::milliseconds{dice() % 3000}, "a", "10.0.0.1", true));
    }
    Rig setup;
    auto pipeline = setup.make();
    pipeline->add_source(std::make_unique<MemorySource>(inputs, 1 + dice() % 9), setup.settings);
    Rig::turn(*pipeline);
    EXPECT_TRUE(std::ranges::is_sorted(setup.order));
    EXPECT_EQ(setup.order.size(), total);
  }
}

TEST(Pipeline, DropsDuplicatesAndCountsThem) {
  Rig setup;
  auto pipeline = setup.make();
  pipeline->add_source(
      std::make_unique<MemorySource>(
          std::vector<std::vector<std::string>>{{line(0s, "a", "10.0.0.1", true, "x"),
                                                 line(5min, "a", "10.0.0.1", true, "x"),
                                                 line(16min, "a", "10.0.0.1", true, "x")}},
          10),
      setup.settings);
  Rig::turn(*pipeline);
  EXPECT_EQ(pipeline->counts().events, 2u);
  EXPECT_EQ(pipeline->counts().duplicates, 1u);
}

TEST(Pipeline, LateEventsReachNoDetector) {
  Rig setup;
  auto pipeline = setup.make();
  pipeline->add_source(
      std::make_unique<MemorySource>(
          std::vector<std::vector<std::string>>{
              {line(0s, "a", "10.0.0.1", true), line(9s, "b", "10.0.0.1", true),
               line(18s, "b", "10.0.0.1", true), line(27s, "b", "10.0.0.1", true),
               line(36s, "b", "10.0.0.1", true), line(45s, "b", "10.0.0.1", true),
               line(14s, "c", "10.0.0.1", true), line(16s, "c", "10.0.0.1", true)}},
          10),
      setup.settings);
  Rig::turn(*pipeline);
  EXPECT_EQ(pipeline->counts().late, 1u);
  EXPECT_EQ(pipeline->counts().events, 7u);
}

TEST(Pipeline, WaitsForASlowInputThenGoesOnWithoutItAndSaysSo) {
  Rig setup;
  auto pipeline = setup.make();
  auto source = std::make_unique<MemorySource>(traffic(2, 4, 20), 16);
  MemorySource& inputs = *source;
  inputs.stall(1, ingest::ReadStatus::kNothingYet);
  pipeline->add_source(std::move(source), setup.settings);
  const Monotonic begin{};
  EXPECT_EQ(pipeline->run_once(begin), Pipeline::Progress::kWaiting);
  EXPECT_EQ(pipeline->run_once(begin + 59s), Pipeline::Progress::kWaiting);
  EXPECT_EQ(pipeline->run_once(begin + 61s), Pipeline::Progress::kWorked);
  while (pipeline->run_once(begin + 62s) == Pipeline::Progress::kWorked) {}
  EXPECT_GT(pipeline->counts().events, 0u);
  ASSERT_EQ(setup.notices.size(), 1u);
  EXPECT_TRUE(setup.notices[0].left_out);
  inputs.resume(1);
  Rig::turn(*pipeline, begin + 63s);
  EXPECT_GT(pipeline->merge().behind_front(), 0u) << "what comes back behind the front is counted";
}

// Busy for 20 s, then nothing for a minute, in big fetches: the first event after each pause is held for its clock until sixteen more follow, which have to be
// read even though as much as is wanted has been read ahead.
TEST(Pipeline, AnEventHeldAtTheEndOfAFetchIsNotHeldForEver) {
  for (const std::uint32_t workers : {1u, 2u}) {
    std::vector<std::vector<std::string>> inputs(4);
    std::size_t total = 0;
    for (int burst = 0; burst < 40; ++burst)
      for (int i = 0; i < 1000; ++i, ++total)
        inputs[static_cast<std::size_t>(burst) % 4].push_back(
            line(burst * 20s + i * 20ms, "user" + std::to_string(i), "10.0.0.1", true));
    Rig setup;
    setup.config.workers = workers;
    auto pipeline = setup.make();
    pipeline->add_source(std::make_unique<MemorySource>(std::move(inputs), 1001), setup.settings);
    Rig::turn(*pipeline);
    EXPECT_EQ(pipeline->counts().events, total);
  }
}

// The revisions of an uninterrupted run up to what was committed are not said again; everything after it is, with the same content.
TEST(Pipeline, WhatWasCommittedIsReadAgainInSilence) {
  const auto inputs = traffic(2, 9);
  Rig whole;
  auto uninterrupted = whole.make();
  uninterrupted->add_source(std::make_unique<MemorySource>(inputs, 16), whole.settings);
  Rig::turn(*uninterrupted);
  Rig before, after;
  std::vector<Merge::Resume> cut;
  std::size_t said_before = 0;
  Pipeline* first = nullptr;
  Pipeline::Hooks hooks;
  hooks.on_cut = [&] {
    if (cut.empty() && first->counts().events > 1500)
      cut = first->merge().positions(), said_before = before.bodies.size();
  };
  auto earlier = before.make(std::move(hooks));
  first = earlier.get();
  earlier->add_source(std::make_unique<MemorySource>(inputs, 16), before.settings);
  Rig::turn(*earlier);
  ASSERT_EQ(cut.size(), 2u);
  ASSERT_GT(said_before, 0u);
  ASSERT_LT(said_before, whole.bodies.size());
  auto later = after.make();
  auto source = std::make_unique<MemorySource>(inputs, 16);
  for (const auto& position : cut)
    source->set_committed(position.id.partition, position.next_offset);
  later->add_source(std::move(source), after.settings);
  EXPECT_TRUE(later->silent());
  Rig::turn(*later);
  EXPECT_FALSE(later->silent());
  EXPECT_EQ(after.bodies, std::vector<std::string>(
                              whole.bodies.begin() + static_cast<std::ptrdiff_t>(said_before),
                              whole.bodies.end()));
}

// What was committed need not end with a second.
TEST(Pipeline, SilenceEndsWithTheFirstEventThatIsNew) {
  std::vector<std::string> lines;
  lines.reserve(101);
  for (int i = 0; i < 100; ++i) lines.push_back(line(i * 1s, "user@example.com", "10.0.0.1", true));
  lines.push_back(line(100s, "user@example.com", "10.0.0.1", true));
  const auto committed = static_cast<std::int64_t>(lines.size());
  for (int i = 0; i < 40; ++i)
    lines.push_back(line(100s + 1ms * (i + 1), "listed" + std::to_string(i) + "@example.org",
                         "203.0.113.9", false));
  Rig setup;
  auto pipeline = setup.make();
  auto source = std::make_unique<MemorySource>(std::vector<std::vector<std::string>>{lines}, 7);
  source->set_committed(0, committed);
  pipeline->add_source(std::move(source), setup.settings);
  Rig::turn(*pipeline);
  ASSERT_FALSE(setup.bodies.empty());
  EXPECT_NE(setup.bodies[0].find("\"revision\":1,\"status\":\"open\""), std::string::npos)
      << setup.bodies[0];
}

TEST(Pipeline, AnIdleInputIsNotWaitedFor) {
  Rig setup;
  auto pipeline = setup.make();
  auto source = std::make_unique<MemorySource>(traffic(2, 5, 20), 16);
  source->stall(1, ingest::ReadStatus::kAtEnd);
  pipeline->add_source(std::move(source), setup.settings);
  const Monotonic begin{};
  EXPECT_EQ(pipeline->run_once(begin), Pipeline::Progress::kWaiting);
  EXPECT_EQ(pipeline->run_once(begin + 1s), Pipeline::Progress::kWaiting);
  while (pipeline->run_once(begin + 2s) == Pipeline::Progress::kWorked) {}
  EXPECT_GT(pipeline->counts().events, 0u);
  EXPECT_TRUE(setup.notices.empty());
}

// Nobody waits for records of which no format makes an event, and no cut stands behind them.
TEST(Pipeline, RecordsWithoutAFormatHoldNobodyUpAndAreNotCommitted) {
  Rig setup;
  setup.settings[0].decoder = nullptr;
  std::vector<std::int64_t> bad;
  Pipeline::Hooks hooks;
  hooks.on_bad = [&](const InputQueue&, const ingest::RawRecord& record, ingest::Reject) {
    bad.push_back(record.offset);
  };
  auto pipeline = setup.make(std::move(hooks));
  auto inputs = traffic(1, 6, 20);
  inputs.push_back({"poison", "poison"});
  auto source = std::make_unique<MemorySource>(inputs, 16);
  MemorySource& topic = *source;
  topic.make_topic();
  pipeline->add_source(std::move(source), setup.settings);
  const Monotonic begin{};
  while (pipeline->run_once(begin) == Pipeline::Progress::kWorked) {}
  while (pipeline->run_once(begin + 2s) == Pipeline::Progress::kWorked) {}
  EXPECT_EQ(pipeline->counts().events, inputs[0].size());
  EXPECT_TRUE(setup.notices.empty());
  EXPECT_TRUE(bad.empty());
  EXPECT_EQ(pipeline->merge().positions()[1].next_offset, 0);

  topic.add(1, line(20s, "a", "10.0.0.1", true));
  while (pipeline->run_once(begin + 3s) == Pipeline::Progress::kWorked) {}
  while (pipeline->run_once(begin + 5s) == Pipeline::Progress::kWorked) {}
  EXPECT_EQ(pipeline->counts().events, inputs[0].size() + 1);
  EXPECT_EQ(bad, (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(pipeline->merge().positions()[1].next_offset, 3);
}

// What is given back in one rebalance is made durable once, not once an input: a cut holds all of them.
TEST(Pipeline, InputsGivenBackTogetherAreSavedOnce) {
  Rig setup;
  std::vector<std::size_t> held;  // inputs, each time something is given back
  Pipeline* current = nullptr;
  Pipeline::Hooks hooks;
  hooks.on_revoke = [&] { held.push_back(current->merge().size()); };
  auto pipeline = setup.make(std::move(hooks));
  current = pipeline.get();
  auto source = std::make_unique<MemorySource>(traffic(3, 5, 20), 16);
  MemorySource& group = *source;
  pipeline->add_source(std::move(source), setup.settings);
  group.give_back({0, 2});
  pipeline->service();
  EXPECT_EQ(held, std::vector<std::size_t>{3});
  EXPECT_EQ(pipeline->merge().size(), 1u);
}

}  // namespace
}  // namespace stuffwatch::daemon::pipeline
