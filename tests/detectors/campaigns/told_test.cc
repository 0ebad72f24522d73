// Campaigns that an earlier life told: met again they keep id and numbers, forgotten ones close, and warm-up says nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/detectors/campaigns/site.h"

namespace stuffwatch::detectors {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ToldCampaign told(std::string_view ip, EventTime end) {
  const Entity key = address(ip);
  return {.id = 0xabc,
          .revision = 7,
          .open = true,
          .tenant_name = "t",
          .primary = to_string(key),
          .key = key,
          .severity = Severity::kHigh,
          .told = end,
          .opened = end - 1h,
          .start = end - 2h,
          .end = end,
          .counts = {.attempts = 900,
                     .failures = 899,
                     .successes = 1,
                     .accounts = 800,
                     .sources = 3,
                     .networks = 1,
                     .as_numbers = 1,
                     .compromised = 1},
          .factors = {},
          .sources = {},
          .clients = {},
          .apps = {},
          .sample_event_ids = {},
          .accounts = {},
          .compromised = {}};
}

TEST(ToldCampaigns, AFindingBeyondWhatWasToldGoesOnWithIdAndNumbers) {
  Site site;
  site.campaigns.know({told("192.0.2.7", at(-1min))});
  site.find(at(0s), address("192.0.2.7"), 0, 30);
  const auto alerts = site.of(Feed::kAlerts);
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].id, "0000000000000abc");
  EXPECT_EQ(alerts[0].revision, 8u);
  EXPECT_THAT(alerts[0].body, HasSubstr("\"attempts\":900,"));
  EXPECT_THAT(alerts[0].body, HasSubstr("\"accounts\":800,"));
  site.tick(at(10h));
  EXPECT_THAT(site.reasons(), ElementsAre("opened", "closed")) << "and nothing is left to forget";
}

TEST(ToldCampaigns, GoOnWithTheListsThatWereTold) {
  Site site;
  site.campaigns.set_directory(std::make_shared<const ListDirectory>(
      ListDirectory{.lists = {{11, "alpha", {}}}, .digest = {}, .state = "ok"}));
  ToldCampaign before = told("192.0.2.7", at(-1min));
  before.lists.looked_up = 800;
  before.lists.lists.add(11, 640) = "alpha";
  site.campaigns.know({before});
  site.find(at(0s), address("192.0.2.7"), 0, 200);
  EXPECT_THAT(site.of(Feed::kAlerts)[0].body,
              HasSubstr(R"("name":"alpha","accounts":640,"share":0.64,)"));
}

TEST(ToldCampaigns, AnotherAddressOrTenantIsAnother) {
  Site site;
  site.campaigns.know({told("192.0.2.7", at(-1min))});
  site.find(at(0s), address("198.51.100.7"), 0, 30);
  EXPECT_EQ(site.of(Feed::kAlerts).at(0).revision, 1u);
  ToldCampaign elsewhere = told("192.0.2.7", at(-1min));
  elsewhere.tenant_name = "somebody else";
  site.campaigns.know({elsewhere});
  site.find(at(0s), address("192.0.2.7"), 500, 30);
  EXPECT_EQ(site.of(Feed::kAlerts).at(1).revision, 1u);
}

TEST(ToldCampaigns, LookingAtTheSameEventsAgainChangesNothing) {
  Site before, after;
  before.find(at(0s), address("192.0.2.7"), 0, 30);
  ToldCampaign mine = told("192.0.2.7", at(1h));
  mine.id = before.only().id;
  after.campaigns.know({mine});
  after.find(at(0s), address("192.0.2.7"), 0, 30);
  EXPECT_EQ(before.out.at(0).body, after.out.at(0).body);
  after.tick(at(10h));
  EXPECT_THAT(after.reasons(), ElementsAre("opened", "closed"));
}

TEST(ToldCampaigns, WhatIsNotMetAgainClosesWhenItIsQuietAndCountsDoNotFall) {
  Site site;
  site.campaigns.know({told("192.0.2.7", at(0s))});
  site.tick(at(5h));
  EXPECT_TRUE(site.out.empty());
  site.tick(at(6h + 1min));
  const auto alerts = site.of(Feed::kAlerts);
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].id, "0000000000000abc");
  EXPECT_EQ(alerts[0].revision, 8u);
  EXPECT_EQ(alerts[0].status, CampaignStatus::kClosed);
  EXPECT_THAT(alerts[0].body, HasSubstr("\"attempts\":900,"));
  EXPECT_THAT(alerts[0].body, HasSubstr("\"compromised\":1}"));
  EXPECT_EQ(alerts[0].time, at(6h)) << "from its last attempt";
  site.tick(at(20h));
  EXPECT_EQ(site.out.size(), 1u);
}

TEST(ToldCampaigns, WhatWasToldOfTwoIsAddedUpWhenTheyMerge) {
  Site site;
  site.client = 77;
  ToldCampaign other = told("198.51.100.7", at(-1min));
  other.id = 0xdef;
  site.campaigns.know({told("192.0.2.7", at(-1min)), other});
  site.find(at(0s), address("192.0.2.7"), 0, 30);
  site.find(at(0s), address("198.51.100.7"), 500, 30);
  for (std::uint64_t i = 0; i < 25; ++i)
    site.attempt(at(1s), i), site.attempt(at(1s), 500 + i, ip_of("198.51.100.7"));
  site.tick(at(2s));
  EXPECT_THAT(site.reasons(), ElementsAre("opened", "opened", "closed", "merged"));
  EXPECT_THAT(site.out.back().body,
              HasSubstr(R"("attempts":1800,"failures":1798,"successes":2,"accounts":800,)"));
}

TEST(ToldCampaigns, WarmUpSaysNothingAndTakesTheKnownId) {
  Site site;
  site.campaigns.know({told("192.0.2.7", at(1h))});
  site.campaigns.set_silent(true);
  site.find(at(0s), address("192.0.2.7"), 0, 30);
  site.find(at(0s), address("203.0.113.7"), 5000, 30);
  site.attempt(at(1s), 100, kSource, Outcome::kSuccess);
  site.tick(at(1s));
  EXPECT_TRUE(site.out.empty());
  site.campaigns.set_silent(false);
  for (std::uint64_t i = 0; i < 2000; ++i) site.attempt(at(69min), 1000 + i);
  site.tick(at(70min));
  const auto alerts = site.of(Feed::kAlerts);
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].id, "0000000000000abc");
  EXPECT_EQ(alerts[0].revision, 8u);
  EXPECT_EQ(alerts[0].reason, RevisionReason::kDoubled);
  EXPECT_TRUE(site.of(Feed::kAccounts).empty()) << "its victim was told before";
  site.tick(at(20h));
  EXPECT_THAT(site.reasons(), ElementsAre("doubled", "closed", "closed"));
}

TEST(ToldCampaigns, TwoOfOneKeyKeepApart) {
  Site before, after;
  for (Site* site : {&before, &after}) {
    site->campaigns.set_silent(site == &after);
    site->find(at(0s), address("192.0.2.7"), 0, 30);
    site->tick(at(7h)), site->tick(at(32h));  // quiet, and too long ago to reopen
    site->find(at(33h), address("192.0.2.7"), 0, 30);
  }
  const auto said = before.of(Feed::kAlerts);
  ASSERT_EQ(said.size(), 3u);
  ToldCampaign first, second = told("192.0.2.7", at(33h));
  first.id = std::stoull(said[0].id, nullptr, 16), first.revision = 2;
  second.id = std::stoull(said[2].id, nullptr, 16), second.revision = 1;
  after.campaigns.know({first, second});
  after.campaigns.set_silent(false);
  EXPECT_EQ(after.campaigns.all().size(), 1u);
  EXPECT_EQ(after.only().id, second.id);
  after.tick(at(60h));
  EXPECT_THAT(after.reasons(), ElementsAre("closed"));
  EXPECT_EQ(after.out.at(0).revision, 2u);
}

}  // namespace
}  // namespace stuffwatch::detectors
