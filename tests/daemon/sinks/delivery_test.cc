#include "daemon/sinks/delivery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/sinks/sinks_fixture.h"

namespace stuffwatch::daemon::sinks {
namespace {

using testing::HasSubstr;

class DeliveryTest : public SinksTest {
 protected:
  DeliveryOptions options() {
    DeliveryOptions chosen;
    chosen.context.state_path = folder;
    chosen.context.clock = clock();
    chosen.context.notice = notices();
    chosen.sinks = *complete_sinks(sinks, chosen.context);
    return chosen;
  }
  std::unique_ptr<Delivery> open() {
    auto delivery = Delivery::open(options());
    if (!delivery) throw std::runtime_error(delivery.error().message);
    return std::move(*delivery);
  }
  static Revision account() {
    Revision revision = make_revision("c/acct:00", 1);
    revision.feed = Feed::kAccounts;
    return revision;
  }
  static std::string lines(const std::vector<Revision>& revisions) {
    std::string text;
    for (const Revision& revision : revisions) text += revision.body + "\n";
    return text;
  }

  std::vector<SinkSection> sinks;
};

TEST_F(DeliveryTest, EachFeedGoesToItsFileAndSurvivesRestarts) {
  {
    const auto delivery = open();
    delivery->start();
    ASSERT_TRUE(delivery->append({{make_revision("c", 1), account(), make_revision("c", 2)}}));
    EXPECT_TRUE(delivery->stop(Deadline(60s)));
  }
  {
    const auto delivery = open();
    EXPECT_EQ(delivery->ledger().find("c")->last.revision, 2U);
    delivery->start();
    // What is computed again after the restart was said already.
    ASSERT_TRUE(delivery->append(
        {{make_revision("c", 1), account(), make_revision("c", 2), make_revision("c", 3)}}));
    EXPECT_TRUE(delivery->stop(Deadline(60s)));
    const auto numbers = delivery->sinks();
    EXPECT_EQ(numbers[0].name, "jsonl-alerts");
    EXPECT_EQ(numbers[0].type, "jsonl");
    EXPECT_EQ(numbers[0].delivered, 1U);
    EXPECT_TRUE(numbers[0].up);
  }
  EXPECT_EQ(slurp(folder / "alerts.jsonl"),
            lines({make_revision("c", 1), make_revision("c", 2), make_revision("c", 3)}));
  EXPECT_EQ(slurp(folder / "accounts.jsonl"), lines({account()}));
  EXPECT_EQ(said(), "");
}

TEST_F(DeliveryTest, TheLedgerSurvivesALostOutbox) {
  {
    const auto delivery = open();
    delivery->start();
    ASSERT_TRUE(delivery->append({{make_revision("c", 1), make_revision("c", 2)}}));
    EXPECT_TRUE(delivery->stop(Deadline(60s)));
  }
  std::filesystem::remove_all(folder / "outbox");
  const auto delivery = open();
  EXPECT_EQ(delivery->ledger().open_campaigns().size(), 1U);
  EXPECT_EQ(*delivery->append({{make_revision("c", 2), make_revision("c", 3)}}), 3U);
  delivery->start();
  EXPECT_TRUE(delivery->stop(Deadline(60s)));
  EXPECT_EQ(slurp(folder / "alerts.jsonl"),
            lines({make_revision("c", 1), make_revision("c", 2), make_revision("c", 3)}));
}

TEST_F(DeliveryTest, TheLedgerIsRebuiltFromTheOutbox) {
  {
    const auto delivery = open();
    ASSERT_TRUE(delivery->append({{make_revision("c", 1), make_revision("d", 7)}}));
    EXPECT_TRUE(delivery->stop(Deadline(0ms)));
  }
  std::filesystem::remove(folder / "ledger");
  const auto delivery = open();
  EXPECT_EQ(delivery->ledger().find("d")->last.body, make_revision("d", 7).body);
  EXPECT_EQ(delivery->ledger().campaigns().size(), 2U);
}

TEST_F(DeliveryTest, ALedgerThatCannotBeReadIsNotReplaced) {
  std::filesystem::create_directory(folder / "ledger");
  const auto delivery = Delivery::open(options());
  ASSERT_FALSE(delivery);
  EXPECT_TRUE(std::filesystem::is_directory(folder / "ledger"));
}

TEST_F(DeliveryTest, ADeadSinkIsNamedAndTheOthersGoOn) {
  sinks = {{.type = SinkType::kJsonl, .name = "dead", .path = "/dev/full"},
           {.type = SinkType::kJsonl, .name = "living"}};
  const auto delivery = open();
  delivery->start();
  ASSERT_TRUE(delivery->append({{make_revision("c", 1)}}));
  EXPECT_TRUE(delivery->stop(Deadline(60s)));
  const auto numbers = delivery->sinks();
  EXPECT_FALSE(numbers[0].up);
  EXPECT_EQ(numbers[0].lag_records, 1U);
  EXPECT_THAT(said(), HasSubstr("sink dead: 1 revisions are not delivered yet"));
  EXPECT_THAT(numbers[0].problem, HasSubstr("No space left"));
  EXPECT_TRUE(numbers[1].up);
  EXPECT_EQ(slurp(folder / "alerts.jsonl"), lines({make_revision("c", 1)}));
}

TEST_F(DeliveryTest, StopSaysWhatNeverReachedTheDisk) {
  const auto delivery = open();
  delivery->start();
  std::filesystem::rename(folder / "outbox", folder / "elsewhere");
  std::ofstream(folder / "outbox") << "in the way";
  ASSERT_TRUE(delivery->append({{make_revision("c", 1)}}));
  const auto stopped = delivery->stop(Deadline(300ms));
  ASSERT_FALSE(stopped);
  EXPECT_THAT(stopped.error().message, HasSubstr("1 revisions are not on the disk"));
}

TEST_F(DeliveryTest, NeedsAStateFolder) {
  DeliveryOptions chosen = options();
  chosen.context.state_path.clear();
  const auto delivery = Delivery::open(std::move(chosen));
  ASSERT_FALSE(delivery);
  EXPECT_THAT(delivery.error().message, HasSubstr("state.path"));
}

}  // namespace
}  // namespace stuffwatch::daemon::sinks
