#include "config/yaml_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "tests/config/sample_config.h"

namespace stuffwatch::config {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

struct Read {
  SampleConfig config;
  std::string errors;  // "" when all was well
};

Read read(std::string_view text, const std::vector<std::string>& overrides = {}) {
  Read result;
  const Result<void> done = read_yaml(text, "f.yaml", overrides, result.config);
  if (!done) {
    EXPECT_EQ(done.error().kind, Error::Kind::kConfiguration);
    EXPECT_NE(done.error().message, "");
    result.errors = done.error().message;
  }
  return result;
}

std::string errors(std::string_view text, const std::vector<std::string>& overrides = {}) {
  return read(text, overrides).errors;
}

TEST(YamlReader, NothingWrittenChangesNothing) {
  for (const char* text :
       {"", "# only a comment\n", "---\n", "{}", "kafka:\ninputs:\ndetector: {}\n", "---\n...\n"}) {
    const Read result = read(text);
    EXPECT_EQ(result.errors, "") << text;
    EXPECT_EQ(result.config.workers, 1U);
    EXPECT_THAT(result.config.kafka.topics, ElementsAre("auth:1"));
  }
}

TEST(YamlReader, ReadsEveryKindOfField) {
  const Read result = read(R"(
site: 42
listen: "0.0.0.0:80"
enabled: false
shift: -10
offset: -9223372036854775808
workers: 256
seed: 18446744073709551615
memory: 12GiB
mode: page
kafka:
  brokers: k1:9093,k2:9093
  properties: {security.protocol: SASL_SSL, client.id: 7}
  topics: [a:1, "b:2"]
inputs:
  - {name: okta, topic: okta.syslog, delay: 90s}
  - name: ssh
    file: /var/log/auth.log
detector: {alarm_odds: 1e6, maturity: 1m30s}
)");
  const SampleConfig& c = result.config;
  EXPECT_EQ(result.errors, "");
  EXPECT_EQ(c.site, "42");
  EXPECT_EQ(c.listen, "0.0.0.0:80");
  EXPECT_FALSE(c.enabled);
  EXPECT_EQ(c.shift, -10);
  EXPECT_EQ(c.offset, INT64_MIN);
  EXPECT_EQ(c.workers, 256U);
  EXPECT_EQ(c.seed, UINT64_MAX);
  EXPECT_EQ(c.memory, gibibytes(12));
  EXPECT_EQ(c.mode, SampleMode::kPage);
  EXPECT_EQ(c.kafka.brokers, "k1:9093,k2:9093");
  EXPECT_THAT(c.kafka.properties,
              ElementsAre(Pair("client.id", "7"), Pair("security.protocol", "SASL_SSL")));
  EXPECT_THAT(c.kafka.topics, ElementsAre("a:1", "b:2"));
  ASSERT_EQ(c.inputs.size(), 2U);
  EXPECT_EQ(c.inputs[0].delay, 90s);
  EXPECT_EQ(c.inputs[1].file, "/var/log/auth.log");
  EXPECT_EQ(c.inputs[1].topic, std::nullopt);
  EXPECT_EQ(c.detector.alarm_odds, 1e6);
  EXPECT_EQ(c.detector.maturity, 90s);
}

TEST(YamlReader, SaysEverythingAtOnceInFileOrder) {
  EXPECT_EQ(errors(R"(workrs: 3
enabled: yes
memory: 256
kafka:
  topics: a:1
  tpoics: [a:1]
inputs:
  - {topic: x, name: a}
  - {topic: x, file: y, name: b}
  - {topic: x, delay: 2h}
detector:
  alarm_odds: 1
mode: pgae
)",
                   {"shift=11"}),
            R"(f.yaml:1:1: workrs: unknown key; did you mean "workers"?
f.yaml:2:10: enabled: expected true or false, found "yes"
f.yaml:3:9: memory: "256": a size is a whole number with its unit: B, KiB, MiB, GiB or TiB, such as 256KiB
f.yaml:5:3: kafka.brokers: is missing and must be set: Where to connect.
f.yaml:5:11: kafka.topics: expected a list; write ["a:1"]
f.yaml:6:3: kafka.tpoics: unknown key; did you mean "topics"?
f.yaml:9:13: inputs[1].topic: set either topic or file
f.yaml:10:5: inputs[2].name: is missing and must be set: What the input is called.
f.yaml:10:23: inputs[2].delay: 2h is out of range: at most 1h
f.yaml:12:15: detector.alarm_odds: 1 is out of range: 10 to 1000000000000000
f.yaml:13:7: mode: expected one of shadow, page, found "pgae"; did you mean "page"?
--set shift: 11 is out of range: -10 to 10)");
}

TEST(YamlReader, NamesBoundsAndUnit) {
  EXPECT_EQ(errors("workers: 0"), "f.yaml:1:10: workers: 0 is out of range: 1 to 256 threads");
  EXPECT_EQ(errors("workers: -1"), "f.yaml:1:10: workers: -1 is out of range: 1 to 256 threads");
  EXPECT_EQ(errors("workers: 99999999999999999999"),
            "f.yaml:1:10: workers: 99999999999999999999 is out of range: 1 to 256 threads");
  EXPECT_EQ(errors("seed: -1"), "f.yaml:1:7: seed: -1 is too large or too small");
  EXPECT_EQ(errors("memory: 1KiB"), "f.yaml:1:9: memory: 1KiB is out of range: 1MiB to 64GiB");
  EXPECT_EQ(errors("detector: {maturity: 2h}"),
            "f.yaml:1:22: detector.maturity: 2h is out of range: 1s to 1h");
  EXPECT_EQ(errors("detector: {alarm_odds: 1e999}"),
            "f.yaml:1:24: detector.alarm_odds: 1e999 is too large or too small");
}

TEST(YamlReader, NamesTheTypeItExpects) {
  EXPECT_EQ(errors("workers: many"),
            "f.yaml:1:10: workers: expected a whole number, found \"many\"");
  EXPECT_EQ(errors("workers: 1.5"), "f.yaml:1:10: workers: expected a whole number, found \"1.5\"");
  EXPECT_EQ(
      errors("workers: \"3\""),
      "f.yaml:1:10: workers: expected a whole number, found a text in quotes; remove the quotes");
  EXPECT_THAT(errors("workers:"), HasSubstr("workers: expected a whole number, found nothing"));
  EXPECT_EQ(errors("site: [a]"), "f.yaml:1:7: site: expected a text, found a list");
  EXPECT_EQ(errors("site: {a: b}"), "f.yaml:1:7: site: expected a text, found a map");
  EXPECT_EQ(errors("site: ~"), "f.yaml:1:7: site: expected a text, found nothing");
  EXPECT_EQ(errors("detector: {alarm_odds: nan}"),
            "f.yaml:1:24: detector.alarm_odds: expected a number, found \"nan\"");
  EXPECT_THAT(errors("detector: {maturity: 600}"),
              HasSubstr("detector.maturity: \"600\": a duration is written with its unit"));
  EXPECT_THAT(errors("detector: 5"),
              HasSubstr("detector: expected a section with keys of its own"));
  EXPECT_THAT(errors("inputs: {name: a}"),
              HasSubstr("inputs: expected a list; start each element with \"- \""));
  EXPECT_THAT(errors("inputs: [a]"),
              HasSubstr("f.yaml:1:10: inputs[0]: expected an element with keys of its own"));
  EXPECT_THAT(errors("kafka: {brokers: a, properties: [a]}"),
              HasSubstr("kafka.properties: expected a map of texts, found a list"));
  EXPECT_THAT(errors("kafka: {brokers: a, properties: {a: [b]}}"),
              HasSubstr("kafka.properties: a: expected a text, found a list"));
  EXPECT_THAT(errors("kafka: {brokers: a, topics: [{}]}"),
              HasSubstr("kafka.topics: element 1: expected a text, found a map"));
  EXPECT_EQ(errors("- a"), "f.yaml:1:1: expected keys with values, such as \"site: shop-eu\"");
  EXPECT_EQ(errors("a text"), "f.yaml:1:1: expected keys with values, such as \"site: shop-eu\"");
}

TEST(YamlReader, AsksTheFieldsOwnCheck) {
  EXPECT_EQ(errors("listen: localhost"),
            "f.yaml:1:9: listen: \"localhost\" has no port; write HOST:PORT");
  EXPECT_EQ(errors("kafka: {brokers: a, topics: [a:1, b]}"),
            "f.yaml:1:29: kafka.topics: element 2: \"b\" has no port; write HOST:PORT");
}

TEST(YamlReader, HelpsWithUnknownKeys) {
  EXPECT_EQ(errors("Site: a"), "f.yaml:1:1: Site: unknown key; did you mean \"site\"?");
  EXPECT_EQ(errors("brokers: a"),
            "f.yaml:1:1: brokers: unknown key; did you mean \"kafka.brokers\"?");
  EXPECT_EQ(errors("kafka.brokers: a"),
            "f.yaml:1:1: kafka.brokers: unknown key; keys are nested: kafka: {brokers: ...}");
  EXPECT_EQ(errors("detector: {zzz: 1}"),
            "f.yaml:1:12: detector.zzz: unknown key; the keys here are alarm_odds, maturity");
  EXPECT_EQ(errors("zzz: 1", {"kafka.brokrs=a"}),
            "f.yaml:1:1: zzz: unknown key; the keys here are site, listen, enabled, shift, offset, "
            "workers, seed, memory, mode, kafka, inputs, detector\n"
            "--set kafka.brokrs: unknown key; did you mean \"kafka.brokers\"?");
  EXPECT_EQ(errors("", {"zzz=1"}),
            "--set zzz: unknown key; stuffwatch config print --reference shows every key");
}

TEST(YamlReader, RefusesAKeyThatStandsTwice) {
  EXPECT_EQ(errors("site: a\nworkers: 0\nsite: b\n"),
            "f.yaml:2:10: workers: 0 is out of range: 1 to 256 threads\n"
            "f.yaml:3:1: site: the key stands twice, first in line 1; remove one");
  EXPECT_EQ(errors("kafka:\n  brokers: a\n  properties: {a: b, \"a\": c}\n"),
            "f.yaml:3:22: kafka.properties.a: the key stands twice, first in line 3; remove one");
  EXPECT_EQ(errors("inputs:\n- {name: a, file: b}\n- {name: a, file: b, file: c}\n"),
            "f.yaml:3:22: inputs[1].file: the key stands twice, first in line 3; remove one");
}

TEST(YamlReader, SettingsOfTheCommandLineWin) {
  const Read result = read(
      "site: a\nkafka: {brokers: a, properties: {a: b}}\ninputs: [{name: x, file: y}]\n",
      {"site=b", "site=c=d", "kafka.topics=[q:1]", "kafka.properties.security.protocol=PLAINTEXT",
       "inputs[0].file=z", "detector.maturity=30s", "detector={alarm_odds: 20, maturity: 5s}"});
  EXPECT_EQ(result.errors, "");
  EXPECT_EQ(result.config.site, "c=d");
  EXPECT_THAT(result.config.kafka.topics, ElementsAre("q:1"));
  EXPECT_THAT(result.config.kafka.properties,
              ElementsAre(Pair("a", "b"), Pair("security.protocol", "PLAINTEXT")));
  EXPECT_EQ(result.config.inputs.at(0).file, "z");
  EXPECT_EQ(result.config.detector.maturity, 30s);
  EXPECT_EQ(result.config.detector.alarm_odds, 20.0);
}

TEST(YamlReader, SettingsOfTheCommandLineMakeSectionsAndLists) {
  const Read result =
      read("", {"kafka.brokers=a:1", "inputs=[{name: x, file: y}]", "kafka.properties={a: b}"});
  EXPECT_EQ(result.errors, "");
  EXPECT_EQ(result.config.kafka.brokers, "a:1");
  EXPECT_THAT(result.config.kafka.properties, ElementsAre(Pair("a", "b")));
  EXPECT_EQ(result.config.inputs.size(), 1U);
}

TEST(YamlReader, ExplainsBadSettingsOfTheCommandLine) {
  EXPECT_EQ(errors("", {"site"}), "--set site: write KEY=VALUE, such as kafka.topic=auth.logins");
  EXPECT_EQ(errors("", {"=a"}), "--set =a: write KEY=VALUE, such as kafka.topic=auth.logins");
  EXPECT_THAT(errors("", {"site=[a"}), HasSubstr("--set site: value:1:"));
  EXPECT_EQ(errors("", {"workers=0"}), "--set workers: 0 is out of range: 1 to 256 threads");
  EXPECT_EQ(errors("", {"inputs[3].name=a"}).find("--set inputs[3].name: unknown key"), 0U);
}

TEST(YamlReader, TakesNoSecretFromTheCommandLine) {
  for (const char* setting :
       {"kafka.password=tulip", "kafka={brokers: a, password: tulip}",
        "kafka.properties.sasl.password=tulip", "kafka.properties={ssl.key.pem: tulip}"}) {
    const Read result = read("", {setting});
    EXPECT_THAT(result.errors, HasSubstr("a secret is not taken from the command line")) << setting;
    EXPECT_THAT(result.errors, testing::Not(HasSubstr("tulip")));
    EXPECT_EQ(result.config.kafka.password, "");
    EXPECT_TRUE(result.config.kafka.properties.empty());
  }
}

TEST(YamlReader, NeverShowsASecretInAnError) {
  EXPECT_EQ(errors("kafka: {brokers: a, password: [tulip]}"),
            "f.yaml:1:31: kafka.password: expected a text, found a list");
}

TEST(YamlReader, LooksAtRulesOnlyWhenTheValuesAreGood) {
  EXPECT_EQ(errors("inputs: [{name: a, file: [], topic: x}]"),
            "f.yaml:1:26: inputs[0].file: expected a text, found a list");
  EXPECT_EQ(errors("inputs: [{name: a}]"),
            "f.yaml:1:10: inputs[0].topic: set either topic or file");
}

TEST(YamlReader, KeepsCountOfWhatItDoesNotShow) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "key" + std::to_string(i) + ": 1\n";
  const std::string message = errors(text);
  EXPECT_EQ(std::ranges::count(message, '\n'), 50);
  EXPECT_TRUE(message.ends_with("\nand 250 more")) << message;
}

TEST(YamlReader, ReadsFiles) {
  const auto folder = std::filesystem::path(testing::TempDir());
  const std::string path = folder / "yaml_reader_test.yaml";
  std::ofstream(path) << "workers: 0\n";
  SampleConfig config;
  const auto done = read_yaml_file(path, {}, config);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, path + ":1:10: workers: 0 is out of range: 1 to 256 threads");
  std::filesystem::remove(path);
  const auto gone = read_yaml_file(path, {}, config);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().message, path + ": cannot be opened: No such file or directory");
}

}  // namespace
}  // namespace stuffwatch::config
