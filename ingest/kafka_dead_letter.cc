#include "ingest/kafka_dead_letter.h"

#include <array>

namespace stuffwatch::ingest {
namespace {

using namespace std::chrono_literals;

constexpr auto kBackOff = 1s;

}  // namespace

config::Result<std::unique_ptr<KafkaDeadLetter>> KafkaDeadLetter::open(Options options) {
  if (options.topic.empty()) return config::misconfigured("dead_letter.topic: missing");
  if (!options.file)
    return config::misconfigured(
        "dead_letter.file: needed for records that are too large for the topic");
  KafkaProducerOptions producing;
  producing.log = options.log;
  producing.max_messages = kQueueRecords;
  producing.max_bytes = config::Bytes{kQueueBytes * 2};
  // A batch that is too large fails with all that is in it: only a single large record may be.
  producing.properties = {{"batch.size", "16384"},
                          {"message.max.bytes", std::to_string(kQueueBytes)}};
  auto producer = KafkaProducer::open(options.kafka, std::move(producing));
  if (!producer) return std::unexpected(producer.error());
  return std::unique_ptr<KafkaDeadLetter>(
      new KafkaDeadLetter(std::move(options), std::move(*producer)));
}

KafkaDeadLetter::KafkaDeadLetter(Options options, std::unique_ptr<KafkaProducer> producer)
    : options_(std::move(options)), producer_(std::move(producer)) {}

bool KafkaDeadLetter::offer(const DeadLetterRecord& record, config::TimeMs now) {
  if (options_.mode == DeadLetterMode::kOff) return true;
  const auto full = [this] {
    return bytes_ >= kQueueBytes || waiting_.size() + under_way_.size() >= kQueueRecords;
  };
  if (full()) serve(now);
  if (full()) return false;
  const bool whole = options_.mode == DeadLetterMode::kRaw;
  waiting_.push_back({std::string(whole ? record.bytes : std::string_view{}),
                      std::string(record.input), std::string(record.reason), record.offset,
                      record.timestamp_ms});
  bytes_ += waiting_.back().bytes.size();
  if (waiting_.size() >= 256) send_waiting();
  return true;
}

void KafkaDeadLetter::serve(config::TimeMs now) {
  now_ = now;
  for (const KafkaDelivery& delivery : producer_->poll()) note(delivery);
  for (std::deque<Kept> again = std::exchange(too_large_, {}); !again.empty(); again.pop_front()) {
    bytes_ -= again.front().bytes.size();
    divert(std::move(again.front()));
  }
  send_waiting();
  options_.file->serve(now);
}

void KafkaDeadLetter::send_waiting() {
  if (Clock::now() < not_before_) return;
  while (!waiting_.empty()) {
    Kept& kept = waiting_.front();
    const std::string offset = std::to_string(kept.offset);
    const std::array<KafkaHeaderView, 3> headers{{{"stuffwatch-reason", kept.reason},
                                                  {"stuffwatch-input", kept.input},
                                                  {"stuffwatch-offset", offset}}};
    const auto token = producer_->send({options_.topic, std::nullopt, kept.bytes, headers});
    if (!token && token.error().why != KafkaRefusal::Why::kTooLarge) {
      if (token.error().why == KafkaRefusal::Why::kFailed) problem_ = token.error().problem;
      not_before_ = Clock::now() + (token.error().why == KafkaRefusal::Why::kFull ? 10ms : 1000ms);
      return;
    }
    if (token) {
      under_way_.emplace(*token, std::move(kept));
    } else {
      bytes_ -= kept.bytes.size();
      divert(std::move(kept));
    }
    waiting_.pop_front();
  }
}

void KafkaDeadLetter::note(const KafkaDelivery& delivery) {
  const auto found = under_way_.find(delivery.token);
  if (found == under_way_.end()) return;
  Kept kept = std::move(found->second);
  under_way_.erase(found);
  if (delivery.delivered) {
    bytes_ -= kept.bytes.size();
    problem_.clear();
    return;
  }
  producer_->settle(delivery.token);
  if (delivery.too_large) {
    bytes_ -= kept.bytes.size();
    divert(std::move(kept));
    return;
  }
  problem_ = delivery.problem;
  not_before_ = Clock::now() + kBackOff;
  waiting_.push_back(std::move(kept));
}

void KafkaDeadLetter::divert(Kept kept) {
  const DeadLetterRecord record{kept.bytes, kept.input, kept.offset, kept.timestamp_ms,
                                kept.reason};
  if (options_.file->offer_as(record, options_.mode, now_)) {
    ++diverted_;
    return;
  }
  bytes_ += kept.bytes.size();
  too_large_.push_back(std::move(kept));
}

config::Result<void> KafkaDeadLetter::flush(std::chrono::milliseconds patience) {
  const Clock::time_point deadline = Clock::now() + patience;
  serve(now_);
  while ((!waiting_.empty() || !under_way_.empty()) && Clock::now() < deadline) {
    for (const KafkaDelivery& delivery : producer_->poll(20ms)) note(delivery);
    send_waiting();
  }
  if (auto ok = options_.file->flush(patience); !ok) return ok;
  if (waiting_.empty() && under_way_.empty() && too_large_.empty()) return {};
  const std::string why = problem();
  return config::failed("{} records have not reached the dead-letter topic {}{}{}",
                        waiting_.size() + under_way_.size(), options_.topic,
                        why.empty() ? "" : ": ", why);
}

std::string KafkaDeadLetter::problem() const {
  if (!problem_.empty()) return problem_;
  if (!under_way_.empty() && !producer_->problem().empty()) return producer_->problem();
  return options_.file->problem();
}

}  // namespace stuffwatch::ingest
