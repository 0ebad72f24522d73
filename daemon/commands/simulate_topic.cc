#include "daemon/commands/simulate_topic.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include "daemon/config.h"
#include "ingest/kafka_producer.h"
#include "ingest/simulation/simulated_source.h"

namespace stuffwatch::daemon {
namespace {

using namespace std::chrono_literals;

std::atomic<bool> stop_wanted{false};

detectors::EventTime wall_now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

// Sends one record, waiting while the queue is full. Errors: what the brokers will never take.
config::Result<void> send(ingest::KafkaProducer& producer, const ingest::KafkaRecordView& record) {
  for (;;) {
    if (producer.send(record)) break;
    for (const auto& delivery : producer.poll(100ms))
      if (!delivery.delivered) return config::failed("{}", delivery.problem);
    if (stop_wanted) return {};
  }
  for (const auto& delivery : producer.poll())
    if (!delivery.delivered) return config::failed("{}", delivery.problem);
  return {};
}

}  // namespace

config::Result<void> simulate_into_topic(const SimulateTopic& wanted) {
  auto config = load_config(wanted.config, wanted.overrides);
  if (!config) return std::unexpected(config.error());
  if ((*config)->kafka.brokers.empty())
    return config::misconfigured(
        "simulate --topic needs kafka.brokers in the configuration (--config FILE)");
  std::signal(SIGINT, [](int) { stop_wanted = true; });
  std::signal(SIGTERM, [](int) { stop_wanted = true; });
  const auto log = [](ingest::KafkaLogLevel level, std::string_view text) {
    if (level <= ingest::KafkaLogLevel::kWarning) fmt::print(stderr, "simulate: {}\n", text);
  };
  auto producer = ingest::KafkaProducer::open((*config)->kafka, {.log = log, .properties = {}});
  if (!producer) return std::unexpected(producer.error());
  ingest::simulation::LiveConfig live;
  live.rate = wanted.rate, live.seed = wanted.seed;
  ingest::simulation::SimulatedSource source(live, wall_now);
  for (const auto& change : source.service()) static_cast<void>(change);
  std::uint64_t sent = 0;
  while (!stop_wanted && (wanted.events == 0 || sent < wanted.events)) {
    ingest::RawChunk chunk;
    if (source.read(live.input, chunk) != ingest::ReadStatus::kChunk) {
      static_cast<void>((*producer)->poll(20ms));
      std::this_thread::sleep_for(20ms);
      continue;
    }
    for (const auto& record : chunk.records) {
      if (stop_wanted || (wanted.events != 0 && sent == wanted.events)) break;
      if (auto done = send(
              **producer,
              {.topic = wanted.topic, .key = std::nullopt, .value = record.bytes, .headers = {}});
          !done)
        return done;
      ++sent;
    }
  }
  std::vector<ingest::KafkaDelivery> last;
  if (!(*producer)->flush(10s, last))
    return config::failed("{} events were not taken by the brokers within 10 s: {}",
                          (*producer)->under_way(), (*producer)->problem());
  fmt::print(stderr, "simulate: {} events sent to {}\n", sent, wanted.topic);
  return {};
}

}  // namespace stuffwatch::daemon
