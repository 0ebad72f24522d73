#include "daemon/sinks/sink_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <semaphore>

#include "daemon/sinks/cursor_file.h"
#include "tests/daemon/sinks/sinks_fixture.h"

namespace stuffwatch::daemon::sinks {
namespace {

using Kind = SinkRunner::Step::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SinkRunnerTest : public SinksTest {
 protected:
  void SetUp() override { outbox = open(); }

  std::unique_ptr<Outbox> open() {
    return must_open({.folder = folder / "outbox",
                      .segment_bytes = 2000,
                      .clock = clock(),
                      .notice = notices()});
  }
  SinkRunnerOptions options(const std::string& name) {
    return {.name = name,
            .cursor_file = folder / "cursors" / name,
            .clock = clock(),
            .notice = notices()};
  }
  std::unique_ptr<SinkRunner> attach(SinkRunnerOptions chosen, FakeSink::Book& book) {
    auto runner = SinkRunner::attach(std::move(chosen), *outbox, std::make_unique<FakeSink>(book));
    EXPECT_TRUE(runner);
    return std::move(*runner);
  }
  std::uint64_t saved(const std::string& name) {
    return *read_cursor(folder / "cursors" / name, notices());
  }
  void say_ten() {
    for (std::uint32_t i = 1; i <= 10; ++i) say(*outbox, {make_revision("c", i, 200)});
  }

  std::unique_ptr<Outbox> outbox;
};

TEST_F(SinkRunnerTest, DeliversInOrderAndTellsEach) {
  FakeSink::Book book;
  auto chosen = options("fake");
  std::vector<std::string> told;
  chosen.delivered = [&](std::string_view sink, const Revision& revision) {
    told.push_back(std::string(sink) + " " + label(revision));
  };
  const auto runner = attach(chosen, book);
  EXPECT_EQ(runner->step().kind, Kind::kIdle);
  say(*outbox, {make_revision("c", 1), make_revision("c", 2)});
  EXPECT_EQ(runner->step().kind, Kind::kProgress);
  EXPECT_EQ(runner->step().kind, Kind::kIdle);
  EXPECT_THAT(book.labels(), ElementsAre("c/1", "c/2"));
  EXPECT_THAT(told, ElementsAre("fake c/1", "fake c/2"));
  EXPECT_EQ(runner->metrics().delivered, 2U);
  EXPECT_EQ(runner->metrics().lag_records, 0U);
  EXPECT_EQ(runner->metrics().last_success_ms, now.load().time_since_epoch().count());
}

TEST_F(SinkRunnerTest, FiltersByFeedSeverityAndUrgency) {
  FakeSink::Book book;
  auto chosen = options("pager");
  chosen.filter = {.min_severity = detectors::Severity::kHigh,
                   .min_urgency = detectors::Urgency::kPage};
  const auto runner = attach(chosen, book);
  Revision page = make_revision("page", 1);
  page.severity = detectors::Severity::kHigh;
  page.urgency = detectors::Urgency::kPage;
  Revision mild = page;
  mild.id = "mild";
  mild.severity = detectors::Severity::kMedium;
  Revision ticket = page;
  ticket.id = "ticket";
  ticket.urgency = detectors::Urgency::kTicket;
  Revision account = page;
  account.feed = Feed::kAccounts;
  say(*outbox, {mild, page, ticket, account});
  EXPECT_EQ(runner->step().kind, Kind::kProgress);
  EXPECT_THAT(book.labels(), ElementsAre("page/1"));
  EXPECT_EQ(runner->metrics().filtered, 3U);
  EXPECT_EQ(runner->cursor(), 4U);  // past what it does not want
}

TEST_F(SinkRunnerTest, SavesTheCursorAtMostOnceASecondAndAfterSettling) {
  FakeSink::Book book;
  const auto runner = attach(options("fake"), book);
  say(*outbox, {make_revision("c", 1)});
  EXPECT_EQ(runner->step().kind, Kind::kProgress);
  EXPECT_EQ(saved("fake"), 0U);
  EXPECT_EQ(book.settled, 0U);
  now = now.load() + 1s;
  EXPECT_EQ(runner->step().kind, Kind::kIdle);
  EXPECT_EQ(saved("fake"), 1U);
  EXPECT_EQ(book.settled, 1U);
  say(*outbox, {make_revision("c", 2)});
  now = now.load() - 1h;  // the clock was set back
  EXPECT_EQ(runner->step().kind, Kind::kProgress);
  EXPECT_EQ(saved("fake"), 2U);
}

TEST_F(SinkRunnerTest, GoesOnWhereTheSavedCursorStands) {
  FakeSink::Book book;
  say_ten();
  {
    auto chosen = options("fake");
    chosen.batch_records = 4;
    const auto runner = attach(chosen, book);
    EXPECT_EQ(runner->step().kind, Kind::kProgress);
    now = now.load() + 2s;
    EXPECT_EQ(runner->step().kind, Kind::kProgress);  // saves 8
    EXPECT_EQ(runner->step().kind, Kind::kProgress);  // 10, not saved: the process dies
  }
  EXPECT_EQ(book.labels().size(), 10U);
  outbox.reset();
  outbox = open();
  const auto runner = attach(options("fake"), book);
  EXPECT_EQ(runner->step().kind, Kind::kProgress);
  const auto labels = book.labels();
  EXPECT_THAT(std::vector(labels.begin() + 10, labels.end()), ElementsAre("c/9", "c/10"));
}

TEST_F(SinkRunnerTest, ADamagedCursorStartsFromTheBeginning) {
  ASSERT_TRUE(write_cursor(folder / "cursor", 12345));
  const std::string whole = slurp(folder / "cursor");
  EXPECT_EQ(read_cursor(folder / "cursor", notices()), 12345U);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    spill(folder / "cursor", whole.substr(0, size));
    EXPECT_EQ(read_cursor(folder / "cursor", notices()), 0U);
  }
  EXPECT_THAT(said(), HasSubstr("cursor is damaged"));
}

TEST_F(SinkRunnerTest, BacksOffAndComesAgain) {
  FakeSink::Book book;
  book.down = true;
  const auto runner = attach(options("fake"), book);
  say(*outbox, {make_revision("c", 1)});
  const WallTime appended = now.load();
  std::chrono::milliseconds longest{200};
  for (int i = 0; i < 20; ++i) {
    const auto step = runner->step();
    ASSERT_EQ(step.kind, Kind::kRetry);
    EXPECT_LE(step.wait, longest);
    EXPECT_GE(step.wait, longest / 2);
    longest = std::min<std::chrono::milliseconds>(longest * 2, 30s);
  }
  EXPECT_EQ(runner->metrics().failures_in_row, 20U);
  EXPECT_EQ(runner->metrics().lag_records, 1U);
  EXPECT_EQ(runner->metrics().waiting_since_ms, appended.time_since_epoch().count());
  EXPECT_EQ(runner->problem(), "the receiver is down");
  now = now.load() + 5min;
  EXPECT_EQ(outbox->usage().oldest_undelivered_age, 5min);
  book.down = false;
  EXPECT_EQ(runner->step().kind, Kind::kProgress);
  EXPECT_EQ(runner->problem(), "");
  EXPECT_EQ(outbox->usage().oldest_undelivered_age, 0min);
  EXPECT_EQ(runner->step().kind, Kind::kIdle);
  EXPECT_THAT(book.labels(), ElementsAre("c/1"));
  EXPECT_THAT(said(), HasSubstr("sink fake works again"));
}

TEST_F(SinkRunnerTest, ASinkThatIsDownIsKnownBeforeTheFirstRevision) {
  FakeSink::Book book;
  book.down = true;
  auto chosen = options("fake");
  chosen.first_retry = 1ms, chosen.slowest_retry = 1ms;
  const auto runner = attach(chosen, book);
  runner->start();
  ASSERT_TRUE(book.wait_for_checks(2));  // the first is dealt with by then
  EXPECT_GT(runner->metrics().failures_in_row, 0U);
  EXPECT_EQ(runner->problem(), "the receiver is down");
  std::size_t checks = 0;
  {
    const std::scoped_lock lock(book.mutex);
    book.down = false, checks = book.checks;
  }
  ASSERT_TRUE(book.wait_for_checks(checks + 1));
  say(*outbox, {make_revision("c", 1)});
  ASSERT_TRUE(book.wait_for(1));
  runner->stop(10s);
  EXPECT_EQ(runner->metrics().failures_in_row, 0U);
  EXPECT_EQ(runner->problem(), "");
  EXPECT_THAT(said(), HasSubstr("sink fake works again"));
  EXPECT_EQ(book.checks, checks + 1) << "once it was reached, deliveries tell how it is";
}

// A receiver that nobody answers for, until it is told to give up.
class DeafSink final : public Sink {
 public:
  explicit DeafSink(std::binary_semaphore& asked) : asked_(asked) {}
  config::Result<Delivered> deliver(std::span<const Revision>) override {
    return config::failed("deaf");
  }
  config::Result<void> check(const std::stop_token& stop) override {
    std::binary_semaphore told{0};
    const std::stop_callback tell(stop, [&] { told.release(); });
    asked_.release();
    told.acquire();
    return config::failed("nobody answered");
  }

 private:
  std::binary_semaphore& asked_;
};

TEST_F(SinkRunnerTest, StopEndsTheLookAtAReceiver) {
  std::binary_semaphore asked{0};
  auto runner = SinkRunner::attach(options("deaf"), *outbox, std::make_unique<DeafSink>(asked));
  ASSERT_TRUE(runner);
  (*runner)->start();
  asked.acquire();
  (*runner)->stop(60s);
  EXPECT_EQ((*runner)->metrics().failed, 0U) << "being told to stop is no failure";
}

TEST_F(SinkRunnerTest, PartOfABatchIsNotDeliveredTwice) {
  FakeSink::Book book;
  book.at_most = 3;
  const auto runner = attach(options("fake"), book);
  say_ten();
  EXPECT_EQ(runner->step().kind, Kind::kRetry);
  EXPECT_EQ(runner->cursor(), 3U);
  EXPECT_EQ(runner->problem(), "it takes no more");
  for (int i = 0; i < 3; ++i) [[maybe_unused]]
    const auto step = runner->step();
  EXPECT_EQ(runner->cursor(), 10U);
  std::vector<std::string> expected;
  for (int i = 1; i <= 10; ++i) expected.push_back("c/" + std::to_string(i));
  EXPECT_EQ(book.labels(), expected);
}

TEST_F(SinkRunnerTest, ADeadSinkDelaysNobody) {
  FakeSink::Book dead;
  FakeSink::Book living;
  dead.down = true;
  const auto first = attach(options("dead"), dead);
  const auto second = attach(options("living"), living);
  first->start();
  second->start();
  for (std::uint32_t i = 1; i <= 50; ++i)
    ASSERT_TRUE(outbox->append({{make_revision("c", i, 200)}}));
  EXPECT_TRUE(living.wait_for(50));
  EXPECT_TRUE(dead.wait_for_calls(1));
  EXPECT_THAT(dead.labels(), IsEmpty());
  second->stop(10s);
  first->stop(10s);
  EXPECT_EQ(saved("living"), 50U);
  EXPECT_EQ(saved("dead"), 0U);
  EXPECT_EQ(first->metrics().lag_records, 50U);
  // It comes back, in the next process.
  dead.down = false;
  const auto again = attach(options("dead"), dead);
  again->start();
  EXPECT_TRUE(dead.wait_for(50));
  again->stop(10s);
  EXPECT_EQ(dead.labels(), living.labels());
  EXPECT_EQ(saved("dead"), 50U);
}

TEST_F(SinkRunnerTest, StopDrainsWhatIsDurable) {
  FakeSink::Book book;
  auto chosen = options("fake");
  chosen.batch_records = 2;
  say_ten();
  const auto runner = attach(chosen, book);
  runner->start();
  runner->stop(60s);
  EXPECT_EQ(book.labels().size(), 10U);
  EXPECT_EQ(saved("fake"), 10U);
}

// A receiver that does not answer until it is told that the process goes down.
class StuckSink final : public Sink {
 public:
  config::Result<Delivered> deliver(std::span<const Revision>) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return cancelled_; });
    return config::failed("cancelled");
  }
  void cancel() override {
    const std::scoped_lock lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool cancelled_ = false;
};

TEST_F(SinkRunnerTest, StopDoesNotWaitForAStuckSink) {
  say_ten();
  auto runner = SinkRunner::attach(options("stuck"), *outbox, std::make_unique<StuckSink>());
  ASSERT_TRUE(runner);
  (*runner)->start();
  (*runner)->stop(20ms);
  EXPECT_EQ((*runner)->cursor(), 0U);
}

TEST_F(SinkRunnerTest, ACursorThatCannotBeSavedIsAFailure) {
  FakeSink::Book book;
  const auto runner = attach(options("fake"), book);
  say(*outbox, {make_revision("c", 1)});
  std::filesystem::remove_all(folder / "cursors");
  spill(folder / "cursors", "in the way");
  now = now.load() + 2s;
  EXPECT_EQ(runner->step().kind, Kind::kRetry);
  EXPECT_THAT(runner->problem(), HasSubstr("cannot open"));
  std::filesystem::remove(folder / "cursors");
  std::filesystem::create_directory(folder / "cursors");
  EXPECT_EQ(runner->step().kind, Kind::kIdle);
  EXPECT_EQ(runner->problem(), "");
  EXPECT_EQ(saved("fake"), 1U);
  EXPECT_THAT(book.labels(), ElementsAre("c/1"));
}

}  // namespace
}  // namespace stuffwatch::daemon::sinks
