#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/detectors/streams.h"

namespace stuffwatch::detectors {
namespace {

constexpr std::uint64_t kVictim = 0xabcdef;

EventTime at(std::chrono::milliseconds offset) { return kStart + offset; }
std::chrono::minutes m(std::uint64_t n) { return std::chrono::minutes{n}; }
// The networks of a filter may collide; the first thirteen of these do not.
IpAddress network(std::uint64_t i, std::uint32_t host = 1) {
  return IpAddress::v4(static_cast<std::uint32_t>(0x0a400000 + (i << 16)) + host);
}
Recorder run_account_fanin(const Stream& stream, std::string_view yaml = "") {
  return run(*detector_named("account_fanin", yaml), stream);
}

TEST(AccountFanin, AlarmsAtTheThirteenthNetwork) {
  Stream stream;
  for (std::uint64_t i = 0; i < 20; ++i) {
    stream.bad(at(m(i)), kVictim, network(i));
    stream.bad(at(m(i) + 1s), kVictim, network(i, 0x0203));  // the same /16
  }
  const Recorder r = run_account_fanin(stream);
  ASSERT_EQ(r.findings.size(), 1U);
  const Finding& f = r.findings[0];
  EXPECT_EQ(f.seq, 25U);
  EXPECT_EQ(f.time, at(12min));
  EXPECT_FALSE(f.at_tick);
  EXPECT_EQ(f.key, Entity::account(0, AccountKey{kVictim}));
  EXPECT_EQ(f.attack, AttackKind::kPasswordGuessing);
  EXPECT_EQ(f.detector, kContext.id);
  EXPECT_NEAR(f.factor.value / 1.318e8, 1, .01);  // (.95 / .2) to the twelfth
  EXPECT_EQ(f.factor.threshold, 1e8);
  EXPECT_EQ(f.evidence.start, at(0s));
  EXPECT_EQ(f.evidence.end, at(12min));
  EXPECT_EQ(f.evidence.attempts, 25U);
  EXPECT_EQ(f.evidence.failures, 25U);
  EXPECT_EQ(f.evidence.accounts, 1U);
  ASSERT_EQ(f.evidence.list.size(), 1U);
  EXPECT_EQ(value_of(f.evidence.list[0].account), kVictim);
  EXPECT_EQ(f.evidence.list[0].attempts, 25U);
}

TEST(AccountFanin, AnIpv6NetworkIsTheFortyEight) {
  for (const bool one_network : {true, false}) {
    Stream stream;
    for (std::uint64_t i = 0; i < 20; ++i) {
      IpAddress ip = ip_of("2001:db8::1");
      ip.bytes[one_network ? 7 : 5] = static_cast<std::uint8_t>(i);
      stream.unknown(at(m(i)), kVictim, ip);
    }
    EXPECT_EQ(run_account_fanin(stream).findings.size(), one_network ? 0U : 1U);
  }
}

TEST(AccountFanin, FamiliarFailuresSuccessesAndWhatIsNoRefusedPasswordNeverCount) {
  Stream stream;
  for (std::uint64_t i = 0; i < 40; ++i) {
    stream.bad(at(m(i)), 1, network(i)).stranger = false;
    stream.success(at(m(i)), 2, network(i));
    stream.add(at(m(i)), 3, network(i), Outcome::kFailure, FailureReason::kMfaFailed);
    stream.add(at(m(i)), 4, network(i), Outcome::kFailure, FailureReason::kInternalError);
    stream.add(at(m(i)), 5, network(i), Outcome::kFailure, FailureReason::kRateLimited);
  }
  const auto detector = detector_named("account_fanin");
  EXPECT_TRUE(run(*detector, stream).log().empty());
  EXPECT_EQ(detector->usage().keys, 0U);
}

TEST(AccountFanin, ALifeEndsADayAfterItsFirstNetwork) {
  for (const auto step : {115min, 125min}) {  // the thirteenth network comes after 23 or 25 hours
    Stream stream;
    for (std::uint64_t i = 0; i < 13; ++i)
      stream.bad(at(step * static_cast<int>(i)), kVictim, network(i));
    EXPECT_EQ(run_account_fanin(stream).findings.size(), step == 115min ? 1U : 0U);
  }
}

TEST(AccountFanin, AnAccountThatTravelsCarriesItsOwnChance) {
  Stream stream;
  for (std::uint64_t day = 0; day < 20; ++day)
    for (std::uint64_t i = 0; i < 8; ++i)
      stream.bad(at(25h * static_cast<int>(day) + m(i)), kVictim, network(i));
  for (std::uint64_t i = 0; i < 14; ++i) stream.bad(at(25h * 20 + m(i)), kVictim, network(i));
  EXPECT_TRUE(run_account_fanin(stream).findings.empty());
}

// After an alarm, a life without networks is no life: it must not make the next alarm harder or easier.
TEST(AccountFanin, AlarmsAlikeOnEveryDay) {
  Stream stream;
  for (std::uint64_t day = 0; day < 10; ++day)
    for (std::uint64_t i = 0; i < 13; ++i)
      stream.bad(at(25h * static_cast<int>(day) + m(i)), kVictim, network(i));
  const Recorder r = run_account_fanin(stream);
  ASSERT_EQ(r.findings.size(), 10U);
  for (std::size_t day = 0; day < 10; ++day) {
    EXPECT_EQ(r.findings[day].seq, 13 * (day + 1));
    EXPECT_EQ(r.findings[day].factor.value, r.findings[0].factor.value);
  }
}

TEST(AccountFanin, TenantsAreApart) {
  Stream stream;
  for (std::uint64_t i = 0; i < 24; ++i)
    stream.bad(at(m(i)), kVictim, network(i)).tenant = 1 + i % 2;
  EXPECT_TRUE(run_account_fanin(stream).findings.empty());
}

TEST(AccountFanin, ActivityIsWhatStrangersDoAfterTheAlarm) {
  Stream stream;
  for (std::uint64_t i = 0; i < 13; ++i) stream.bad(at(m(i)), kVictim, network(i));
  const std::uint64_t failure = stream.bad(at(20min), kVictim, network(1)).seq,
                      success = stream.success(at(21min), kVictim, network(2)).seq;
  const std::uint64_t mfa =
      stream.add(at(22min), kVictim, network(3), Outcome::kFailure, FailureReason::kMfaFailed).seq;
  stream.success(at(23min), kVictim, network(2)).stranger = false;
  stream.bad(at(24min), 1, network(2));
  stream.success(at(20min + 25h), kVictim, network(4));
  const Recorder r = run_account_fanin(stream);
  std::vector<std::uint64_t> seqs;
  for (const auto& a : r.activities) {
    seqs.push_back(a.seq);
    EXPECT_EQ(a.key, Entity::account(0, AccountKey{kVictim}));
  }
  EXPECT_THAT(seqs, testing::ElementsAre(13, failure, success, mfa));
}

TEST(AccountFanin, AnAccountNotSeenForLongMakesRoomAndIsCounted) {
  for (const bool kept_alive : {false, true}) {
    Stream stream;
    for (std::uint64_t i = 0; i < 12; ++i) stream.bad(at(m(i)), kVictim, network(i));
    for (std::uint64_t i = 0; i < 200; ++i) {
      stream.bad(at(15min + i * 1s), i, network(1));
      if (kept_alive) stream.bad(at(15min + i * 1s), kVictim, network(1));
    }
    stream.bad(at(20min), kVictim, network(12));
    const auto detector = detector_named("account_fanin", "max_keys: 64");
    EXPECT_EQ(run(*detector, stream).findings.size(), kept_alive ? 1U : 0U);
    EXPECT_EQ(detector->usage().keys, 64U);
    EXPECT_EQ(detector->usage().max_keys, 64U);
    EXPECT_EQ(detector->usage().evictions, kept_alive ? 137U : 138U);
  }
}

TEST(AccountFanin, RefusesADamagedState) {
  Stream stream;
  for (std::uint64_t i = 0; i < 12; ++i) stream.bad(at(m(i)), i % 3, network(i));
  const auto detector = detector_named("account_fanin");
  run(*detector, stream);
  std::string state;
  StateWriter writer(state);
  detector->save(writer);
  for (std::size_t size = 0; size < state.size(); size += 3) {
    StateReader cut(std::string_view(state).substr(0, size));
    EXPECT_FALSE(detector_named("account_fanin")->load(cut).has_value()) << size;
  }
}

// The rule once more with a set of networks for each account, and no bounds.
std::map<std::uint64_t, std::uint64_t> first_alarms(const Stream& stream) {  // account -> seq
  struct Life {
    EventTime start{};
    std::set<std::uint32_t> networks{};
    double evidence = 1;
  };
  std::map<std::uint64_t, Life> lives;
  std::map<std::uint64_t, std::uint64_t> alarms;
  for (const LoginEvent& e : stream.events) {
    const std::uint64_t account = value_of(e.account);
    const std::uint32_t net = e.source_ip.v4_bits() >> 16;
    if (!e.stranger || !is_credential_failure(e) || alarms.contains(account)) continue;
    const auto [life, fresh] = lives.try_emplace(account, Life{e.time, {net}, 1});
    if (fresh || !life->second.networks.insert(net).second) continue;
    life->second.evidence *= .95 / .2;
    if (life->second.evidence >= 1e8) alarms[account] = e.seq;
  }
  return alarms;
}

// Beyond six networks the detector may take a new one for an old one, never the other way round: it never alarms early, and hardly ever late.
TEST(AccountFanin, AgreesWithAPlainModel) {
  std::size_t same = 0, late = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    Stream stream;
    for (int i = 0; i < 6000; ++i) {  // within one life
      LoginEvent& e = stream.bad(at(i * 10s), random.below(300), network(random.below(40)));
      e.stranger = random.chance(.9);
      if (random.chance(.05)) {
        e.reason = FailureReason::kMfaFailed;
      }
    }
    std::map<std::uint64_t, std::uint64_t> found;
    for (const Finding& f : run_account_fanin(stream).findings)
      found.try_emplace(f.key.value, f.seq);
    const auto wanted = first_alarms(stream);
    for (const auto& [account, seq] : found) {
      ASSERT_TRUE(wanted.contains(account)) << "seed " << seed;
      ASSERT_GE(seq, wanted.at(account)) << "seed " << seed;
    }
    for (const auto& [account, seq] : wanted)
      ++(found.contains(account) && found.at(account) == seq ? same : late);
  }
  EXPECT_GT(same, 1000U);
  EXPECT_LE(late, same / 4);
}

}  // namespace
}  // namespace stuffwatch::detectors
