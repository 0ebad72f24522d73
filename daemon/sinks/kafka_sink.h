// Revisions as messages of a Kafka topic, keyed by campaign id, so that a compacted topic keeps the newest of each campaign
// and a campaign's revisions stay in order; the body is the value, CloudEvents attributes are headers. The producer is
// idempotent and waits for all in-sync replicas.
// Threads: as Sink. Memory: the client library's queue, at most one batch.
// Errors:  a broker that is down, a lost right or a missing topic fails the delivery with the remedy, after `patience` at the
//          latest. A message that is too large for the topic is refused for good.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "config/result.h"
#include "daemon/sinks/sink.h"

namespace stuffwatch::daemon::sinks {

struct SinkContext;

// With the brokers, log-in and properties of context.kafka. Errors: kConfiguration; no broker is asked.
[[nodiscard]] config::Result<std::unique_ptr<Sink>> make_kafka_sink(
    const std::string& topic, const SinkContext& context,
    std::chrono::milliseconds patience = std::chrono::seconds(10));

}  // namespace stuffwatch::daemon::sinks
