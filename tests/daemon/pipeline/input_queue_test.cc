// What becomes of records before their format is known.
#include "daemon/pipeline/input_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/pipeline/memory_source.h"

namespace stuffwatch::daemon::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;

using Strings = std::vector<std::string>;

std::string login(int second) {
  return R"({"time":"2026-01-02T03:04:)" + std::to_string(second + 10) +
         R"(Z","account":"ann","outcome":"success","ip":"192.0.2.7"})";
}

Strings garbage(std::size_t count) { return Strings(count, "\x01\x02 no format"); }

Strings operator+(Strings some, const Strings& more) {
  some.insert(some.end(), more.begin(), more.end());
  return some;
}

// One input whose records are to be guessed at, and everything that comes out of it.
struct Guessed {
  Guessed(Strings records, bool topic, std::size_t chunk = 1, unsigned workers = 1)
      : source({std::move(records)}, chunk), pool(workers) {
    if (topic) source.make_topic();
  }
  // Until there is nothing to do but to wait for the source.
  void turn() {
    do {
      queue.fill([this](const InputQueue&, const ingest::RawRecord& record, ingest::Reject why) {
        bad.emplace_back(record.offset, why);
      });
      if (queue.decoding() && !pool.help()) pool.wait_for_progress(std::chrono::milliseconds{1});
      for (; queue.has_head(); queue.pop()) times.push_back(queue.head().event->time);
    } while (queue.decoding());
  }

  MemorySource source;
  WorkerPool pool;
  corpus::AccountHasher hasher = corpus::AccountHasher::public_key();
  DecoderPool decoders{pool, hasher, [](std::chrono::nanoseconds) {}};
  InputSettings settings{};
  Strings problems;
  std::vector<std::pair<std::int64_t, ingest::Reject>> bad;
  std::vector<EventTime> times;
  InputQueue queue{{0, 0},   "logins[0]",
                   source,   settings,
                   decoders, [this](const config::Error& e) {
                     problems.push_back(e.message); }};
};

TEST(InputQueue, PoisonInFrontIsRejectedByTheFormatThatFollows) {
  for (const unsigned workers : {1u, 2u}) {
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{3}, std::size_t{100}}) {
      Guessed input({"\x01", "{\"time\":1", login(1), login(2), "[", login(3)}, true, chunk,
                    workers);
      input.turn();
      ASSERT_NE(input.queue.decoder(), nullptr);
      EXPECT_EQ(input.queue.decoder()->name, "native");
      EXPECT_THAT(input.times, SizeIs(3));
      EXPECT_TRUE(std::ranges::is_sorted(input.times));
      EXPECT_THAT(input.bad,
                  ElementsAre(Pair(0, ingest::Reject::kNotJson), Pair(1, ingest::Reject::kNotJson),
                              Pair(4, ingest::Reject::kNotJson)));
      EXPECT_EQ(input.queue.counts().records, 6U);
      EXPECT_EQ(input.queue.next_offset(), 6);
      EXPECT_THAT(input.problems, ElementsAre());
    }
  }
}

TEST(InputQueue, OffsetsStandBeforeWhatIsHeldBack) {
  Guessed input(garbage(8), true);
  ASSERT_TRUE(input.source.seek({0, 0}, 5));
  input.turn();
  EXPECT_EQ(input.queue.next_offset(), 5);
  EXPECT_EQ(input.queue.held(), 3U);
  EXPECT_EQ(input.queue.status(), ingest::ReadStatus::kAtEnd);
  EXPECT_THAT(input.bad, ElementsAre()) << "not decided: read again after a restart";
  input.source.add(0, login(1));
  input.turn();
  EXPECT_EQ(input.queue.next_offset(), 9);
  EXPECT_EQ(input.queue.held(), 0U);
  EXPECT_THAT(input.times, SizeIs(1));
  EXPECT_THAT(input.bad, SizeIs(3));
}

TEST(InputQueue, BeyondTheBoundATopicsRecordsAreRejectedAndGuessingBeginsAfresh) {
  const std::size_t bound = ingest::FormatGuesser::kMostRecords;
  Guessed input(garbage(bound), true);
  input.turn();
  EXPECT_FALSE(input.queue.failed());
  EXPECT_THAT(input.bad, ElementsAre());
  for (const std::string& record : garbage(bound + 2)) input.source.add(0, record);
  input.turn();
  ASSERT_THAT(input.bad, SizeIs(2 * bound + 2));
  for (std::size_t i = 0; i < input.bad.size(); ++i)
    EXPECT_THAT(input.bad[i], Pair(static_cast<std::int64_t>(i), ingest::Reject::kNotThisFormat));
  EXPECT_TRUE(input.queue.failed());
  EXPECT_FALSE(input.queue.finished());
  EXPECT_THAT(input.problems, ElementsAre(input.queue.problem())) << "said once";
  EXPECT_THAT(input.queue.problem(), HasSubstr("logins[0]: no known format fits"));

  input.source.add(0, "\x01");
  input.source.add(0, login(1));
  input.turn();
  EXPECT_FALSE(input.queue.failed()) << "one fits now";
  EXPECT_THAT(input.times, SizeIs(1));
  EXPECT_THAT(input.bad.back(),
              Pair(static_cast<std::int64_t>(2 * bound + 2), ingest::Reject::kNotJson));
}

TEST(InputQueue, NonLoginsOfAKnownShapeAreNotRejected) {
  const Strings metrics(ingest::FormatGuesser::kMostRecords + 1,
                        R"({"@timestamp":"2026-01-02T03:04:05Z","event":{"category":"host"}})");
  Guessed input(metrics, true);
  input.turn();
  EXPECT_THAT(input.bad, ElementsAre());
  EXPECT_EQ(input.queue.counts().skipped[static_cast<std::size_t>(ingest::Skip::kNotALogin)],
            metrics.size());
  EXPECT_EQ(input.queue.decoder(), nullptr) << "a shape decides nothing";
  input.source.add(0, login(1));
  input.turn();
  EXPECT_THAT(input.times, SizeIs(1));
}

// A stretch of a topic, for replay: what is held at its end is told and kept, not forgotten.
TEST(InputQueue, AtTheEndOfATopicWhatIsHeldIsRejected) {
  Guessed input(garbage(3), true);
  input.turn();
  input.source.stall(0, ingest::ReadStatus::kFinished);
  input.turn();
  EXPECT_THAT(input.bad, SizeIs(3));
  EXPECT_TRUE(input.queue.finished());
  EXPECT_TRUE(input.queue.failed());
}

TEST(InputQueue, GarbageWithinTheBoundInFrontOfAFileIsRejected) {
  const std::size_t bound = ingest::FormatGuesser::kMostRecords;
  Guessed input(garbage(bound) + Strings{login(1), login(2)}, false);
  input.turn();
  EXPECT_THAT(input.times, SizeIs(2));
  EXPECT_THAT(input.bad, SizeIs(bound));
  EXPECT_TRUE(input.queue.finished());
  EXPECT_FALSE(input.queue.failed());
}

TEST(InputQueue, AFileOfWhichNothingFitsIsRejectedAndEndsWithTheRemedy) {
  for (const std::size_t lines : {std::size_t{1}, 3 * ingest::FormatGuesser::kMostRecords}) {
    Guessed input(garbage(lines), false);
    input.turn();
    EXPECT_TRUE(input.queue.finished());
    EXPECT_TRUE(input.queue.failed());
    EXPECT_THAT(input.problems, ElementsAre(HasSubstr("name it with --format")));
    EXPECT_THAT(input.bad, SizeIs(lines)) << "kept, not forgotten";
  }
}

TEST(InputQueue, MoreGarbageThanIsHeldInFrontOfAFileCostsNoLogin) {
  Guessed input(garbage(3 * ingest::FormatGuesser::kMostRecords) + Strings{login(1), login(2)},
                false);
  input.turn();
  EXPECT_THAT(input.times, SizeIs(2));
  EXPECT_TRUE(input.queue.finished());
  EXPECT_FALSE(input.queue.failed());
}

// Lines of cron and poison in front of the first login, beyond the bound or just within it.
TEST(InputQueue, WhatComesBeforeTheFirstLoginDoesNotDependOnTheChunks) {
  const std::string cron = "Mar  1 00:17:01 web1 CRON[812]: pam_unix(cron:session): session opened";
  for (const std::size_t lines : {std::size_t{150}, std::size_t{250}, std::size_t{500}}) {
    Strings records(lines, cron);
    for (std::size_t i = 0; i < lines; i += 7) records[i] = "{\"time\":1";
    records.push_back(login(1));
    std::vector<std::pair<std::int64_t, ingest::Reject>> expected;
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{64}, std::size_t{4096}}) {
      Guessed input(records, false, chunk);
      input.turn();
      EXPECT_THAT(input.times, SizeIs(1));
      EXPECT_EQ(input.queue.counts().records, lines + 1);
      if (chunk == 1) expected = input.bad;
      EXPECT_EQ(input.bad, expected) << lines << " lines in chunks of " << chunk;
    }
  }
}

TEST(InputQueue, AFileWithoutALoginIsNoProblemWhenItsShapeIsKnown) {
  const std::string cron = "Mar  1 00:17:01 web1 CRON[812]: pam_unix(cron:session): session opened";
  for (const std::size_t lines : {std::size_t{20}, 3 * ingest::FormatGuesser::kMostRecords}) {
    Guessed input(Strings(lines, cron), false);
    input.turn();
    EXPECT_TRUE(input.queue.finished());
    EXPECT_FALSE(input.queue.failed());
    EXPECT_THAT(input.bad, ElementsAre());
    EXPECT_EQ(input.queue.counts().records, lines);
  }
}

}  // namespace
}  // namespace stuffwatch::daemon::pipeline
