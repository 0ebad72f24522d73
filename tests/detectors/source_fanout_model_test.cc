// source_fanout against a plain model of its rules.
#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/detectors/streams.h"

namespace stuffwatch::detectors {
namespace {

// The rules of source_fanout once more, with maps and doubles and no bounds. It matures everything that is due before each event, as the ticks of feed() do.
class Oracle {
 public:
  struct Alarm {
    std::uint64_t seq;
    std::string key;
    bool at_once;
    double value;
  };
  std::vector<Alarm> alarms;

  void event(const LoginEvent& e) {
    mature(e);
    if (e.outcome != Outcome::kSuccess && !is_credential_failure(e)) return;
    for (const Entity& key :
         {Entity::address(e.tenant, e.source_ip), Entity::prefix(e.tenant, e.source_ip)})
      contact(e, to_string(key));
  }

 private:
  enum Class { kOk, kBad, kUnknown, kFamiliar };
  struct Mixture {
    std::vector<double> null;
    std::vector<std::vector<double>> alternative;
    std::vector<double> weight, ratio{}, seen{};
    void restart() { ratio.assign(weight.size(), 1), seen.assign(null.size(), 0); }
    double add(std::size_t i) {
      const auto sum = [](const std::vector<double>& v) {
        return std::accumulate(v.begin(), v.end(), 0.0);
      };
      double evidence = 0;
      const double total = sum(seen), q = (null[i] + seen[i]) / (sum(null) + total);
      for (std::size_t k = 0; k < weight.size(); ++k) {
        ratio[k] = std::clamp(
            ratio[k] * ((alternative[k][i] + seen[i]) / (sum(alternative[k]) + total) / q), 1e-30,
            1e30);
        evidence += weight[k] * ratio[k];
      }
      seen[i] += 1;
      return evidence;
    }
  };
  struct Life {
    EventTime start{};
    Mixture matured{
        {7, .8, .2}, {{.3, 2, 7.7}, {.3, 9.4, .3}, {.3, 5, 4.7}, {4, 1.5, 4.5}}, {.3, .3, .2, .2}};
    Mixture at_once{{7.76, .24}, {{.3, 9.7}, {2, 8}}, {.6, .4}};
    std::map<std::uint64_t, Class> accounts{};
    std::set<std::uint64_t> pending{};
    double attempts = 0, failures = 0;
    std::uint64_t one_in = 1;  // of the accounts counts
    std::int64_t pending_that_count = 0;
    void begin(EventTime time) {
      start = time, attempts = failures = 0, one_in = 1, matured.restart(), at_once.restart();
      pending_that_count = std::ssize(pending);
    }
    [[nodiscard]] bool counts(std::uint64_t account) const { return account % one_in == 0; }
    void thin() {
      one_in *= 2;
      pending_that_count =
          std::ranges::count_if(pending, [this](std::uint64_t account) { return counts(account); });
    }
  };
  struct Pending {
    EventTime due;
    std::string key;
    std::uint64_t account;
  };
  std::map<std::string, Life> lives_;
  std::deque<Pending> queue_;

  void mature(const LoginEvent& e) {
    for (; !queue_.empty() && queue_.front().due <= e.time; queue_.pop_front()) {
      Life& life = lives_.at(queue_.front().key);
      const std::uint64_t account = queue_.front().account;
      const Class klass = life.accounts.at(account);
      life.pending.erase(account);
      if (!life.counts(account)) continue;
      --life.pending_that_count;
      if (klass == kFamiliar) continue;
      const double evidence = life.matured.add(klass);
      life.failures += klass == kOk ? 0 : 1;
      const bool alarm = evidence >= 2e8 && life.failures >= 4 &&
                         life.attempts <= 6 * static_cast<double>(life.accounts.size());
      if (alarm) alarms.push_back({e.seq, queue_.front().key, false, evidence});
      if (alarm || evidence < 1e-3) life.matured.restart(), life.failures = 0;
    }
  }
  void contact(const LoginEvent& e, const std::string& key) {
    const auto [known, fresh] = lives_.try_emplace(key);
    Life& life = known->second;
    if (fresh || e.time - life.start > 24h) {
      life.begin(e.time);
      std::erase_if(life.accounts, [&](const auto& a) { return !life.pending.contains(a.first); });
    }
    if (!life.counts(value_of(e.account))) return;
    life.attempts += 1;
    if (life.pending_that_count >= 4096 && !life.accounts.contains(value_of(e.account)))
      life.thin();
    if (!life.counts(value_of(e.account))) return;
    const bool success = e.outcome == Outcome::kSuccess,
               unknown = e.reason == FailureReason::kUnknownAccount;
    const auto [account, first] =
        life.accounts.try_emplace(value_of(e.account), success      ? kOk
                                                       : unknown    ? kUnknown
                                                       : e.stranger ? kBad
                                                                    : kFamiliar);
    if (!first) {
      if (success && life.pending.contains(account->first)) account->second = kOk;
      return;
    }
    ++life.pending_that_count, life.pending.insert(account->first);
    queue_.push_back({e.time + 600s, key, account->first});
    if (!success && !unknown) return;
    const double evidence = life.at_once.add(unknown ? 1 : 0);
    if (evidence >= 2e8) alarms.push_back({e.seq, key, true, evidence});
    if (evidence >= 2e8 || evidence < 1e-3) life.at_once.restart();
  }
};

// Several sources, each with a temper of its own; accounts repeat; now and then hours pass.
Stream random_stream(std::uint64_t seed, int events) {
  Random random(seed);
  Stream stream;
  EventTime time = kStart;
  constexpr std::uint64_t kSources = 12;
  std::array<double, kSources> success{}, unknown{};
  for (std::size_t i = 0; i < kSources; ++i)
    success[i] = i % 3 == 0 ? .9 : random.unit() * .05, unknown[i] = random.unit();
  for (int n = 0; n < events; ++n) {
    time += std::chrono::milliseconds{random.below(random.chance(.001) ? 36'000'000 : 9000)};
    const std::uint64_t i = random.below(kSources), tight = i % 2 == 0 ? 40 : 4000;
    const IpAddress ip =
        i < 8 ? IpAddress::v4(0xc0000200 +
                              static_cast<std::uint32_t>(i % 4 * 256 + random.below(i < 4 ? 1 : 3)))
              : ip_of(i % 2 == 0 ? "2001:db8:1:2::7" : "2001:db8:1:3::7");
    const std::uint64_t account = random.below(tight);
    LoginEvent* e;
    if (random.chance(success[i]))
      e = &stream.success(time, account, ip);
    else if (random.chance(unknown[i]))
      e = &stream.unknown(time, account, ip);
    else if (random.chance(.02))
      e = &stream.add(time, account, ip, Outcome::kFailure, FailureReason::kInternalError);
    else
      e = &stream.bad(time, account, ip);
    e->stranger = e->outcome != Outcome::kSuccess ? random.chance(.8) : random.chance(.3);
  }
  return stream;
}

struct Alarms {
  std::size_t at_once = 0, matured = 0;
};

// The detector finds what the model does, to the event; counts it.
void compare(const Stream& stream, Alarms& alarms) {
  const auto detector = detector_named("source_fanout");
  const Recorder r = run(*detector, stream);
  Oracle oracle;
  for (const LoginEvent& e : stream.events) oracle.event(e);
  const auto line = [](std::uint64_t seq, const std::string& key, bool once) {
    return std::to_string(seq) + ' ' + key + (once ? " at once" : " matured");
  };
  std::map<std::string, double> wanted, found;
  for (const auto& a : oracle.alarms)
    wanted[line(a.seq, a.key, a.at_once)] = a.value,
                              ++(a.at_once ? alarms.at_once : alarms.matured);
  for (const Finding& f : r.findings)
    found[line(f.seq, to_string(f.key), f.factor.statistic == "first contacts at once")] =
        f.factor.value;
  ASSERT_EQ(found.size(), r.findings.size());
  for (const auto& [key, value] : wanted) {
    ASSERT_TRUE(found.contains(key)) << key;
    ASSERT_NEAR(found.at(key) / value, 1, 1e-5) << key;
  }
  ASSERT_EQ(found.size(), wanted.size());
}

TEST(SourceFanout, AgreesWithAPlainModel) {
  Alarms alarms;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    ASSERT_NO_FATAL_FAILURE(compare(random_stream(seed, 6000), alarms));
  }
  EXPECT_GT(alarms.at_once, 20U);
  EXPECT_GT(alarms.matured, 20U);
}

// Accounts in order of their numbers, so that every thinning halves those that wait to the one: 20 a second, then, when those of before the thinning have
// matured, 100.
TEST(SourceFanout, AgreesWithAPlainModelWhereAccountsAreThinned) {
  Stream stream;
  EventTime time = kStart;
  for (std::uint64_t account = 0; account < 60'000; ++account) {
    stream.bad(time, account, ip_of("192.0.2.7"));
    time += account < 18'000 ? 50ms : 10ms;
  }
  for (const EventTime last = time + 600s; time <= last; time += 10ms)
    stream.success(time, 1, ip_of("203.0.113.250"));
  Alarms alarms;
  compare(stream, alarms);
  EXPECT_GT(alarms.matured, 100U);
}

}  // namespace
}  // namespace stuffwatch::detectors
