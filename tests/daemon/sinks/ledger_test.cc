#include "daemon/sinks/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/sinks/sinks_fixture.h"

namespace stuffwatch::daemon::sinks {
namespace {

using detectors::Severity;
using detectors::Urgency;
using testing::ElementsAre;
using testing::HasSubstr;

class LedgerTest : public SinksTest {
 protected:
  LedgerOptions options() { return {.file = folder / "ledger", .notice = notices()}; }

  void tell(Ledger& ledger, const Revision& revision) {
    const Entry entry{.sequence = ++sequence, .revision = revision};
    ledger.apply({&entry, 1});
  }
  static Revision closed(Revision revision) {
    revision.status = CampaignStatus::kClosed;
    return revision;
  }
  static std::vector<std::string> labels(const std::vector<LedgerCampaign>& campaigns) {
    std::vector<std::string> list;
    for (const auto& campaign : campaigns) list.push_back(label(campaign.last));
    return list;
  }

  std::uint64_t sequence = 0;
};

TEST_F(LedgerTest, KeepsTheLastRevisionOfEveryCampaign) {
  Ledger ledger(options());
  tell(ledger, make_revision("aa11", 1));
  tell(ledger, make_revision("bb22", 1));
  tell(ledger, make_revision("aa11", 2));
  tell(ledger, closed(make_revision("bb22", 3)));
  Revision account = make_revision("aa11/acct:0", 1);
  account.feed = Feed::kAccounts;
  tell(ledger, account);
  EXPECT_THAT(labels(ledger.campaigns()), ElementsAre("aa11/2", "bb22/3"));
  EXPECT_EQ(ledger.campaigns()[0].last.body, "");
  EXPECT_THAT(labels(ledger.open_campaigns()), ElementsAre("aa11/2"));
  EXPECT_EQ(ledger.open_campaigns()[0].last.body, make_revision("aa11", 2).body);
  EXPECT_EQ(ledger.open_campaigns()[0].opened, make_revision("aa11", 1).time);
  EXPECT_EQ(ledger.position(), 5U);
  EXPECT_EQ(ledger.usage().open, 1U);
}

TEST_F(LedgerTest, ListsTheWorstFirst) {
  Ledger ledger(options());
  const auto judged = [](const char* id, Urgency urgency, Severity severity) {
    Revision revision = make_revision(id, 1);
    revision.urgency = urgency;
    revision.severity = severity;
    return revision;
  };
  tell(ledger, judged("page", Urgency::kPage, Severity::kMedium));
  tell(ledger, judged("old", Urgency::kTicket, Severity::kHigh));
  tell(ledger, judged("new", Urgency::kTicket, Severity::kHigh));
  tell(ledger, judged("low", Urgency::kTicket, Severity::kLow));
  tell(ledger, judged("log", Urgency::kLog, Severity::kCritical));
  tell(ledger, closed(judged("over", Urgency::kPage, Severity::kCritical)));
  EXPECT_THAT(labels(ledger.campaigns()),
              ElementsAre("page/1", "new/1", "old/1", "low/1", "log/1", "over/1"));
}

TEST_F(LedgerTest, FindsByTheBeginningOfTheId) {
  Ledger ledger(options());
  for (const char* id : {"aa11", "aa12", "bb22", "aa1"}) tell(ledger, make_revision(id, 1));
  EXPECT_EQ(ledger.find("b")->last.id, "bb22");
  EXPECT_EQ(ledger.find("aa1")->last.id, "aa1");  // the whole id wins
  EXPECT_THAT(ledger.find("aa").error().message, HasSubstr("3 campaigns' ids begin with aa"));
  EXPECT_THAT(ledger.find("cc").error().message, HasSubstr("no campaign's id begins with cc"));
}

TEST_F(LedgerTest, SurvivesARestartAndAppliesOnlyWhatIsNew) {
  {
    Ledger ledger(options());
    tell(ledger, make_revision("aa11", 1));
    tell(ledger, closed(make_revision("bb22", 4)));
    ASSERT_TRUE(ledger.save());
    EXPECT_EQ(ledger.saved_position(), 2U);
  }
  Ledger ledger(options());
  ASSERT_TRUE(ledger.load());
  EXPECT_EQ(ledger.position(), 2U);
  EXPECT_EQ(ledger.saved_position(), 2U);
  const std::vector<Entry> replayed{{1, {}, make_revision("zz", 1)},
                                    {3, {}, make_revision("aa11", 2)}};
  ledger.apply(replayed);
  EXPECT_THAT(labels(ledger.campaigns()), ElementsAre("aa11/2", "bb22/4"));
  EXPECT_EQ(ledger.find("aa11")->opened, make_revision("aa11", 1).time);
  EXPECT_EQ(ledger.find("bb22")->last.body, make_revision("bb22", 4).body);
}

TEST_F(LedgerTest, ADamagedFileIsSetAside) {
  {
    Ledger ledger(options());
    tell(ledger, make_revision("aa11", 1));
    ASSERT_TRUE(ledger.save());
  }
  const std::string whole = slurp(folder / "ledger");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string hurt = whole;
    hurt[at] = static_cast<char>(hurt[at] ^ 0x10);
    spill(folder / "ledger", hurt);
    Ledger ledger(options());
    ASSERT_TRUE(ledger.load());
    ASSERT_EQ(ledger.position(), 0U) << at;
    ASSERT_TRUE(std::filesystem::exists(folder / "ledger.damaged"));
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    spill(folder / "ledger", std::string_view(whole).substr(0, size));
    Ledger ledger(options());
    ASSERT_TRUE(ledger.load());
    ASSERT_EQ(ledger.position(), 0U) << size;
  }
  EXPECT_THAT(said(), HasSubstr("set aside as"));
}

TEST_F(LedgerTest, TheOldestClosedGoFirst) {
  auto few = options();
  few.max_campaigns = 16;
  Ledger ledger(few);
  tell(ledger, make_revision("first-but-open", 1));
  for (int i = 0; i < 40; ++i) tell(ledger, closed(make_revision("closed" + std::to_string(i), 1)));
  const LedgerUsage usage = ledger.usage();
  EXPECT_LE(usage.campaigns, 16U);
  EXPECT_GE(usage.campaigns, 14U);
  EXPECT_EQ(usage.evicted_open, 0U);
  EXPECT_TRUE(ledger.find("first-but-open"));
  EXPECT_TRUE(ledger.find("closed39"));
  EXPECT_FALSE(ledger.find("closed0"));
  for (int i = 0; i < 40; ++i) tell(ledger, make_revision("open" + std::to_string(i), 1));
  EXPECT_LE(ledger.usage().campaigns, 16U);
  EXPECT_GT(ledger.usage().evicted_open, 0U);
  EXPECT_TRUE(ledger.find("open39"));
}

TEST_F(LedgerTest, BodiesAreBounded) {
  auto small = options();
  small.max_body_bytes = 10'000;
  Ledger ledger(small);
  tell(ledger, make_revision("open", 1, 1000));
  for (int i = 0; i < 30; ++i)
    tell(ledger, closed(make_revision("closed" + std::to_string(i), 1, 1000)));
  EXPECT_LE(ledger.usage().body_bytes, 10'000U);
  EXPECT_EQ(ledger.usage().campaigns, 31U);
  EXPECT_NE(ledger.find("open")->last.body, "");
  EXPECT_NE(ledger.find("closed29")->last.body, "");
  EXPECT_EQ(ledger.find("closed0")->last.body, "");
  tell(ledger, make_revision("closed0", 2, 10));
  EXPECT_NE(ledger.find("closed0")->last.body, "");
}

}  // namespace
}  // namespace stuffwatch::daemon::sinks
