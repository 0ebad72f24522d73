#include "config/differ.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/config/sample_config.h"

namespace stuffwatch::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Differ, EqualConfigurationsDoNotDiffer) {
  SampleConfig a;
  SampleConfig b;
  EXPECT_THAT(diff(a, b), IsEmpty());
}

TEST(Differ, SaysWhatChangesAndWhatNeedsARestart) {
  SampleConfig a;
  SampleConfig b;
  b.enabled = false;
  b.workers = 2;
  b.detector.maturity = std::chrono::minutes{1};
  EXPECT_THAT(diff(a, b), ElementsAre(Change{"enabled", "true", "false", true},
                                      Change{"workers", "1", "2", false},
                                      Change{"detector.maturity", "10m", "1m", true}));
}

TEST(Differ, SeesKeysAndElementsComeAndGo) {
  SampleConfig a;
  SampleConfig b;
  a.kafka.properties = {{"client.id", "x"}, {"acks", "all"}};
  b.kafka.properties = {{"client.id", "x"}, {"linger.ms", "5"}};
  a.inputs = {{"ssh", std::nullopt, "/var/log/auth.log", {}}};
  b.inputs = {{"ssh", "auth", std::nullopt, {}}, {"okta", "okta", std::nullopt, {}}};
  EXPECT_THAT(diff(a, b), ElementsAre(Change{"kafka.properties.linger.ms", "", "\"5\"", false},
                                      Change{"inputs[0].topic", "", "auth", false},
                                      Change{"inputs[1].name", "", "okta", false},
                                      Change{"inputs[1].topic", "", "okta", false},
                                      Change{"inputs[1].delay", "", "0s", false},
                                      Change{"inputs[0].file", "/var/log/auth.log", "", false},
                                      Change{"kafka.properties.acks", "all", "", false}));
}

TEST(Differ, ShowsThatASecretChangedButNotTheSecret) {
  SampleConfig a;
  SampleConfig b;
  a.kafka.password = "tulip";
  b.kafka.password = "rose";
  b.kafka.properties = {{"sasl.password", "rose"}};
  EXPECT_THAT(diff(a, b),
              ElementsAre(Change{"kafka.password", "(set)", "(set)", false},
                          Change{"kafka.properties.sasl.password", "", "(set)", false}));
  a.kafka.password = "";
  EXPECT_THAT(diff(a, b),
              ElementsAre(Change{"kafka.password", "\"\"", "(set)", false},
                          Change{"kafka.properties.sasl.password", "", "(set)", false}));
}

}  // namespace
}  // namespace stuffwatch::config
