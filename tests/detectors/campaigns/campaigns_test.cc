#include "detectors/campaigns/campaigns.h"

#include <simdjson.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/detectors/campaigns/site.h"

namespace stuffwatch::detectors {
namespace {

using testing::ElementsAre;

void expect_valid(const Revision& r) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  ASSERT_EQ(parser.parse(r.body).get(object), simdjson::SUCCESS) << r.body;
  EXPECT_EQ(r.body.find('\n'), std::string::npos);
  std::vector<std::string_view> wanted{"schema", "id", "revision", "time"};
  if (r.feed == Feed::kAlerts)
    for (const char* name : {"alert_id",
                             "status",
                             "reason",
                             "site",
                             "apps",
                             "start_time",
                             "end_time",
                             "attack",
                             "techniques",
                             "severity",
                             "urgency",
                             "log10_odds",
                             "summary",
                             "detectors",
                             "factors",
                             "counts",
                             "sources",
                             "clients",
                             "accounts",
                             "compromised",
                             "sample_event_ids",
                             "recommended_actions",
                             "data_quality",
                             "truncated",
                             "producer"})
      wanted.push_back(name);
  else
    for (const char* name : {"campaign", "account", "tier", "state"}) wanted.push_back(name);
  for (const std::string_view name : wanted)
    EXPECT_EQ(object[name].error(), simdjson::SUCCESS) << name;
  EXPECT_EQ(std::string_view(object["id"].get_string()), r.id);
  EXPECT_EQ(std::uint64_t{object["revision"].get_uint64()}, r.revision);
}

TEST(Campaigns, TellsItsLifeInRevisions) {
  Site site;
  site.find(at(0s), address("192.0.2.7"), 0, 30);
  EXPECT_FALSE(
      site.campaigns.is_open_key(address("192.0.2.7")));  // the feedback moves at ticks only
  site.tick(at(0s));
  EXPECT_TRUE(site.campaigns.is_open_key(address("192.0.2.7")));
  site.attempt(at(1s), 100, kSource, Outcome::kSuccess);
  site.tick(at(1s));
  for (std::uint64_t i = 0; i < 200; ++i) site.attempt(at(2s + i * 1s), 1000 + i);
  site.tick(at(202s));  // still cooling down
  EXPECT_THAT(site.reasons(), ElementsAre("opened", "first_success"));
  site.attempt(at(302s), 5000);
  site.tick(at(302s));
  site.tick(at(7h));
  EXPECT_FALSE(site.campaigns.is_open_key(address("192.0.2.7")));
  site.find(at(8h), address("192.0.2.7"), 9000, 30);
  site.tick(at(8h));
  EXPECT_THAT(site.reasons(),
              ElementsAre("opened", "first_success", "doubled", "closed", "reopened"));
  EXPECT_TRUE(site.campaigns.is_open_key(address("192.0.2.7")));
  const auto alerts = site.of(Feed::kAlerts);
  for (std::size_t i = 0; i < alerts.size(); ++i) {
    EXPECT_EQ(alerts[i].revision, i + 1);
    EXPECT_EQ(alerts[i].id, alerts[0].id);
    expect_valid(alerts[i]);
  }
  EXPECT_EQ(alerts[0].severity, Severity::kMedium);
  EXPECT_EQ(alerts[1].severity, Severity::kHigh);
  EXPECT_EQ(alerts[3].status, CampaignStatus::kClosed);
  EXPECT_EQ(site.campaigns.opened_total(), 1U);
  EXPECT_EQ(site.only().attempts, 30U + 1 + 201 + 30);
  EXPECT_EQ(site.only().accounts.count(), 30U + 1 + 201 + 30);
}

TEST(Campaigns, AnEventOnTwoKeysCountsOnce) {
  Site site;
  site.find(at(0s), address("192.0.2.7"), 0, 30);
  site.find(at(0s), prefix("192.0.2.7"), 0, 30);
  for (std::uint64_t i = 0; i < 10; ++i) site.attempt(at(1s), i);
  EXPECT_EQ(site.only().attempts, 40U);
  EXPECT_EQ(site.only().keys.size(), 2U);
  EXPECT_THAT(site.reasons(), ElementsAre("opened"));
}

TEST(Campaigns, JoinsANeighbourAndWhoSharesThreeInTenAccounts) {
  Site site;
  site.find(at(0s), address("192.0.2.7"), 0, 40);
  site.find(at(1s), address("192.0.2.9"), 1000, 40);   // the same /24
  site.find(at(2s), address("198.51.100.1"), 28, 40);  // twelve of forty: 30 %
  EXPECT_EQ(site.campaigns.all().size(), 1U);
  site.find(at(3s), address("203.0.113.1"), 2000 - 29, 40);  // nothing in common
  EXPECT_EQ(site.campaigns.all().size(), 2U);
  site.find(at(7h), address("203.0.113.200"), 0, 40);  // a neighbour of the second
  EXPECT_EQ(site.campaigns.all().size(), 2U);
}

TEST(Campaigns, ElevenOfFortyAccountsAreTooFew) {
  Site site;
  site.find(at(0s), address("192.0.2.7"), 0, 40);
  site.find(at(2s), address("198.51.100.1"), 29, 40);
  EXPECT_EQ(site.campaigns.all().size(), 2U);
}

TEST(Campaigns, MergeByARareClientTellsEveryVictimAndKeepsTheNeighbours) {
  Site site;
  site.client = 77;
  const IpAddress other = ip_of("198.51.100.1");
  site.find(at(0s), address("192.0.2.7"), 0, 30);
  site.find(at(1s), address("198.51.100.1"), 1000, 30);
  for (std::uint64_t i = 0; i < 25; ++i)
    site.attempt(at(2s), i), site.attempt(at(2s), 1000 + i, other);
  site.attempt(at(3s), 500, kSource, Outcome::kSuccess);
  site.attempt(at(3s), 600, other, Outcome::kSuccess);
  site.tick(at(3s));
  EXPECT_THAT(site.reasons(), ElementsAre("opened", "opened", "first_success", "first_success",
                                          "closed", "merged"));
  EXPECT_EQ(site.of(Feed::kAccounts).size(), 2U);
  const auto alerts = site.of(Feed::kAlerts);
  EXPECT_EQ(alerts[5].id, alerts[0].id);
  EXPECT_THAT(alerts[4].body, testing::HasSubstr("\"merged_into\":\"" + alerts[0].id + "\""));
  site.find(at(4s), address("198.51.100.99"), 3000,
            30);  // a neighbour of the younger joins the older
  EXPECT_EQ(site.campaigns.all().size(), 2U);
  site.tick(at(5s));
  EXPECT_EQ(site.of(Feed::kAccounts).size(), 2U);
  for (const Revision& r : site.out) expect_valid(r);
}

TEST(Campaigns, ACommonClientJoinsNothing) {
  Site site;
  site.client = 77;
  for (int i = 0; i < 16 * 200; ++i)
    site.campaigns.learn(site.event(at(0s), 1, kSource, Outcome::kSuccess));
  site.find(at(0s), address("192.0.2.7"), 0, 30);
  site.find(at(1s), address("198.51.100.1"), 1000, 30);
  for (std::uint64_t i = 0; i < 25; ++i)
    site.attempt(at(2s), i), site.attempt(at(2s), 1000 + i, ip_of("198.51.100.1"));
  site.tick(at(3s));
  EXPECT_THAT(site.reasons(), ElementsAre("opened", "opened"));
}

TEST(Campaigns, RollsOverAtItsAgeWithTheAttemptThatIsBeyondIt) {
  Site site({.max_age = 2h});
  site.find(at(0s), address("192.0.2.7"), 0, 30);
  for (auto t = 0min; t <= 130min; t += 10min) site.tick(at(t)), site.attempt(at(t), 5);
  EXPECT_THAT(site.reasons(), ElementsAre("opened", "closed", "opened"));
  const auto alerts = site.of(Feed::kAlerts);
  EXPECT_THAT(alerts[1].body, testing::HasSubstr("\"close_reason\":\"rolled_over\""));
  EXPECT_THAT(alerts[1].body, testing::HasSubstr("\"attempts\":43,"));
  EXPECT_THAT(alerts[2].body, testing::HasSubstr("\"continues\":\"" + alerts[0].id + "\""));
  EXPECT_THAT(alerts[2].summary, testing::HasSubstr(": 1 attempt on 1 account in 0 s"));
  EXPECT_EQ(alerts[2].time, at(130min));
  EXPECT_TRUE(site.campaigns.is_open_key(address("192.0.2.7")));
  site.find(at(131min), address("192.0.2.8"), 4000, 30);
  EXPECT_EQ(site.campaigns.all().size(), 2U);
  EXPECT_EQ(site.campaigns.opened_total(), 2U);
}

TEST(Campaigns, WhatIsOldAndQuietHasNoSuccessor) {
  Site site({.quiet_after = 6h, .max_age = 2h});
  site.find(at(0s), address("192.0.2.7"), 0, 30);
  for (auto t = 0min; t <= 7h; t += 10min) site.tick(at(t));
  EXPECT_THAT(site.reasons(), ElementsAre("opened", "closed"));
  EXPECT_THAT(site.of(Feed::kAlerts).back().body, testing::HasSubstr("\"quiet\""));
}

TEST(Campaigns, ASuccessorCountsNobodyWhomItsPredecessorsCounted) {
  Site site({.max_age = 2h});
  site.find(at(0s), address("192.0.2.7"), 0, 30);
  site.attempt(at(121min), 5);
  site.attempt(at(242min), 5);  // the third of them
  EXPECT_THAT(site.reasons(), ElementsAre("opened", "closed", "opened", "closed", "opened"));
  site.find(at(243min), prefix("192.0.2.7"), 0, 34);  // looks back over the same, and four more
  site.tick(at(20h));
  const auto alerts = site.of(Feed::kAlerts);
  EXPECT_THAT(alerts[3].body, testing::HasSubstr("\"attempts\":1,"));
  EXPECT_THAT(alerts[5].body, testing::HasSubstr("\"attempts\":5,"));
  EXPECT_THAT(alerts[5].body, testing::HasSubstr("\"start_time\":\"2024-03-05T12:02:00.000Z\""))
      << alerts[5].body;
}

// A campaign remembers 1024 keys to list them; it owns them all.
TEST(Campaigns, EveryKeyRollsOver) {
  Site site({.max_age = 2h});
  std::string last;
  for (int i = 0; i < 1100; ++i) {
    last = "198.51." + std::to_string(i / 250) + '.' + std::to_string(i % 250);
    site.find(at(0s), address(last), 0, 30);
  }
  EXPECT_EQ(site.campaigns.all().size(), 1U);
  site.attempt(at(121min), 5, ip_of("198.51.0.0"));
  EXPECT_THAT(site.reasons(), ElementsAre("opened", "closed", "opened"));
  site.attempt(at(122min), 6, ip_of(last));
  site.find(at(122min), address(last), 0, 30);
  site.tick(at(123min));
  EXPECT_THAT(site.reasons(), ElementsAre("opened", "closed", "opened"));
  for (const auto& [id, campaign] : site.campaigns.all())
    EXPECT_EQ(campaign->counts().attempts, campaign->open ? 2U : 30U);
  site.tick(at(123min + 6h));
  EXPECT_FALSE(site.campaigns.is_open_key(address(last)));
}

TEST(Campaigns, TheEndsOfACampaignDependOnNothingButItsOwnAttempts) {
  std::vector<std::string> said;
  for (const auto between : {1s, 60s, 3599s, 86'400s}) {  // what else happens at the site
    Site site;
    site.find(at(20s), address("192.0.2.7"), 0, 30);
    EventTime now = at(20s);
    const auto until = [&](EventTime time) {
      while ((now += between) < time) site.tick(now);
      site.tick(now = time);
    };
    until(at(29h)), site.find(at(29h), address("192.0.2.7"), 100, 30);
    until(at(60h)), site.find(at(60h), address("192.0.2.7"), 200, 30);
    until(at(70h));
    std::string& all = said.emplace_back();
    for (const Revision& r : site.out) all += r.body + '\n';
    const auto alerts = site.of(Feed::kAlerts);
    EXPECT_THAT(site.reasons(),
                ElementsAre("opened", "closed", "reopened", "closed", "opened", "closed"));
    ASSERT_EQ(alerts.size(), 6U);
    EXPECT_EQ(alerts[1].time, at(20s + 6h));
    EXPECT_EQ(alerts[3].time, at(29h + 6h)) << "24 h later it cannot reopen";
  }
  EXPECT_THAT(said, testing::Each(said[0]));
}

TEST(Campaigns, AttemptsThatTheListHasNoRoomForAreCountedByTheFirstFindingOnly) {
  Site site;
  for (const EventTime time : {at(0s), at(10s)}) {
    Finding f{.seq = ++site.seq, .at_tick = true, .time = time, .key = address("192.0.2.7")};
    f.evidence = {.start = time, .end = time, .attempts = 1000, .accounts = 900, .list = {}};
    f.evidence.list.push_back({AccountKey{1}, time, 1, false});
    site.campaigns.find(f, nullptr, site.out);
  }
  EXPECT_EQ(site.only().counts().attempts, 1000U);
}

TEST(Campaigns, NothingIsMoreThanTheAttemptsAndNothingFalls) {
  Site site;
  site.find(at(0s), address("192.0.2.7"), 0, 30);
  CampaignCounts before;
  bool beyond = false;
  for (std::uint64_t i = 30; i < 6000; ++i) {
    site.attempt(at(1s), i);
    const CampaignCounts now = site.only().counts();
    ASSERT_GE(now.accounts, before.accounts) << i;
    ASSERT_LE(now.accounts, now.attempts) << i;
    ASSERT_EQ(now.attempts, now.failures + now.successes);
    beyond = beyond || site.only().accounts.count() > now.attempts;
    before = now;
  }
  EXPECT_TRUE(beyond) << "the estimate itself never exceeds the attempts: this shows nothing";
}

TEST(Campaigns, AlertsFollowTheVictims) {
  Site site;
  site.find(at(0s), address("192.0.2.7"), 0, 30);
  const auto victim = [&](EventTime time, std::uint64_t account) {
    site.attempt(time, account, kSource, Outcome::kSuccess);
    site.tick(time + 1s);
  };
  victim(at(1s), 100);
  victim(at(10min), 101);  // twice as many
  EXPECT_EQ(site.of(Feed::kAlerts).back().urgency, Urgency::kTicket);
  victim(at(11min), 102);  // three within an hour: somebody is woken, cool-down or not
  EXPECT_EQ(site.of(Feed::kAlerts).back().urgency, Urgency::kPage);
  victim(at(20min), 103);
  EXPECT_THAT(site.reasons(), ElementsAre("opened", "first_success", "doubled", "severity"));
  for (std::uint64_t i = 0; i < 3; ++i) victim(at(30min), 200 + i);
  EXPECT_THAT(site.reasons(),
              ElementsAre("opened", "first_success", "doubled", "severity", "doubled"));
  EXPECT_EQ(site.of(Feed::kAccounts).size(), 7u);
}

TEST(Campaigns, OneAddressThatGetsInNowhereMayBeTheSitesOwn) {
  const auto tuned = [](const Site& site) {
    return site.of(Feed::kAlerts)
        .back()
        .body.contains(R"({"code":"tune","target":"192.0.2.7/32","count":30,)");
  };
  Site site;
  site.find(at(0s), address("192.0.2.7"), 0, 30);
  EXPECT_TRUE(tuned(site));
  site.attempt(at(1s), 100, kSource, Outcome::kSuccess);
  site.tick(at(1s));
  EXPECT_FALSE(tuned(site)) << "no job of ours gets into an account as a stranger";
  Site two;
  two.find(at(0s), address("192.0.2.7"), 0, 30);
  two.attempt(at(1s), 100, ip_of("192.0.2.7"));
  two.attempt(at(1s), 101, ip_of("192.0.2.8"));
  two.tick(at(7h));  // told when it closes
  EXPECT_FALSE(two.of(Feed::kAlerts).back().body.contains("tune"));
}

TEST(Campaigns, ListsThatAreCutSaySo) {
  Site site;
  site.find(at(0s), address("192.0.2.7"), 0, 30);
  for (std::uint64_t i = 0; i < 25; ++i) {
    const std::string agent = "agent/" + std::to_string(i);
    site.client = 1 + i, site.text.user_agent = agent;
    site.attempt(at(1s), 100 + i);
  }
  site.tick(at(7h));
  EXPECT_THAT(site.of(Feed::kAlerts).back().body,
              testing::HasSubstr(R"("clients":{"shown":20,"total":25})"));
}

TEST(Campaigns, ALaterFindingCountsOnlyWhatIsNew) {
  Site site;
  site.find(at(0s), address("192.0.2.7"), 0, 30);
  site.find(at(10s), prefix("192.0.2.7"), 0, 30);
  site.find(at(20s), address("192.0.2.7"), 20, 30);  // ten of them counted before
  const auto sources = site.only().top_sources.sorted();
  ASSERT_EQ(sources.size(), 1u);
  EXPECT_EQ(site.only().attempts, 50u);
  EXPECT_EQ(sources[0].count, 50u);
  EXPECT_EQ(sources[0].value.accounts, 50u);
  EXPECT_THAT(site.of(Feed::kAlerts).at(0).summary, testing::HasSubstr("from 192.0.2.7/32: 30"));
}

TEST(Campaigns, EachVictimIsToldOnce) {
  Site site;
  site.find(at(0s), address("192.0.2.7"), 0, 30);
  for (int round = 0; round < 3; ++round)
    for (std::uint64_t i = 0; i < 5; ++i) {
      site.attempt(at(std::chrono::minutes{round}), 100 + i, kSource,
                   i == 4 ? Outcome::kFailure : Outcome::kSuccess, FailureReason::kMfaFailed);
      site.tick(at(std::chrono::minutes{round}));
    }
  const auto accounts = site.of(Feed::kAccounts);
  ASSERT_EQ(accounts.size(), 5U);
  for (const Revision& r : accounts) expect_valid(r);
  EXPECT_THAT(accounts[4].body, testing::HasSubstr("\"mfa\":\"failed\""));
  EXPECT_EQ(accounts[0].id, site.of(Feed::kAlerts)[0].id + "/acct:0000000000000064");
}

TEST(Campaigns, ACheckpointInTheMiddleChangesNothing) {
  Site whole, halved;
  std::string state;
  for (Site* site : {&whole, &halved}) {
    site->client = 77;
    site->find(at(0s), address("192.0.2.7"), 0, 30);
    site->find(at(1s), address("203.0.113.1"), 900, 30);
    for (std::uint64_t i = 0; i < 300; ++i)
      site->attempt(at(1s + i * 1s), 1000 + i, kSource,
                    i % 90 == 1 ? Outcome::kSuccess : Outcome::kFailure);
    site->tick(at(100s));
    site->attempt(at(400s), 77);
  }
  StateWriter writer(state);
  halved.campaigns.save(writer);
  Site loaded;
  StateReader reader(state);
  const auto result = loaded.campaigns.load(reader);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  loaded.seq = halved.seq, loaded.client = 77;
  whole.out.clear();
  for (Site* site : {&whole, &loaded}) {
    site->tick(at(401s));
    site->find(at(402s), prefix("192.0.2.7"), 20, 60, 1e12);
    for (std::uint64_t i = 0; i < 1200; ++i)
      site->attempt(at(403s + i * 1s), 5000 + i, kSource,
                    i % 400 == 1 ? Outcome::kSuccess : Outcome::kFailure);
    site->tick(at(30min)), site->tick(at(10h));
    site->find(at(11h), address("192.0.2.7"), 1, 30), site->tick(at(40h));
  }
  ASSERT_EQ(whole.out.size(), loaded.out.size());
  EXPECT_GE(whole.out.size(), 8U);
  for (std::size_t i = 0; i < whole.out.size(); ++i)
    EXPECT_EQ(whole.out[i].body, loaded.out[i].body);
}

TEST(Campaigns, HostileTextsStayJsonWithinTheLimit) {
  CampaignConfig config;
  Site site(config, true);
  std::string hostile;
  for (int c = 0; c < 256; ++c) hostile += static_cast<char>(c);
  hostile += "\xed\xa0\x80\xf4\x90\x80\x80\xc0\xaf\xe2\x82\"\\</script>";
  std::string huge;
  while (huge.size() < 20'000) huge += hostile;
  site.text = {.user_name = huge,
               .account_id = huge,
               .session_id = huge,
               .event_id = huge,
               .user_agent = huge,
               .ja4 = huge,
               .app = huge,
               .tenant = hostile};
  site.find(at(0s), address("192.0.2.7"), 0, 30);
  for (std::uint64_t i = 0; i < 600; ++i) {
    site.client = 1 + i % 40;
    site.attempt(at(1s), 100 + i, kSource, Outcome::kSuccess);
  }
  site.tick(at(2s)), site.tick(at(8h));
  const auto alerts = site.of(Feed::kAlerts);
  ASSERT_EQ(alerts.size(), 4U);
  for (const Revision& r : alerts) {
    expect_valid(r);
    EXPECT_LE(r.body.size(), std::size_t{256} << 10);
  }
  expect_valid(site.of(Feed::kAccounts).at(0));
}

}  // namespace
}  // namespace stuffwatch::detectors
