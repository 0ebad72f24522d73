// `stuffwatch simulate` from the command line to the folder.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/commands/run_command.h"

namespace stuffwatch::daemon {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Simulate : public ::testing::Test {
 protected:
  Simulate() : folder_(::testing::TempDir() + "simulate_" + std::to_string(::getpid())) {}
  ~Simulate() override { fs::remove_all(folder_); }

  static Ran run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "simulate");
    return daemon::run(arguments);
  }
  std::string text(const std::string& file) const {
    std::ifstream in(folder_ + "/" + file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  std::string folder_;
};

TEST_F(Simulate, WritesAllScenariosOfTheSuiteButNotTheBenchmark) {
  const Ran ran = run({"--scenario", "all", "--seed", "3", "--scale", "0.02", "--out", folder_});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("attack_burst_one_address"));
  EXPECT_THAT(ran.err, IsEmpty()) << "no terminal, no progress";
  for (const char* scenario :
       {"attack_burst_one_address", "attack_spread_prefixes", "attack_guessing_fanin", "quiet_day",
        "cgnat_crowd", "mobile_roaming"}) {
    for (const char* file : {"events.ndjson", "labels.json", "site.json"})
      EXPECT_TRUE(fs::file_size(folder_ + "/" + scenario + "/" + file) > 0) << scenario;
  }
  EXPECT_TRUE(fs::exists(folder_ + "/lists/forum2019.txt"));
  EXPECT_FALSE(fs::exists(folder_ + "/bench"));
}

TEST_F(Simulate, RefusesAFolderInUseAndForceWritesTheSameAgain) {
  const std::vector<std::string> arguments = {"--scenario", "quiet_day", "--scale",
                                              "0.02",       "--out",     folder_};
  ASSERT_EQ(run(arguments).exit_code, 0);
  const std::string before = text("quiet_day/events.ndjson");
  const Ran refused = run(arguments);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("--force"));
  auto forced = arguments;
  forced.emplace_back("--force");
  EXPECT_EQ(run(forced).exit_code, 0);
  EXPECT_EQ(text("quiet_day/events.ndjson"), before);
}

TEST_F(Simulate, ProgressAndResultAsJsonLines) {
  const Ran ran = run({"--scenario", "quiet_day", "--scale", "0.02", "--out", folder_, "--json",
                       "--progress", "json"});
  EXPECT_THAT(ran.out, HasSubstr(R"({"scenario":"quiet_day","events":)"));
  EXPECT_THAT(ran.err, HasSubstr(R"("done":true)"));
}

TEST_F(Simulate, ListShowsWhatThereIs) {
  EXPECT_THAT(run({"--list"}).out, HasSubstr("bench"));
  EXPECT_THAT(run({"--list", "--json"}).out,
              HasSubstr(R"("techniques":["T1110.004","OAT-008"],"in_all":true)"));
}

TEST_F(Simulate, WrongUsageSaysWhatWouldBeRight) {
  struct Case {
    std::vector<std::string> arguments;
    const char* says;
  };
  const std::vector<Case> cases = {
      {{"--scenario", "quite_day", "--out", folder_}, "did you mean \"quiet_day\""},
      {{"--scenario", "quiet_day"}, "--out DIR"},
      {{"--out", folder_}, "--scenario NAME"},
      {{"--scenario", "quiet_day", "--out", folder_, "--scale", "huge"}, "0.01 to 20"},
      {{"--scenario", "quiet_day", "--out", folder_, "--seed", "x"}, "--seed"},
  };
  for (const Case& wrong : cases) {
    const Ran ran = run(wrong.arguments);
    EXPECT_EQ(ran.exit_code, 2) << wrong.says;
    EXPECT_THAT(ran.err, HasSubstr(wrong.says));
  }
  EXPECT_FALSE(fs::exists(folder_)) << "nothing is made before everything is understood";
}

}  // namespace
}  // namespace stuffwatch::daemon
