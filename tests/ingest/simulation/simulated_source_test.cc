#include "ingest/simulation/simulated_source.h"

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "config/rfc3339.h"

namespace stuffwatch::ingest::simulation {
namespace {

using std::chrono::seconds;

constexpr EventTime kStart = std::chrono::sys_days(std::chrono::year(2026) / 6 / 1);

struct Seen {
  std::string time, id, account, ip, reason;
};

// A source with a clock that the test moves.
struct Live {
  explicit Live(LiveConfig config = {}) : source(std::move(config), [this] { return now; }) {}

  // Everything up to the present.
  std::vector<Seen> read() {
    std::vector<Seen> seen;
    RawChunk chunk;
    ReadStatus status;
    while ((status = source.read({}, chunk)) == ReadStatus::kChunk) {
      for (const RawRecord& record : chunk.records) {
        EXPECT_EQ(record.offset, next_offset++);
        const simdjson::dom::element event = parser.parse(record.bytes.data(), record.bytes.size());
        const auto text = [&](const char* key) {
          std::string_view value;
          return event[key].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
        };
        seen.push_back(
            {text("time"), text("event_id"), text("account"), text("ip"), text("reason")});
        EXPECT_EQ(config::parse_rfc3339(seen.back().time)->time_since_epoch().count(),
                  record.timestamp_ms);
      }
      EXPECT_EQ(chunk.next_offset, next_offset);
      EXPECT_LE(chunk.records.size(), 4'096u);
    }
    EXPECT_EQ(status, ReadStatus::kAtEnd);
    return seen;
  }

  EventTime now = kStart;
  std::int64_t next_offset = 0;
  SimulatedSource source;
  simdjson::dom::parser parser;
};

TEST(SimulatedSource, BringsTheHourBeforeAndThenFollowsTheClock) {
  Live live;
  const auto history = live.read();
  EXPECT_NEAR(static_cast<double>(history.size()), 25 * 3'600, 25 * 3'600 * 0.03);
  EXPECT_LE(history.front().time, "2026-05-31T23:00:05");
  EXPECT_LE(history.back().time, "2026-06-01T00:00:00.000Z");
  EXPECT_TRUE(live.read().empty()) << "no time has passed";
  live.now += seconds(8);
  const auto present = live.read();
  EXPECT_NEAR(static_cast<double>(present.size()), 400, 80);
  for (const Seen& event : present) {
    EXPECT_GE(event.time, history.back().time);
    EXPECT_LE(event.time, "2026-06-01T00:00:08.000Z");
  }
}

TEST(SimulatedSource, TimesAndIdsAreInOrderWhateverTheStepsOfTheClock) {
  Live live;
  std::string last;
  std::set<std::string> ids;
  for (int step = 0; step < 400; ++step, live.now += std::chrono::milliseconds(step % 7 * 300)) {
    for (const Seen& event : live.read()) {
      ASSERT_GE(event.time, last);
      last = event.time;
      ASSERT_TRUE(ids.insert(event.id).second);
    }
  }
}

// What source_fanout needs at once: about thirty accounts that do not exist, from one address,
// within ten minutes.
TEST(SimulatedSource, WithinAMinuteOneAddressHasTriedThirtyUnknownAccounts) {
  Live live;
  (void)live.read();
  std::map<std::string, std::set<std::string>> unknown;
  EventTime first{};
  for (int s = 0; s < 60 && first == EventTime{}; ++s) {
    live.now += seconds(1);
    for (const Seen& event : live.read()) {
      if (event.reason != "unknown_account") continue;
      auto& accounts = unknown[event.ip];
      accounts.insert(event.account);
      if (accounts.size() >= 31) first = live.now;
    }
  }
  ASSERT_NE(first, EventTime{});
  EXPECT_GT(first, kStart + seconds(10)) << "the attack waits until the stream is under way";
  EXPECT_LT(first, kStart + seconds(30));
}

TEST(SimulatedSource, AttacksComeBackAndTakeTurns) {
  Live live({.attack_every = seconds(120)});
  (void)live.read();
  std::map<std::string, int> unknown;
  live.now += seconds(600);
  for (const Seen& event : live.read())
    if (event.reason == "unknown_account") ++unknown[event.ip];
  int loud = 0;
  std::map<std::string, int> hosting;  // a few attempts from many addresses of one /24
  for (const auto& [ip, count] : unknown) {
    loud += count >= 100;
    if (ip.starts_with("10.25") && count < 100) hosting[ip.substr(0, ip.rfind('.'))] += count;
  }
  EXPECT_EQ(loud, 3);  // at 10, 250 and 490 seconds
  int spread = 0;
  for (const auto& [prefix, count] : hosting) spread += count >= 60;
  EXPECT_EQ(spread, 8);  // four at 130 and four at 370 seconds
}

TEST(SimulatedSource, ARestartGoesOnCountingWithoutTheHourBefore) {
  Live first;
  const auto before = first.read();
  Live second;
  second.now += seconds(100);
  second.next_offset = first.next_offset;
  ASSERT_TRUE(second.source.seek({}, first.next_offset));
  EXPECT_TRUE(second.read().size() <= 1);
  second.now += seconds(5);
  std::set<std::string> ids;
  for (const Seen& event : before) ids.insert(event.id);
  const auto after = second.read();
  EXPECT_NEAR(static_cast<double>(after.size()), 250, 70);
  for (const Seen& event : after) EXPECT_FALSE(ids.contains(event.id));
  EXPECT_FALSE(second.source.seek({}, 0)) << "too late";
}

TEST(SimulatedSource, TheSameSeedAndClockGiveTheSameBytes) {
  Live a, b, other({.seed = 2});
  const auto x = a.read(), y = b.read(), z = other.read();
  ASSERT_EQ(x.size(), y.size());
  EXPECT_EQ(x.back().id, y.back().id);
  EXPECT_EQ(x.back().account, y.back().account);
  EXPECT_NE(x.front().account + x.back().account, z.front().account + z.back().account);
}

TEST(SimulatedSource, IsOneInputThatIsAssignedOnce) {
  Live live({.input = {3, 0}, .name = "demo"});
  const auto changes = live.source.service();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].kind, InputChange::Kind::kAssigned);
  EXPECT_EQ(changes[0].id, (InputId{3, 0}));
  EXPECT_TRUE(live.source.service().empty());
  ASSERT_EQ(live.source.status().size(), 1u);
  EXPECT_EQ(live.source.status()[0].name, "demo");
  RawChunk chunk;
  ASSERT_EQ(live.source.read({3, 0}, chunk), ReadStatus::kChunk);
  EXPECT_EQ(chunk.input, (InputId{3, 0}));
}

}  // namespace
}  // namespace stuffwatch::ingest::simulation
