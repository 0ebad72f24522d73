#include "ingest/kafka_client.h"

#include <librdkafka/rdkafka.h>

#include "config/duration.h"
#include "ingest/kafka_handle.h"

namespace stuffwatch::ingest {
namespace {

constexpr int kOldestLibrary = 0x020601ff;  // 2.6.1

config::Result<void> check_start(const std::string& text) {
  const auto position = KafkaPosition::parse(text);
  if (!position) return std::unexpected(position.error());
  return {};
}

}  // namespace

void KafkaSettings::visit(config::FieldVisitor& v) {
  v.field("brokers", brokers, "Brokers to ask first, separated by commas.",
          config::FieldOptions{.format = "HOST:PORT,..."});
  v.field("topic", topic, "Short form of one input: its topic. Use `inputs` for more than one.");
  v.field("group", group,
          "Consumer group. Offsets are committed to it; with exclusive ownership one process of it "
          "reads.");
  v.field(
      "start", start, check_start,
      "Where to begin without a checkpoint: latest, earliest, an RFC 3339 time, or a duration "
      "before now (at most state.max_rewind). By record timestamp. Where the group committed an "
      "older offset, it begins there; only a time skips what is older, and counts it.");
  v.field("ownership", ownership,
          "Whether one process reads every partition, or several divide them.");
  v.field("fetch_memory", fetch_memory, {config::mebibytes(1), config::gibibytes(16)},
          "Bytes fetched ahead, shared among the partitions (each takes one fetch more).",
          config::kOperational);
  v.field("properties", properties,
          "Properties of librdkafka: security.protocol, sasl.mechanism, sasl.username, "
          "ssl.ca.location, "
          "session.timeout.ms and so on. No secrets: see password_file.",
          config::kOperational);
  v.field("password_file", password_file, "File that holds the password of sasl.username.",
          config::kOperational);
  v.field("property_files", property_files,
          "Other secret properties of librdkafka, each with the file that holds its value: "
          "{ssl.key.password: FILE}.",
          config::kOperational);
}

config::Result<KafkaPosition> KafkaPosition::parse(std::string_view text) {
  if (text == "earliest") return KafkaPosition{Kind::kEarliest, {}, {}};
  if (text == "latest") return KafkaPosition{Kind::kLatest, {}, {}};
  if (const auto time = config::parse_rfc3339(text)) return KafkaPosition{Kind::kTime, *time, {}};
  if (const auto ago = config::parse_duration(text)) return KafkaPosition{Kind::kAgo, {}, *ago};
  return config::misconfigured(
      "'{}' is no place in a topic: write earliest, latest, a time such as 2026-01-02T03:04:05Z, "
      "or a duration before now such "
      "as 24h",
      text);
}

std::int64_t KafkaPosition::query(config::TimeMs now) const {
  const auto since_1970 = [](config::TimeMs t) {
    return std::max<std::int64_t>(0, t.time_since_epoch().count());
  };
  switch (kind) {
    case Kind::kEarliest: return RD_KAFKA_OFFSET_SPEC_EARLIEST;
    case Kind::kLatest: return RD_KAFKA_OFFSET_SPEC_LATEST;
    case Kind::kTime: return since_1970(time);
    case Kind::kAgo: return since_1970(now - ago);
  }
  return RD_KAFKA_OFFSET_SPEC_EARLIEST;
}

config::Result<void> check_kafka_library(int version) {
  if (version >= kOldestLibrary) return {};
  return config::failed(
      "librdkafka {}.{}.{} is too old: 2.6.1 or newer is needed (before it, SCRAM log-in to Kafka "
      "4 fails and a full queue "
      "stalls for a second). Install a newer librdkafka, or build with ./dev build, which links "
      "one statically",
      (version >> 24) & 0xff, (version >> 16) & 0xff, (version >> 8) & 0xff);
}

config::Result<void> check_kafka_library() { return check_kafka_library(rd_kafka_version()); }

std::string kafka_library_version() { return rd_kafka_version_str(); }

config::Result<void> check_kafka_settings(const KafkaSettings& settings) {
  if (auto ok = check_kafka_library(); !ok) return ok;
  for (const KafkaRole role : {KafkaRole::kMember, KafkaRole::kProducer}) {
    const auto conf = make_kafka_conf(settings, role);
    if (!conf) return std::unexpected(conf.error());
  }
  const auto start = KafkaPosition::parse(settings.start);
  if (!start) return config::misconfigured("kafka.start: {}", start.error().message);
  return {};
}

}  // namespace stuffwatch::ingest
