#include "daemon/sinks/outbox.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/sinks/sinks_fixture.h"

namespace stuffwatch::daemon::sinks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class OutboxTest : public SinksTest {
 protected:
  OutboxOptions options() {
    return {
        .folder = folder / "outbox", .segment_bytes = 1000, .clock = clock(), .notice = notices()};
  }
  std::vector<std::filesystem::path> segments() { return segments_of(folder / "outbox"); }
};

// The file size limit stands for a full disk; SIGXFSZ is ignored so that write() says so.
class FullDisk {
 public:
  explicit FullDisk(rlim_t limit) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{limit, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(OutboxTest, KeepsTheOrderOverSegmentsAndRestarts) {
  std::vector<std::string> expected;
  for (std::uint32_t run = 0; run < 3; ++run) {
    auto outbox = must_open(options());
    for (std::uint32_t i = 1; i <= 5; ++i) {
      const auto id = "c" + std::to_string(run) + std::to_string(i);
      say(*outbox, {make_revision(id, 1, 200), make_revision(id, 2)});
      expected.insert(expected.end(), {id + "/1", id + "/2"});
    }
    EXPECT_EQ(outbox->durable(), expected.size());
    EXPECT_EQ(read_all(*outbox), expected);
  }
  EXPECT_GT(segments().size(), 4U);
  EXPECT_EQ(said(), "");
}

TEST_F(OutboxTest, ReadsFromAnyCursor) {
  auto outbox = must_open(options());
  std::vector<std::string> expected;
  for (std::uint32_t i = 1; i <= 20; ++i) {
    say(*outbox, {make_revision("c", i, 150)});
    expected.push_back("c/" + std::to_string(i));
  }
  for (std::uint64_t cursor = 0; cursor <= 20; ++cursor)
    EXPECT_EQ(read_all(*outbox, cursor),
              std::vector(expected.begin() + static_cast<std::ptrdiff_t>(cursor), expected.end()));
}

TEST_F(OutboxTest, ReaderSeesWhatIsAppendedLater) {
  auto outbox = must_open(options());
  const auto reader = outbox->attach("late", 0);
  EXPECT_THAT(*reader->next(10, 1000), IsEmpty());
  for (std::uint32_t i = 1; i <= 12; ++i) {
    say(*outbox, {make_revision("c", i, 150)});
    const auto entries = reader->next(10, 1000);
    ASSERT_EQ(entries->size(), 1U);
    EXPECT_EQ(entries->front().revision.revision, i);
    EXPECT_EQ(entries->front().appended, now.load());
  }
}

TEST_F(OutboxTest, DropsRecomputedRevisions) {
  auto outbox = must_open(options());
  say(*outbox, {make_revision("c", 1), make_revision("c", 2), make_revision("d", 4)});
  say(*outbox,
      {make_revision("c", 1), make_revision("c", 2), make_revision("c", 3), make_revision("d", 4)});
  EXPECT_THAT(read_all(*outbox), ElementsAre("c/1", "c/2", "d/4", "c/3"));
  EXPECT_EQ(outbox->usage().recomputed, 3U);
  EXPECT_EQ(outbox->usage().records, 4U);
  EXPECT_EQ(outbox->last_revision(Feed::kAlerts, "c"), 3U);
  EXPECT_EQ(outbox->last_revision(Feed::kAlerts, "e"), std::nullopt);
}

TEST_F(OutboxTest, KnowsAfterARestartWhatWasSaid) {
  { say(*must_open(options()), {make_revision("c", 1), make_revision("c", 5)}); }
  auto outbox = must_open(options());
  outbox->seed(Feed::kAlerts, "old", 9);
  outbox->seed(Feed::kAlerts, "c", 2);
  Revision account = make_revision("c", 1);  // another feed is another name space
  account.feed = Feed::kAccounts;
  say(*outbox, {make_revision("c", 5), make_revision("c", 6), make_revision("old", 9),
                make_revision("old", 10), account});
  EXPECT_THAT(read_all(*outbox, 2), ElementsAre("c/6", "old/10", "c/1"));
}

TEST_F(OutboxTest, IsForOneProcessOnly) {
  const auto outbox = must_open(options());
  const auto second = Outbox::open(options());
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("in use by another stuffwatch"));
}

TEST_F(OutboxTest, CutsATornEndAtEveryByte) {
  auto big = options();
  big.segment_bytes = 1 << 20;
  { say(*must_open(big), {make_revision("c", 1, 10)}); }
  const auto path = segments().at(0);
  const std::size_t whole = slurp(path).size();
  { say(*must_open(big), {make_revision("c", 2, 10)}); }
  const std::string bytes = slurp(path);
  ASSERT_GT(bytes.size(), whole);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    spill(path, std::string_view(bytes).substr(0, size));
    auto outbox = must_open(big);
    const bool first_is_whole = size >= whole;
    ASSERT_EQ(outbox->durable(), first_is_whole ? 1U : 0U) << size;
    say(*outbox, {make_revision("c", 1, 10), make_revision("c", 2, 10), make_revision("c", 3)});
    ASSERT_THAT(read_all(*outbox), ElementsAre("c/1", "c/2", "c/3")) << size;
  }
  EXPECT_THAT(said(), HasSubstr("cut "));
}

TEST_F(OutboxTest, StepsOverADamagedMiddle) {
  auto outbox = must_open(options());
  for (std::uint32_t i = 1; i <= 9; ++i) say(*outbox, {make_revision("c", i, 200)});
  outbox.reset();
  const auto paths = segments();
  ASSERT_GE(paths.size(), 3U);
  std::string bytes = slurp(paths[1]);
  bytes[kSegmentHeaderBytes + 100] ^= 1;  // its first record
  spill(paths[1], bytes);
  outbox = must_open(options());
  EXPECT_EQ(read_all(*outbox).size(), 8U);
  EXPECT_THAT(said(), HasSubstr(paths[1].native()));
  EXPECT_THAT(said(), HasSubstr("damaged bytes were stepped over"));
  EXPECT_GT(outbox->usage().damaged_bytes, 0U);
  say(*outbox, {make_revision("c", 10)});
  EXPECT_EQ(read_all(*outbox).back(), "c/10");
}

TEST_F(OutboxTest, DamageWhileRunningIsSaidAndSteppedOver) {
  auto outbox = must_open(options());
  for (std::uint32_t i = 1; i <= 9; ++i) say(*outbox, {make_revision("c", i, 200)});
  const auto paths = segments();
  std::string bytes = slurp(paths[1]);
  spill(paths[1], bytes.substr(0, 30));  // nothing of it is left
  const auto labels = read_all(*outbox);
  EXPECT_LT(labels.size(), 9U);
  EXPECT_EQ(labels.front(), "c/1");
  EXPECT_EQ(labels.back(), "c/9");
}

TEST_F(OutboxTest, AForeignFileIsNotASegment) {
  std::filesystem::create_directories(folder / "outbox");
  spill(folder / "outbox" / "notes.txt", "hello");
  spill(folder / "outbox" / "00000000000000000001.seg", "\x01SWR and what a person wrote over it");
  auto outbox = must_open(options());
  say(*outbox, {make_revision("c", 1)});
  EXPECT_THAT(read_all(*outbox), ElementsAre("c/1"));
}

TEST_F(OutboxTest, ALostEndNeverReusesNumbers) {
  {
    say(*must_open(options()),
        {make_revision("c", 1), make_revision("c", 2), make_revision("c", 3)});
  }
  for (const auto& path : segments()) std::filesystem::remove(path);
  auto outbox = must_open(options());
  const auto reader = outbox->attach("sink", 3);
  say(*outbox, {make_revision("d", 1)});
  EXPECT_EQ(outbox->durable(), 4U);
  EXPECT_EQ(reader->next(9, 999)->at(0).revision.id, "d");
  EXPECT_THAT(said(), HasSubstr("its end was lost"));
}

TEST_F(OutboxTest, AFullDiskHoldsBackAndRecovers) {
  auto small = options();
  small.max_pending = 3000;
  small.segment_bytes = 1 << 20;
  auto outbox = must_open(small);
  say(*outbox, {make_revision("c", 1, 100)});
  std::uint32_t next = 2;
  {
    const FullDisk full(slurp(segments().at(0)).size() + 50);
    config::Result<std::uint64_t> last = outbox->append({{make_revision("c", next++, 400)}});
    EXPECT_FALSE(outbox->wait_durable(*last, 300ms));
    for (int i = 0; i < 20 && last; ++i) {
      last = outbox->append({{make_revision("c", next, 400)}});
      if (last) ++next;
    }
    ASSERT_FALSE(last);
    EXPECT_THAT(last.error().message, HasSubstr("wait for it: free the disk"));
    EXPECT_EQ(outbox->durable(), 1U);
    EXPECT_THAT(outbox->usage().problem, HasSubstr("cannot write to"));
    EXPECT_THAT(read_all(*outbox), ElementsAre("c/1"));
  }
  EXPECT_TRUE(outbox->wait_durable(next - 1, 60s));
  EXPECT_EQ(read_all(*outbox).size(), next - 1);
  EXPECT_EQ(outbox->usage().problem, "");
  outbox.reset();
  EXPECT_EQ(read_all(*must_open(small)).size(), next - 1);
}

TEST_F(OutboxTest, AFolderWithoutRightsIsNamed) {
  spill(folder / "outbox", "a file");
  const auto outbox = Outbox::open(options());
  ASSERT_FALSE(outbox);
  EXPECT_THAT(outbox.error().message, HasSubstr("outbox is in the way"));
  auto below = options();
  below.folder = "/proc/outbox";
  const auto read_only = Outbox::open(below);
  ASSERT_FALSE(read_only);
  EXPECT_THAT(read_only.error().message, HasSubstr("/proc/outbox"));
}

TEST_F(OutboxTest, StopWritesWhatIsPendingAndRefusesMore) {
  auto outbox = must_open(options());
  ASSERT_TRUE(outbox->append({{make_revision("c", 1)}}));
  outbox->stop();
  EXPECT_EQ(outbox->durable(), 1U);
  EXPECT_FALSE(outbox->append({{make_revision("c", 2)}}));
}

class OutboxTrimTest : public OutboxTest {
 protected:
  void fill(Outbox& outbox, std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t i = from; i <= to; ++i) say(outbox, {make_revision("c", i, 400)});
  }
};

TEST_F(OutboxTrimTest, AgeTakesOnlyWhatEverySinkHas) {
  auto outbox = must_open(options());
  const auto fast = outbox->attach("fast", 0);
  const auto slow = outbox->attach("slow", 0);
  fill(*outbox, 1, 12);
  fast->advance(12);
  now = now.load() + 24h * 30;
  outbox->maintain();
  EXPECT_EQ(read_all(*outbox).size(), 12U);  // not all sinks are attached yet
  outbox->all_attached();
  outbox->release("test");
  outbox->maintain();
  EXPECT_EQ(segments().size(), outbox->usage().segments);
  EXPECT_EQ(read_all(*outbox).size(), 12U);
  outbox->release("test");
  slow->advance(6);
  outbox->maintain();
  const auto left = read_all(*outbox);
  EXPECT_LT(left.size(), 12U);
  EXPECT_GE(left.size(), 6U);
  EXPECT_EQ(outbox->usage().dropped_records, 0U);
}

TEST_F(OutboxTrimTest, ASinkThatWentKeepsItsPlace) {
  auto outbox = must_open(options());
  { const auto gone = outbox->attach("gone", 0); }
  outbox->all_attached();
  fill(*outbox, 1, 12);
  now = now.load() + 24h * 30;
  outbox->maintain();
  EXPECT_EQ(read_all(*outbox, 0).size(), 12U);
}

TEST_F(OutboxTrimTest, TheCapTakesUndeliveredLoudly) {
  auto capped = options();
  capped.max_bytes = 4000;
  auto outbox = must_open(capped);
  const auto dead = outbox->attach("dead", 0);
  dead->waits_since(now.load());
  outbox->all_attached();
  fill(*outbox, 1, 5);
  now = now.load() + 90s;
  const OutboxUsage before = outbox->usage();
  EXPECT_EQ(before.undelivered_bytes, before.bytes);
  EXPECT_GT(before.share_of_cap, 0.5);
  EXPECT_EQ(before.oldest_undelivered_age, 90s);
  fill(*outbox, 6, 30);
  outbox->maintain();
  const OutboxUsage usage = outbox->usage();
  EXPECT_LE(usage.bytes, 4000U);
  const auto left = dead->next(100, 1 << 20);
  EXPECT_EQ(left->size() + usage.dropped_records, 30U);
  EXPECT_EQ(left->back().revision.revision, 30U);
  EXPECT_THAT(said(), HasSubstr("were dropped. Mend the sink"));
}

TEST_F(OutboxTrimTest, NothingGoesBeforeTheLedgerIsSaved) {
  auto held = options();
  bool ready = false;
  held.before_trim = [&] {
    return ready ? config::Result<void>{} : config::failed("the ledger cannot be saved");
  };
  auto outbox = must_open(held);
  const auto sink = outbox->attach("sink", 0);
  fill(*outbox, 1, 12);
  sink->advance(12);
  outbox->all_attached();
  now = now.load() + 24h * 30;
  const std::size_t before = segments().size();
  outbox->maintain();
  EXPECT_EQ(segments().size(), before);
  EXPECT_THAT(said(), HasSubstr("the ledger cannot be saved"));
  ready = true;
  outbox->maintain();
  EXPECT_EQ(segments().size(), 1U);
  // The numbers, and what an open campaign said last, survive the trimming.
  say(*outbox, {make_revision("c", 12), make_revision("c", 13)});
  EXPECT_EQ(outbox->durable(), 13U);
}

TEST_F(OutboxTest, MemoryOfWhatWasSaidIsBounded) {
  auto few = options();
  few.max_known = 80;
  auto outbox = must_open(few);
  say(*outbox, {make_revision("open", 1)});
  for (int i = 0; i < 300; ++i) {
    Revision account = make_revision("a" + std::to_string(i), 1);
    account.feed = Feed::kAccounts;
    ASSERT_TRUE(outbox->append({{account}}));
  }
  EXPECT_EQ(outbox->last_revision(Feed::kAlerts, "open"), 1U);
  EXPECT_EQ(outbox->last_revision(Feed::kAccounts, "a299"), 1U);
  EXPECT_EQ(outbox->last_revision(Feed::kAccounts, "a0"), std::nullopt);
}

}  // namespace
}  // namespace stuffwatch::daemon::sinks
