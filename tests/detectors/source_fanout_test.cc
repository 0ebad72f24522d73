#include <algorithm>
#include <stdexcept>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/detectors/streams.h"

namespace stuffwatch::detectors {
namespace {

constexpr std::string_view kAtOnce = "first contacts at once", kMatured = "first contacts, matured";

const IpAddress kSource = ip_of("192.0.2.7");

EventTime at(std::chrono::milliseconds offset) { return kStart + offset; }
std::chrono::seconds s(std::uint64_t n) { return std::chrono::seconds{n}; }

Recorder run_source_fanout(const Stream& stream, std::string_view yaml = "") {
  return run(*detector_named("source_fanout", yaml), stream);
}

const Finding& first_on(const Recorder& r, Entity::Kind kind) {
  for (const Finding& f : r.findings)
    if (f.key.kind == kind) return f;
  throw std::runtime_error("no finding of that kind");
}

// An event of another place, so that time goes on for everyone.
void let_pass(Stream& stream, EventTime until) {
  stream.success(until, 999'999, ip_of("203.0.113.250"));
}

TEST(SourceFanout, AlarmsAtOnceAtTheThirtiethUnknownAccount) {
  Stream stream;
  for (std::uint64_t i = 0; i < 40; ++i) {
    stream.unknown(at(s(i)), i, kSource);
    stream.unknown(at(s(i)), i, kSource);  // a retry is no new account
  }
  const Recorder r = run_source_fanout(stream);
  ASSERT_EQ(r.on(Entity::Kind::kAddress), 1U);
  ASSERT_EQ(r.on(Entity::Kind::kPrefix), 1U);
  const Finding& f = first_on(r, Entity::Kind::kAddress);
  EXPECT_EQ(f.seq, 59U);  // the first attempt on the thirtieth account
  EXPECT_FALSE(f.at_tick);
  EXPECT_EQ(f.time, at(29s));
  EXPECT_EQ(f.detector, kContext.id);
  EXPECT_EQ(to_string(f.key), "net:192.0.2.7/32");
  EXPECT_EQ(f.attack, AttackKind::kCredentialStuffing);
  EXPECT_EQ(f.factor.statistic, kAtOnce);
  EXPECT_GE(f.factor.value, f.factor.threshold);
  EXPECT_EQ(f.factor.threshold, 2e8);
  EXPECT_GT(f.starts_per_10m, 0);
  EXPECT_EQ(to_string(first_on(r, Entity::Kind::kPrefix).key), "net:192.0.2.0/24");
}

TEST(SourceFanout, EvidenceOfAnAlarmAtOnceIsWhatMadeIt) {
  Stream stream;
  for (std::uint64_t i = 0; i < 30; ++i) {
    stream.unknown(at(s(i)), i, kSource);
    if (i < 10) stream.unknown(at(s(i) + 1ms), i, kSource);
  }
  const Evidence e = first_on(run_source_fanout(stream), Entity::Kind::kAddress).evidence;
  EXPECT_EQ(e.start, at(0s));
  EXPECT_EQ(e.end, at(29s));
  EXPECT_EQ(e.accounts, 30U);
  EXPECT_EQ(e.attempts, 40U);
  EXPECT_EQ(e.failures, 40U);
  EXPECT_EQ(e.successes, 0U);
  ASSERT_EQ(e.list.size(), 30U);
  for (std::uint64_t i = 0; i < 30; ++i) {
    EXPECT_EQ(value_of(e.list[i].account), i);
    EXPECT_EQ(e.list[i].attempts, i < 10 ? 2U : 1U);
    EXPECT_EQ(e.list[i].time, at(s(i)));
    EXPECT_FALSE(e.list[i].success);
  }
}

TEST(SourceFanout, AStrangersSuccessIsAVictimAndAFamiliarOneIsNot) {
  Stream stream;
  for (std::uint64_t i = 0; i < 120; ++i) {
    if (i == 35)
      stream.success(at(s(i)), i, kSource);
    else if (i == 36)
      stream.success(at(s(i)), i, kSource).stranger = false;
    else
      stream.unknown(at(s(i)), i + (i < 30 ? 0 : 1000), kSource);
  }
  const Recorder r = run_source_fanout(stream);
  ASSERT_EQ(r.on(Entity::Kind::kAddress), 2U);
  const Evidence e = r.findings.back().evidence;
  EXPECT_EQ(e.successes, 1U);
  EXPECT_EQ(e.accounts, e.failures + 1);
  EXPECT_EQ(e.attempts, e.failures + e.successes);
  const auto victim = std::ranges::find_if(e.list, &EvidenceAccount::success);
  ASSERT_NE(victim, e.list.end());
  EXPECT_EQ(value_of(victim->account), 35U);
}

// Two in a hundred get in: 49 accounts; one in twenty: 106 (successes spread evenly).
TEST(SourceFanout, AlarmsLaterWhenSomeGetIn) {
  for (const auto& [every, first, low, high] :
       {std::tuple{50u, 25u, 45u, 53u}, {20u, 10u, 98u, 114u}}) {
    Stream stream;
    for (std::uint64_t i = 1; i <= 200; ++i) {
      if (i % every == first)
        stream.success(at(s(i)), i, kSource);
      else
        stream.unknown(at(s(i)), i, kSource);
    }
    const Recorder r = run_source_fanout(stream);
    ASSERT_GE(r.findings.size(), 1U) << every;
    EXPECT_GE(r.findings.front().seq, low) << every;
    EXPECT_LE(r.findings.front().seq, high) << every;
  }
}

TEST(SourceFanout, BadPasswordsOfStrangersNeedSixtyAccountsAndTenMinutes) {
  for (const std::uint64_t accounts : {59u, 60u}) {
    Stream stream;
    for (std::uint64_t i = 0; i < accounts; ++i) stream.bad(at(s(i)), i, kSource);
    let_pass(stream, at(600s + s(accounts - 1) - 1ms));
    let_pass(stream, at(600s + s(accounts - 1)));
    const Recorder r = run_source_fanout(stream);
    ASSERT_EQ(r.on(Entity::Kind::kAddress), accounts == 60 ? 1U : 0U);
    ASSERT_EQ(r.on(Entity::Kind::kPrefix), accounts == 60 ? 1U : 0U);
    if (accounts < 60) continue;
    const Finding& f = first_on(r, Entity::Kind::kAddress);
    EXPECT_TRUE(f.at_tick);
    EXPECT_EQ(f.seq, 62U);
    EXPECT_EQ(f.time, at(659s));
    EXPECT_EQ(f.factor.statistic, kMatured);
    EXPECT_EQ(f.attack, AttackKind::kPasswordSpraying);
    EXPECT_EQ(f.evidence.start, at(0s));
    EXPECT_EQ(f.evidence.end, at(59s));
    EXPECT_EQ(f.evidence.accounts, 60U);
    EXPECT_EQ(f.evidence.attempts, 60U);
  }
}

TEST(SourceFanout, FamiliarFailuresNeverCount) {
  Stream stream;
  for (std::uint64_t i = 0; i < 300; ++i) stream.bad(at(s(i)), i, kSource).stranger = false;
  let_pass(stream, at(2h));
  EXPECT_TRUE(run_source_fanout(stream).findings.empty());
}

TEST(SourceFanout, WhatIsNotARefusedPasswordIsNoEvidence) {
  for (const FailureReason reason :
       {FailureReason::kMfaFailed, FailureReason::kInternalError, FailureReason::kRateLimited}) {
    Stream stream;
    for (std::uint64_t i = 0; i < 300; ++i)
      stream.add(at(s(i)), i, kSource, Outcome::kFailure, reason);
    for (std::uint64_t i = 0; i < 300; ++i)
      stream.add(at(s(300 + i)), i, kSource, Outcome::kUnknown);
    let_pass(stream, at(2h));
    const auto detector = detector_named("source_fanout");
    const Recorder r = run(*detector, stream);
    EXPECT_TRUE(r.findings.empty()) << name_of(reason);
    EXPECT_EQ(detector->usage().keys, 1U) << "only of the last event";
  }
}

TEST(SourceFanout, ARetryLoopDoesNotAlarmInTheMaturedProcess) {
  for (const std::uint64_t attempts : {6u, 8u}) {
    Stream stream;
    for (std::uint64_t i = 0; i < 80 * attempts; ++i) stream.bad(at(i * 100ms), i % 80, kSource);
    let_pass(stream, at(2h));
    EXPECT_EQ(run_source_fanout(stream).on(Entity::Kind::kAddress), attempts == 6 ? 1U : 0U);
  }
}

TEST(SourceFanout, WhoGetsInWithinTenMinutesWasNoFailure) {
  for (const bool in_time : {true, false}) {
    Stream stream;
    for (std::uint64_t i = 0; i < 80; ++i) stream.bad(at(s(i)), i, kSource);
    if (!in_time) let_pass(stream, at(690s));
    for (std::uint64_t i = 0; i < 80; ++i)
      stream.success(at((in_time ? 500s : 700s) + s(i)), i, kSource);
    let_pass(stream, at(2h));
    EXPECT_EQ(run_source_fanout(stream).findings.empty(), in_time);
  }
}

TEST(SourceFanout, ALifeEndsAfterADay) {
  for (const auto pause : {23h, 25h}) {
    Stream stream;
    for (std::uint64_t i = 0; i < 15; ++i) stream.unknown(at(s(i)), i, kSource);
    for (std::uint64_t i = 15; i < 30; ++i) stream.unknown(at(pause + s(i)), i, kSource);
    EXPECT_EQ(run_source_fanout(stream).findings.empty(), pause == 25h);
    for (std::uint64_t i = 0; i < 15; ++i)
      stream.unknown(at(pause + 60s + s(i)), i, kSource);  // first met in the earlier life
    EXPECT_EQ(run_source_fanout(stream).on(Entity::Kind::kAddress), 1U);
    EXPECT_EQ(run_source_fanout(stream).findings.front().seq, pause == 23h ? 30U : 45U);
  }
}

TEST(SourceFanout, AnAccountPendingAtTheTurnOfALifeCountsOnceInTheNewOne) {
  Stream stream;
  stream.success(at(0s), 5000, kSource);  // the life begins
  for (std::uint64_t i = 0; i < 40; ++i) stream.bad(at(24h - 60s + s(i)), i, kSource);
  for (std::uint64_t i = 40; i < 59; ++i) stream.bad(at(24h + 1s + s(i)), i, kSource);
  for (std::uint64_t i = 0; i < 40; ++i) stream.bad(at(24h + 20min + s(i)), i, kSource);
  let_pass(stream, at(26h));
  EXPECT_TRUE(run_source_fanout(stream).findings.empty());
  stream.bad(at(26h), 60, kSource);
  let_pass(stream, at(27h));
  const Recorder r = run_source_fanout(stream);
  ASSERT_EQ(r.on(Entity::Kind::kAddress), 1U);
  EXPECT_EQ(r.findings.front().evidence.start, at(24h - 60s));
  EXPECT_EQ(r.findings.front().evidence.accounts, 60U);
}

TEST(SourceFanout, APrefixAlarmsWhenItsAddressesTakeTurns) {
  Stream stream;
  for (std::uint64_t i = 0; i < 40; ++i)
    stream.unknown(at(s(i)), i, IpAddress::v4(0xc0000200 + static_cast<std::uint32_t>(i)));
  const Recorder r = run_source_fanout(stream);
  ASSERT_EQ(r.findings.size(), 1U);
  EXPECT_EQ(r.findings[0].seq, 30U);
  EXPECT_EQ(to_string(r.findings[0].key), "net:192.0.2.0/24");
}

// What was known of the prefix while it had one address stays known of that address; the second one starts afresh.
TEST(SourceFanout, ASecondAddressPartsThePrefixFromItsFirst) {
  const IpAddress neighbour = ip_of("192.0.2.8");
  for (const bool first_goes_on : {true, false}) {
    Stream stream;
    for (std::uint64_t i = 0; i < 20; ++i) stream.unknown(at(s(i)), i, kSource);
    stream.bad(at(20s), 500, neighbour);
    stream.unknown(at(20s), 0, neighbour);  // no new account for the prefix
    for (std::uint64_t i = 20; i < 31; ++i)
      stream.unknown(at(s(i) + 1s), i, first_goes_on ? kSource : neighbour);
    const auto detector = detector_named("source_fanout");
    const Recorder r = run(*detector, stream);
    EXPECT_EQ(r.on(Entity::Kind::kPrefix), 1U);
    ASSERT_EQ(r.on(Entity::Kind::kAddress), first_goes_on ? 1U : 0U);
    EXPECT_EQ(first_on(r, Entity::Kind::kPrefix).evidence.accounts, 31U);
    EXPECT_EQ(detector->usage().keys, 3U);
    if (first_goes_on) {
      EXPECT_EQ(first_on(r, Entity::Kind::kAddress).evidence.accounts, 30U);
      EXPECT_EQ(first_on(r, Entity::Kind::kAddress).seq, 32U);
    }
  }
}

// Contacts carry the time of the event while ticks go by order time: a declared delay changes when something is told, not what.
TEST(SourceFanout, ADeclaredDelayChangesNothingThatIsTold) {
  for (const std::chrono::milliseconds lag : {0ms, 300'000ms, 1'800'000ms, 86'400'000ms})
    for (const bool recover : {false, true}) {
      Stream stream;
      for (std::uint64_t i = 0; i < 80; ++i) stream.bad(at(s(i)), i, kSource);
      for (std::uint64_t i = 0; i < 80 && recover; ++i) stream.success(at(500s + s(i)), i, kSource);
      let_pass(stream, at(2h));
      for (LoginEvent& e : stream.events) e.lag = lag;
      Recorder r;
      const auto detector = detector_named("source_fanout");
      for (const LoginEvent& event : stream.events) {
        const LoginEvent* const one = &event;
        detector->advance(event.time + event.lag, event.seq, r);
        detector->observe(std::span(&one, 1), r);
      }
      ASSERT_EQ(r.on(Entity::Kind::kAddress), recover ? 0U : 1U) << lag;
      if (recover) continue;
      const Finding& f = first_on(r, Entity::Kind::kAddress);
      EXPECT_EQ(f.evidence.start, at(0s)) << lag;
      EXPECT_EQ(f.evidence.end, at(59s)) << lag;
      EXPECT_EQ(f.evidence.accounts, 60U) << lag;
      EXPECT_EQ(f.time, at(2h) + lag);
    }
}

// A source that tries one name in a quarter of an hour: everything it did is told, not the last ten minutes.
TEST(SourceFanout, ASlowSourceIsToldWhole) {
  Stream stream;
  for (std::uint64_t i = 0; i < 30; ++i) stream.unknown(at(s(i * 900)), i, kSource);
  const Recorder r = run_source_fanout(stream);
  ASSERT_EQ(r.on(Entity::Kind::kAddress), 1U);
  const Finding& f = first_on(r, Entity::Kind::kAddress);
  EXPECT_EQ(f.factor.statistic, kAtOnce);
  EXPECT_EQ(f.factor.window, "24h");
  EXPECT_EQ(f.evidence.start, at(0s));
  EXPECT_EQ(f.evidence.accounts, 30U);
}

// A stray typing error hours before the attack is not told as its beginning.
TEST(SourceFanout, AStrayFailureIsNoBeginningOfAnAttack) {
  Stream stream;
  stream.unknown(at(0s), 1000, kSource);
  for (std::uint64_t i = 0; i < 29; ++i) stream.unknown(at(5h + s(i)), i, kSource);
  const Recorder r = run_source_fanout(stream);
  ASSERT_EQ(r.on(Entity::Kind::kAddress), 1U);
  const Finding& f = first_on(r, Entity::Kind::kAddress);
  EXPECT_EQ(f.factor.window, "10m");
  EXPECT_EQ(f.evidence.start, at(5h));
  EXPECT_EQ(f.evidence.accounts, 29U);
}

TEST(SourceFanout, Ipv6KeysAreTheSixtyFourAndTheFortyEight) {
  Stream one, many;
  for (std::uint64_t i = 0; i < 40; ++i) {
    IpAddress ip = ip_of("2001:db8:1:2::");
    ip.bytes[15] = static_cast<std::uint8_t>(i);
    one.unknown(at(s(i)), i, ip);
    ip.bytes[7] = static_cast<std::uint8_t>(i);
    many.unknown(at(s(i)), i, ip);
  }
  const Recorder r = run_source_fanout(one);
  ASSERT_EQ(r.findings.size(), 2U);
  EXPECT_EQ(to_string(first_on(r, Entity::Kind::kAddress).key), "net:2001:db8:1:2::/64");
  EXPECT_EQ(to_string(first_on(r, Entity::Kind::kPrefix).key), "net:2001:db8:1::/48");
  const Recorder spread = run_source_fanout(many);
  ASSERT_EQ(spread.findings.size(), 1U);
  EXPECT_EQ(to_string(spread.findings[0].key), "net:2001:db8:1::/48");
}

TEST(SourceFanout, TenantsAreApart) {
  Stream stream;
  for (std::uint64_t i = 0; i < 58; ++i) stream.unknown(at(s(i)), i, kSource).tenant = 1 + i % 2;
  EXPECT_TRUE(run_source_fanout(stream).findings.empty());
  stream.unknown(at(60s), 100, kSource).tenant = 2;
  const Recorder r = run_source_fanout(stream);
  ASSERT_EQ(r.findings.size(), 2U);
  EXPECT_EQ(r.findings[0].key.tenant, 2U);
}

TEST(SourceFanout, ActivityIsWhatStrangersDoAfterTheAlarm) {
  Stream stream;
  for (std::uint64_t i = 0; i < 30; ++i) stream.unknown(at(s(i)), i, kSource);
  const std::uint64_t unknown = stream.unknown(at(31s), 31, kSource).seq,
                      success = stream.success(at(32s), 32, kSource).seq;
  stream.bad(at(33s), 33, kSource).stranger = false;
  stream.success(at(34s), 34, kSource).stranger = false;
  const std::uint64_t mfa =
      stream.add(at(35s), 35, kSource, Outcome::kFailure, FailureReason::kMfaFailed).seq;
  stream.add(at(36s), 36, kSource, Outcome::kFailure, FailureReason::kMfaFailed).stranger = false;
  const std::uint64_t neighbour = stream.bad(at(37s), 37, ip_of("192.0.2.8")).seq;
  stream.bad(at(37s), 37, ip_of("198.51.100.7"));
  const std::uint64_t late = stream.bad(at(31s + 24h), 38, kSource).seq;
  stream.success(at(49h), 39, kSource);  // a day after the last stranger's failure
  const Recorder r = run_source_fanout(stream);
  ASSERT_EQ(r.findings.size(), 2U);
  std::vector<std::uint64_t> address, prefix;
  for (const auto& a : r.activities)
    (a.key.kind == Entity::Kind::kAddress ? address : prefix).push_back(a.seq);
  EXPECT_THAT(address, testing::ElementsAre(30, unknown, success, mfa, late));
  EXPECT_THAT(prefix, testing::ElementsAre(30, unknown, success, mfa, neighbour, late));
}

TEST(SourceFanout, ASourceNotSeenForLongMakesRoomAndIsCounted) {
  const auto source = [](std::uint64_t i) {
    return IpAddress::v4(static_cast<std::uint32_t>(0x0a000001 + i * 256));
  };
  for (const bool kept_alive : {false, true}) {
    Stream stream;
    for (std::uint64_t i = 0; i < 29; ++i) stream.unknown(at(s(i)), i, kSource);
    for (std::uint64_t i = 0; i < 200; ++i) {
      stream.success(at(30s + s(i)), i, source(i));
      if (kept_alive) stream.unknown(at(30s + s(i)), 0, kSource);
    }
    stream.unknown(at(300s), 30, kSource);
    const auto detector = detector_named("source_fanout", "max_keys: 64");
    EXPECT_EQ(run(*detector, stream).findings.size(), kept_alive ? 2U : 0U);
    const StateUsage usage = detector->usage();
    EXPECT_EQ(usage.keys, 64U);
    EXPECT_EQ(usage.max_keys, 64U);
    EXPECT_EQ(usage.evictions, kept_alive ? 137U : 138U);
  }
}

TEST(SourceFanout, ContactsThatMakeRoomAreCounted) {
  Stream stream;
  for (std::uint64_t i = 0; i < 2000; ++i) stream.success(at(i * 100ms), i, kSource);
  const auto detector = detector_named("source_fanout", "max_contacts: 1024");
  run(*detector, stream);
  EXPECT_EQ(detector->usage().evictions, 2000U - 1024U);
}

TEST(SourceFanout, CountsLivesAndHowFarTheyGot) {
  Stream stream;
  for (std::uint64_t i = 0; i < 30; ++i) stream.unknown(at(s(i)), i, kSource);
  const auto detector = detector_named("source_fanout");
  run(*detector, stream);
  const StateUsage usage = detector->usage();
  EXPECT_EQ(usage.lives,
            2 * 3U);  // address and prefix; two processes, one of them begun again after its alarm
  for (const std::uint64_t reached : usage.reached) EXPECT_EQ(reached, 2U);
}

// Late by a declared delay, with thousands of retries, behind thousands of contacts of earlier lives: what a contact is written with only when it must be.
TEST(SourceFanout, WritesWhatIsRareToo) {
  Stream stream;
  for (std::uint64_t i = 0; i < 3000; ++i)
    stream.success(at(s(i)), 10'000 + i, ip_of("198.51.100." + std::to_string(i % 200)));
  const EventTime later = at(s(200'000));
  for (std::uint64_t i = 0; i < 200; ++i)
    stream.success(later, 20'000 + i, ip_of("198.51.100." + std::to_string(i)));
  for (std::uint64_t i = 0; i < 29; ++i) stream.unknown(later + s(i), i, kSource).lag = 30min;
  for (std::uint64_t i = 0; i < 5000; ++i) stream.unknown(later + 30s, 7, kSource);
  const auto detector = detector_named("source_fanout");
  run(*detector, stream);
  const auto state_of = [](const Detector& d) {
    std::string state;
    StateWriter writer(state);
    d.save(writer);
    return state;
  };
  const auto again = detector_named("source_fanout");
  const std::string state = state_of(*detector);
  EXPECT_LT(state.size(), 500 * 24U + 300 * 96U) << "earlier lives are not written";
  StateReader reader(state);
  ASSERT_TRUE(again->load(reader).has_value());
  EXPECT_TRUE(state_of(*again) == state);
  Stream last;
  last.unknown(later + 60s, 500, kSource);
  const Recorder whole = run(*detector, last), restarted = run(*again, last);
  ASSERT_EQ(whole.on(Entity::Kind::kAddress), 1U);
  ASSERT_EQ(restarted.on(Entity::Kind::kAddress), 1U);
  const Evidence &a = first_on(whole, Entity::Kind::kAddress).evidence,
                 &b = first_on(restarted, Entity::Kind::kAddress).evidence;
  EXPECT_EQ(a.attempts, 30U + 5000U);
  EXPECT_EQ(b.attempts, a.attempts);
  EXPECT_EQ(b.start, a.start);
}

TEST(SourceFanout, RefusesADamagedState) {
  Stream stream;
  for (std::uint64_t i = 0; i < 29; ++i) stream.unknown(at(s(i)), i, kSource);
  const auto detector = detector_named("source_fanout");
  run(*detector, stream);
  std::string state;
  StateWriter writer(state);
  detector->save(writer);
  for (std::size_t size = 0; size < state.size(); size += 5) {
    StateReader cut(std::string_view(state).substr(0, size));
    EXPECT_FALSE(detector_named("source_fanout")->load(cut).has_value()) << size;
  }
  StateReader longer(state += 'x');
  EXPECT_FALSE(detector_named("source_fanout")->load(longer).has_value());
}

}  // namespace
}  // namespace stuffwatch::detectors
