// A corpus that appears, changes, is damaged and comes back while somebody uses it.
#include "daemon/corpus_watch.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>
#include <vector>

#include "corpus/account_loader.h"
#include "tests/support/small_corpus.h"

namespace stuffwatch::daemon {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

class CorpusWatched : public ::testing::Test {
 protected:
  CorpusWatched() { corpus_.add("alpha", "a@example.com\nboth@example.com\n"); }
  [[nodiscard]] std::unique_ptr<CorpusWatch> watch(std::uint64_t memory = 1 << 30) {
    auto watch = std::make_unique<CorpusWatch>(
        CorpusWatchOptions{
            .folder = corpus_.path(), .memory = memory, .look_every = 1ms, .retry_every = 10ms},
        corpus_.hasher(), probe_);
    watch->start();
    return watch;
  }
  template <class Ready>
  void wait(const CorpusWatch& watch, Ready&& ready) {
    for (int i = 0; i < 20'000 && !ready(watch.health()); ++i) {
      static_cast<void>(probe_.begin({}));  // the pipeline goes on
      std::this_thread::yield();
    }
    ASSERT_TRUE(ready(watch.health())) << watch.health().problem;
  }
  // Names of the lists that hold it, as an event is told.
  [[nodiscard]] std::vector<std::string> lists_of(std::string_view account) {
    std::string scratch;
    detectors::LoginEvent event;
    event.account = corpus_.hasher()(account, scratch);
    detectors::LoginEvent* const events[] = {&event};
    static_cast<void>(probe_.begin(events));
    std::vector<std::string> names;
    for (const auto& hit : event.lists) names.push_back(probe_.directory()->lists[hit.list].name);
    return names;
  }
  test::SmallCorpus corpus_;
  pipeline::ListProbe probe_;
};

TEST_F(CorpusWatched, IsThereFromTheStart) {
  const auto watched = watch();
  EXPECT_THAT(lists_of("A@example.com"), testing::ElementsAre("alpha"));
  const CorpusHealth health = watched->health();
  EXPECT_TRUE(health.up);
  EXPECT_EQ(health.lists, 1U);
  EXPECT_EQ(health.entries, 2U);
  EXPECT_EQ(health.loaded_bytes, health.bytes);
  EXPECT_EQ(health.lookups, 1U);
  EXPECT_EQ(health.hits.at("alpha"), 1U);
  EXPECT_TRUE(health.changed);
  EXPECT_THAT(health.problem, IsEmpty());
}

TEST_F(CorpusWatched, IsReadAgainWhenItChanges) {
  const auto watched = watch();
  corpus_.add("beta", "both@example.com\n");
  wait(*watched, [](const CorpusHealth& h) { return h.lists == 2; });
  EXPECT_THAT(lists_of("both@example.com"), testing::ElementsAre("alpha", "beta"));
  corpus_.compact();
  wait(*watched, [](const CorpusHealth& h) { return h.loads >= 3; });
  EXPECT_THAT(lists_of("both@example.com"), testing::ElementsAre("alpha", "beta"));
  ASSERT_TRUE(corpus_.open().remove("alpha"));
  wait(*watched, [](const CorpusHealth& h) { return h.lists == 1; });
  EXPECT_THAT(lists_of("both@example.com"), testing::ElementsAre("beta"));
}

TEST_F(CorpusWatched, MayComeLater) {
  const fs::path away = corpus_.path().native() + ".away";
  const corpus::AccountHasher hasher = corpus_.hasher();
  fs::rename(corpus_.path(), away);
  CorpusWatch watched(
      {.folder = corpus_.path(), .memory = 1 << 30, .look_every = 1ms, .retry_every = 10ms}, hasher,
      probe_);
  watched.start();
  EXPECT_FALSE(watched.health().up);
  EXPECT_THAT(watched.health().problem, HasSubstr(corpus_.path().native()));
  static_cast<void>(probe_.begin({}));
  EXPECT_EQ(probe_.directory()->state, "unavailable");
  fs::rename(away, corpus_.path());
  wait(watched, [](const CorpusHealth& h) { return h.up; });
  EXPECT_THAT(lists_of("a@example.com"), testing::ElementsAre("alpha"));
}

TEST_F(CorpusWatched, StaysAsItWasWhenTheNextOneCannotBeRead) {
  const auto watched = watch();
  std::ofstream(corpus_.path() / corpus::Manifest::kFileName) << "rubbish\n";
  wait(*watched, [](const CorpusHealth& h) { return !h.problem.empty(); });
  EXPECT_TRUE(watched->health().up);
  EXPECT_THAT(lists_of("a@example.com"), testing::ElementsAre("alpha"));
  EXPECT_GE(watched->health().failures, 1U);
}

TEST_F(CorpusWatched, IsGivenUpWhenItIsCutShortAndTakenUpWhenItIsBack) {
  const auto watched = watch(0);  // mapped
  EXPECT_EQ(watched->health().loaded_bytes, 0U);
  const fs::path segment = corpus_.path() / "000001.bcs";
  fs::copy_file(segment, segment.native() + ".copy");
  fs::permissions(segment, fs::perms::owner_all);
  fs::resize_file(segment, 0);
  EXPECT_THAT(lists_of("a@example.com"), IsEmpty());
  EXPECT_EQ(probe_.directory()->state, "unavailable");
  wait(*watched, [](const CorpusHealth& h) { return !h.up && !h.problem.empty(); });
  fs::rename(segment.native() + ".copy", segment);
  wait(*watched, [](const CorpusHealth& h) { return h.up && h.problem.empty(); });
  EXPECT_THAT(lists_of("a@example.com"), testing::ElementsAre("alpha"));
}

TEST_F(CorpusWatched, HoldsNoMoreThanItMayWhileOneGoesAndAnotherComes) {
  const std::uint64_t one = fs::file_size(corpus_.path() / "000001.bcs");
  corpus_.add("beta", "b@example.com\nc@example.com\n");
  const auto watched =
      watch(one * 5 / 2);  // room for two of them, not for what both become as well
  EXPECT_EQ(watched->health().loaded_bytes, watched->health().bytes);
  corpus_.compact();
  wait(*watched, [](const CorpusHealth& h) { return h.loads >= 2; });
  // Mapped at first, and in memory once the pipeline has let go of what was there.
  wait(*watched, [](const CorpusHealth& h) { return h.loaded_bytes == h.bytes; });
  EXPECT_GE(watched->health().loads, 3U);
}

TEST_F(CorpusWatched, IsNotReadAllTheTimeWhenWhatIsMappedIsDamaged) {
  const std::uint64_t one = fs::file_size(corpus_.path() / "000001.bcs");
  corpus_.add("beta", "b@example.com\nc@example.com\n");
  CorpusWatch watched(
      {.folder = corpus_.path(), .memory = one * 5 / 2, .look_every = 1ms, .retry_every = 1h},
      corpus_.hasher(), probe_);
  watched.start();
  corpus_.compact();
  wait(watched, [](const CorpusHealth& h) { return h.loads == 2; });
  EXPECT_LT(watched.health().loaded_bytes, watched.health().bytes) << "what comes is mapped";
  for (int i = 0; i < 100'000; ++i)  // the pipeline lets go of what was there: now there is room
    static_cast<void>(probe_.begin({})), std::this_thread::yield();
  EXPECT_EQ(watched.health().loads, 2U) << "not before its time";
}

TEST_F(CorpusWatched, IsExchangedUnderLoadWithoutATornView) {
  const auto watched = watch();
  std::atomic<bool> done = false;
  std::jthread changes([&] {
    for (int i = 0; i < 20; ++i) {
      const std::string name = fmt::format("list {}", i);
      corpus_.add(name, fmt::format("both@example.com\nonly{}@example.com\n", i));
      if (i % 3 == 0) corpus_.compact();
      const bool removed = i % 2 != 0 || corpus_.open().remove(name).has_value();
      EXPECT_TRUE(removed);
    }
    done = true;
  });
  std::string scratch;
  const corpus::AccountHasher hash = corpus_.hasher();
  std::vector<detectors::LoginEvent> block(512);
  std::vector<detectors::LoginEvent*> events;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const std::string account =
        i % 2 == 0 ? "both@example.com" : fmt::format("absent{}@example.com", i);
    block[i].account = hash(account, scratch), events.push_back(&block[i]);
  }
  std::size_t blocks = 0, corpora = 0;
  for (; !done; ++blocks) {
    corpora += probe_.begin(events) ? 1U : 0U;
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (i % 2 == 1) {
        ASSERT_TRUE(block[i].lists.empty());
        continue;
      }
      ASSERT_FALSE(block[i].lists.empty());
      ASSERT_EQ(probe_.directory()->lists.at(block[i].lists.front().list).name, "alpha");
      ASSERT_EQ(block[i].lists.front().position, 2U);
      ASSERT_EQ(block[i].lists.size(), block[0].lists.size()) << "two states in one block";
    }
  }
  EXPECT_GT(corpora, 2U);
  EXPECT_EQ(watched->health().failures, 0U);
}

TEST_F(CorpusWatched, SaysHowCommonListsAreAmongTheSitesOwnAccounts) {
  const test::TemporaryFolder folder;
  const auto load = [&](const std::string& rows) {
    const fs::path file = folder.path() / "users.csv";
    std::ofstream(file) << "email\n" << rows;
    auto input = corpus::ListInput::open({file.native()}).value();
    const auto loaded = corpus::load_accounts(*input, corpus_.hasher(), {}, {}, folder.path(),
                                              [](auto, auto) { return true; });
    ASSERT_TRUE(loaded) << loaded.error().message;
  };
  load("a@example.com\nother@example.com\n");
  CorpusWatch watched({.folder = corpus_.path(),
                       .accounts = folder.path(),
                       .memory = 1 << 30,
                       .look_every = 1ms,
                       .retry_every = 10ms},
                      corpus_.hasher(), probe_);
  watched.start();
  static_cast<void>(probe_.begin({}));
  EXPECT_EQ(probe_.directory()->lists.at(0).base_rate, .5);
  EXPECT_EQ(watched.health().accounts, 2U);
  load(
      "a@example.com\nboth@example.com\nthird@example.com\nfourth@example.com\nfifth@example."
      "com\n");
  wait(watched, [](const CorpusHealth& h) { return h.accounts == 5; });
  for (int i = 0; i < 20'000 && probe_.directory()->lists.at(0).base_rate != .4; ++i)
    static_cast<void>(probe_.begin({})), std::this_thread::yield();
  EXPECT_EQ(probe_.directory()->lists.at(0).base_rate, .4);
  std::ofstream(folder.path() / corpus::AccountRegister::kFileName) << "rubbish";
  wait(watched, [](const CorpusHealth& h) { return !h.accounts_problem.empty(); });
  EXPECT_EQ(probe_.directory()->lists.at(0).base_rate, .4) << "what was read before stays in use";
}

}  // namespace
}  // namespace stuffwatch::daemon
