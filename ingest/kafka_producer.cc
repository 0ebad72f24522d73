#include "ingest/kafka_producer.h"

#include <algorithm>
#include <array>

#include "ingest/kafka_handle.h"

namespace stuffwatch::ingest {
namespace {

using Clock = std::chrono::steady_clock;
using Headers = std::unique_ptr<rd_kafka_headers_t, KafkaDelete<rd_kafka_headers_destroy>>;

constexpr int kEventsPerPoll = 1000;
constexpr int kLastWordsMs = 200;

Headers make_headers(std::span<const KafkaHeaderView> views) {
  Headers headers(rd_kafka_headers_new(views.size()));
  for (const KafkaHeaderView& view : views)
    rd_kafka_header_add(headers.get(), view.name.data(), static_cast<ssize_t>(view.name.size()),
                        view.value.data(), static_cast<ssize_t>(view.value.size()));
  return headers;
}

rd_kafka_vu_t argument(rd_kafka_vtype_t type) {
  rd_kafka_vu_t value{};
  value.vtype = type;
  return value;
}

// The library wants pointers to what it only reads.
void* unconst(const char* bytes) { return const_cast<char*>(bytes); }  // NOLINT

rd_kafka_vu_t memory(rd_kafka_vtype_t type, std::string_view bytes) {
  rd_kafka_vu_t value = argument(type);
  value.u.mem.ptr = unconst(bytes.data() == nullptr ? "" : bytes.data());
  value.u.mem.size = bytes.size();
  return value;
}

// Tokens travel in the message's pointer.
void* to_opaque(std::uint64_t token) { return reinterpret_cast<void*>(token); }  // NOLINT
std::uint64_t to_token(const void* opaque) {
  return reinterpret_cast<std::uintptr_t>(opaque);
}  // NOLINT

}  // namespace

class KafkaProducer::Impl {
 public:
  Impl(const KafkaSettings& settings, KafkaProducerOptions options)
      : settings_(settings), options_(std::move(options)) {}
  ~Impl() { close(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  config::Result<void> open() {
    std::vector<KafkaProperty> fixed{
        {"queue.buffering.max.messages", std::to_string(options_.max_messages)},
        {"queue.buffering.max.kbytes",
         std::to_string(std::max<std::uint64_t>(1, options_.max_bytes.count / 1024))},
        {"message.timeout.ms", std::to_string(options_.message_timeout.count())}};
    for (const auto& [name, value] : options_.properties) fixed.push_back({name, value});
    auto conf = make_kafka_conf(settings_, KafkaRole::kProducer, fixed);
    if (!conf) return std::unexpected(conf.error());
    auto client = make_kafka_handle(KafkaRole::kProducer, std::move(*conf));
    if (!client) return std::unexpected(client.error());
    client_ = std::move(*client);
    queue_.reset(rd_kafka_queue_get_main(client_.get()));
    return {};
  }

  std::expected<std::uint64_t, KafkaRefusal> send(const KafkaRecordView& record) {
    using Why = KafkaRefusal::Why;
    if (!client_) {
      if (auto ok = open(); !ok)
        return std::unexpected(KafkaRefusal{Why::kFailed, ok.error().message});
    }
    const std::string topic(record.topic);
    Headers headers = make_headers(record.headers);
    const std::uint64_t token = receipts_.take();
    std::array<rd_kafka_vu_t, 6> parts{argument(RD_KAFKA_VTYPE_TOPIC),
                                       argument(RD_KAFKA_VTYPE_MSGFLAGS),
                                       memory(RD_KAFKA_VTYPE_VALUE, record.value),
                                       argument(RD_KAFKA_VTYPE_OPAQUE),
                                       argument(RD_KAFKA_VTYPE_HEADERS),
                                       memory(RD_KAFKA_VTYPE_KEY, record.key.value_or(""))};
    parts[0].u.cstr = topic.c_str();
    parts[1].u.i = RD_KAFKA_MSG_F_COPY;
    parts[3].u.ptr = to_opaque(token);
    parts[4].u.headers = headers.get();
    const KafkaFault fault(rd_kafka_produceva(client_.get(), parts.data(),
                                              record.key ? parts.size() : parts.size() - 1));
    if (!fault) {
      static_cast<void>(headers.release());  // the message has them now
      return token;
    }
    receipts_.settle(token);
    const rd_kafka_resp_err_t error = rd_kafka_error_code(fault.get());
    if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL)
      return std::unexpected(KafkaRefusal{Why::kFull, "the producer's queue is full"});
    const Why why = error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ? Why::kTooLarge : Why::kFailed;
    return std::unexpected(
        KafkaRefusal{why, explain_kafka_error(error, rd_kafka_error_string(fault.get()))});
  }

  std::vector<KafkaDelivery> poll(std::chrono::milliseconds timeout) {
    std::vector<KafkaDelivery> deliveries;
    int wait_ms = static_cast<int>(timeout.count());
    for (int i = 0; client_ && i < kEventsPerPoll; ++i) {
      const KafkaEvent event(rd_kafka_queue_poll(queue_.get(), wait_ms));
      if (!event) break;
      take(*event, deliveries);
      if (!deliveries.empty()) wait_ms = 0;
    }
    if (fatal_) start_over(deliveries);
    return deliveries;
  }

  bool flush(std::chrono::milliseconds patience, std::vector<KafkaDelivery>& out) {
    const auto deadline = Clock::now() + patience;
    while (under_way() > 0 && Clock::now() < deadline) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
      std::ranges::move(poll(std::min(left, std::chrono::milliseconds(100))),
                        std::back_inserter(out));
    }
    return under_way() == 0;
  }

  std::size_t under_way() const { return receipts_.pending() - unsettled_failures_.size(); }
  std::uint64_t delivered_through() const { return receipts_.settled_through(); }
  const std::string& problem() const { return problem_; }
  void settle(std::uint64_t token) {
    if (unsettled_failures_.erase(token) != 0) receipts_.settle(token);
  }

 private:
  void take(rd_kafka_event_t& event, std::vector<KafkaDelivery>& deliveries) {
    switch (rd_kafka_event_type(&event)) {
      case RD_KAFKA_EVENT_DR:
        while (const rd_kafka_message_t* message = rd_kafka_event_message_next(&event))
          // Not rd_kafka_message_errstr(): of a message that was produced it returns the payload.
          deliveries.push_back(
              report(to_token(message->_private), message->err, rd_kafka_err2str(message->err)));
        break;
      case RD_KAFKA_EVENT_LOG: log_kafka_event(options_.log, event); break;
      case RD_KAFKA_EVENT_ERROR:
        note_kafka_error(problem_, event);
        fatal_ = fatal_ || rd_kafka_event_error(&event) == RD_KAFKA_RESP_ERR__FATAL;
        break;
      default: break;
    }
  }

  KafkaDelivery report(std::uint64_t token, rd_kafka_resp_err_t error, const char* words) {
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      receipts_.settle(token);
      problem_.clear();
      return {token, true, false, {}};
    }
    unsettled_failures_.insert(token);
    const bool too_large = error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    // That it took too long says less than why the brokers could not be reached.
    const bool timed_out = error == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT && !problem_.empty();
    std::string problem = timed_out ? problem_ : explain_kafka_error(error, words);
    if (!too_large) problem_ = problem;
    return {token, false, too_large, std::move(problem)};
  }

  // The client is of no more use: its idempotence is lost. What it still holds fails; the sender
  // sends it again through the next one.
  void start_over(std::vector<KafkaDelivery>& deliveries) {
    std::array<char, 512> why{};
    const rd_kafka_resp_err_t cause = rd_kafka_fatal_error(client_.get(), why.data(), why.size());
    problem_ = explain_kafka_error(cause, why.data());
    if (options_.log)
      options_.log(KafkaLogLevel::kError,
                   fmt::format("the Kafka producer starts over: {}", problem_));
    rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (const KafkaEvent event{rd_kafka_queue_poll(queue_.get(), kLastWordsMs)})
      take(*event, deliveries);
    for (const std::uint64_t token : std::set<std::uint64_t>(receipts_.all_pending()))
      if (!unsettled_failures_.contains(token))
        deliveries.push_back(report(token, RD_KAFKA_RESP_ERR__FATAL, why.data()));
    close();
    fatal_ = false;
  }

  void close() {
    queue_.reset();
    if (!client_) return;
    rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    client_.reset();
  }

  KafkaSettings settings_;
  KafkaProducerOptions options_;
  KafkaHandle client_;
  KafkaQueue queue_;
  KafkaReceipts receipts_;
  std::set<std::uint64_t> unsettled_failures_;
  std::string problem_;
  bool fatal_ = false;
};

config::Result<std::unique_ptr<KafkaProducer>> KafkaProducer::open(const KafkaSettings& settings,
                                                                   KafkaProducerOptions options) {
  auto impl = std::make_unique<Impl>(settings, std::move(options));
  if (auto ok = impl->open(); !ok) return std::unexpected(ok.error());
  return std::unique_ptr<KafkaProducer>(new KafkaProducer(std::move(impl)));
}

KafkaProducer::KafkaProducer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KafkaProducer::~KafkaProducer() = default;
std::expected<std::uint64_t, KafkaRefusal> KafkaProducer::send(const KafkaRecordView& record) {
  return impl_->send(record);
}
std::vector<KafkaDelivery> KafkaProducer::poll(std::chrono::milliseconds timeout) {
  return impl_->poll(timeout);
}
bool KafkaProducer::flush(std::chrono::milliseconds patience, std::vector<KafkaDelivery>& out) {
  return impl_->flush(patience, out);
}
std::size_t KafkaProducer::under_way() const { return impl_->under_way(); }
std::uint64_t KafkaProducer::delivered_through() const { return impl_->delivered_through(); }
void KafkaProducer::settle(std::uint64_t token) { impl_->settle(token); }
const std::string& KafkaProducer::problem() const { return impl_->problem(); }

}  // namespace stuffwatch::ingest
