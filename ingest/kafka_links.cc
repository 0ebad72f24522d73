#include "ingest/kafka_links.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>

namespace stuffwatch::ingest {
namespace {

using simdjson::ondemand::object;

std::int64_t number_or(object& from, std::string_view key, std::int64_t otherwise) {
  std::int64_t value = otherwise;
  auto found = from.find_field_unordered(key);
  if (found.error() != simdjson::SUCCESS || found.get_int64().get(value) != simdjson::SUCCESS)
    return otherwise;
  return value;
}

std::string text_or_empty(object& from, std::string_view key) {
  std::string_view value;
  auto found = from.find_field_unordered(key);
  if (found.error() != simdjson::SUCCESS || found.get_string().get(value) != simdjson::SUCCESS)
    return {};
  return std::string(value);
}

// Calls each(key, object) for the members of from[key]; false when it is missing or malformed.
template <class Each>
bool for_members(object& from, std::string_view key, Each each) {
  object members;
  auto found = from.find_field_unordered(key);
  if (found.error() != simdjson::SUCCESS || found.get_object().get(members) != simdjson::SUCCESS)
    return false;
  for (auto field : members) {
    std::string_view name;
    object member;
    if (field.error() != simdjson::SUCCESS || field.unescaped_key().get(name) != simdjson::SUCCESS)
      return false;
    const std::string owned(name);
    if (field.value().get_object().get(member) != simdjson::SUCCESS) return false;
    each(owned, member);
  }
  return true;
}

}  // namespace

config::Result<void> KafkaLinks::update(std::string_view json) {
  thread_local simdjson::ondemand::parser parser;
  const simdjson::padded_string padded(json);
  simdjson::ondemand::document document;
  object root;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS ||
      document.get_object().get(root) != simdjson::SUCCESS)
    return config::failed("librdkafka's statistics are not JSON");
  std::map<std::int64_t, Broker> brokers;
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> leaders;
  const bool brokers_read = for_members(root, "brokers", [&](const std::string&, object& member) {
    const std::int64_t node = number_or(member, "nodeid", -1);
    const std::int64_t idle_us = number_or(member, "rxidle", -1);
    Broker broker{text_or_empty(member, "nodename"), text_or_empty(member, "state"),
                  idle_us < 0 ? -1 : idle_us / 1000, number_or(member, "waitresp_cnt", 0)};
    // The coordinator has a second connection under the same node id; the data connection is the
    // named one.
    const bool coordinator = text_or_empty(member, "source") == "logical";
    if (node >= 0 && !coordinator) brokers.insert_or_assign(node, std::move(broker));
  });
  const bool topics_read =
      for_members(root, "topics", [&](const std::string& topic, object& member) {
        static_cast<void>(
            for_members(member, "partitions", [&](const std::string& number, object& partition) {
              std::int32_t index = -1;
              std::from_chars(number.data(), number.data() + number.size(), index);
              if (index >= 0) leaders[{topic, index}] = number_or(partition, "broker", -1);
            }));
      });
  if (!brokers_read || !topics_read)
    return config::failed("librdkafka's statistics lack brokers or topics");
  brokers_ = std::move(brokers);
  leaders_ = std::move(leaders);
  heard_ = true;
  return {};
}

const KafkaLinks::Broker* KafkaLinks::broker_of(const std::string& topic,
                                                std::int32_t partition) const {
  const auto leader = leaders_.find({topic, partition});
  if (leader == leaders_.end()) return nullptr;
  const auto broker = brokers_.find(leader->second);
  return broker == brokers_.end() ? nullptr : &broker->second;
}

KafkaLink KafkaLinks::link(const std::string& topic, std::int32_t partition) const {
  if (!heard_ || !leaders_.contains({topic, partition})) return KafkaLink::kUnknown;
  const Broker* broker = broker_of(topic, partition);
  // UPDATE: connected, while the library asks for a longer list of what the broker can do.
  if (broker == nullptr || (broker->state != "UP" && broker->state != "UPDATE"))
    return KafkaLink::kDown;
  if (broker->waiting > 0 && broker->idle_ms > silence_ms_) return KafkaLink::kSilent;
  return KafkaLink::kUp;
}

bool KafkaLinks::all_up() const {
  return !leaders_.empty() && std::ranges::all_of(leaders_, [&](const auto& leader) {
    return link(leader.first.first, leader.first.second) == KafkaLink::kUp;
  });
}

std::string KafkaLinks::words(const std::string& topic, std::int32_t partition) const {
  const KafkaLink now = link(topic, partition);
  if (now == KafkaLink::kUnknown || now == KafkaLink::kUp) return {};
  const Broker* broker = broker_of(topic, partition);
  if (broker == nullptr) return "the partition has no leader that can be reached";
  if (now == KafkaLink::kSilent)
    return fmt::format("broker {} has not answered for {} s", broker->name, broker->idle_ms / 1000);
  return fmt::format("broker {} cannot be reached (state {})", broker->name, broker->state);
}

}  // namespace stuffwatch::ingest
