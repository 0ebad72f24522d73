// `stuffwatch config` from the command line to what is printed.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/commands/run_command.h"

namespace stuffwatch::daemon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ConfigCheck : public ::testing::Test {
 protected:
  ~ConfigCheck() override { std::filesystem::remove(file_); }
  const std::string& written(std::string_view text) {
    std::ofstream(file_) << text;
    return file_;
  }

 private:
  const std::string file_ = testing::TempDir() + "config_" + std::to_string(::getpid()) + ".yaml";
};

TEST_F(ConfigCheck, TakesTheFileEitherWay) {
  const std::string& file = written("inputs: [{simulated: true}]\n");
  EXPECT_THAT(run({"config", "check", file}).out, HasSubstr(": fine; 1 input,"));
  EXPECT_THAT(run({"config", "check", "--config", file}).out, HasSubstr(": fine; 1 input,"));
  EXPECT_THAT(run({"config", "check", "--help"}).out, Not(HasSubstr("REQUIRED")));
  const Ran none = run({"config", "check"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("stuffwatch config check FILE"));
}

TEST_F(ConfigCheck, SaysWhatRunWouldMiss) {
  const std::string& file = written("");
  const Ran ran = run({"config", "check", file});
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err,
              HasSubstr(file + ": there is nothing to watch: name at least one of `inputs`"));
}

TEST_F(ConfigCheck, AnUnknownKeyOnTheCommandLineLeadsToTheKeys) {
  const Ran ran = run({"config", "print", "--set", "foo=1"});
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.err, HasSubstr("--set foo: unknown key; stuffwatch config print --reference"));
}

}  // namespace
}  // namespace stuffwatch::daemon
