// A campaign goes through its own alert and back: what the ledger holds is enough to close it later.
#include "daemon/sinks/told_campaigns.h"

#include <gtest/gtest.h>

#include "ingest/tenant_id.h"
#include "tests/detectors/campaigns/site.h"

namespace stuffwatch::daemon::sinks {
namespace {

using namespace std::chrono_literals;
using detectors::AccountKey;
using detectors::address;
using detectors::at;
using detectors::Campaign;
using detectors::CampaignStatus;
using detectors::Entity;
using detectors::Feed;
using detectors::ip_of;
using detectors::kSource;
using detectors::Outcome;
using detectors::Revision;
using detectors::Site;
using detectors::ToldCampaign;

std::vector<ToldCampaign> told_of(const std::vector<Revision>& said) {
  Ledger ledger({});
  std::vector<Entry> entries;
  entries.reserve(said.size());
  for (const Revision& revision : said) entries.push_back({entries.size() + 1, {}, revision});
  ledger.apply(entries);
  return told_campaigns(ledger);
}

TEST(ToldCampaigns, AreReadFromTheirLastAlert) {
  Site site;
  site.find(at(0s), address("192.0.2.7"), 0, 30);
  site.find(at(0s), Entity::account(1, AccountKey{0xfeed}), 5000, 1);
  site.find(at(0s), Entity::prefix(1, ip_of("2001:db8:1::")), 7000, 30);
  site.attempt(at(1s), 100, kSource, Outcome::kSuccess);
  site.tick(at(1s));
  const auto told = told_of(site.of(Feed::kAlerts));
  ASSERT_EQ(told.size(), 3u);
  for (const ToldCampaign& t : told) {
    const Campaign& campaign = *site.campaigns.all().at(t.id);
    EXPECT_TRUE(t.open);
    EXPECT_EQ(t.revision, campaign.revision);
    EXPECT_EQ(t.primary, campaign.primary);
    EXPECT_EQ(to_string(t.key), campaign.primary);
    EXPECT_EQ(t.key.kind, campaign.keys.front().entity.kind);
    EXPECT_EQ(t.key.tenant, ingest::tenant_id("t"));
    EXPECT_EQ(t.counts.attempts, campaign.attempts);
    EXPECT_EQ(t.counts.accounts, campaign.accounts.count());
    EXPECT_EQ(t.counts.compromised, campaign.compromised.size());
    EXPECT_EQ(t.start, campaign.start);
    EXPECT_EQ(t.end, campaign.end);
    ASSERT_EQ(t.factors.size(), 1u);
    EXPECT_EQ(t.factors[0].detector, "source_fanout");
  }
}

TEST(ToldCampaigns, AForgottenOneClosesWithTheListsThatWereTold) {
  const auto lists_of = [](const std::string& body) {
    const std::size_t begin = body.find("\"lists\":");
    return body.substr(begin, body.find("\"recommended_actions\":") - begin);
  };
  Site before, after;
  before.client = 77;
  before.find(at(0s), address("192.0.2.7"), 0, 30);
  for (std::uint64_t i = 0; i < 5; ++i) before.attempt(at(1s), 100 + i);
  before.attempt(at(2s), 200, kSource, Outcome::kSuccess);
  before.tick(at(2s));
  const auto said = before.of(Feed::kAlerts);
  const std::string told = lists_of(said.back().body);
  for (const std::string_view part : {"192.0.2.7/32", "agent/1", "acct:", "\"tier\":", "e1"})
    ASSERT_NE(told.find(part), std::string::npos) << part << " in " << told;

  after.campaigns.know(told_of(said));
  after.tick(at(20h));
  const auto closed = after.of(Feed::kAlerts);
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].status, CampaignStatus::kClosed);
  EXPECT_EQ(lists_of(closed[0].body), told);
  EXPECT_NE(closed[0].body.find("\"apps\":[\"web\"]"), std::string::npos);
  EXPECT_TRUE(after.of(Feed::kAccounts).empty()) << "its victims were told before";
}

TEST(ToldCampaigns, OfAClosedOneOnlyTheRevisionCounts) {
  Site site;
  site.find(at(0s), address("192.0.2.7"), 0, 30);
  site.tick(at(10h));
  const auto told = told_of(site.of(Feed::kAlerts));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_FALSE(told[0].open);
  EXPECT_EQ(told[0].revision, 2u);
}

}  // namespace
}  // namespace stuffwatch::daemon::sinks
