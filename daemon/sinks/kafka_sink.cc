#include "daemon/sinks/kafka_sink.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/sinks/cloud_event.h"
#include "daemon/sinks/sink_config.h"
#include "ingest/kafka_handle.h"
#include "ingest/kafka_producer.h"

namespace stuffwatch::daemon::sinks {
namespace {

using config::failed;
using config::Result;
using detectors::Revision;
using namespace std::chrono_literals;

constexpr auto kSlice = 100ms;                     // how soon cancel() is noticed
constexpr std::chrono::milliseconds kAsking = 1s;  // how soon check() notices that it is to stop
// A broker that makes topics by itself does so when it is asked for one, and says meanwhile that there is none, or no leader.
constexpr std::chrono::milliseconds kMaking = 5s, kMakingPause = 200ms;

using KafkaTopic = std::unique_ptr<rd_kafka_topic_t, ingest::KafkaDelete<rd_kafka_topic_destroy>>;

// What became of one revision of the batch.
struct Outcome {
  enum class Kind : std::uint8_t { kWaiting, kTaken, kRefused, kFailed } kind = Kind::kWaiting;
  std::uint64_t token = 0;
  std::string problem;
};

bool in_the_making(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
         error == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
}

rd_kafka_resp_err_t ask_for(rd_kafka_topic_t& topic, rd_kafka_t& client,
                            std::chrono::milliseconds patience) {
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_metadata(&client, 0, &topic, &metadata, static_cast<int>(patience.count()));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return error;
  const rd_kafka_resp_err_t said =
      metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
  rd_kafka_metadata_destroy(metadata);
  return said;
}

class KafkaSink final : public Sink {
 public:
  KafkaSink(std::string topic, SinkContext context, std::chrono::milliseconds patience)
      : topic_(std::move(topic)), context_(std::move(context)), patience_(patience) {}

  Result<Delivered> deliver(std::span<const Revision> revisions) override;
  Result<void> check(const std::stop_token& stop) override;
  void tend() override {
    if (producer_) collect(0ms);
  }
  void cancel() override { cancelled_ = true; }

 private:
  Result<void> connect();
  [[nodiscard]] bool send(const Revision& revision);
  void collect(std::chrono::milliseconds wait);
  [[nodiscard]] Delivered sum_up(std::size_t given) const;

  const std::string topic_;
  const SinkContext context_;
  const std::chrono::milliseconds patience_;
  std::unique_ptr<ingest::KafkaProducer> producer_;
  std::vector<Outcome> outcomes_;  // of the batch under way, in its order; tokens rise
  std::string
      trouble_;  // what the client said while the batch waited: a time-out alone explains nothing
  std::atomic<bool> cancelled_{false};
};

// A message that is not acknowledged within the patience fails: so every delivery has an end, and the runner comes again.
Result<void> KafkaSink::connect() {
  if (producer_) return {};
  auto producer = ingest::KafkaProducer::open(
      context_.kafka, {.log = context_.kafka_log, .message_timeout = patience_, .properties = {}});
  if (!producer) return std::unexpected(producer.error());
  producer_ = std::move(*producer);
  return {};
}

// False: the client takes no more at the moment, or nothing at all.
bool KafkaSink::send(const Revision& revision) {
  const bool old = is_backfill(revision, context_.clock(), context_.alerts_max_age);
  const std::vector<Header> headers = cloud_event_headers(revision, context_.site, old);
  std::vector<ingest::KafkaHeaderView> views;
  for (const auto& [name, value] : headers) views.push_back({name, value});
  const auto sent = producer_->send(
      {.topic = topic_, .key = campaign_of(revision), .value = revision.body, .headers = views});
  if (sent) {
    outcomes_.push_back({.token = *sent, .problem = {}});
    return true;
  }
  using Why = ingest::KafkaRefusal::Why;
  const bool refused = sent.error().why == Why::kTooLarge;
  outcomes_.push_back({.kind = refused ? Outcome::Kind::kRefused : Outcome::Kind::kFailed,
                       .problem = sent.error().problem});
  return refused;
}

void KafkaSink::collect(std::chrono::milliseconds wait) {
  std::vector<ingest::KafkaDelivery> deliveries = producer_->poll(wait);
  if (deliveries.empty() && !producer_->problem().empty()) trouble_ = producer_->problem();
  for (ingest::KafkaDelivery& delivery : deliveries) {
    const auto outcome = std::ranges::find(outcomes_, delivery.token, &Outcome::token);
    if (outcome == outcomes_.end()) continue;
    outcome->kind = delivery.delivered   ? Outcome::Kind::kTaken
                    : delivery.too_large ? Outcome::Kind::kRefused
                                         : Outcome::Kind::kFailed;
    outcome->problem = std::move(delivery.problem);
  }
}

// Only what stands before the first failure is done: what was taken behind it comes again, in order.
Delivered KafkaSink::sum_up(std::size_t given) const {
  Delivered delivered;
  for (const Outcome& outcome : outcomes_) {
    if (outcome.kind != Outcome::Kind::kTaken)
      delivered.problem = fmt::format("topic {}: {}", topic_, outcome.problem);
    if (outcome.kind == Outcome::Kind::kFailed) return delivered;
    if (outcome.kind == Outcome::Kind::kRefused) ++delivered.refused;
    ++delivered.count;
  }
  if (delivered.count < given && delivered.problem.empty())
    delivered.problem = "the client's queue is full";
  return delivered;
}

Result<Delivered> KafkaSink::deliver(std::span<const Revision> revisions) {
  if (auto connected = connect(); !connected) return std::unexpected(connected.error());
  outcomes_.clear();
  trouble_.clear();
  for (const Revision& revision : revisions)
    if (!send(revision)) break;
  while (std::ranges::find(outcomes_, Outcome::Kind::kWaiting, &Outcome::kind) != outcomes_.end()) {
    if (cancelled_)
      return failed("topic {}: not acknowledged when the process was stopped", topic_);
    collect(kSlice);
  }
  Delivered delivered = sum_up(revisions.size());
  if (delivered.count < revisions.size()) {
    if (!trouble_.empty() && !delivered.problem.contains(trouble_))
      delivered.problem += "; " + trouble_;
    // A client that was refused a topic believes so until its next refresh, a minute later: the next attempt has a new one.
    producer_.reset();
  }
  return delivered;
}

// Asked in slices: the client waits for a broker as long as it is told to, and cannot be woken.
Result<void> KafkaSink::check(const std::stop_token& stop) {
  auto conf = ingest::make_kafka_conf(context_.kafka, ingest::KafkaRole::kAsker);
  if (!conf) return std::unexpected(conf.error());
  const auto client = ingest::make_kafka_handle(ingest::KafkaRole::kAsker, std::move(*conf));
  if (!client) return std::unexpected(client.error());
  const KafkaTopic topic(rd_kafka_topic_new(client->get(), topic_.c_str(), nullptr));
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__TIMED_OUT;
  for (auto left = patience_, making = kMaking;
       left > 0ms && making > 0ms && !stop.stop_requested();) {
    error = ask_for(*topic, *client->get(), std::min(left, kAsking));
    if (in_the_making(error))
      std::this_thread::sleep_for(kMakingPause), making -= kMakingPause;
    else if (error == RD_KAFKA_RESP_ERR__TIMED_OUT || error == RD_KAFKA_RESP_ERR__TRANSPORT)
      left -= kAsking;
    else
      break;
  }
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return failed("topic {}: {}", topic_, ingest::explain_kafka_error(error));
  return {};
}

}  // namespace

Result<std::unique_ptr<Sink>> make_kafka_sink(const std::string& topic, const SinkContext& context,
                                              std::chrono::milliseconds patience) {
  if (auto good = ingest::check_kafka_settings(context.kafka); !good)
    return std::unexpected(good.error());
  SinkContext complete = context;
  if (!complete.clock)
    complete.clock = [] {
      return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    };
  return std::make_unique<KafkaSink>(topic, std::move(complete), patience);
}

}  // namespace stuffwatch::daemon::sinks
