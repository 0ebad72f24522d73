#include "config/printers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "config/flatten.h"
#include "config/yaml_reader.h"
#include "config/yaml_tree.h"
#include "tests/config/sample_config.h"

namespace stuffwatch::config {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> values(SampleConfig& config) {
  SectionOf root(config);
  std::vector<std::string> out;
  for (const FlatField& field : flatten(root)) out.push_back(field.key + "=" + field.value);
  return out;
}

SampleConfig changed() {
  SampleConfig config;
  config.site = "a: \"b\" # c\n\t\x01\u20ac \\";
  config.listen = "[::1]:9477";
  config.enabled = false;
  config.shift = 10;
  config.offset = INT64_MIN;
  config.workers = 7;
  config.seed = UINT64_MAX;
  config.memory = mebibytes(1536);
  config.mode = SampleMode::kPage;
  config.kafka.brokers = "k1:9093,k2:9093";
  config.kafka.properties = {
      {"security.protocol", "SASL_SSL"}, {"null", "true"}, {"a b", "1"}, {"", "~"}};
  config.kafka.topics = {"yes:1", "- x:1", "{a: b}"};
  config.inputs = {{"okta", "okta.syslog", std::nullopt, std::chrono::seconds{90}},
                   {"", std::nullopt, "", {}}};
  config.detector.alarm_odds = 12345.678901234567;
  config.detector.maturity = std::chrono::milliseconds{1234};
  return config;
}

TEST(Printers, TheEffectiveConfigurationReadsBackEqual) {
  SampleConfig config = changed();
  SectionOf root(config);
  const std::string text = print_effective(root);
  SampleConfig again;
  const auto done = read_yaml(text, "f.yaml", {}, again);
  ASSERT_TRUE(done) << done.error().message << "\n" << text;
  EXPECT_EQ(values(again), values(config)) << text;
  SectionOf root_again(again);
  EXPECT_EQ(print_effective(root_again), text);
}

TEST(Printers, TheReferenceReadsBackEqual) {
  for (SampleConfig config : {SampleConfig(), changed()}) {
    SectionOf root(config);
    const std::string text = print_reference(root);
    SampleConfig again = changed();
    again.inputs.clear();
    again.kafka.properties["left"] = "over";
    const auto done = read_yaml(text, "f.yaml", {}, again);
    ASSERT_TRUE(done) << done.error().message << "\n" << text;
    EXPECT_EQ(values(again), values(config)) << text;
  }
}

TEST(Printers, TheReferenceExplains) {
  SampleConfig config;
  SectionOf root(config);
  const std::string text = print_reference(root);
  EXPECT_THAT(text, HasSubstr("# How many threads. [1 to 256 threads]\nworkers: 1\n"));
  EXPECT_THAT(text,
              HasSubstr("# What to do. [shadow: log only; page; can change live]\nmode: shadow\n"));
  EXPECT_THAT(text, HasSubstr("# Where to listen. [HOST:PORT]\nlisten: \"127.0.0.1:9477\"\n"));
  EXPECT_THAT(text, HasSubstr("\n# The broker.\nkafka:\n  # Where to connect. [HOST:PORT,...; must "
                              "be set]\n  brokers: \"\"\n"));
  EXPECT_THAT(text, HasSubstr("  # A first contact counts after this long. [1s to 1h; can change "
                              "live]\n  maturity: 10m\n"));
  EXPECT_THAT(text, HasSubstr("inputs: []\n  # An element:\n"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 104U) << line;
}

// What the reference shows of a list's element must itself be an element.
TEST(Printers, TheExampleOfAListElementReadsBack) {
  SampleConfig config;
  SectionOf root(config);
  std::istringstream lines(print_reference(root));
  std::string example;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("  # An element:")) {
      inside = true;
    } else if (inside && line.starts_with("  #")) {
      example += " " + line.substr(3) + "\n";
    } else {
      inside = false;
    }
  }
  ASSERT_THAT(example, HasSubstr("name: \"\"")) << print_reference(root);
  SampleConfig read;
  const auto done = read_yaml("inputs:\n" + example, "f.yaml", {}, read);
  ASSERT_FALSE(done);  // the sample's own rule wants a topic or a file
  EXPECT_THAT(done.error().message, HasSubstr("inputs[0].topic: set either topic or file"));
  EXPECT_EQ(read.inputs.size(), 1U);
}

TEST(Printers, MaskSecrets) {
  SampleConfig config;
  config.kafka.password = "tulip";
  config.kafka.properties = {
      {"sasl.password", "tulip"}, {"ssl.key.pem", "tulip"}, {"client.id", "x"}};
  SectionOf root(config);
  for (const std::string& text :
       {print_effective(root), print_reference(root), print_markdown(root, "t"),
        print_schema(root, "t"), print_fingerprint(root)})
    EXPECT_THAT(text, Not(HasSubstr("tulip")));
  EXPECT_THAT(print_effective(root), HasSubstr("  password: (set)\n"));
  EXPECT_THAT(print_effective(root),
              HasSubstr("{client.id: x, sasl.password: (set), ssl.key.pem: (set)}"));
}

TEST(Printers, MarkdownHasARowForEveryKey) {
  SampleConfig config;
  SectionOf root(config);
  const std::string text = print_markdown(root, "Configuration");
  EXPECT_THAT(text, HasSubstr("# Configuration\n"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "| `workers` | whole number | `1` | 1 to 256 threads | restart | How many threads. |\n"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "| `mode` | name | `shadow` | `shadow` log only<br>`page` | live | What to do. |\n"));
  EXPECT_THAT(text, HasSubstr("\n## `inputs[]`\n\nWhere events come from.\n"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "| `inputs[].name` | text | must be set |  | restart | What the input is called. |\n"));
  EXPECT_THAT(text, HasSubstr("| `detector.maturity` | duration | `10m` | 1s to 1h | live | A "
                              "first contact counts after this long. |\n"));
  config = changed();
  for (const std::string_view key :
       {"site", "listen", "enabled", "shift", "offset", "seed", "memory", "kafka.brokers",
        "kafka.password", "kafka.properties", "kafka.topics", "inputs[].topic", "inputs[].file",
        "inputs[].delay"})
    EXPECT_THAT(text, HasSubstr("| `" + std::string(key) + "` |"));
}

// JSON is YAML, so our own parser shows that the schema is well formed and what it says.
const YamlNode* at(const YamlNode& node, std::initializer_list<std::string_view> path) {
  const YamlNode* found = &node;
  for (const std::string_view step : path)
    if (found != nullptr) found = found->find(step);
  return found;
}

TEST(Printers, TheSchemaSaysWhatTheReaderTakes) {
  SampleConfig config;
  SectionOf root(config);
  const auto document = parse_yaml(print_schema(root, "stuffwatch \"configuration\""), "schema");
  ASSERT_TRUE(document) << document.error().message;
  const YamlNode& schema = document->root;
  const auto text = [&](std::initializer_list<std::string_view> path) {
    const YamlNode* node = at(schema, path);
    return node == nullptr ? "absent" : node->scalar;
  };
  EXPECT_EQ(text({"title"}), "stuffwatch \"configuration\"");
  EXPECT_EQ(text({"$schema"}), "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(text({"additionalProperties"}), "false");
  EXPECT_EQ(text({"properties", "workers", "type"}), "integer");
  EXPECT_EQ(text({"properties", "workers", "maximum"}), "256");
  EXPECT_EQ(text({"properties", "enabled", "default"}), "true");
  EXPECT_EQ(text({"properties", "memory", "default"}), "1GiB");
  EXPECT_EQ(text({"properties", "kafka", "additionalProperties"}), "false");
  EXPECT_EQ(
      text({"properties", "kafka", "properties", "properties", "additionalProperties", "type"}),
      "string");
  EXPECT_EQ(text({"properties", "kafka", "properties", "topics", "items", "type"}), "string");
  EXPECT_EQ(text({"properties", "inputs", "items", "properties", "delay", "default"}), "0s");
  EXPECT_EQ(text({"properties", "detector", "properties", "alarm_odds", "minimum"}), "10");
  const YamlNode* required = at(schema, {"properties", "inputs", "items", "required"});
  ASSERT_NE(required, nullptr);
  ASSERT_EQ(required->items.size(), 1U);
  EXPECT_EQ(required->items[0].scalar, "name");
  const YamlNode* modes = at(schema, {"properties", "mode", "enum"});
  ASSERT_NE(modes, nullptr);
  EXPECT_EQ(modes->items.size(), 2U);
  EXPECT_EQ(at(schema, {"properties"})->keys.size(), 12U);
}

TEST(Printers, TheFingerprintLeavesOutWhatChangesNoResult) {
  SampleConfig config = changed();
  SectionOf root(config);
  const std::string text = print_fingerprint(root);
  SampleConfig other = changed();
  other.workers = 200;
  other.kafka.password = "new";
  other.kafka.properties["client.id"] = "x";
  SectionOf other_root(other);
  EXPECT_EQ(print_fingerprint(other_root), text);
  other.detector.alarm_odds += 1;
  EXPECT_NE(print_fingerprint(other_root), text);
}

TEST(Printers, TheFingerprintIsSortedAndOneLineAKey) {
  SampleConfig config;
  SectionOf root(config);
  EXPECT_EQ(
      print_fingerprint(root),
      "detector.alarm_odds=100000000\ndetector.maturity=10m\nenabled=true\nkafka.brokers=\"\"\n"
      "kafka.topics=[\"auth:1\"]\nlisten=\"127.0.0.1:9477\"\nmemory=1GiB\nmode=shadow\noffset="
      "0\nseed=1\nshift=-3\nsite=\"\"\n");
}

}  // namespace
}  // namespace stuffwatch::config
