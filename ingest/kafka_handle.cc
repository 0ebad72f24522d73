#include "ingest/kafka_handle.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "config/files.h"

namespace stuffwatch::ingest {
namespace {

// What the pipeline's guarantees rest on; a different value would break them silently.
struct Reserved {
  std::string_view name;
  std::string_view instead;
};
constexpr std::array kReserved = std::to_array<Reserved>({
    {"bootstrap.servers", "write kafka.brokers"},
    {"metadata.broker.list", "write kafka.brokers"},
    {"group.id", "write kafka.group"},
    {"group.protocol",
     "only the classic protocol lets exclusive ownership see the group's members"},
    {"enable.auto.commit", "offsets are committed with the checkpoints"},
    {"enable.auto.offset.store", "offsets are committed with the checkpoints"},
    {"enable.partition.eof", "the merge needs to know where a partition ends"},
    {"auto.offset.reset", "write kafka.start"},
    {"statistics.interval.ms", "the merge needs to know within a second that a broker is gone"},
    {"log.queue", "logs go to the daemon's log"},
    {"enable.idempotence", "the producer is always idempotent"},
    {"sasl.password", "write kafka.password_file, so that the password stands in no configuration"},
});

config::Result<void> set_property(rd_kafka_conf_t& conf, const std::string& name,
                                  const std::string& value, std::string_view key_prefix) {
  std::array<char, 512> why{};
  if (rd_kafka_conf_set(&conf, name.c_str(), value.c_str(), why.data(), why.size()) ==
      RD_KAFKA_CONF_OK)
    return {};
  return config::misconfigured("{}{}: {}", key_prefix, name, why.data());
}

// The value of a secret never gets into a message: the library quotes values it refuses.
config::Result<void> set_secret(rd_kafka_conf_t& conf, const std::string& key,
                                const std::string& name, const std::string& path) {
  const auto secret = config::read_secret_file(path);
  if (!secret) return config::misconfigured("{}: {}", key, secret.error().message);
  std::array<char, 512> why{};
  switch (rd_kafka_conf_set(&conf, name.c_str(), secret->c_str(), why.data(), why.size())) {
    case RD_KAFKA_CONF_OK: return {};
    case RD_KAFKA_CONF_UNKNOWN: return config::misconfigured("{}: {}", key, why.data());
    default:
      return config::misconfigured("{}: the value in {} is not valid for {}", key, path, name);
  }
}

std::vector<KafkaProperty> role_defaults(const KafkaSettings& settings, KafkaRole role) {
  std::vector<KafkaProperty> defaults = {
      {"bootstrap.servers", settings.brokers},
      {"client.id", "stuffwatch"},
      {"log.queue", "true"},
      {"socket.keepalive.enable", "true"},
      {"reconnect.backoff.max.ms", "2000"},
      {"topic.metadata.refresh.interval.ms", "60000"},
  };
  if (role == KafkaRole::kMember || role == KafkaRole::kReplayer) {
    // Measured: docs/performance.md. A full queue is looked at again after 5 ms, not after a
    // second.
    for (const KafkaProperty& property : std::initializer_list<KafkaProperty>{
             {"fetch.queue.backoff.ms", "5"},
             // There is one fetch at a time a broker: while it waits for records of the partitions
             // that are at their end, those whose queue was full get nothing. Measured with 12
             // quiet and 4 dense partitions: 0.2 M/s at 500 ms, 1.4 M/s at 50.
             {"fetch.wait.max.ms", "50"},
             {"queued.min.messages", "20000"},
             {"queued.max.messages.kbytes", "16384"},
             {"enable.auto.commit", "false"},
             {"enable.auto.offset.store", "false"},
             {"enable.partition.eof", "true"},
             {"auto.offset.reset", "error"},
             {"statistics.interval.ms", "1000"},
         })
      defaults.push_back(property);
  }
  if (role == KafkaRole::kMember) {
    defaults.push_back({"group.id", settings.group});
    defaults.push_back({"session.timeout.ms", "10000"});
    defaults.push_back({"heartbeat.interval.ms", "2000"});
    defaults.push_back({"partition.assignment.strategy", "range"});
  }
  if (role == KafkaRole::kProducer) {
    defaults.push_back({"enable.idempotence", "true"});
    defaults.push_back({"compression.type", "lz4"});
    defaults.push_back({"linger.ms", "5"});
    defaults.push_back({"message.timeout.ms", "60000"});
  }
  return defaults;
}

config::Result<void> check_strategy(const std::string& value, KafkaOwnership ownership) {
  constexpr std::string_view kKey = "kafka.properties.partition.assignment.strategy";
  if (ownership == KafkaOwnership::kExclusive && value != "range")
    return config::misconfigured("{}: exclusive ownership needs range; leave the line out", kKey);
  if (value.find("cooperative") != std::string::npos)
    return config::misconfigured(
        "{}: cooperative strategies are not supported; write range or roundrobin", kKey);
  return {};
}

config::Result<void> apply_properties(rd_kafka_conf_t& conf, const KafkaSettings& settings,
                                      KafkaRole role) {
  for (const auto& [name, value] : settings.properties) {
    const auto* reserved = std::ranges::find(kReserved, std::string_view(name), &Reserved::name);
    if (reserved != kReserved.end())
      return config::misconfigured("kafka.properties.{}: cannot be set here: {}", name,
                                   reserved->instead);
    if (name == "partition.assignment.strategy") {
      if (auto ok = check_strategy(value, settings.ownership); !ok) return ok;
    }
    // A replay joins no group: what belongs to the daemon's membership must not follow it there.
    if (role == KafkaRole::kReplayer && name == "group.instance.id") continue;
    if (auto ok = set_property(conf, name, value, "kafka.properties."); !ok) return ok;
  }
  if (settings.password_file) {
    if (auto ok = set_secret(conf, "kafka.password_file", "sasl.password", *settings.password_file);
        !ok)
      return ok;
  }
  for (const auto& [name, path] : settings.property_files) {
    if (auto ok = set_secret(conf, "kafka.property_files." + name, name, path); !ok) return ok;
  }
  return {};
}

std::string_view remedy(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
      return "check kafka.brokers, the network, and that security.protocol fits the brokers' "
             "listener";
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      return "check sasl.mechanism, sasl.username and kafka.password_file";
    case RD_KAFKA_RESP_ERR__SSL:
      return "check ssl.ca.location and, for client certificates, ssl.certificate.location and "
             "ssl.key.location";
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      return "grant this user READ and DESCRIBE on the topic (WRITE to produce to it)";
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
      return "grant this user READ on the group (it includes DESCRIBE), or name another with "
             "kafka.group";
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return "create the topic or correct its name; a user without DESCRIBE on it sees the same";
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
      return "another process uses the same group.instance.id; give each its own";
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
      return "the process was stopped for longer than max.poll.interval.ms; it rejoins the group";
    default: return {};
  }
}

}  // namespace

config::Result<KafkaConf> make_kafka_conf(const KafkaSettings& settings, KafkaRole role,
                                          std::span<const KafkaProperty> fixed) {
  if (settings.brokers.empty())
    return config::misconfigured("kafka.brokers: missing; write HOST:PORT,HOST:PORT");
  if (role == KafkaRole::kMember && settings.group.empty())
    return config::misconfigured("kafka.group: must not be empty");
  KafkaConf conf(rd_kafka_conf_new());
  for (const auto& [name, value] : role_defaults(settings, role)) {
    if (auto ok = set_property(*conf, name, value, "kafka: "); !ok)
      return std::unexpected(ok.error());
  }
  if (auto ok = apply_properties(*conf, settings, role); !ok) return std::unexpected(ok.error());
  for (const auto& [name, value] : fixed) {
    if (auto ok = set_property(*conf, name, value, "kafka: "); !ok)
      return std::unexpected(ok.error());
  }
  return conf;
}

config::Result<KafkaHandle> make_kafka_handle(KafkaRole role, KafkaConf conf) {
  if (auto ok = check_kafka_library(); !ok) return std::unexpected(ok.error());
  const bool consumer = role == KafkaRole::kMember || role == KafkaRole::kReplayer;
  int events = RD_KAFKA_EVENT_LOG | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_STATS;
  events |= consumer ? RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT : RD_KAFKA_EVENT_DR;
  rd_kafka_conf_set_events(conf.get(), events);
  std::array<char, 512> why{};
  rd_kafka_t* client = rd_kafka_new(consumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, conf.get(),
                                    why.data(), why.size());
  if (client == nullptr) return config::misconfigured("kafka: {}", why.data());
  static_cast<void>(conf.release());  // rd_kafka_new() took it over
  KafkaHandle handle(client);
  if (consumer) rd_kafka_poll_set_consumer(client);
  const KafkaQueue queue(consumer ? rd_kafka_queue_get_consumer(client)
                                  : rd_kafka_queue_get_main(client));
  rd_kafka_set_log_queue(client, queue.get());
  return handle;
}

std::string kafka_property(const rd_kafka_conf_t& conf, const char* name) {
  std::array<char, 512> value{};
  std::size_t size = value.size();
  if (rd_kafka_conf_get(&conf, name, value.data(), &size) != RD_KAFKA_CONF_OK) return {};
  return value.data();
}

KafkaPartitionList make_partition_list(int capacity) {
  return KafkaPartitionList(rd_kafka_topic_partition_list_new(capacity));
}

void log_kafka_event(const KafkaLog& log, rd_kafka_event_t& event) {
  const char* facility = nullptr;
  const char* text = nullptr;
  int level = 7;
  if (!log || rd_kafka_event_log(&event, &facility, &text, &level) != 0) return;
  if (text != nullptr && std::strstr(text, "property and will be ignored by this") != nullptr)
    return;
  const KafkaLogLevel ours = level <= 3   ? KafkaLogLevel::kError
                             : level <= 5 ? KafkaLogLevel::kWarning
                             : level == 6 ? KafkaLogLevel::kInfo
                                          : KafkaLogLevel::kDebug;
  log(ours, fmt::format("librdkafka {}: {}", facility == nullptr ? "" : facility,
                        text == nullptr ? "" : text));
}

void note_kafka_error(std::string& problem, rd_kafka_event_t& event) {
  const rd_kafka_resp_err_t error = rd_kafka_event_error(&event);
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !problem.empty()) return;
  problem = explain_kafka_error(error, rd_kafka_event_error_string(&event));
}

std::string explain_kafka_error(rd_kafka_resp_err_t error, std::string_view detail) {
  const std::string_view words = detail.empty() ? rd_kafka_err2str(error) : detail;
  const std::string_view advice = remedy(error);
  return advice.empty() ? std::string(words) : fmt::format("{}: {}", words, advice);
}

}  // namespace stuffwatch::ingest
