#include "daemon/sinks/kafka_sink.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "daemon/sinks/cloud_event.h"
#include "daemon/sinks/sink_config.h"
#include "ingest/kafka_handle.h"

namespace stuffwatch::daemon::sinks {
namespace {

using config::failed;
using config::Result;
using detectors::Revision;

constexpr int kPollMs = 100;           // how soon cancel() is noticed
constexpr std::uintptr_t kBatchBits = 20;  // of an opaque: the message's place in its batch

using KafkaHeaders = std::unique_ptr<rd_kafka_headers_t, ingest::KafkaDelete<rd_kafka_headers_destroy>>;
using KafkaTopic = std::unique_ptr<rd_kafka_topic_t, ingest::KafkaDelete<rd_kafka_topic_destroy>>;

struct Outcome {
  enum class Kind : std::uint8_t { kWaiting, kTaken, kRefused, kFailed } kind = Kind::kWaiting;
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
};

// Coming again with the same message cannot help.
bool never_taken(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || error == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE ||
         error == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE || error == RD_KAFKA_RESP_ERR_INVALID_RECORD;
}

Outcome outcome_of(rd_kafka_resp_err_t error) {
  using Kind = Outcome::Kind;
  return {error == RD_KAFKA_RESP_ERR_NO_ERROR ? Kind::kTaken : never_taken(error) ? Kind::kRefused : Kind::kFailed, error};
}

KafkaHeaders to_kafka(const std::vector<Header>& headers) {
  KafkaHeaders out(rd_kafka_headers_new(headers.size()));
  for (const auto& [name, value] : headers)
    rd_kafka_header_add(out.get(), name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  return out;
}

class KafkaSink final : public Sink {
 public:
  KafkaSink(std::string topic, SinkContext context, std::chrono::milliseconds patience)
      : topic_(std::move(topic)), context_(std::move(context)), patience_(patience) {}
  ~KafkaSink() override { close(); }

  Result<Delivered> deliver(std::span<const Revision> revisions) override;
  Result<void> check() override;
  void tend() override { serve(0); }
  void cancel() override { cancelled_ = true; }

 private:
  Result<void> connect();
  void close();
  rd_kafka_resp_err_t produce(const Revision& revision, std::size_t place);
  void serve(int wait_ms);
  void on_reports(rd_kafka_event_t& event);
  void on_error(rd_kafka_event_t& event);
  std::string explain(const Outcome& outcome) const;
  Delivered sum_up(std::size_t given) const;

  const std::string topic_;
  const SinkContext context_;
  const std::chrono::milliseconds patience_;
  ingest::KafkaHandle client_;
  ingest::KafkaQueue queue_;
  std::uintptr_t batch_ = 0;         // number of the batch under way: reports of an earlier one are of no interest
  std::vector<Outcome> outcomes_;
  std::size_t waiting_ = 0;
  std::string last_error_;           // what the client said since the last delivery that worked
  bool renew_ = false;               // the client must be made anew
  std::atomic<bool> cancelled_{false};
};

// A message that is not acknowledged within the patience fails: so every delivery has an end, and the runner comes again.
Result<ingest::KafkaConf> make_conf(const ingest::KafkaSettings& settings, std::chrono::milliseconds patience) {
  const std::vector<ingest::KafkaProperty> fixed{{"message.timeout.ms", std::to_string(patience.count())}};
  return ingest::make_kafka_conf(settings, ingest::KafkaRole::kProducer, fixed);
}

Result<void> KafkaSink::connect() {
  if (renew_) close();
  if (client_) return {};
  auto conf = make_conf(context_.kafka, patience_);
  if (!conf) return std::unexpected(conf.error());
  auto client = ingest::make_kafka_handle(ingest::KafkaRole::kProducer, std::move(*conf));
  if (!client) return std::unexpected(client.error());
  client_ = std::move(*client);
  queue_.reset(rd_kafka_queue_get_main(client_.get()));
  renew_ = false;
  last_error_.clear();
  return {};
}

void KafkaSink::close() {
  if (client_) rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  queue_.reset();
  client_.reset();
}

rd_kafka_resp_err_t KafkaSink::produce(const Revision& revision, std::size_t place) {
  const bool old = is_backfill(revision, context_.clock(), context_.alerts_max_age);
  KafkaHeaders headers = to_kafka(cloud_event_headers(revision, context_.site, old));
  const std::string_view key = campaign_of(revision);
  std::array<rd_kafka_vu_t, 6> parts{};
  parts[0].vtype = RD_KAFKA_VTYPE_TOPIC;
  parts[0].u.cstr = topic_.c_str();
  parts[1].vtype = RD_KAFKA_VTYPE_KEY;  // the library copies key and value (MSG_F_COPY)
  parts[1].u.mem = {const_cast<char*>(key.data()), key.size()};
  parts[2].vtype = RD_KAFKA_VTYPE_VALUE;
  parts[2].u.mem = {const_cast<char*>(revision.body.data()), revision.body.size()};
  parts[3].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  parts[3].u.i = RD_KAFKA_MSG_F_COPY;
  parts[4].vtype = RD_KAFKA_VTYPE_HEADERS;
  parts[4].u.headers = headers.get();
  parts[5].vtype = RD_KAFKA_VTYPE_OPAQUE;
  parts[5].u.ptr = reinterpret_cast<void*>(batch_ << kBatchBits | place);  // a number, never followed
  const ingest::KafkaFault fault(rd_kafka_produceva(client_.get(), parts.data(), parts.size()));
  if (fault) return rd_kafka_error_code(fault.get());
  static_cast<void>(headers.release());  // the message has taken them over
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void KafkaSink::on_reports(rd_kafka_event_t& event) {
  while (const rd_kafka_message_t* message = rd_kafka_event_message_next(&event)) {
    const auto opaque = reinterpret_cast<std::uintptr_t>(message->_private);
    const std::size_t place = opaque & ((std::uintptr_t{1} << kBatchBits) - 1);
    if (opaque >> kBatchBits != batch_ || place >= outcomes_.size()) continue;
    outcomes_[place] = outcome_of(message->err);
    --waiting_;
  }
}

void KafkaSink::on_error(rd_kafka_event_t& event) {
  const rd_kafka_resp_err_t error = rd_kafka_event_error(&event);
  if (error == RD_KAFKA_RESP_ERR__FATAL) renew_ = true;
  last_error_ = ingest::explain_kafka_error(error, rd_kafka_event_error_string(&event));
}

void KafkaSink::serve(int wait_ms) {
  if (!client_) return;
  while (ingest::KafkaEvent event{rd_kafka_queue_poll(queue_.get(), wait_ms)}) {
    wait_ms = 0;
    switch (rd_kafka_event_type(event.get())) {
      case RD_KAFKA_EVENT_DR: on_reports(*event); break;
      case RD_KAFKA_EVENT_ERROR: on_error(*event); break;
      case RD_KAFKA_EVENT_LOG: ingest::log_kafka_event(context_.kafka_log, *event); break;
      default: break;
    }
  }
}

// A time-out says nothing; why the brokers did not answer was said before.
std::string KafkaSink::explain(const Outcome& outcome) const {
  if (outcome.error == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT && !last_error_.empty())
    return fmt::format("topic {}: {}", topic_, last_error_);
  return fmt::format("topic {}: {}", topic_, ingest::explain_kafka_error(outcome.error));
}

// Only what stands before the first failure is done: what was taken behind it comes again, in order.
Delivered KafkaSink::sum_up(std::size_t given) const {
  Delivered delivered;
  for (; delivered.count < outcomes_.size(); ++delivered.count) {
    const Outcome& outcome = outcomes_[delivered.count];
    if (outcome.kind == Outcome::Kind::kTaken) continue;
    delivered.problem = explain(outcome);
    if (outcome.kind != Outcome::Kind::kRefused) return delivered;
    ++delivered.refused;
  }
  if (delivered.count < given && delivered.problem.empty()) delivered.problem = "the client's queue is full";
  return delivered;
}

Result<Delivered> KafkaSink::deliver(std::span<const Revision> revisions) {
  if (auto connected = connect(); !connected) return std::unexpected(connected.error());
  ++batch_;
  outcomes_.clear();
  waiting_ = 0;
  const std::size_t given = std::min(revisions.size(), std::size_t{1} << kBatchBits);
  outcomes_.reserve(given);
  for (const Revision& revision : revisions.first(given)) {
    const rd_kafka_resp_err_t error = produce(revision, outcomes_.size());
    if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) break;
    if (error == RD_KAFKA_RESP_ERR__FATAL) renew_ = true;
    const bool queued = error == RD_KAFKA_RESP_ERR_NO_ERROR;
    outcomes_.push_back(queued ? Outcome{} : outcome_of(error));
    waiting_ += queued;
    if (outcomes_.back().kind == Outcome::Kind::kFailed) break;
  }
  while (waiting_ != 0) {
    if (cancelled_) return failed("topic {}: not acknowledged when the process was stopped", topic_);
    serve(kPollMs);
  }
  Delivered delivered = sum_up(revisions.size());
  if (delivered.count != 0) last_error_.clear();
  // A client that was refused a topic believes so until its next refresh, a minute later; one that waits for a broker is well.
  renew_ |= std::ranges::any_of(outcomes_, [](const Outcome& outcome) {
    return outcome.kind == Outcome::Kind::kFailed && outcome.error != RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
  });
  return delivered;
}

Result<void> KafkaSink::check() {
  if (auto connected = connect(); !connected) return connected;
  const KafkaTopic topic(rd_kafka_topic_new(client_.get(), topic_.c_str(), nullptr));
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_metadata(client_.get(), 0, topic.get(), &metadata, static_cast<int>(patience_.count()));
  serve(0);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return failed("topic {}: {}", topic_, last_error_.empty() ? ingest::explain_kafka_error(error) : last_error_);
  const rd_kafka_resp_err_t of_topic =
      metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
  rd_kafka_metadata_destroy(metadata);
  if (of_topic != RD_KAFKA_RESP_ERR_NO_ERROR)
    return failed("topic {}: {}", topic_, ingest::explain_kafka_error(of_topic));
  return {};
}

}  // namespace

Result<std::unique_ptr<Sink>> make_kafka_sink(const std::string& topic, const SinkContext& context,
                                              std::chrono::milliseconds patience) {
  if (auto conf = make_conf(context.kafka, patience); !conf) return std::unexpected(conf.error());
  SinkContext complete = context;
  if (!complete.clock)
    complete.clock = [] {
      return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    };
  return std::make_unique<KafkaSink>(topic, std::move(complete), patience);
}

}  // namespace stuffwatch::daemon::sinks
