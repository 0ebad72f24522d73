// Files from one life of the daemon to the next: rotated, replaced, packed, joined by others.
#include "daemon/pipeline/known_inputs.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ingest/file_source.h"
#include "tests/daemon/pipeline/rig.h"
#include "tests/ingest/files.h"

namespace stuffwatch::daemon::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using Offsets = std::map<std::string, std::int64_t>;

std::string logins(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i)
    text += line(i * 1s, "user" + std::to_string(i), "10.0.0.1", true) + "\n";
  return text;
}

class KnownInputsTest : public ::testing::Test {
 protected:
  KnownInputsTest() { setup.settings[0].decoder = nullptr; }

  Offsets live(const std::string& path) {
    auto source = ingest::open_files(0, {path}, "ssh");
    EXPECT_TRUE(source.has_value());
    return live(std::move(*source));
  }
  // Loads what the last life left, reads everything, saves. Where reading began, by input.
  Offsets live(std::unique_ptr<ingest::Source> source) {
    warnings.clear(), told.clear(), first.clear(), formats.clear();
    Pipeline::Hooks hooks;
    hooks.on_replaced = [this](bool lost, const std::string& text) {
      (lost ? warnings : told).push_back(text);
    };
    auto pipeline = setup.make(std::move(hooks));
    for (std::size_t i = 0; i < saved.size(); ++i)
      EXPECT_TRUE(pipeline->load_section(i, saved[i]).has_value());
    pipeline->add_source(std::move(source), setup.settings);
    pipeline->merge().for_each([&](const InputQueue& queue, bool, bool) {
      first[queue.name()] = queue.next_offset();
      formats[queue.name()] = queue.decoder();
    });
    Rig::turn(*pipeline);
    events = pipeline->counts().events;
    pipeline->save(saved);
    return first;
  }

  ingest::testing::TempFolder folder;
  Rig setup;
  std::vector<std::string> saved, warnings, told;
  Offsets first;
  std::map<std::string, const ingest::DecoderInfo*> formats;
  std::uint64_t events = 0;
};

TEST_F(KnownInputsTest, AFileThatGrewGoesOnInItsFormat) {
  const std::string before = logins(0, 100);
  const std::string file = folder.write("auth.log", before);
  EXPECT_THAT(live(file), ElementsAre(Pair("ssh", 0)));
  EXPECT_EQ(formats["ssh"], nullptr);
  folder.write("auth.log", before + logins(100, 120));
  EXPECT_THAT(live(file), ElementsAre(Pair("ssh", before.size())));
  EXPECT_EQ(formats["ssh"], ingest::find_decoder("native")) << "not guessed again";
  EXPECT_EQ(events, 120U);
  EXPECT_THAT(warnings, IsEmpty());
}

TEST_F(KnownInputsTest, AReplacedFileIsReadFromItsStart) {
  const std::string file = folder.write("auth.log", logins(0, 100));
  live(file);
  folder.write("auth.log", logins(200, 400));
  EXPECT_THAT(live(file), ElementsAre(Pair("ssh", 0)));
  EXPECT_EQ(formats["ssh"], nullptr);
  EXPECT_EQ(events, 300U);
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("ssh: not the file that was read before")));
  EXPECT_THAT(warnings[0], HasSubstr("is lost"));
}

TEST_F(KnownInputsTest, AFileThatWasCutIsReadFromItsStart) {
  const std::string file = folder.write("auth.log", logins(0, 100));
  live(file);
  folder.write("auth.log", logins(0, 60));
  EXPECT_THAT(live(file), ElementsAre(Pair("ssh", 0)));
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("or shorter")));
}

TEST_F(KnownInputsTest, ARotatedFileGoesOnUnderItsNewName) {
  const std::string older = logins(0, 50), newer = logins(50, 80), rest = logins(80, 90);
  folder.write("auth.log", newer);
  folder.write("auth.log.1", older);
  live(folder.path());
  EXPECT_EQ(events, 80U);
  folder.write("auth.log.2.gz", ingest::testing::packed(older, "gzip"));
  folder.write("auth.log.1", newer + rest);
  folder.write("auth.log", logins(90, 95));
  EXPECT_THAT(live(folder.path()),
              UnorderedElementsAre(Pair("ssh/auth.log", 0), Pair("ssh/auth.log.1", newer.size()),
                                   Pair("ssh/auth.log.2.gz", older.size())));
  EXPECT_EQ(events, 95U) << "each login once";
  EXPECT_THAT(warnings, IsEmpty()) << "nothing is lost";
  EXPECT_THAT(told, ElementsAre(HasSubstr("the other goes on as ssh/auth.log.1")));
}

TEST_F(KnownInputsTest, ANewFileInFrontMovesNoOther) {
  folder.write("b.log", logins(0, 50));
  folder.write("c.log", logins(0, 50) + logins(60, 70));  // begins like b.log
  live(folder.path());
  folder.write("a.log", logins(70, 80));
  EXPECT_THAT(live(folder.path()),
              UnorderedElementsAre(Pair("ssh/a.log", 0), Pair("ssh/b.log", logins(0, 50).size()),
                                   Pair("ssh/c.log", logins(0, 60).size())));
  EXPECT_EQ(events, 120U);
  EXPECT_THAT(warnings, IsEmpty());
}

// The year of what comes after a rotation counts on from what was read before it.
TEST_F(KnownInputsTest, ANewFileGoesOnInTheYearOfTheOld) {
  const auto failed = [](const std::string& stamp) {
    return stamp + " host sshd[1]: Failed password for root from 192.0.2.7 port 4242 ssh2\n";
  };
  const std::string file = folder.write("auth.log", failed("Dec 31 23:59:58"));
  live(file);
  folder.write("auth.log", failed("Jan  1 00:00:03"));
  live(file);
  EXPECT_EQ(events, 2U) << "neither is late";
  EXPECT_EQ(setup.order[1] - setup.order[0], 5s);
}

// `inputs` was given in another order: a topic has the number that a file had.
TEST_F(KnownInputsTest, AnotherInputOfTheSameNumberHasItsFormatGuessed) {
  live(folder.write("auth.log", logins(0, 100)));
  const auto topic = [](std::vector<std::string> records) {
    return std::make_unique<MemorySource>(std::vector<std::vector<std::string>>{std::move(records)},
                                          16);
  };
  EXPECT_THAT(live(topic({"x"})), ElementsAre(Pair("memory[0]", 0)));
  EXPECT_EQ(formats["memory[0]"], nullptr);
  EXPECT_THAT(live(topic({"x", line(200s, "user", "10.0.0.1", true)})),
              ElementsAre(Pair("memory[0]", 1)));
  EXPECT_EQ(formats["memory[0]"], nullptr) << "the file's was not kept for it";
  EXPECT_EQ(events, 101U);
  live(topic({"x", "y"}));
  EXPECT_EQ(formats["memory[0]"], ingest::find_decoder("native"));
}

TEST_F(KnownInputsTest, APipeIsAnotherStreamEachTime) {
  for (int i = 0; i < 2; ++i) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const std::string text = logins(i * 10, i * 10 + 10);
    ASSERT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::close(ends[1]);
    EXPECT_THAT(live("/dev/fd/" + std::to_string(ends[0])), ElementsAre(Pair("ssh", 0)));
    ::close(ends[0]);
    EXPECT_EQ(events, static_cast<std::uint64_t>(10 * (i + 1)));
  }
  EXPECT_THAT(warnings, IsEmpty());
}

}  // namespace
}  // namespace stuffwatch::daemon::pipeline
