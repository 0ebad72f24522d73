// Sends messages to Kafka, idempotently, and tells of each whether it arrived.
// Order: messages of one partition arrive in the order of send(), also over retries.
// Threads: one. Nothing blocks but flush() and poll(timeout).
// Memory:  at most max_bytes and max_messages queued; then send() says kFull and nothing is taken.
// Errors:  what cannot arrive comes out of poll() with the reason. After a fatal error of the
// client everything under way fails, and a new client is made at the next send().
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/kafka_client.h"

namespace stuffwatch::ingest {

struct KafkaHeaderView {
  std::string_view name;
  std::string_view value;
};

struct KafkaRecordView {
  std::string_view topic;
  std::optional<std::string_view> key;
  std::string_view value;
  std::span<const KafkaHeaderView> headers;
};

struct KafkaProducerOptions {
  KafkaLog log;
  std::uint32_t max_messages = 100'000;
  config::Bytes max_bytes = config::mebibytes(64);
  std::chrono::milliseconds message_timeout = std::chrono::seconds(60);
  // Further properties of the library, which win over kafka.properties.
  std::vector<std::pair<std::string, std::string>> properties;
};

struct KafkaRefusal {
  enum class Why : std::uint8_t { kFull, kTooLarge, kFailed } why;
  std::string problem;
};

struct KafkaDelivery {
  std::uint64_t token = 0;
  bool delivered = false;
  bool too_large = false;  // the topic will never take it
  std::string problem;     // when not delivered, with the remedy
};

// Which tokens are done with, in order: the cursor of whoever sends. Tokens count up from 1.
class KafkaReceipts {
 public:
  std::uint64_t take() {
    pending_.insert(++last_);
    return last_;
  }
  // Delivered, or given up by its sender.
  void settle(std::uint64_t token) { pending_.erase(token); }
  // Every token up to this one is settled.
  [[nodiscard]] std::uint64_t settled_through() const {
    return pending_.empty() ? last_ : *pending_.begin() - 1;
  }
  [[nodiscard]] std::size_t pending() const { return pending_.size(); }
  [[nodiscard]] const std::set<std::uint64_t>& all_pending() const { return pending_; }

 private:
  std::uint64_t last_ = 0;
  std::set<std::uint64_t> pending_;
};

class KafkaProducer {
 public:
  [[nodiscard]] static config::Result<std::unique_ptr<KafkaProducer>> open(
      const KafkaSettings& settings, KafkaProducerOptions options);
  ~KafkaProducer();

  // Copies the record. The token comes back in a KafkaDelivery.
  [[nodiscard]] std::expected<std::uint64_t, KafkaRefusal> send(const KafkaRecordView& record);
  // What became of messages since the last call.
  [[nodiscard]] std::vector<KafkaDelivery> poll(
      std::chrono::milliseconds timeout = std::chrono::milliseconds{0});
  // poll() until nothing is under way, or `patience` is over; true when nothing is.
  [[nodiscard]] bool flush(std::chrono::milliseconds patience, std::vector<KafkaDelivery>& out);
  // Neither delivered nor failed yet.
  [[nodiscard]] std::size_t under_way() const;
  // Every message up to this token was delivered, or settle()d.
  [[nodiscard]] std::uint64_t delivered_through() const;
  // The sender has dealt with a failed message in its own way.
  void settle(std::uint64_t token);
  // Why nothing gets through at the moment; "" while all is well.
  [[nodiscard]] const std::string& problem() const;

 private:
  class Impl;
  explicit KafkaProducer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace stuffwatch::ingest
