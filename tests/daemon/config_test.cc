#include "daemon/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "config/rfc3339.h"
#include "tests/support/temporary_folder.h"

namespace stuffwatch::daemon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

config::TimeMs at(std::string_view text) { return *config::parse_rfc3339(text); }

std::unique_ptr<Config> trusting() {
  auto read = load_config(
      "", {"trusted_sources=[{cidr: 198.51.100.0/24, reason: office, expires: 2027-03-01}, "
           "{cidr: 192.0.2.0/24, reason: load test, expires: \"2027-03-09T12:00:00Z\"}, "
           "{cidr: 203.0.113.0/24, reason: for ever}]"});
  if (!read) throw std::runtime_error(read.error().message);
  return std::move(*read);
}

TEST(TrustedSources, AreTrustedUntilTheyExpire) {
  const auto config = trusting();
  const std::vector<InputSection> inputs(1);
  const auto settings = input_settings(*config, inputs);
  ASSERT_TRUE(settings);
  const auto& trusted = settings->front().decode.trusted_sources;
  ASSERT_EQ(trusted.size(), 3U);
  EXPECT_EQ(trusted[0].until, at("2027-03-01T00:00:00Z"));
  EXPECT_EQ(trusted[1].until, at("2027-03-09T12:00:00Z"));
  EXPECT_EQ(trusted[2].until, detectors::EventTime::max());
}

TEST(TrustedSources, CanBeOfSomeAppsOnly) {
  const auto config =
      load_config("", {"trusted_sources=[{cidr: 192.0.2.0/24, reason: r, apps: [web, mobile]}]"});
  ASSERT_TRUE(config);
  const std::vector<InputSection> inputs(1);
  EXPECT_THAT(input_settings(**config, inputs)->front().decode.trusted_sources[0].apps,
              ElementsAre("web", "mobile"));
  const auto nameless =
      load_config("", {"trusted_sources=[{cidr: 192.0.2.0/24, reason: r, apps: [\"\"]}]"});
  ASSERT_FALSE(nameless);
  EXPECT_THAT(nameless.error().message, HasSubstr("leave out `apps` to mean all of them"));
}

TEST(TrustedSources, AreWarnedOfForAWeekAndAfterwards) {
  const auto config = trusting();
  EXPECT_THAT(expiring_trust(*config, at("2027-02-21T23:59:59Z")), IsEmpty());
  EXPECT_THAT(expiring_trust(*config, at("2027-02-22T00:00:00Z")),
              ElementsAre(HasSubstr("198.51.100.0/24 (office) expires on 2027-03-01")));
  EXPECT_THAT(expiring_trust(*config, at("2027-03-01T00:00:00Z")),
              ElementsAre(HasSubstr("198.51.100.0/24 (office) expired on 2027-03-01")));
  EXPECT_THAT(expiring_trust(*config, at("2028-01-01T00:00:00Z")),
              ElementsAre(HasSubstr("(office) expired"), HasSubstr("(load test) expired")));
}

TEST(StateFolder, IsItsOwnersOnly) {
  const test::TemporaryFolder folder;
  const std::string parent = folder.path();
  const mode_t before = ::umask(0);
  for (const std::string& path : {parent + "/one", parent + "/two/"}) {
    Config config;
    config.state.path = path;
    EXPECT_TRUE(account_hasher(config, false));
    EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms::owner_all)
        << path;
  }
  ::umask(before);
}

}  // namespace
}  // namespace stuffwatch::daemon
