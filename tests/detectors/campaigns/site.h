// A site with one detector whose findings are made by hand: what tests of campaigns speak through.
#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detectors/campaigns/campaigns.h"
#include "tests/detectors/streams.h"

namespace stuffwatch::detectors {

inline const IpAddress kSource = ip_of("192.0.2.7");
inline EventTime at(std::chrono::milliseconds offset) { return kStart + offset; }

// A site with one detector of findings made by hand.
struct Site {
  explicit Site(const CampaignConfig& config = {}, bool names = false)
      : campaigns(config,
                  {.site = "shop",
                   .version = "1",
                   .config_sha256 = "c",
                   .corpus_digest = "d",
                   .console_url = "https://console.example/"},
                  {"source_fanout", "account_fanin"}, names) {
    text.user_agent = "agent/1", text.app = "web", text.event_id = "e1", text.tenant = "t";
  }

  LoginEvent event(EventTime time, std::uint64_t account, const IpAddress& ip, Outcome outcome,
                   FailureReason reason = FailureReason::kBadPassword) {
    LoginEvent e;
    e.seq = ++seq, e.time = time, e.account = AccountKey{account}, e.source_ip = ip,
    e.outcome = outcome, e.text = &text, e.tenant = 1, e.client = client;
    e.reason = outcome == Outcome::kSuccess ? FailureReason::kNone : reason;
    return e;
  }
  void find(EventTime time, const Entity& key, std::uint64_t first, std::uint64_t accounts,
            double value = 1e9) {
    Finding f{.seq = ++seq,
              .time = time,
              .detector = 0,
              .key = key,
              .factor = {.statistic = "first contacts",
                         .null_model = "n",
                         .window = "10m",
                         .value = value,
                         .threshold = 2e8},
              .starts_per_10m = 3e6,
              .evidence = {.start = time - 60s,
                           .end = time,
                           .attempts = accounts,
                           .failures = accounts,
                           .accounts = accounts}};
    for (std::uint64_t i = 0; i < accounts; ++i)
      f.evidence.list.push_back({AccountKey{first + i}, time, 1, false});
    LoginEvent cause = event(time, first, kSource, Outcome::kFailure);
    campaigns.learn(cause);
    campaigns.find(f, &cause, out);
  }
  void attempt(EventTime time, std::uint64_t account, const IpAddress& ip = kSource,
               Outcome outcome = Outcome::kFailure,
               FailureReason reason = FailureReason::kBadPassword) {
    const LoginEvent e = event(time, account, ip, outcome, reason);
    campaigns.observe({&e, Entity::address(1, ip)}, out);
    campaigns.observe({&e, Entity::prefix(1, ip)}, out);
  }
  void tick(EventTime time) { campaigns.tick(time, out); }

  [[nodiscard]] std::vector<Revision> of(Feed feed) const {
    std::vector<Revision> some;
    std::ranges::copy_if(out, std::back_inserter(some),
                         [=](const Revision& r) { return r.feed == feed; });
    return some;
  }
  [[nodiscard]] std::vector<std::string> reasons() const {
    std::vector<std::string> names;
    for (const Revision& r : of(Feed::kAlerts)) names.emplace_back(name_of(r.reason));
    return names;
  }
  [[nodiscard]] const Campaign& only() const {
    EXPECT_EQ(campaigns.all().size(), 1U);
    return *campaigns.all().begin()->second;
  }

  Campaigns campaigns;
  EventText text;
  std::uint64_t seq = 0, client = 0;
  std::vector<Revision> out;
};

inline Entity address(std::string_view ip) { return Entity::address(1, ip_of(ip)); }
inline Entity prefix(std::string_view ip) { return Entity::prefix(1, ip_of(ip)); }

}  // namespace stuffwatch::detectors
