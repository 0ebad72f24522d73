#include "ingest/skew_guard.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stuffwatch::ingest {
namespace {

using namespace std::chrono_literals;

constexpr auto kSkew = 10s;
EventTime at(std::chrono::milliseconds since) { return EventTime{1'700'000'000s} + since; }

// Verdicts in input order, one letter each: A accepted, R rejected.
struct Feed {
  SkewGuard guard{kSkew};
  std::string verdicts;
  std::uint64_t pushed = 0;

  void feed(std::chrono::milliseconds since, std::int64_t record_timestamp_ms = -1) {
    feed_in_record(since, static_cast<std::int64_t>(pushed) * 100, record_timestamp_ms);
  }
  void feed_in_record(std::chrono::milliseconds since, std::int64_t offset,
                      std::int64_t record_timestamp_ms = -1) {
    std::vector<SkewGuard::Judged> out;
    guard.push({pushed++, at(since), offset, record_timestamp_ms}, out);
    note(out);
  }
  void finish() {
    std::vector<SkewGuard::Judged> out;
    guard.finish(out);
    note(out);
  }
  void note(const std::vector<SkewGuard::Judged>& out) {
    for (const auto& judged : out) {
      EXPECT_EQ(judged.item, verdicts.size()) << "input order is kept, and none is lost";
      verdicts += judged.accepted ? 'A' : 'R';
    }
  }
};

std::int64_t ms(std::chrono::milliseconds since) { return at(since).time_since_epoch().count(); }

TEST(SkewGuard, OrdinaryEventsPassAtOnce) {
  Feed run;
  for (const auto since : {0s, 1s, 11s, 5s, -3600s, 21s}) run.feed(since);
  EXPECT_EQ(run.verdicts, "AAAAAA");
  EXPECT_EQ(run.guard.newest(), at(21s));
}

TEST(SkewGuard, TheFirstEventSetsTheReference) {
  Feed run;
  run.feed(1000h);
  EXPECT_EQ(run.verdicts, "A");
  SkewGuard restored(kSkew, at(0s));
  std::vector<SkewGuard::Judged> out;
  restored.push({0, at(1000h), 0, -1}, out);
  EXPECT_TRUE(out.empty()) << "after a restart the reference is the checkpoint's";
}

TEST(SkewGuard, ABadClockIsRejectedWhenTheNextRecordShowsIt) {
  Feed run;
  run.feed(0s);
  run.feed(3600s);
  EXPECT_EQ(run.guard.held(), 1U);
  run.feed(1s);
  EXPECT_EQ(run.verdicts, "ARA");
  EXPECT_EQ(run.guard.newest(), at(1s));
}

TEST(SkewGuard, ARealGapIsAcceptedAfterSixteenMore) {
  Feed run;
  run.feed(0s);
  for (int i = 0; i < 16; ++i) run.feed(3600s + i * 1s);
  EXPECT_EQ(run.verdicts, "A");
  EXPECT_EQ(run.guard.held(), 16U);
  run.feed(3616s);
  EXPECT_EQ(run.verdicts, std::string(18, 'A'));
}

TEST(SkewGuard, TheSixteenthMayStillRefute) {
  Feed run;
  run.feed(0s);
  for (int i = 0; i < 16; ++i) run.feed(3600s);
  run.feed(2s);
  EXPECT_EQ(run.verdicts, "A" + std::string(16, 'R') + "A");
}

TEST(SkewGuard, EventsOfOneRecordAreOneWitness) {
  Feed run;
  run.feed_in_record(0s, 0);
  for (int i = 0; i < 40; ++i)
    run.feed_in_record(3600s, 100);  // "message repeated 40 times" with a bad clock
  EXPECT_EQ(run.verdicts, "A");
  run.feed_in_record(1s, 200);
  EXPECT_EQ(run.verdicts, "A" + std::string(40, 'R') + "A");
}

TEST(SkewGuard, AtTheEndOfAFileWhatIsHeldIsAccepted) {
  Feed run;
  run.feed(0s);
  run.feed(3600s);
  run.feed(7200s);
  run.finish();
  EXPECT_EQ(run.verdicts, "AAA");
  run.finish();
  EXPECT_EQ(run.verdicts, "AAA");
}

TEST(SkewGuard, OnAQuietPartitionTheRecordTimestampDecides) {
  Feed run;
  run.feed(0s, ms(0s));
  run.feed(3600s, ms(3601s));  // a real gap
  run.feed(7200s, ms(3602s));  // a clock two hours ahead
  run.finish();
  EXPECT_EQ(run.verdicts, "AAR");
  EXPECT_EQ(run.guard.newest(), at(3600s));
  run.feed(3700s, ms(3690s));  // exactly max_skew ahead
  run.finish();
  EXPECT_EQ(run.verdicts, "AARA");
  run.feed(3800s, ms(3789s));
  run.finish();
  EXPECT_EQ(run.verdicts, "AARAR");
}

TEST(SkewGuard, ASparseInputLagsBySixteenRecordsAndNoMore) {
  Feed run;
  for (int i = 0; i < 100; ++i) {
    run.feed(i * 60s);
    EXPECT_LE(run.guard.held(), 16U);
  }
  EXPECT_EQ(run.verdicts, std::string(84, 'A'));
  run.finish();
  EXPECT_EQ(run.verdicts, std::string(100, 'A'));
}

TEST(SkewGuard, OneRecordOfManySparseEventsCostsNothingExtra) {
  Feed run;
  for (int i = 0; i < 200'000; ++i)
    run.feed_in_record(i * 60s, i < 199'000 ? 0 : i);  // quadratic work would not end
  run.finish();
  EXPECT_EQ(run.verdicts, std::string(200'000, 'A'));
}

// The rule as pipeline.md states it, over the whole input at once.
std::string naive(const std::vector<SkewGuard::Event>& events) {
  std::string verdicts;
  std::optional<EventTime> newest;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto beyond = [&](EventTime time) { return newest && time > *newest + kSkew; };
    bool accepted = true;
    if (beyond(events[i].time)) {
      std::size_t records = 0;
      bool refuted = false;
      for (std::size_t k = i + 1; k < events.size() && records < SkewGuard::kWitnesses && !refuted;
           ++k) {
        if (events[k].offset != events[k - 1].offset) ++records;
        refuted = !beyond(events[k].time);
      }
      const EventTime recorded{std::chrono::milliseconds{events[i].record_timestamp_ms}};
      accepted =
          !refuted && (records == SkewGuard::kWitnesses || events[i].record_timestamp_ms < 0 ||
                       events[i].time <= recorded + kSkew);
    }
    if (accepted && (!newest || events[i].time > *newest)) newest = events[i].time;
    verdicts += accepted ? 'A' : 'R';
  }
  return verdicts;
}

TEST(SkewGuard, AgreesWithTheRuleOnRandomInputs) {
  std::mt19937 random(11);
  std::size_t rejected = 0, accepted_gaps = 0;
  for (int round = 0; round < 3'000; ++round) {
    Feed run;
    std::vector<SkewGuard::Event> events;
    const auto length = 1 + random() % 120;
    const auto calm = 2 + random() % 40;  // one event in `calm` is out of the way
    std::chrono::milliseconds now = 0s;
    std::int64_t offset = 0;
    for (std::uint64_t i = 0; i < length; ++i) {
      now += std::chrono::milliseconds{random() % (round % 3 == 0 ? 15'000 : 900)};
      if (random() % (calm * 4) == 0) now += 1h;  // a real gap
      auto time = now;
      if (random() % calm == 0) time += std::chrono::seconds{random() % 40};
      if (random() % calm == 0) time -= std::chrono::seconds{random() % 40};
      if (random() % 3 != 0) offset += 1 + static_cast<std::int64_t>(random() % 50);
      const std::int64_t stamp =
          random() % 2 == 0 ? -1 : ms(now) + static_cast<std::int64_t>(random() % 3'000);
      events.push_back({i, at(time), offset, stamp});
      run.feed_in_record(time, offset, stamp);
    }
    run.finish();
    const std::string expected = naive(events);
    ASSERT_EQ(run.verdicts, expected) << "round " << round;
    rejected += static_cast<std::size_t>(std::ranges::count(expected, 'R'));
    if (expected.find('R') == std::string::npos) ++accepted_gaps;
  }
  EXPECT_GT(rejected, 1'000U);
  EXPECT_GT(accepted_gaps, 100U);
}

}  // namespace
}  // namespace stuffwatch::ingest
