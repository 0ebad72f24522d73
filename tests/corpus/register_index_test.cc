// The index of a register against maps, over a corpus of random lists.
#include "corpus/register_index.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "corpus/account_register_writer.h"
#include "tests/corpus/archives.h"
#include "tests/support/temporary_folder.h"

namespace stuffwatch::corpus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Direction = RegisterIndex::Direction;
using Names = std::vector<std::string>;

std::string name(std::uint64_t number) { return fmt::format("user{}@example.com", number); }

class RegisterIndexes : public ::testing::Test {
 protected:
  RegisterIndexes() { EXPECT_TRUE(CorpusFolder::init(corpus_path())); }
  [[nodiscard]] std::filesystem::path corpus_path() const { return folder_.path() / "corpus"; }
  [[nodiscard]] AccountHasher hasher() const {
    return AccountHasher::from_file(corpus_path() / "key").value();
  }
  void add(const std::string& list, const Names& accounts, std::uint32_t ordering_of = 0,
           bool positions = true) const {
    std::string text;
    for (const std::string& account : accounts) text += account + ":x\n";
    testing::write_file(folder_.path() / "list.txt", text);
    const auto input = ListInput::open({(folder_.path() / "list.txt").native()});
    BuildOptions options;
    options.list.name = list, options.list.facts.ordering_of = ordering_of;
    if (!positions) options.list.facts.flags = SegmentList::kNoPositions;
    options.format = ListFormat::parse("email:pass").value();
    const auto built = CorpusFolder::open(corpus_path(), {})
                           ->add(**input, options, true, [](const BuildProgress&) { return true; });
    ASSERT_TRUE(built) << built.error().message;
  }
  [[nodiscard]] Corpus corpus() const {
    return std::move(Corpus::open(corpus_path(), hasher(), Residence::kLoaded).value());
  }
  // Every account by its name; the closed ones are closed since long.
  [[nodiscard]] AccountRegister load(const Names& open, const Names& closed = {}) const {
    AccountRegisterWriter writer;
    const AccountHasher hash = hasher();
    std::string scratch;
    for (const std::string& account : open) writer.add({value_of(hash(account, scratch))});
    for (const std::string& account : closed)
      writer.add({value_of(hash(account, scratch)), 0, 0, 1});
    RegisterSource source;
    source.loaded_ms = 1'700'000'000'000;
    EXPECT_TRUE(writer.finish(folder_.path(), source, hash.check_value()));
    return std::move(AccountRegister::open(folder_.path(), hash.check_value()).value());
  }
  [[nodiscard]] static RegisterIndex index(const AccountRegister& accounts, const Corpus& corpus) {
    auto made = RegisterIndex::of(accounts, corpus);
    EXPECT_TRUE(made) << made.error().message;
    return std::move(made.value());
  }
  test::TemporaryFolder folder_;
};

std::vector<std::uint64_t> lines(const std::vector<RegisterIndex::Place>& places) {
  std::vector<std::uint64_t> all;
  all.reserve(places.size());
  for (const auto& place : places) all.push_back(place.position);
  return all;
}

TEST_F(RegisterIndexes, SayWhatMapsSay) {
  std::mt19937_64 random(3);
  std::vector<Names> lists(4);
  for (std::size_t l = 0; l < lists.size(); ++l) {
    for (std::size_t i = 0; i < 500 * (l * l + 1); ++i) lists[l].push_back(name(random() % 20'000));
    add(fmt::format("list {}", l), lists[l]);
  }
  Names open, closed;
  for (std::uint64_t i = 0; i < 9'000; ++i) (i % 5 == 0 ? closed : open).push_back(name(2 * i));
  const AccountRegister accounts = load(open, closed);
  const Corpus held = corpus();
  const RegisterIndex index = this->index(accounts, held);
  const std::set<std::string> is_open(open.begin(), open.end()),
      is_closed(closed.begin(), closed.end());
  const AccountHasher hash = hasher();
  std::string scratch;
  std::set<std::string> known_open, known_closed;
  for (std::uint32_t l = 0; l < lists.size(); ++l) {
    std::set<std::string> seen;
    std::uint64_t in_closed = 0;
    std::map<std::uint64_t, std::string> places;
    for (std::size_t i = 0; i < lists[l].size(); ++i) {
      if (!seen.insert(lists[l][i]).second) continue;
      if (is_open.contains(lists[l][i]))
        places[i + 1] = lists[l][i], known_open.insert(lists[l][i]);
      if (is_closed.contains(lists[l][i])) ++in_closed, known_closed.insert(lists[l][i]);
    }
    EXPECT_EQ(index.counts(l).open, places.size());
    EXPECT_EQ(index.counts(l).accounts, places.size() + in_closed);
    EXPECT_DOUBLE_EQ(index.base_rate(l),
                     static_cast<double>(places.size()) / static_cast<double>(open.size()));
    for (int i = 0; i < 200; ++i) {
      const std::uint64_t at = random() % (lists[l].size() + 2);
      const std::size_t most = random() % 5;
      std::vector<std::uint64_t> above, below;
      for (auto p = places.upper_bound(at); p != places.end() && above.size() < most; ++p)
        above.push_back(p->first);
      for (auto p = places.lower_bound(at); p != places.begin() && below.size() < most;)
        below.push_back((--p)->first);
      const auto ahead = index.ahead_of(l, at, Direction::kAscending, most);
      EXPECT_EQ(lines(ahead), above);
      EXPECT_EQ(lines(index.ahead_of(l, at, Direction::kDescending, most)), below);
      for (const auto& place : ahead)
        EXPECT_EQ(accounts.accounts()[place.account].hash,
                  value_of(hash(places[place.position], scratch)));
    }
  }
  EXPECT_EQ(index.known().open, known_open.size());
  EXPECT_EQ(index.known().accounts, known_open.size() + known_closed.size());
}

TEST_F(RegisterIndexes, CountOrderingsOfOneListOnce) {
  add("original", {name(1), name(2), name(3)});              // 1
  add("reversed", {name(3), name(2), name(1), name(4)}, 1);  // 2: and one more
  add("other", {name(3), name(9)});                          // 3
  add("of the reversed", {name(2), name(5)}, 2);             // 4
  const AccountRegister accounts = load({name(1), name(3), name(4), name(5)}, {name(2)});
  const Corpus held = corpus();
  const RegisterIndex index = this->index(accounts, held);
  for (const std::uint32_t list : {0U, 1U, 3U}) {
    EXPECT_EQ(index.counts(list).accounts, 5U);
    EXPECT_EQ(index.counts(list).open, 4U);
    EXPECT_DOUBLE_EQ(index.base_rate(list), 1.0);
  }
  EXPECT_DOUBLE_EQ(index.base_rate(2), 0.25);
  EXPECT_EQ(index.known().accounts, 5U);
  // Positions are each ordering's own.
  EXPECT_THAT(lines(index.ahead_of(0, 0, Direction::kAscending, 9)), ElementsAre(1, 3));
  EXPECT_THAT(lines(index.ahead_of(1, 0, Direction::kAscending, 9)), ElementsAre(1, 3, 4));
  EXPECT_THAT(lines(index.ahead_of(1, 4, Direction::kDescending, 9)), ElementsAre(3, 1));
  EXPECT_THAT(lines(index.ahead_of(3, 0, Direction::kAscending, 9)), ElementsAre(2));
}

TEST_F(RegisterIndexes, KnowOrderingsWhoseOriginalIsGone) {
  add("original", {name(1)});
  add("ascending", {name(1), name(2)}, 1);
  add("descending", {name(2), name(1)}, 1);
  EXPECT_TRUE(CorpusFolder::open(corpus_path(), {})->remove("original"));
  const AccountRegister accounts = load({name(1), name(2), name(3), name(4)});
  const Corpus held = corpus();
  const RegisterIndex index = this->index(accounts, held);
  EXPECT_DOUBLE_EQ(index.base_rate(0), 0.5);
  EXPECT_DOUBLE_EQ(index.base_rate(1), 0.5);
}

TEST_F(RegisterIndexes, CountListsWithoutPositionsAndHaveNoPlaces) {
  add("alpha", {name(1), name(2)}, 0, false);
  const AccountRegister accounts = load({name(1), name(3)});
  const Corpus held = corpus();
  const RegisterIndex index = this->index(accounts, held);
  EXPECT_DOUBLE_EQ(index.base_rate(0), 0.5);
  EXPECT_THAT(index.ahead_of(0, 0, Direction::kAscending, 9), IsEmpty());
  EXPECT_EQ(index.bytes(), 0U);
}

TEST_F(RegisterIndexes, OfNobodyAndOfNoListAreEmpty) {
  const AccountRegister nobody = load({});
  {
    const Corpus empty = corpus();
    EXPECT_EQ(index(nobody, empty).known().accounts, 0U);
    EXPECT_EQ(index(load({name(1)}), empty).known().accounts, 0U);
  }
  add("alpha", {name(1)});
  const Corpus held = corpus();
  EXPECT_EQ(index(nobody, held).base_rate(0), 0.0);
}

TEST_F(RegisterIndexes, LeaveOutWhoIsForgotten) {
  add("alpha", {name(1), name(2)});
  std::string scratch;
  const AccountKey gone = hasher()(name(1), scratch);
  EXPECT_TRUE(CorpusFolder::open(corpus_path(), {})->forget(std::vector{gone}));
  const AccountRegister accounts = load({name(1), name(2)});
  const Corpus held = corpus();
  EXPECT_DOUBLE_EQ(index(accounts, held).base_rate(0), 0.5);
}

TEST_F(RegisterIndexes, OfAnotherKeyAreRefused) {
  const Corpus held = corpus();
  AccountRegisterWriter writer;
  writer.add({1});
  ASSERT_TRUE(writer.finish(folder_.path(), {}, held.manifest().key_check + 1));
  const auto accounts = AccountRegister::open(folder_.path(), {});
  ASSERT_TRUE(accounts);
  const auto refused = RegisterIndex::of(*accounts, held);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("another key"));
}

}  // namespace
}  // namespace stuffwatch::corpus
