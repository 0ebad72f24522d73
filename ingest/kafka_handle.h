// librdkafka's C handles in types that clean up after themselves. Only .cc files of this room
// include it.
// Threads: as librdkafka's; events are taken from queues by the thread that owns the handle, no
// callback runs elsewhere.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "config/result.h"
#include "ingest/kafka_client.h"

namespace stuffwatch::ingest {

template <auto kDestroy>
struct KafkaDelete {
  template <class T>
  void operator()(T* handle) const {
    kDestroy(handle);
  }
};

using KafkaConf = std::unique_ptr<rd_kafka_conf_t, KafkaDelete<rd_kafka_conf_destroy>>;
using KafkaHandle = std::unique_ptr<rd_kafka_t, KafkaDelete<rd_kafka_destroy>>;
using KafkaQueue = std::unique_ptr<rd_kafka_queue_t, KafkaDelete<rd_kafka_queue_destroy>>;
using KafkaEvent = std::unique_ptr<rd_kafka_event_t, KafkaDelete<rd_kafka_event_destroy>>;
using KafkaFault = std::unique_ptr<rd_kafka_error_t, KafkaDelete<rd_kafka_error_destroy>>;
using KafkaPartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t,
                                           KafkaDelete<rd_kafka_topic_partition_list_destroy>>;

enum class KafkaRole : std::uint8_t {
  kAsker,     // asks for metadata, groups and offsets; reads nothing
  kMember,    // consumer in the configured group
  kReplayer,  // consumer in a group of its own, commits nothing
  kProducer,  // idempotent producer
};

struct KafkaProperty {
  std::string name;
  std::string value;
};

// Defaults of the role, then kafka.properties and the secrets, then `fixed`, which win. A property
// that the role needs for itself is refused in kafka.properties.
[[nodiscard]] config::Result<KafkaConf> make_kafka_conf(const KafkaSettings& settings,
                                                        KafkaRole role,
                                                        std::span<const KafkaProperty> fixed = {});

// Takes the configuration over. Logs and errors arrive as events on the main queue (of a consumer:
// once rd_kafka_poll_set_consumer() was called, on the consumer queue).
[[nodiscard]] config::Result<KafkaHandle> make_kafka_handle(KafkaRole role, KafkaConf conf);

// One property as the configuration has it now; "" when unknown.
[[nodiscard]] std::string kafka_property(const rd_kafka_conf_t& conf, const char* name);

[[nodiscard]] KafkaPartitionList make_partition_list(int capacity = 8);

// Passes a RD_KAFKA_EVENT_LOG on. Hints that a property is of no use to this kind of client are
// left out.
void log_kafka_event(const KafkaLog& log, rd_kafka_event_t& event);

// Keeps what a RD_KAFKA_EVENT_ERROR says, with the remedy; "all brokers are down" never displaces
// the reason why they are.
void note_kafka_error(std::string& problem, rd_kafka_event_t& event);

// The library's words for an error, with what to do about it.
[[nodiscard]] std::string explain_kafka_error(rd_kafka_resp_err_t error,
                                              std::string_view detail = {});

}  // namespace stuffwatch::ingest
