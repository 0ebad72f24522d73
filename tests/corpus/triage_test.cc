// Triage against maps of strings, on random lists and dumps; and what single dumps must say.
#include "corpus/triage.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "corpus/domain_counts.h"
#include "corpus/triage_matches.h"
#include "tests/corpus/archives.h"
#include "tests/support/temporary_folder.h"

namespace stuffwatch::corpus {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
bool go_on(const ListProgress& /*progress*/) { return true; }

struct Line {
  std::string text, account;  // account: canonical; empty when the line has none
};
using Lines = std::vector<Line>;

struct List {
  std::string name;
  Lines lines;
  bool positions = true;
  std::string ordering_of = {};
};

std::string text_of(const Lines& lines) {
  std::string text;
  for (const Line& line : lines) text += line.text + '\n';
  return text;
}

Line address(std::uint64_t number, std::string_view domain = "example.com") {
  const std::string account = fmt::format("user{}@{}", number, domain);
  return {account + ":secret", account};
}
Lines addresses(std::uint64_t first, std::uint64_t end) {
  Lines lines;
  for (std::uint64_t i = first; i < end; ++i) lines.push_back(address(i));
  return lines;
}
void append(Lines& to, const Lines& lines) { to.insert(to.end(), lines.begin(), lines.end()); }

OrderKind order_of(const TriagedList& list) { return kind_of(list.order->matches, list.accounts); }

// All that is compared, as text: a difference is read at once.
std::string told(const Triage& t) {
  std::string out = fmt::format(
      "lines {} valid {} rejected {} addresses {}\nduplicates {} accounts {} known {}\napart {} {} "
      "{}\n",
      t.lines, t.tally.valid,
      std::accumulate(t.tally.rejected.begin(), t.tally.rejected.end(), std::uint64_t{0}),
      t.of_addresses, t.duplicates, t.accounts, t.known, t.names_apart.lines,
      t.names_apart.accounts, t.names_apart.known);
  for (const TriagedList& list : t.lists) {
    out += fmt::format("list {} held {} accounts {}", list.name, list.held, list.accounts);
    if (list.order)
      out += fmt::format(" order {} {} {} {}", list.order->ordering, list.order->matches.pairs,
                         list.order->matches.forward, list.order->matches.backward);
    out += '\n';
  }
  for (const auto& [list, so_far] : t.explained_by)
    out += fmt::format("explained {} {}\n", t.lists[list].name, so_far);
  for (const auto& [name, accounts] : t.domains)
    out += fmt::format("domain {} {}\n", name, accounts);
  return out + fmt::format("exact {} {}\n", t.explained_exactly, t.domains_exact);
}

// The same, counted as one would on paper.
struct Model {
  std::vector<List> lists;
  std::set<std::string> forgotten;

  // The line of an account in a list, from 0.
  static std::map<std::string, std::uint64_t> places(const List& list) {
    std::map<std::string, std::uint64_t> at;
    for (std::size_t i = 0; i < list.lines.size(); ++i)
      if (!list.lines[i].account.empty()) at.emplace(list.lines[i].account, i);
    return at;
  }
  static std::optional<MatchOrder> order_of(const Lines& dump, const List& list,
                                            const std::set<std::string>& accounts) {
    const auto at = places(list);
    std::vector<std::int64_t> matches;
    for (const Line& line : dump)
      if (accounts.contains(line.account))
        if (const auto found = at.find(line.account); found != at.end())
          matches.push_back(static_cast<std::int64_t>(found->second));
    MatchOrder order;
    for (std::size_t i = 1; i < matches.size(); ++i) {
      const std::int64_t gap = matches[i] - matches[i - 1];
      order.pairs += gap != 0;
      order.forward += gap > 0 && gap <= 8, order.backward += gap < 0 && gap >= -8;
    }
    if (order.pairs == 0 || !list.positions) return std::nullopt;
    return order;
  }

  [[nodiscard]] Triage triage(const Lines& dump) const {
    Triage t;
    std::map<std::string, std::uint64_t> seen, domains;
    std::set<std::string> all, names;
    for (const Line& line : dump) {
      ++t.lines;
      if (line.account.empty()) {
        ++t.tally.rejected[1];
        continue;
      }
      ++t.tally.valid, ++seen[line.account];
      (line.account.find('@') == std::string::npos ? names : all).insert(line.account);
    }
    std::set<std::string> held;
    for (const List& list : lists)
      for (const auto& [account, at] : places(list))
        if (!forgotten.contains(account)) held.insert(account);
    t.of_addresses = !all.empty();
    if (t.of_addresses)
      for (const std::string& name : names)
        t.names_apart.lines += seen[name], ++t.names_apart.accounts,
            t.names_apart.known += held.contains(name);
    else
      all = names;
    t.accounts = all.size();
    std::set<std::string> known;
    for (const std::string& account : all) {
      t.duplicates += seen[account] - 1;
      if (held.contains(account)) known.insert(account);
      if (const std::size_t at = account.find('@'); at != std::string::npos)
        ++domains[account.substr(at + 1)];
    }
    t.known = known.size();
    std::vector<std::set<std::string>> sets;
    for (const List& list : lists) add_list(t, sets, list, dump, known);
    sort_and_explain(t, sets);
    for (const auto& [name, accounts] : domains) t.domains.push_back({name, accounts});
    std::ranges::stable_sort(t.domains, std::greater{}, &Triage::Domain::accounts);
    if (t.domains.size() > Triage::kTopDomains) t.domains.resize(Triage::kTopDomains);
    return t;
  }

  static void add_list(Triage& t, std::vector<std::set<std::string>>& sets, const List& list,
                       const Lines& dump, const std::set<std::string>& known) {
    const std::string original = list.ordering_of.empty() ? list.name : list.ordering_of;
    const auto found = std::ranges::find(t.lists, original, &TriagedList::name);
    const auto index = static_cast<std::size_t>(found - t.lists.begin());
    if (found == t.lists.end()) t.lists.push_back({.name = original}), sets.emplace_back();
    const auto at = places(list);
    for (const std::string& account : known)
      if (at.contains(account)) sets[index].insert(account);
    TriagedList& counted = t.lists[index];
    counted.accounts = sets[index].size();
    counted.held = std::max<std::uint64_t>(counted.held, at.size());
    const auto near = [](const MatchOrder& o) {
      return static_cast<double>(std::max(o.forward, o.backward)) / static_cast<double>(o.pairs);
    };
    const auto order = order_of(dump, list, known);
    if (order && (!counted.order || near(*order) > near(counted.order->matches)))
      counted.order = {list.name, *order};
  }

  static void sort_and_explain(Triage& t, std::vector<std::set<std::string>>& sets) {
    std::vector<std::size_t> order(t.lists.size());
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::stable_sort(order, std::greater{},
                             [&](std::size_t i) { return t.lists[i].accounts; });
    std::vector<TriagedList> lists;
    std::vector<std::set<std::string>> sorted_sets;
    for (const std::size_t i : order) lists.push_back(t.lists[i]), sorted_sets.push_back(sets[i]);
    t.lists = lists;
    std::set<std::string> covered;
    for (;;) {
      std::size_t best = 0, best_gain = 0;
      for (std::size_t i = 0; i < sorted_sets.size(); ++i) {
        std::size_t gain = 0;
        for (const std::string& account : sorted_sets[i]) gain += !covered.contains(account);
        if (gain > best_gain ||
            (gain != 0 && gain == best_gain && lists[i].held < lists[best].held))
          best = i, best_gain = gain;
      }
      if (best_gain == 0) break;
      covered.insert(sorted_sets[best].begin(), sorted_sets[best].end());
      t.explained_by.push_back({best, covered.size()});
    }
  }
};

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

TEST(Order, IsSeenInHalfOfTwentyPairs) {
  const auto kind = [](std::uint64_t pairs, std::uint64_t forward, std::uint64_t backward,
                       std::uint64_t shared) {
    return kind_of({pairs, forward, backward}, shared);
  };
  EXPECT_EQ(kind(20, 20, 0, 21), OrderKind::kForward);
  EXPECT_EQ(kind(19, 19, 0, 20), OrderKind::kNone);
  EXPECT_EQ(kind(999, 500, 499, 1000), OrderKind::kForward);
  EXPECT_EQ(kind(999, 499, 500, 1000), OrderKind::kBackward);
  EXPECT_EQ(kind(999, 499, 0, 1000), OrderKind::kPartlyForward);
  EXPECT_EQ(kind(999, 0, 100, 1000), OrderKind::kPartlyBackward);
  EXPECT_EQ(kind(1'000'000, 99'999, 0, 1'000'000), OrderKind::kNone);
  EXPECT_EQ(kind(0, 0, 0, 1000), OrderKind::kNone);
  EXPECT_EQ(kind(1000, 1000, 0, 8), OrderKind::kNone) << "few accounts, again and again";
}

// A block of a list, shuffled: its lines are near each other in any order.
TEST(Order, IsNotSeenInWhatWasShuffled) {
  std::mt19937_64 random(4);
  for (const std::size_t count : {21U, 40U, 100U, 1000U}) {
    std::vector<std::uint64_t> lines(count);
    std::iota(lines.begin(), lines.end(), 0U);
    for (int round = 0; round < 1000; ++round) {
      std::ranges::shuffle(lines, random);
      MatchRun run;
      for (const std::uint64_t line : lines) run.append(line);
      ASSERT_EQ(kind_of(run.order, count), OrderKind::kNone) << count;
    }
  }
}

TEST(Wilson, GivesWhatTheTextbookHas) {
  EXPECT_DOUBLE_EQ(wilson_interval(0, 0).low, 0);
  EXPECT_DOUBLE_EQ(wilson_interval(0, 0).high, 1);
  EXPECT_DOUBLE_EQ(wilson_interval(0, 10).low, 0);
  EXPECT_NEAR(wilson_interval(0, 10).high, 0.2775, 0.0001);
  EXPECT_DOUBLE_EQ(wilson_interval(10, 10).high, 1);
  EXPECT_NEAR(wilson_interval(50, 100).low, 0.4038, 0.0001);
}

TEST(Domains, AreThoseThatSomebodyRegistered) {
  const PublicSuffixes suffixes;
  const auto of = [&](const std::string& host) { return std::string(suffixes.registrable(host)); };
  EXPECT_EQ(of("example.com"), "example.com");
  EXPECT_EQ(of("mail.eu.example.com"), "example.com");
  EXPECT_EQ(of("mail.example.co.uk"), "example.co.uk");
  EXPECT_EQ(of("co.uk"), "co.uk");
  EXPECT_EQ(of("a.b.test"), "b.test");
}

TEST(Domains, KeepTheLargestWhenThereAreTooMany) {
  constexpr std::size_t kMost = 100;
  DomainCounts counts(kMost);
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 30; ++i) {
      const auto number = counts.enter(fmt::format("once{}.test", round * 30 + i), 1);
      counts.add(number, 1);
    }
    counts.add(counts.enter("large.example", 20), 20);
    counts.make_room();
  }
  EXPECT_FALSE(counts.exact());
  const auto top = counts.top(1);
  ASSERT_THAT(top, SizeIs(1));
  EXPECT_EQ(top[0], std::pair(std::string("large.example"), std::uint64_t{1000}));
  EXPECT_LE(counts.top(1000).size(), kMost);
}

}  // namespace
}  // namespace stuffwatch::corpus
