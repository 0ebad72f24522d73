// Records that could not be decoded as messages of a topic: the value is the record, byte for byte;
// headers say why and from where (stuffwatch-reason, stuffwatch-input, stuffwatch-offset). What the
// topic does not take goes to the file.
// Threads: one. Memory: kQueueBytes of records under way, kept until the brokers have them.
// Errors:  a topic that cannot be written to makes records wait, and with them the pipeline;
// problem() says why.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "ingest/dead_letter.h"
#include "ingest/kafka_producer.h"

namespace stuffwatch::ingest {

class KafkaDeadLetter final : public DeadLetter {
 public:
  static constexpr std::size_t kQueueBytes = std::size_t{16} << 20U;
  static constexpr std::size_t kQueueRecords = 20'000;

  struct Options {
    KafkaSettings kafka;
    std::string topic;
    DeadLetterMode mode = DeadLetterMode::kRaw;
    std::unique_ptr<DeadLetterFile> file;  // for what is too large for the topic; always in full
    KafkaLog log;
  };
  [[nodiscard]] static config::Result<std::unique_ptr<KafkaDeadLetter>> open(Options options);

  [[nodiscard]] bool offer(const DeadLetterRecord& record, config::TimeMs now) override;
  void serve(config::TimeMs now) override;
  [[nodiscard]] config::Result<void> flush(std::chrono::milliseconds patience) override;
  [[nodiscard]] std::string problem() const override;
  [[nodiscard]] std::string destination() const override { return "topic " + options_.topic; }
  // Records that went to the file because the topic did not take them.
  [[nodiscard]] std::uint64_t diverted() const { return diverted_; }

 private:
  struct Kept {
    std::string bytes, input, reason;
    std::int64_t offset = 0;
    std::int64_t timestamp_ms = -1;
  };
  using Clock = std::chrono::steady_clock;

  KafkaDeadLetter(Options options, std::unique_ptr<KafkaProducer> producer);
  void send_waiting();
  void note(const KafkaDelivery& delivery);
  void divert(Kept kept);

  Options options_;
  std::unique_ptr<KafkaProducer> producer_;
  std::deque<Kept> waiting_;                 // not given to the producer yet, or to be given again
  std::map<std::uint64_t, Kept> under_way_;  // by token
  std::deque<Kept> too_large_;               // for the file, which had no room
  std::size_t bytes_ = 0;                    // of all three
  Clock::time_point not_before_{};           // a failed topic is left alone for a moment
  config::TimeMs now_{};
  std::uint64_t diverted_ = 0;
  std::string problem_;
};

}  // namespace stuffwatch::ingest
