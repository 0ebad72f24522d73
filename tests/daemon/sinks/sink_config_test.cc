#include "daemon/sinks/sink_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/yaml_reader.h"
#include "tests/daemon/sinks/sinks_fixture.h"

namespace stuffwatch::daemon::sinks {
namespace {

using testing::HasSubstr;

struct Root {
  std::vector<SinkSection> sinks;
  OutboxSection outbox;
  void visit(config::FieldVisitor& v) {
    v.list("sinks", sinks, "Where alerts go.");
    v.section("outbox", outbox, "What waits for them.");
  }
};

config::Result<std::vector<SinkSection>> read(const std::string& yaml,
                                              const SinkContext& context = {},
                                              const std::vector<std::string>& topics = {}) {
  Root root;
  if (auto done = config::read_yaml(yaml, "test.yaml", {}, root); !done)
    return std::unexpected(done.error());
  return complete_sinks(root.sinks, context, topics);
}

std::string error_of(const std::string& yaml, const SinkContext& context = {},
                     const std::vector<std::string>& topics = {}) {
  const auto sinks = read(yaml, context, topics);
  if (sinks) return "no error";
  EXPECT_EQ(sinks.error().kind, config::Error::Kind::kConfiguration);
  return sinks.error().message;
}

SinkContext with_brokers() {
  SinkContext context;
  context.kafka.brokers = "k1.example:9092";
  return context;
}

TEST(SinkConfig, WithoutSinksThereAreTwoFiles) {
  SinkContext context;
  context.state_path = "/var/lib/stuffwatch/state";
  const auto sinks = read("", context);
  ASSERT_TRUE(sinks);
  ASSERT_EQ(sinks->size(), 2U);
  EXPECT_EQ((*sinks)[0].path, "/var/lib/stuffwatch/state/alerts.jsonl");
  EXPECT_EQ((*sinks)[0].name, "jsonl-alerts");
  EXPECT_EQ((*sinks)[1].path, "/var/lib/stuffwatch/state/accounts.jsonl");
  EXPECT_EQ((*sinks)[1].filter().feed, Feed::kAccounts);
  EXPECT_EQ(read("")->at(0).path, "alerts.jsonl");  // the working directory
}

TEST(SinkConfig, ReadsEveryKey) {
  const auto sinks = read(R"(
sinks:
  - {type: kafka, topic: security.alerts, min_urgency: page, min_severity: high}
  - {type: jsonl, feed: accounts, name: soar, path: out/accounts.jsonl, rotate_bytes: 1MiB, keep: 3}
outbox: {max_bytes: 2GiB, max_age: 3d}
)",
                          with_brokers());
  ASSERT_TRUE(sinks) << sinks.error().message;
  const SinkSection& kafka = (*sinks)[0];
  EXPECT_EQ(kafka.name, "kafka-alerts");
  EXPECT_EQ(kafka.topic, "security.alerts");
  EXPECT_EQ(kafka.filter().min_urgency, detectors::Urgency::kPage);
  EXPECT_EQ(kafka.filter().min_severity, detectors::Severity::kHigh);
  const SinkSection& file = (*sinks)[1];
  EXPECT_EQ(file.name, "soar");
  EXPECT_EQ(file.path, "out/accounts.jsonl");
  EXPECT_EQ(file.rotate_bytes, config::mebibytes(1));
  EXPECT_EQ(file.keep, 3U);
}

TEST(SinkConfig, MistakesAreNamedWithTheRemedy) {
  EXPECT_THAT(error_of("sinks: [{type: kafka}]", with_brokers()),
              HasSubstr("a kafka sink needs a topic"));
  EXPECT_THAT(error_of("sinks: [{path: x}]"), HasSubstr("type"));
  EXPECT_THAT(error_of("sinks: [{type: jsonl, topic: x}]"), HasSubstr("is for type: kafka only"));
  EXPECT_THAT(error_of("sinks: [{type: kafka, topic: x, path: y}]", with_brokers()),
              HasSubstr("is for type: jsonl only"));
  EXPECT_THAT(error_of("sinks: [{type: jsonl, name: ../../etc}]"),
              HasSubstr("small letters, digits"));
  EXPECT_THAT(error_of("sinks: [{type: kafka, topic: 'a b'}]", with_brokers()),
              HasSubstr("a topic's name"));
  EXPECT_THAT(error_of("sinks: [{type: kafka, topic: x}]"), HasSubstr("write kafka.brokers"));
  EXPECT_THAT(error_of("sinks: [{type: kafka, topic: logins}]", with_brokers(), {"logins"}),
              HasSubstr("logins is an input of this daemon"));
  EXPECT_THAT(error_of("sinks: [{type: jsonl, path: a}, {type: jsonl, path: b}]"),
              HasSubstr("sinks[1]: there is a sink jsonl-alerts already"));
  EXPECT_THAT(error_of("sinks: [{type: jsonl, path: a}, {type: jsonl, name: b, path: ./x/../a}]"),
              HasSubstr("another sink writes to"));
  EXPECT_THAT(error_of("sinks: [{type: jsonl, min_urgency: pager}]"), HasSubstr("page"));
}

TEST(SinkConfig, MakesAWorkingSink) {
  const test::TemporaryFolder temporary;
  const std::filesystem::path& folder = temporary.path();
  SinkContext context;
  context.state_path = folder;
  const auto sinks = read("", context);
  const auto sink = make_sink(sinks->at(0), context);
  ASSERT_TRUE(sink);
  EXPECT_TRUE((*sink)->check({}));
  const Revision revision = make_revision("c", 1);
  EXPECT_EQ((*sink)->deliver({&revision, 1})->count, 1U);
  EXPECT_EQ(slurp(folder / "alerts.jsonl"), revision.body + "\n");
}

}  // namespace
}  // namespace stuffwatch::daemon::sinks
