// The corpus against a map, on random lists: every account that ever was in one, and some that never were.
#include "corpus/corpus.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "corpus/mapped_file.h"
#include "tests/corpus/archives.h"
#include "tests/support/temporary_folder.h"

namespace stuffwatch::corpus {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Compacted = CorpusFolder::Compacted;
using Where = std::pair<std::string, std::uint64_t>;  // list, line from 1; 0: it has no positions

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

struct Line {
  std::string text, account;  // account: canonical; empty when the line has none
};
using Lines = std::vector<Line>;

struct List {
  std::string name;
  Lines lines;
  bool positions = true;
};

std::string text_of(const Lines& lines) {
  std::string text;
  for (const Line& line : lines) text += line.text + '\n';
  return text;
}

// What the corpus should say. An account of which nothing is left stays, with no list.
struct Model {
  std::map<std::string, std::vector<Where>> accounts;

  void add(const List& list) {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < list.lines.size(); ++i)
      if (const std::string& account = list.lines[i].account;
          !account.empty() && seen.insert(account).second)
        accounts[account].emplace_back(list.name, list.positions ? i + 1 : 0);
  }
  void remove(const std::string& list) {
    for (auto& [account, places] : accounts)
      std::erase_if(places, [&](const Where& place) { return place.first == list; });
  }
  [[nodiscard]] std::uint64_t entries() const {
    std::uint64_t sum = 0;
    for (const auto& [account, places] : accounts) sum += places.size();
    return sum;
  }
};

Lines random_lines(std::mt19937_64& random, std::size_t count) {
  static constexpr std::array kDomains{"example.com", "example.net", "example.org", "mail.test"};
  static constexpr std::array kInvalid{"", "nobody", "two@at@example.com:x", "a@nodot:x", ":x"};
  Lines lines;
  for (std::size_t i = 0; i < count; ++i) {
    if (random() % 20 == 0) {
      lines.push_back({kInvalid[random() % kInvalid.size()], {}});
      continue;
    }
    // The lower numbers are in every list, and many times.
    const std::uint64_t number = random() % (std::uint64_t{1} << (4 + random() % 14));
    const std::string account =
        fmt::format("user{}@{}", number, kDomains[number % kDomains.size()]);
    std::string written = account;
    if (random() % 4 == 0)
      std::ranges::transform(written, written.begin(),
                             [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    lines.push_back({written + ":secret", account});
  }
  return lines;
}

// The first one is of several chunks, and has more lines of one account than are sorted at once.
std::vector<List> random_lists(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<List> lists;
  for (const std::size_t count : {60'000U, 1U, 3'000U, 9'000U, 20'000U})
    lists.push_back({fmt::format("list {}", lists.size()), random_lines(random, count)});
  lists[0].lines.resize(130'000, {"last@example.org:x", "last@example.org"});
  lists[1].lines = {{"user0@example.com:x", "user0@example.com"}};
  lists[3].positions = false;
  return lists;
}

class Breaches : public ::testing::Test {
 protected:
  [[nodiscard]] fs::path folder(const std::string& name = "corpus") const {
    return folder_.path() / name;
  }
  static void write_key(const fs::path& file, char digit) {
    testing::write_file(file, std::string(64, digit) + "\n");
    fs::permissions(file, fs::perms::owner_read);
  }
  // All have one key, so that their bytes can be compared.
  void init() const {
    write_key(folder() / "key", '7');
    const auto made = CorpusFolder::init(folder());
    ASSERT_TRUE(made) << made.error().message;
  }
  [[nodiscard]] CorpusFolder open() const {
    auto opened = CorpusFolder::open(folder(), {});
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(opened.value());
  }
  [[nodiscard]] config::Result<Built> add(
      CorpusFolder& corpus, const List& list, unsigned threads = 2,
      std::uint64_t memory = 16 * kMiB,
      const OnBuildProgress& on_progress = [](const BuildProgress&) { return true; },
      bool again = false, std::uint32_t ordering_of = 0) const {
    const fs::path file = folder_.path() / "list.txt";
    testing::write_file(file, text_of(list.lines));
    const auto input = ListInput::open({file.native()});
    if (!input) return std::unexpected(input.error());
    BuildOptions options;
    options.list.name = list.name, options.list.facts.ordering_of = ordering_of;
    if (!list.positions) options.list.facts.flags = SegmentList::kNoPositions;
    options.format = ListFormat::parse("email:pass").value();
    options.threads = threads, options.memory = memory;
    return corpus.add(**input, options, again, on_progress);
  }
  void add_all(const std::vector<List>& lists, Model& model, unsigned threads = 2,
               std::uint64_t memory = 16 * kMiB) const {
    CorpusFolder corpus = open();
    for (const List& list : lists) {
      const auto built = add(corpus, list, threads, memory);
      ASSERT_TRUE(built) << built.error().message;
      model.add(list);
    }
  }
  [[nodiscard]] AccountHasher hasher() const {
    return AccountHasher::from_file(folder() / "key").value();
  }
  [[nodiscard]] Corpus read(Residence residence = Residence::kLoaded) const {
    auto opened = Corpus::open(folder(), hasher(), residence);
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(opened.value());
  }
  void expect_same(const Model& model) const {
    for (const Residence residence : {Residence::kLoaded, Residence::kMapped}) {
      const Corpus corpus = read(residence);
      for (const Segment& segment : corpus.segments())
        EXPECT_TRUE(segment.verify()) << segment.verify().error().message;
      EXPECT_EQ(corpus.entries(), model.entries());
      expect_same(model, corpus);
    }
  }
  void expect_same(const Model& model, const Corpus& corpus) const {
    const AccountHasher hash = hasher();
    std::string scratch;
    std::vector<AccountKey> keys;
    std::vector<std::pair<std::string, std::vector<Where>>> expected;
    for (const auto& [account, places] : model.accounts) {
      expected.emplace_back(account, places);
      expected.emplace_back("absent." + account, std::vector<Where>{});
    }
    keys.reserve(expected.size());
    for (const auto& [account, places] : expected) keys.push_back(hash(account, scratch));
    Hits hits;
    corpus.resolve(keys, hits);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      std::vector<Where> places;
      for (const ListHit& hit : hits.of(i))
        places.emplace_back(corpus.lists()[hit.list].name, hit.position);
      ASSERT_EQ(places, expected[i].second) << expected[i].first;
    }
  }
  // Name and bytes of every file but the lock.
  [[nodiscard]] std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> found;
    for (const auto& file : fs::directory_iterator(folder()))
      if (file.path().filename() != "lock")
        found[file.path().filename()] = config::read_file(file.path()).value();
    return found;
  }

 private:
  test::TemporaryFolder folder_;
};

TEST_F(Breaches, AnswerAsAMapDoesWhateverIsChanged) {
  init();
  Model model;
  const std::vector<List> lists = random_lists(1);
  add_all(lists, model);
  expect_same(model);
  const auto changed = [&](const std::string& what) {
    SCOPED_TRACE(what);
    expect_same(model);
  };
  {
    CorpusFolder corpus = open();
    ASSERT_TRUE(corpus.remove(lists[2].name));
    model.remove(lists[2].name);
    EXPECT_THAT(corpus.manifest().segments, SizeIs(4));
    changed("removed, in a segment of its own");
    ASSERT_EQ(corpus.compact([](double) { return true; }).value(), Compacted::kMerged);
    EXPECT_THAT(corpus.manifest().segments, SizeIs(1));
    changed("compacted");
    EXPECT_EQ(corpus.compact([](double) { return true; }).value(), Compacted::kNothing);
    ASSERT_TRUE(corpus.remove(lists[4].name));
    model.remove(lists[4].name);
    changed("removed, in a merged segment");
  }
  add_all({{"list 9", lists[4].lines}, {"list 10", lists[2].lines, false}}, model);
  changed("added after merging");
  CorpusFolder corpus = open();
  std::string scratch;
  for (int i = 0; i < 50; ++i) {
    const std::string account = std::next(model.accounts.begin(), i * 31)->first;
    ASSERT_TRUE(corpus.forget({{corpus.hasher()(account, scratch)}}));
    ASSERT_TRUE(corpus.forget({{corpus.hasher()(account, scratch)}}));  // says nothing new
    model.accounts[account].clear();
  }
  EXPECT_THAT(corpus.manifest().forgotten, SizeIs(50));
  expect_same(model, read());
  ASSERT_EQ(corpus.compact([](double) { return true; }).value(), Compacted::kMerged);
  EXPECT_THAT(corpus.manifest().forgotten, IsEmpty());
  changed("forgotten and compacted");
  for (const char* const left : {"list 0", "list 1", "list 3", "list 9", "list 10"}) {
    ASSERT_TRUE(corpus.remove(left));
    model.remove(left);
  }
  changed("empty");
}

TEST_F(Breaches, OfTheSameListsHaveTheSameBytes) {
  const std::vector<List> lists = random_lists(2);
  Model model;
  std::map<std::string, std::string> first;
  for (const unsigned threads : {1U, 2U, 8U}) {
    for (const std::uint64_t memory : {16 * kMiB, 256 * kMiB}) {
      SCOPED_TRACE(fmt::format("{} threads, {} bytes", threads, memory));
      fs::remove_all(folder());
      init();
      model = {};
      add_all(lists, model, threads, memory);
      expect_same(model);
      if (first.empty()) first = files();
      EXPECT_TRUE(files() == first);
    }
  }
}

TEST_F(Breaches, KnowWhatTheyWereMadeOf) {
  init();
  CorpusFolder corpus = open();
  const auto built = add(corpus, {.name = "Example 2019",
                                  .lines = {{"a@example.com:x", {}},
                                            {"junk", {}},
                                            {"A@example.com:y", {}},
                                            {"b@example.com:z", {}}}});
  ASSERT_TRUE(built);
  const SegmentList& facts = built->list.facts;
  EXPECT_EQ(facts.lines, 4U);
  EXPECT_EQ(facts.valid, 3U);
  EXPECT_EQ(facts.duplicates, 1U);
  EXPECT_EQ(facts.accounts, 2U);
  EXPECT_EQ(facts.rejected[static_cast<std::size_t>(LineReject::kNoAt)], 1U);
  std::string scratch;
  ASSERT_TRUE(corpus.forget({{corpus.hasher()("b@example.com", scratch)}}));
  ASSERT_EQ(corpus.compact([](double) { return true; }).value(), Compacted::kMerged);
  const Corpus opened = read();
  ASSERT_THAT(opened.lists(), SizeIs(1));
  EXPECT_EQ(opened.lists()[0].name, "Example 2019");
  EXPECT_EQ(opened.lists()[0].facts.accounts, 1U);
  EXPECT_EQ(opened.lists()[0].facts.valid, 3U);
  EXPECT_EQ(opened.lists()[0].facts.span, 4U);
}

TEST_F(Breaches, GiveTheFirstHitsOfAnAccountInManyLists) {
  init();
  CorpusFolder corpus = open();
  for (std::size_t i = 0; i < Corpus::kMaxHits + 3; ++i) {
    // Another one in front, so that no input is the same.
    const Line other{fmt::format("other{}@example.com:x", i), {}};
    ASSERT_TRUE(
        add(corpus, {fmt::format("list {}", i), {other, {"everywhere@example.com:x", {}}}}));
  }
  const auto resolved = [&] {
    const Corpus opened = read();
    std::string scratch;
    const std::vector keys{corpus.hasher()("everywhere@example.com", scratch),
                           corpus.hasher()("other10@example.com", scratch)};
    Hits hits;
    opened.resolve(keys, hits);
    std::vector<std::pair<std::uint32_t, std::uint64_t>> all;
    all.reserve(hits.all.size());
    for (const ListHit& hit : hits.all) all.emplace_back(hit.list, hit.position);
    return all;
  };
  std::vector<std::pair<std::uint32_t, std::uint64_t>> expected;
  expected.reserve(Corpus::kMaxHits + 1);
  for (std::uint32_t i = 0; i < Corpus::kMaxHits; ++i) expected.emplace_back(i, 2);
  expected.emplace_back(10, 1);
  EXPECT_EQ(resolved(), expected);
  ASSERT_EQ(corpus.compact([](double) { return true; }).value(), Compacted::kMerged);
  EXPECT_EQ(resolved(), expected);
}

TEST_F(Breaches, NameEveryOrderingAfterItsOriginal) {
  init();
  CorpusFolder corpus = open();
  const auto any = [](const BuildProgress&) { return true; };
  const auto id_of = [&](std::size_t list) { return read().lists()[list].facts.id; };
  const Line a{"a@example.com:x", {}}, b{"b@example.com:x", {}}, c{"c@example.com:x", {}};
  ASSERT_TRUE(add(corpus, {"original", {b, a}}));
  ASSERT_TRUE(add(corpus, {"sorted", {a, b}}, 1, 16 * kMiB, any, false, id_of(0)));
  ASSERT_TRUE(add(corpus, {"sorted again", {a, b, b}}, 1, 16 * kMiB, any, false, id_of(1)));
  ASSERT_TRUE(add(corpus, {"another", {c}}));
  const auto names = [&] {
    std::vector<std::string> all;
    std::set<std::uint64_t> keys;
    for (const ListName& list : read().directory().lists)
      all.push_back(list.name), keys.insert(list.key);
    EXPECT_THAT(keys, SizeIs(std::set(all.begin(), all.end()).size()));
    return all;
  };
  EXPECT_THAT(names(), ::testing::ElementsAre("original", "original", "original", "another"));
  EXPECT_EQ(read().directory().state, "ok");
  EXPECT_EQ(read().directory().digest, read().digest());
  ASSERT_TRUE(corpus.remove("original"));
  EXPECT_THAT(names(), ::testing::ElementsAre("sorted", "sorted", "another"));
}

TEST_F(Breaches, AreOneListInEveryOrderAlsoWhenTheOriginalIsGone) {
  init();
  CorpusFolder corpus = open();
  const auto any = [](const BuildProgress&) { return true; };
  const Line a{"a@example.com:x", {}}, b{"b@example.com:x", {}};
  ASSERT_TRUE(add(corpus, {"original", {b, a}}));
  const std::uint32_t original = read().lists()[0].facts.id;
  ASSERT_TRUE(add(corpus, {"sorted", {a, b}}, 1, 16 * kMiB, any, false, original));
  ASSERT_TRUE(add(corpus, {"doubled", {b, a, a}}, 1, 16 * kMiB, any, false, original));
  ASSERT_TRUE(corpus.remove("original"));
  const auto lists = read().directory().lists;
  ASSERT_THAT(lists, SizeIs(2));
  EXPECT_EQ(lists[0].name, "sorted");
  EXPECT_EQ(lists[1].name, "sorted");
  EXPECT_EQ(lists[0].key, lists[1].key);
}

TEST_F(Breaches, SurviveASegmentThatIsCutShortUnderThem) {
  init();
  Model model;
  add_all(random_lists(1), model);
  const Corpus loaded = read(), mapped = read(Residence::kMapped);
  for (const Segment& segment : mapped.segments()) fs::resize_file(segment.file(), 0);
  std::vector<std::jthread> readers;
  readers.reserve(4);
  for (int reader = 0; reader < 4; ++reader)
    readers.emplace_back([&, reader] {
      std::mt19937_64 random(static_cast<std::uint64_t>(reader));
      std::vector<AccountKey> keys(10'000);
      for (AccountKey& key : keys) key = AccountKey{random()};
      Hits hits;
      mapped.resolve(keys, hits);
    });
  readers.clear();
  EXPECT_FALSE(mapped.intact());
  EXPECT_TRUE(loaded.intact());
  expect_same(model, loaded);
  for (const Segment& segment : mapped.segments()) EXPECT_FALSE(segment.verify());
  EXPECT_FALSE(open().compact([](double) { return true; }));
}

TEST(MappedFiles, LeaveOtherBusErrorsToWhoeverHadThem) {
  // The system, or a sanitizer's own handler, which ends the process with 1.
  const auto ended_by_whoever_had_it = [](int status) {
    return ::testing::KilledBySignal(SIGBUS)(status) || ::testing::ExitedWithCode(1)(status);
  };
  EXPECT_EXIT(
      {
        const test::TemporaryFolder folder;
        const fs::path path = folder.path() / "file";
        testing::write_file(path, std::string(8192, 'x'));
        const auto file = config::open_file(path, O_RDONLY);
        const auto mapped = MappedFile::open(*file, 8192, path);
        const auto* const foreign = static_cast<const volatile char*>(
            ::mmap(nullptr, 8192, PROT_READ, MAP_SHARED, file->get(), 0));
        fs::resize_file(path, 0);
        if (mapped->data()[4096] != 0 || mapped->intact()) ::_exit(40);
        ::_exit(foreign[4096] == 0 ? 41 : 42);
      },
      ended_by_whoever_had_it, "");
}

TEST_F(Breaches, RefuseWhatWouldSpoilThem) {
  init();
  CorpusFolder corpus = open();
  const List list{"one", {{"a@example.com:x", {}}, {"b@example.com:x", {}}}};
  ASSERT_TRUE(add(corpus, list));
  const auto before = files();
  const auto refused = [&](const auto& result, config::Error::Kind kind, const std::string& why) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, kind);
    EXPECT_THAT(result.error().message, HasSubstr(why));
    EXPECT_TRUE(files() == before) << why;
  };
  using enum config::Error::Kind;
  refused(add(corpus, {"two", list.lines}), kConfiguration, "the same input was added as one");
  refused(add(corpus, {"one", {{"c@example.com:x", {}}}}), kConfiguration, "called one already");
  refused(add(corpus, {"none", {{"junk", {}}, {"", {}}}}), kConfiguration, "no account in 2 lines");
  refused(corpus.remove("three"), kConfiguration, "no list called three");
  refused(CorpusFolder::init(folder()), kConfiguration, "is a corpus already");
  refused(CorpusFolder::open(folder(), {}), kFailed, "being changed by another process");
  fs::create_directories(folder("nothing"));
  refused(CorpusFolder::open(folder("nothing"), {}), kConfiguration, "corpus init");
  refused(Corpus::open(folder("nothing"), corpus.hasher(), Residence::kLoaded), kConfiguration,
          "corpus init");
  refused(Corpus::open(folder(), AccountHasher::public_key(), Residence::kMapped), kConfiguration,
          "another key");
  write_key(folder("other.key"), '8');
  refused(CorpusFolder::open(folder(), folder("other.key")), kConfiguration, "another key");
  EXPECT_TRUE(add(corpus, {"two", list.lines}, 1, kMiB, [](const auto&) { return true; }, true));
}

TEST_F(Breaches, AreWhatTheManifestNames) {
  init();
  Model ignored;
  add_all({{"one", {{"a@example.com:x", {}}}}, {"two", {{"b@example.com:x", {}}}}}, ignored);
  fs::rename(folder() / "000001.bcs", folder() / "000002.bcs");
  const auto swapped = Corpus::open(folder(), hasher(), Residence::kLoaded);
  ASSERT_FALSE(swapped);
  EXPECT_THAT(swapped.error().message, HasSubstr("000001.bcs"));
  fs::copy_file(folder() / "000002.bcs", folder() / "000001.bcs");
  const auto twice = Corpus::open(folder(), hasher(), Residence::kLoaded);
  ASSERT_FALSE(twice);
  EXPECT_THAT(twice.error().message, HasSubstr("is not the file that the manifest names"));
}

// What is merged gets new checksums: damage would not be found out any more, and what was whole would be gone.
TEST_F(Breaches, AreNotMergedWhenOneIsDamagedOrAnother) {
  init();
  CorpusFolder corpus = open();
  const std::vector<List> lists = random_lists(4);
  ASSERT_TRUE(add(corpus, lists[2]));
  ASSERT_TRUE(add(corpus, lists[4]));
  const std::string whole = config::read_file(folder() / "000001.bcs").value();
  const SegmentHeader header = read().segments()[0].header();
  const auto refused = [&](const std::string& bytes, const std::string& why) {
    fs::remove(folder() / "000001.bcs");
    testing::write_file(folder() / "000001.bcs", bytes);
    const auto before = files();
    const auto compacted = corpus.compact([](double) { return true; });
    ASSERT_FALSE(compacted);
    EXPECT_THAT(compacted.error().message, HasSubstr("000001.bcs " + why));
    EXPECT_TRUE(files() == before);
  };
  for (const auto id : {SegmentSection::kDirectory, SegmentSection::kEntries}) {
    const auto at = std::ranges::find(header.section, id, &SegmentSection::id);
    std::string bytes = whole;
    bytes[at->offset + 8] = static_cast<char>(bytes[at->offset + 8] ^ 1);
    refused(bytes, "is damaged in its");
  }
  refused(config::read_file(folder() / "000002.bcs").value(), "is not the file");
  EXPECT_FALSE(add(corpus, lists[0]));
}

TEST_F(Breaches, StayAsTheyWereWhenAChangeIsStopped) {
  init();
  CorpusFolder corpus = open();
  const std::vector<List> lists = random_lists(3);
  ASSERT_TRUE(add(corpus, lists[2]));
  ASSERT_TRUE(add(corpus, lists[4]));
  const auto before = files();
  for (const bool sorting : {false, true}) {
    bool seen = false;
    const auto stopped = add(corpus, lists[0], 2, 16 * kMiB, [&](const BuildProgress& at) {
      seen = seen || at.sorting == sorting;
      return at.sorting != sorting || (sorting && at.sorted < 0.5);
    });
    ASSERT_TRUE(stopped) << stopped.error().message;
    EXPECT_TRUE(seen);
    EXPECT_TRUE(stopped->stopped);
    EXPECT_TRUE(files() == before);
  }
  ASSERT_TRUE(add(corpus, lists[0]));
}

TEST_F(Breaches, LoseLeftoversAtTheNextChange) {
  init();
  const auto leave = [&] {
    for (const char* const name : {"000007.bcs", "000008.bcs.new", "notes"})
      testing::write_file(folder() / name, "left");
  };
  leave();
  CorpusFolder corpus = open();
  EXPECT_FALSE(fs::exists(folder() / "000007.bcs"));
  EXPECT_FALSE(fs::exists(folder() / "000008.bcs.new"));
  leave();
  ASSERT_TRUE(add(corpus, {"one", {{"a@example.com:x", {}}}}));
  EXPECT_FALSE(fs::exists(folder() / "000007.bcs"));
  EXPECT_FALSE(fs::exists(folder() / "000008.bcs.new"));
  EXPECT_TRUE(fs::exists(folder() / "notes"));  // is not ours
  EXPECT_TRUE(fs::exists(folder() / "000001.bcs"));
}

}  // namespace
}  // namespace stuffwatch::corpus
