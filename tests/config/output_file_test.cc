#include "config/output_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace stuffwatch::config {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// Devices are pseudo-terminals, and standard output is its name in /proc: what replaces instead of writing cannot harm them.
class Outputs : public ::testing::Test {
 protected:
  static std::string text(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  static Result<void> write(const fs::path& file, std::string_view words) {
    auto out = OutputFile::open(file);
    if (!out) return std::unexpected(out.error());
    out->write(words);
    return out->finish();
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(folder)) all.push_back(entry.path().filename());
    return all;
  }

  const test::TemporaryFolder temporary;
  const fs::path& folder = temporary.path();
};

TEST_F(Outputs, AppearWhole) {
  std::ofstream(folder / "a") << "old";
  auto out = OutputFile::open(folder / "a");
  ASSERT_TRUE(out) << out.error().message;
  out->write("new ");
  EXPECT_EQ(text(folder / "a"), "old");
  out->write("text");
  EXPECT_EQ(out->bytes(), 8U);
  ASSERT_TRUE(out->finish());
  EXPECT_EQ(text(folder / "a"), "new text");
  EXPECT_THAT(names(), UnorderedElementsAre("a"));
}

TEST_F(Outputs, LeaveNothingWhenTheyAreNotFinished) {
  {
    auto out = OutputFile::open(folder / "a");
    ASSERT_TRUE(out);
    out->write("half");
    const OutputFile moved = std::move(*out);
    EXPECT_EQ(names().size(), 1U);
  }
  EXPECT_THAT(names(), UnorderedElementsAre());
}

TEST_F(Outputs, KeepTheModeOfWhatTheyReplace) {
  std::ofstream(folder / "a") << "old";
  fs::permissions(folder / "a", fs::perms::owner_read | fs::perms::owner_write);
  ASSERT_TRUE(write(folder / "a", "new"));
  EXPECT_EQ(fs::status(folder / "a").permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(Outputs, ReplaceWhatALinkLeadsTo) {
  fs::create_directory(folder / "away");
  std::ofstream(folder / "away" / "a") << "old";
  fs::create_symlink("away/a", folder / "old");
  fs::create_symlink("away/b", folder / "dangling");
  fs::create_symlink("dangling", folder / "twice");
  ASSERT_TRUE(write(folder / "old", "A"));
  ASSERT_TRUE(write(folder / "twice", "B"));
  EXPECT_EQ(text(folder / "away" / "a"), "A");
  EXPECT_EQ(text(folder / "away" / "b"), "B");
  for (const char* link : {"old", "dangling", "twice"})
    EXPECT_TRUE(fs::is_symlink(folder / link)) << link;
  fs::create_symlink("circle", folder / "circle");
  EXPECT_THAT(write(folder / "circle", "C").error().message,
              HasSubstr("Too many levels of symbolic links"));
}

TEST_F(Outputs, GoStraightThroughDevicesAndPipes) {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_TRUE(::grantpt(terminal) == 0 && ::unlockpt(terminal) == 0);
  ASSERT_TRUE(write(::ptsname(terminal), "through"));
  char read[16] = {};
  EXPECT_EQ(::read(terminal, read, sizeof read), 7);
  EXPECT_FALSE(identity_of(::ptsname(terminal), 1));
  ::close(terminal);
  const fs::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_TRUE(write(pipe, "through"));
  EXPECT_EQ(::read(reader, read, sizeof read), 7);
  ::close(reader);
  EXPECT_TRUE(fs::is_fifo(pipe));
  EXPECT_THAT(names(), UnorderedElementsAre("pipe"));
}

TEST_F(Outputs, GoWhereStandardOutputGoes) {
  for (const char* name : {"-", "/proc/self/fd/1"}) {
    testing::internal::CaptureStdout();  // a regular file
    auto out = OutputFile::open(name);
    std::fputs("before ", stdout);
    if (out) out->write("said");
    EXPECT_TRUE(out && out->is_standard_output() && out->finish()) << name;
    std::fputs(" after", stdout);
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "before said after") << name;
  }
}

TEST_F(Outputs, SayWhyNot) {
  EXPECT_THAT(write(folder / "absent" / "a", "x").error().message,
              HasSubstr("No such file or directory"));
  EXPECT_EQ(write(folder, "x").error().message,
            "cannot write " + folder.native() + ": Is a directory");
  const fs::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  auto out = OutputFile::open(pipe);
  ::close(reader);
  ASSERT_TRUE(out);
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  out->write(std::string(1 << 20, 'x'));
  EXPECT_TRUE(out->failed());
  EXPECT_EQ(out->finish().error().message, "cannot write " + pipe.native() + ": Broken pipe");
  std::signal(SIGPIPE, before);
}

TEST_F(Outputs, AreOneFileUnderAllItsNames) {
  std::ofstream(folder / "a") << "a";
  std::ofstream(folder / "b") << "b";
  fs::create_hard_link(folder / "a", folder / "hard");
  fs::create_symlink("a", folder / "soft");
  fs::create_symlink("new", folder / "dangling");
  const auto identity = [&](const fs::path& name) { return identity_of(folder / name, 1); };
  ASSERT_TRUE(identity("a"));
  for (const char* same : {"hard", "soft", "./a"}) EXPECT_EQ(identity(same), identity("a")) << same;
  EXPECT_NE(identity("a"), identity("b"));
  ASSERT_TRUE(identity("new"));
  EXPECT_EQ(identity("dangling"), identity("new"));
  EXPECT_NE(identity("newer"), identity("new"));
  EXPECT_FALSE(identity("absent/new"));
}

}  // namespace
}  // namespace stuffwatch::config
