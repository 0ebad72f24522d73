// Every scenario of the table, small: what it writes is the same on any machine, well formed, and
// labelled truthfully.
#include "ingest/simulation/scenario_writer.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <ostream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "config/rfc3339.h"
#include "detectors/event.h"
#include "ingest/decode_native.h"
#include "tests/ingest/decoding.h"
#include "tests/ingest/files.h"

namespace stuffwatch::ingest::simulation {

// How a failing test names its scenario.
static void PrintTo(const ScenarioInfo& scenario, std::ostream* out) { *out << scenario.name; }

namespace {

using ::testing::HasSubstr;
using Element = simdjson::dom::element;

constexpr std::uint64_t kSeed = 42;
constexpr Scale kSmall{50};

std::uint64_t fnv1a(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

std::string text(Element object, const char* key) {
  std::string_view value;
  if (object[key].get(value) != simdjson::SUCCESS) return {};
  return std::string(value);
}

std::vector<std::string> texts(Element object, const char* key) {
  std::vector<std::string> all;
  simdjson::dom::array array;
  EXPECT_EQ(object[key].get(array), simdjson::SUCCESS) << key;
  for (const Element item : array) all.emplace_back(std::string_view(item));
  return all;
}

std::vector<std::string> lines(const std::string& file) {
  std::istringstream in(testing::read_all(file));
  std::vector<std::string> all;
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

// A scenario's folder, written once for all tests of this file.
const testing::TempFolder& written(const ScenarioInfo& scenario) {
  static std::map<std::string_view, std::unique_ptr<testing::TempFolder>> folders;
  auto& folder = folders[scenario.name];
  if (!folder) {
    folder = std::make_unique<testing::TempFolder>();
    // `bench` is a hundred times larger than the others.
    const auto done =
        write_scenario(scenario, kSeed, scenario.in_all ? kSmall : Scale{10}, folder->path(), {});
    EXPECT_TRUE(done) << done.error().message;
  }
  return *folder;
}

class Scenarios : public ::testing::TestWithParam<ScenarioInfo> {
 protected:
  std::string events_file() const {
    return folder().path(std::string(GetParam().name) + "/events.ndjson");
  }
  const testing::TempFolder& folder() const { return written(GetParam()); }
  Element labels() {
    return parser_.load(folder().path(std::string(GetParam().name) + "/labels.json"));
  }

  simdjson::dom::parser parser_;
};

bool documentation_address(const std::string& ip) {
  static const std::vector<const char*> kAllowed = {"10.0.0.0/8", "100.64.0.0/10", "2001:db8::/32"};
  detectors::IpAddress address;
  if (!detectors::parse_ip(ip, address)) return false;
  return std::ranges::any_of(kAllowed, [&](const char* cidr) {
    detectors::Network network;
    return detectors::parse_network(cidr, network) && network.contains(address);
  });
}

TEST_P(Scenarios, EventsAreWellFormedSortedAndFictitious) {
  simdjson::dom::parser parser;
  std::string last_time;
  std::set<std::string> ids;
  std::uint64_t bytes = 0, count = 0;
  for (const std::string& line : lines(events_file())) {
    Element event;
    ASSERT_EQ(parser.parse(line).get(event), simdjson::SUCCESS) << line;
    const std::string time = text(event, "time");
    ASSERT_TRUE(config::parse_rfc3339(time)) << line;
    ASSERT_GE(time, last_time) << line;
    last_time = time;
    ASSERT_TRUE(ids.insert(text(event, "event_id")).second) << line;
    const std::string account = text(event, "account"), outcome = text(event, "outcome");
    ASSERT_TRUE(account.ends_with(".example") || account.ends_with(".test")) << line;
    ASSERT_TRUE(documentation_address(text(event, "ip"))) << line;
    ASSERT_TRUE(outcome == "success" || outcome == "failure") << line;
    ASSERT_EQ(outcome == "failure", !text(event, "reason").empty()) << line;
    ASSERT_GE(std::int64_t(event["asn"]), 64512);
    ASSERT_LE(std::int64_t(event["asn"]), 65534);
    ASSERT_FALSE(text(event, "user_agent").empty() || text(event, "ja4").empty() ||
                 text(event, "country").empty())
        << line;
    bytes += line.size() + 1;
    ++count;
  }
  ASSERT_GT(count, 1'000u);
  EXPECT_GT(bytes / count, 400u);
  EXPECT_LT(bytes / count, 440u);
}

TEST_P(Scenarios, TheNativeDecoderTakesEveryEvent) {
  const auto decoder = make_native_decoder();
  testing::Kept kept;
  std::size_t events = 0;
  for (const std::string& line : lines(events_file())) {
    const testing::Padded padded(line);
    ASSERT_TRUE(decoder->decode(padded.record(), kept).decoded()) << line;
    ASSERT_EQ(kept.logins.size(), ++events) << line;
  }
  EXPECT_EQ(kept.unknown, 0);
  EXPECT_EQ(kept.secrets, 0);
}

TEST_P(Scenarios, LabelsAgreeWithTheEvents) {
  simdjson::dom::parser parser;
  std::unordered_map<std::string, std::pair<std::string, bool>> events;  // by id: account, success
  for (const std::string& line : lines(events_file())) {
    const Element event = parser.parse(line);
    events[text(event, "event_id")] = {text(event, "account"), text(event, "outcome") == "success"};
  }
  const Element truth = labels();
  EXPECT_EQ(text(truth, "scenario"), GetParam().name);
  EXPECT_EQ(text(truth, "kind"), GetParam().kind == ScenarioKind::kAttack ? "attack" : "benign");
  EXPECT_EQ(std::uint64_t(truth["events"]), events.size());
  std::uint64_t attempts = 0, campaigns = 0;
  for (const Element campaign : truth["campaigns"].get_array()) {
    ++campaigns;
    const auto ids = texts(campaign, "event_ids");
    EXPECT_EQ(std::uint64_t(campaign["attempts"]), ids.size());
    attempts += ids.size();
    std::set<std::string> accounts, compromised;
    for (const std::string& id : ids) {
      ASSERT_TRUE(events.contains(id)) << id;
      accounts.insert(events[id].first);
      if (events[id].second) compromised.insert(events[id].first);
    }
    EXPECT_THAT(texts(campaign, "accounts"), ::testing::UnorderedElementsAreArray(accounts));
    EXPECT_THAT(texts(campaign, "compromised"), ::testing::UnorderedElementsAreArray(compromised));
    EXPECT_LE(text(campaign, "start"), text(campaign, "end"));
    EXPECT_THAT(texts(campaign, "techniques"), ::testing::ElementsAreArray(GetParam().techniques));
  }
  EXPECT_EQ(std::uint64_t(truth["benign_events"]) + attempts, events.size());
  EXPECT_EQ(campaigns > 0, GetParam().kind == ScenarioKind::kAttack);
}

TEST_P(Scenarios, AListWalkTakesItsAccountsFromItsListAndFewGetIn) {
  for (const Element campaign : labels()["campaigns"].get_array()) {
    const std::string list = text(campaign, "list");
    if (list.empty()) continue;
    EXPECT_TRUE(bool(campaign["ordered"]));
    const auto all = lines(folder().path("lists/" + list + ".txt"));
    const std::set<std::string> members(all.begin(), all.end());
    EXPECT_EQ(members.size(), all.size()) << "a list names nobody twice";
    const auto accounts = texts(campaign, "accounts");
    for (const std::string& account : accounts) ASSERT_TRUE(members.contains(account)) << account;
    const std::size_t hits = texts(campaign, "compromised").size();
    EXPECT_GE(hits * 1'000, accounts.size() * 2);
    EXPECT_LE(hits * 100, std::max<std::size_t>(accounts.size(), 100));
  }
}

TEST_P(Scenarios, SiteNamesTheMonitorAndTheTenant) {
  const Element site = parser_.load(folder().path(std::string(GetParam().name) + "/site.json"));
  EXPECT_THAT(texts(site, "trusted_sources"), ::testing::ElementsAre("10.249.0.0/24"));
  EXPECT_THAT(texts(site, "tenants"), ::testing::ElementsAre("shop"));
}

// The bytes of seed 42 on any machine. A change of the generator changes these: say so in the
// commit.
TEST_P(Scenarios, TheSameSeedGivesTheSameBytes) {
  static const std::map<std::string_view, std::uint64_t> kPinned = {
      {"attack_burst_one_address", 0xc20a0457f3c634a3},
      {"attack_spread_prefixes", 0xec3d93d97a4dd9a3},
      {"attack_guessing_fanin", 0x6b7025928df72ab3},
      {"quiet_day", 0xa1ef8d7bae0a8633},
      {"cgnat_crowd", 0x4653a9193074504c},
      {"mobile_roaming", 0xa9cbd269bd792393},
      {"bench", 0x8f9e411572cca166},
  };
  const std::uint64_t hash = fnv1a(testing::read_all(events_file()));
  ASSERT_TRUE(kPinned.contains(GetParam().name)) << std::hex << hash;
  EXPECT_EQ(hash, kPinned.at(GetParam().name)) << std::hex << hash;
}

TEST_P(Scenarios, AnotherSeedGivesOtherEvents) {
  const testing::TempFolder other;
  const Scale scale = GetParam().in_all ? kSmall : Scale{10};
  ASSERT_TRUE(write_scenario(GetParam(), kSeed + 1, scale, other.path(), {}));
  EXPECT_NE(testing::read_all(other.path(std::string(GetParam().name) + "/events.ndjson")),
            testing::read_all(events_file()));
}

INSTANTIATE_TEST_SUITE_P(All, Scenarios,
                         ::testing::ValuesIn(scenarios().begin(), scenarios().end()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Scenario, NamesAreFoundAndUnknownOnesAreNot) {
  for (const ScenarioInfo& scenario : scenarios())
    EXPECT_EQ(find_scenario(scenario.name), &scenario);
  EXPECT_EQ(find_scenario("quiet_night"), nullptr);
}

TEST(Scenario, LargerScaleMeansMoreOfEverything) {
  const testing::TempFolder small, large;
  const ScenarioInfo& scenario = *find_scenario("attack_spread_prefixes");
  const auto one = write_scenario(scenario, 3, Scale{500}, small.path(), {});
  const auto four = write_scenario(scenario, 3, Scale{2'000}, large.path(), {});
  ASSERT_TRUE(one && four);
  EXPECT_NEAR(static_cast<double>(four->benign_events) / static_cast<double>(one->benign_events), 4,
              0.2);
  EXPECT_EQ(four->events - four->benign_events, 4 * (one->events - one->benign_events));
  EXPECT_EQ(lines(large.path("lists/shop2021.txt")).size(), 60'000u);
}

TEST(Scenario, BenchKeepsItsPromisesAtAnyScale) {
  simdjson::dom::parser parser;
  std::set<std::string> sources, accounts;
  std::uint64_t failures = 0, events = 0;
  for (const std::string& line :
       lines(written(*find_scenario("bench")).path("bench/events.ndjson"))) {
    const Element event = parser.parse(line);
    std::string ip = text(event, "ip");
    if (ip.find(':') != ip.npos) {  // an IPv6 source is a /64
      std::size_t end = 0;
      for (int group = 0; group < 4; ++group) end = ip.find(':', end) + 1;
      ip.resize(end);
    }
    sources.insert(ip);
    accounts.insert(text(event, "account"));
    failures += text(event, "outcome") == "failure";
    ++events;
  }
  EXPECT_EQ(events, 50'000u);
  EXPECT_NEAR(static_cast<double>(failures), 6'250, 350);
  EXPECT_NEAR(static_cast<double>(sources.size()), 10'000, 250);
  EXPECT_GE(accounts.size(), 20'000u);
}

TEST(Scale, IsANumberFromAHundredthToTwenty) {
  EXPECT_EQ(parse_scale("1")->thousandths, 1'000u);
  EXPECT_EQ(parse_scale("0.25")->thousandths, 250u);
  EXPECT_EQ(parse_scale(".05")->thousandths, 50u);
  EXPECT_EQ(parse_scale("20")->thousandths, 20'000u);
  for (const char* wrong :
       {"", "0", "-1", "0.001", "21", "1.2345", "two", "1e3", "0x2", "99999999999999999999"}) {
    const auto scale = parse_scale(wrong);
    ASSERT_FALSE(scale) << wrong;
    EXPECT_THAT(scale.error().message, HasSubstr("0.01 to 20"));
  }
}

TEST(Folder, AFullOneIsRefusedUnlessForced) {
  const testing::TempFolder folder;
  EXPECT_TRUE(prepare_folder(folder.path("new/deep"), false));
  EXPECT_TRUE(prepare_folder(folder.path("new/deep"), false)) << "empty";
  folder.write("used/notes.txt", "mine");
  const auto refused = prepare_folder(folder.path("used"), false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, config::Error::Kind::kConfiguration);
  EXPECT_THAT(refused.error().message, HasSubstr("--force"));
  EXPECT_TRUE(prepare_folder(folder.path("used"), true));
  EXPECT_EQ(testing::read_all(folder.path("used/notes.txt")), "mine");
  EXPECT_FALSE(prepare_folder(folder.path("used/notes.txt"), true));
}

TEST(Folder, AFailedWriteNamesTheFile) {
  const testing::TempFolder folder;
  folder.write("quiet_day", "a file where the folder should be");
  const auto failed = write_scenario(*find_scenario("quiet_day"), 1, kSmall, folder.path(), {});
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("quiet_day"));
}

}  // namespace
}  // namespace stuffwatch::ingest::simulation
