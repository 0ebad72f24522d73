#include "daemon/sinks/cloud_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/sinks/sinks_fixture.h"

namespace stuffwatch::daemon::sinks {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(CloudEvent, CarriesTheAttributesOfTheKafkaBinding) {
  EXPECT_THAT(
      cloud_event_headers(make_revision("0123456789abcdef", 3), "shop-eu", false),
      ElementsAre(Pair("ce_specversion", "1.0"), Pair("ce_id", "0123456789abcdef/3"),
                  Pair("ce_type", "stuffwatch.alert"), Pair("ce_source", "/stuffwatch/shop-eu"),
                  Pair("ce_subject", "0123456789abcdef"),
                  Pair("ce_time", "2023-11-14T22:13:20.003Z"),
                  Pair("content-type", "application/json")));
}

TEST(CloudEvent, AnAccountIsKeyedByItsCampaign) {
  Revision account = make_revision("0123456789abcdef/acct:00000000000000ff", 1);
  account.feed = Feed::kAccounts;
  const auto headers = cloud_event_headers(account, "a site/ü", true);
  EXPECT_EQ(campaign_of(account), "0123456789abcdef");
  EXPECT_EQ(campaign_of(make_revision("0123456789abcdef", 1)), "0123456789abcdef");
  EXPECT_EQ(headers[2].second, "stuffwatch.account");
  EXPECT_EQ(headers[3].second, "/stuffwatch/a%20site%2F%C3%BC");
  EXPECT_THAT(headers.back(), Pair("stuffwatch-backfill", "true"));
}

TEST(CloudEvent, OldNewsIsJudgedByTheCampaignsEnd) {
  const Revision revision = make_revision("c", 1);
  EXPECT_FALSE(is_backfill(revision, revision.end_time + 1h, 1h));
  EXPECT_TRUE(is_backfill(revision, revision.end_time + 1h + 1ms, 1h));
}

}  // namespace
}  // namespace stuffwatch::daemon::sinks
