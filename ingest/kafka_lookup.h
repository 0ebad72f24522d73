// Several questions about offsets of the same partitions, asked together and again until every one
// has its answer.
// Threads: one. Cost: one round trip; after an error half a second more.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "ingest/kafka_admin.h"

namespace stuffwatch::ingest {

class KafkaLookup {
 public:
  using Clock = std::chrono::steady_clock;

  // Idle until asked.
  KafkaLookup() = default;
  explicit KafkaLookup(std::set<KafkaPlace> places) : places_(std::move(places)) {}

  // Returns what offset() wants to be asked with.
  // By the group of the client that is asked.
  std::size_t ask_committed();
  std::size_t ask_offsets(std::map<KafkaPlace, std::int64_t> query);
  // The same of every partition.
  std::size_t ask_offsets(std::int64_t query);

  // Sends what has not been sent, or failed a while ago.
  void drive(KafkaAdmin& admin, Clock::time_point now);
  // An answer of that KafkaAdmin; one that belongs to somebody else is left alone.
  void on_answer(const KafkaOffsetsAnswer& answer, Clock::time_point now);

  [[nodiscard]] bool done() const;
  [[nodiscard]] const std::set<KafkaPlace>& places() const { return places_; }
  // -1: there is no such record, nothing is committed. Only once done().
  [[nodiscard]] std::int64_t offset(std::size_t question, const KafkaPlace& place) const;
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  struct Question {
    bool committed = false;
    std::map<KafkaPlace, std::int64_t> query;
    int tag = 0;
    bool sent = false;
    bool answered = false;
    Clock::time_point not_before{};
    std::map<KafkaPlace, std::int64_t> offsets;
  };
  std::set<KafkaPlace> places_;
  std::vector<Question> questions_;
  std::string problem_;
};

}  // namespace stuffwatch::ingest
