// Triage against maps of strings, on random lists and dumps; and what single dumps must say.
#include "corpus/triage.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/corpus/archives.h"
#include "tests/corpus/triage_model.h"
#include "tests/support/temporary_folder.h"

namespace stuffwatch::corpus {
namespace {

namespace fs = std::filesystem;
using testing::address;
using testing::addresses;
using testing::append;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Line;
using testing::Lines;
using testing::List;
using testing::Model;
using ::testing::SizeIs;
using testing::text_of;
using testing::told;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
bool go_on(const ListProgress& /*progress*/) { return true; }

OrderKind order_of(const TriagedList& list) { return kind_of(list.order->matches, list.accounts); }

class Dumps : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_file(folder() / "key", std::string(64, '7') + "\n");
    fs::permissions(folder() / "key", fs::perms::owner_read);
    ASSERT_TRUE(CorpusFolder::init(folder()));
  }
  [[nodiscard]] fs::path folder() const { return folder_.path() / "corpus"; }
  void add(const List& list, const std::string& format = "user:pass") {
    auto corpus = CorpusFolder::open(folder(), {});
    ASSERT_TRUE(corpus) << corpus.error().message;
    const auto input = ListInput::open({write("list.txt", text_of(list.lines))});
    ASSERT_TRUE(input);
    BuildOptions options;
    options.list.name = list.name;
    if (!list.positions) options.list.facts.flags = SegmentList::kNoPositions;
    const Corpus before = read();
    if (!list.ordering_of.empty())
      for (const ListInfo& other : before.lists())
        if (other.name == list.ordering_of) options.list.facts.ordering_of = other.facts.id;
    options.format = ListFormat::parse(format).value();
    const auto built = corpus->add(**input, options, true, go_on);
    ASSERT_TRUE(built) << built.error().message;
    model_.lists.push_back(list);
  }
  void forget(const std::string& account) {
    auto corpus = CorpusFolder::open(folder(), {});
    ASSERT_TRUE(corpus);
    std::string scratch;
    ASSERT_TRUE(corpus->forget({{corpus->hasher()(account, scratch)}}));
    model_.forgotten.insert(account);
  }
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    testing::write_file(folder_.path() / name, text);
    return (folder_.path() / name).native();
  }
  [[nodiscard]] AccountHasher hasher() const {
    return AccountHasher::from_file(folder() / "key").value();
  }
  [[nodiscard]] Corpus read() const {
    return std::move(Corpus::open(folder(), hasher(), Residence::kMapped).value());
  }
  [[nodiscard]] TriageOptions options() const {
    TriageOptions made;
    made.temporary = folder_.path();
    made.format = ListFormat::parse("user:pass").value();
    return made;
  }
  [[nodiscard]] Triage triage_of(const Lines& dump, const TriageOptions& with,
                                 const OnListProgress& on_progress = go_on) const {
    const auto input = ListInput::open({write("dump.txt", text_of(dump))});
    const Corpus corpus = read();
    auto done = triage(*input.value(), corpus, hasher(), with, on_progress);
    EXPECT_TRUE(done) << done.error().message;
    return std::move(done.value());
  }
  [[nodiscard]] Triage triage_of(const Lines& dump) const { return triage_of(dump, options()); }
  [[nodiscard]] const Model& model() const { return model_; }

 private:
  test::TemporaryFolder folder_;
  Model model_;
};

// Overlapping lists and a dump of parts of them, in order or not, with repetition, junk, and names that are in none.
Lines random_lines(std::mt19937_64& random, std::size_t count, std::uint64_t accounts) {
  static constexpr std::array kDomains{"example.com", "example.net", "mail.test", "example.org"};
  Lines lines;
  std::uint64_t at = random() % accounts;
  while (lines.size() < count) {
    if (random() % 50 == 0) at = random() % accounts;
    if (random() % 10 == 0) at += random() % 20;
    switch (random() % 16) {
      case 0: lines.push_back({"two@at@example.com ;x", {}}); break;
      case 1:
        lines.push_back({fmt::format("name{}:x", at % 500), fmt::format("name{}", at % 500)});
        break;
      default:
        lines.push_back(address(at % accounts, kDomains[at % accounts % kDomains.size()]));
        ++at;
    }
  }
  return lines;
}

TEST_F(Dumps, AreCountedAsOnPaperByAnyNumberOfThreads) {
  std::mt19937_64 random(1);
  add({"alpha", random_lines(random, 30'000, 40'000)});
  add({"beta", random_lines(random, 20'000, 60'000)});
  add({"gamma", random_lines(random, 5'000, 3'000), false});
  List again{"alpha sorted", model().lists[0].lines, true, "alpha"};
  std::ranges::stable_sort(again.lines, {}, &Line::account);
  add(again);
  {
    auto corpus = CorpusFolder::open(folder(), {});
    ASSERT_TRUE(corpus->compact([](double) { return true; }));
  }
  add({"delta", random_lines(random, 8'000, 50'000)});
  for (int i = 0; i < 40; ++i) forget(address(static_cast<std::uint64_t>(i) * 100).account);
  Lines dump = random_lines(random, 60'000, 70'000);  // several chunks
  append(dump, Lines(model().lists[1].lines.rbegin(), model().lists[1].lines.rend()));
  const std::string expected = told(model().triage(dump));
  for (const unsigned threads : {1U, 2U, 8U})
    for (const std::uint64_t memory : {16 * kMiB, 512 * kMiB}) {
      TriageOptions with = options();
      with.threads = threads, with.memory = memory;
      EXPECT_EQ(told(triage_of(dump, with)), expected) << threads << " threads, " << memory;
    }
  Lines names;
  for (const Line& line : dump)
    if (line.account.find('@') == std::string::npos) names.push_back(line);
  EXPECT_EQ(told(triage_of(names)), told(model().triage(names)));
}

// The claim of 2017 in small: 61 % of one list in its order, 23 % of another shuffled, 12 % new, 3 % twice, 1 % junk.
TEST_F(Dumps, OfAClaimAreTakenApartExactly) {
  constexpr std::uint64_t kLines = 55'900, kPart = kLines / 100;
  add({"alpha", addresses(0, 100 * kPart)});
  add({"beta", addresses(200 * kPart, 300 * kPart)});
  std::mt19937_64 random(2);
  Lines dump = addresses(10 * kPart, 71 * kPart), others = addresses(210 * kPart, 233 * kPart);
  append(others, addresses(500 * kPart, 512 * kPart));
  append(others, Lines(dump.begin(), dump.begin() + 3 * kPart));
  append(others, Lines(kPart, {"no address", {}}));
  std::ranges::shuffle(others, random);
  // Not behind the list that has its order, but strewn into it.
  Lines mixed;
  for (auto a = dump.begin(), b = others.begin(); a != dump.end() || b != others.end();)
    mixed.push_back(b == others.end() || (a != dump.end() && random() % 100 < 61) ? *a++ : *b++);
  TriageOptions with = options();
  with.format = ListFormat::parse("email:pass").value();
  const Triage t = triage_of(mixed, with);
  EXPECT_EQ(t.lines, kLines);
  EXPECT_EQ(t.tally.rejected[static_cast<std::size_t>(LineReject::kNoAt)], kPart);
  EXPECT_EQ(t.tally.valid, 99 * kPart);
  EXPECT_EQ(t.duplicates, 3 * kPart);
  EXPECT_EQ(t.accounts, 96 * kPart);
  EXPECT_EQ(t.known, 84 * kPart);
  ASSERT_THAT(t.lists, SizeIs(2));
  EXPECT_EQ(t.lists[0].name, "alpha");
  EXPECT_EQ(t.lists[0].accounts, 61 * kPart);
  EXPECT_EQ(t.lists[1].accounts, 23 * kPart);
  EXPECT_EQ(order_of(t.lists[0]), OrderKind::kForward);
  EXPECT_EQ(order_of(t.lists[1]), OrderKind::kNone);
  EXPECT_LT(t.lists[1].order->matches.forward, t.lists[1].order->matches.pairs / 1000);
  ASSERT_THAT(t.explained_by, SizeIs(2));
  EXPECT_EQ(t.explained_by[0].accounts_so_far, 61 * kPart);
  EXPECT_EQ(t.explained_by[1].accounts_so_far, 84 * kPart);
}

TEST_F(Dumps, FollowTheBestOrderingOfAList) {
  add({"first", addresses(0, 3000)});
  List other{"sorted", addresses(0, 3000), true, "first"};
  std::mt19937_64 random(3);
  std::ranges::shuffle(other.lines, random);
  add(other);
  List third{"of the sorted", addresses(0, 2000), true, "sorted"};
  std::ranges::shuffle(third.lines, random);
  add(third);
  const Triage t = triage_of(Lines(other.lines.rbegin(), other.lines.rend()));
  ASSERT_THAT(t.lists, SizeIs(1));
  EXPECT_EQ(t.lists[0].name, "first");
  EXPECT_EQ(t.lists[0].accounts, 3000U);
  EXPECT_EQ(t.lists[0].order->ordering, "sorted");
  EXPECT_EQ(order_of(t.lists[0]), OrderKind::kBackward);
  {
    auto corpus = CorpusFolder::open(folder(), {});
    ASSERT_TRUE(corpus->remove("first"));
  }
  const Triage without = triage_of(other.lines);
  ASSERT_THAT(without.lists, SizeIs(1)) << "orderings of a list that is gone are one list still";
  EXPECT_EQ(without.lists[0].name, "sorted");
  EXPECT_EQ(without.lists[0].held, 3000U);
}

TEST_F(Dumps, OfFortyLinesHaveWideIntervals) {
  add({"alpha", addresses(0, 1000)});
  Lines dump = addresses(0, 24);
  append(dump, addresses(5000, 5016));
  const Triage t = triage_of(dump);
  EXPECT_EQ(t.accounts, 40U);
  EXPECT_EQ(t.lists[0].accounts, 24U);
  const Interval interval = wilson_interval(t.lists[0].accounts, t.accounts);
  EXPECT_NEAR(interval.low, 0.4460, 0.0001);
  EXPECT_NEAR(interval.high, 0.7365, 0.0001);
}

TEST_F(Dumps, WithoutAnAccountAndCorporaWithoutAListHaveAResult) {
  const Triage of_nothing = triage_of(addresses(0, 50));
  EXPECT_THAT(of_nothing.lists, IsEmpty());
  EXPECT_EQ(of_nothing.accounts, 50U);
  EXPECT_EQ(of_nothing.known, 0U);
  add({"alpha", addresses(0, 10)});
  const Triage t = triage_of(Lines(3, {"", {}}));
  EXPECT_EQ(t.lines, 3U);
  EXPECT_EQ(t.tally.rejected[static_cast<std::size_t>(LineReject::kEmpty)], 3U);
  EXPECT_EQ(t.accounts, 0U);
  EXPECT_THAT(t.lists, SizeIs(1));
  EXPECT_THAT(t.explained_by, IsEmpty());
}

TEST_F(Dumps, GiveEveryDistinctAccountOnce) {
  add({"alpha", addresses(0, 20'000)});
  Lines dump = addresses(0, 40'000);
  append(dump, addresses(0, 40'000));
  append(dump, {{"somebody:x", "somebody"}, {"somebody:x", "somebody"}});
  std::set<std::uint64_t> expected;
  std::string scratch;
  const AccountHasher hash = hasher();
  for (const Line& line : dump) expected.insert(value_of(hash(line.account, scratch)));
  std::vector<std::uint64_t> given;
  TriageOptions with = options();
  with.threads = 4;
  with.on_account = [&](AccountKey account) { given.push_back(value_of(account)); };
  ASSERT_EQ(triage_of(dump, with).accounts, 40'000U);
  EXPECT_THAT(given, SizeIs(40'001));
  EXPECT_TRUE(std::set(given.begin(), given.end()) == expected);
}

TEST_F(Dumps, CanBeLeftAtAnyTime) {
  add({"alpha", addresses(0, 100)});
  for (const bool sorting : {false, true}) {
    const Triage t = triage_of(addresses(0, 60'000), options(), [&](const ListProgress& at) {
      return at.sorting != sorting || (sorting && at.sorted < 0.5);
    });
    EXPECT_TRUE(t.stopped);
  }
}

TEST_F(Dumps, FailAsTheirInputDoesWhereverItBreaks) {
  add({"alpha", addresses(0, 100)});
  const std::string whole = testing::packed({{"", text_of(addresses(0, 200'000))}}, "raw", "gzip");
  const auto input = ListInput::open({write("cut.gz", whole.substr(0, whole.size() / 2))});
  const Corpus corpus = read();
  const auto done = triage(*input.value(), corpus, hasher(), options(), go_on);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("cut.gz"));
  TriageOptions nowhere = options();
  nowhere.temporary = folder() / "absent";
  const auto other = ListInput::open({write("dump.txt", "a@example.com\n")});
  const auto refused = triage(*other.value(), corpus, hasher(), nowhere, go_on);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("absent"));
}

// `count` lists in which every combination of lists has one account.
std::vector<List> combined_lists(std::uint64_t count) {
  std::vector<List> lists;
  for (std::uint64_t list = 0; list < count; ++list) {
    List& made = lists.emplace_back(List{fmt::format("list {}", list), {}});
    for (std::uint64_t i = 1; i < std::uint64_t{1} << count; ++i)
      if ((i >> list & 1) != 0) made.lines.push_back(address(i));
  }
  return lists;
}

TEST_F(Dumps, InManyCombinationsOfListsAreExplained) {
  for (const List& list : combined_lists(10)) add(list);
  const Lines dump = addresses(1, 1024);
  EXPECT_EQ(told(triage_of(dump)), told(model().triage(dump)));
}

// More combinations than are kept: shares of single lists are exact still, and those of the choice are the least.
TEST_F(Dumps, InTooManyCombinationsOfListsSaySo) {
  constexpr std::uint64_t kEnd = 1U << 17;
  for (const List& list : combined_lists(17)) add(list);
  const Triage t = triage_of(addresses(1, kEnd));
  EXPECT_EQ(t.known, kEnd - 1);
  for (const TriagedList& list : t.lists) EXPECT_EQ(list.accounts, kEnd / 2);
  EXPECT_FALSE(t.explained_exactly);
  EXPECT_EQ(t.explained_by.back().accounts_so_far, kEnd / 2);
}

}  // namespace
}  // namespace stuffwatch::corpus
