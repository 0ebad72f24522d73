// Whether the broker that serves a partition answers, read from librdkafka's statistics (once a
// second).
// Why: at the end of a partition the library is silent whether the broker answers or not, and "at
// the end" must never be said of a broker that is gone.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "config/result.h"

namespace stuffwatch::ingest {

enum class KafkaLink : std::uint8_t {
  kUnknown,  // nothing heard yet
  kUp,
  kDoubtful,  // some broker's connection broke since the last statistics
  kDown,      // no connection to the partition's broker, or no leader
  kSilent,    // connected, but it has not answered for too long
};

class KafkaLinks {
 public:
  // `silence_ms`: a fetch that has no answer for this long means the broker is not there.
  explicit KafkaLinks(std::int64_t silence_ms) : silence_ms_(silence_ms) {}

  // One statistics document. Errors: it is not what the library writes; the picture stays as it
  // was.
  [[nodiscard]] config::Result<void> update(std::string_view json);

  [[nodiscard]] KafkaLink link(const std::string& topic, std::int32_t partition) const;
  // Every partition that is fetched has its broker.
  [[nodiscard]] bool all_up() const;
  // "broker k1:9093 cannot be reached (state CONNECT)", for people; "" while all is well.
  [[nodiscard]] std::string words(const std::string& topic, std::int32_t partition) const;

 private:
  struct Broker {
    std::string name;
    std::string state;
    std::int64_t idle_ms = -1;  // since its last byte
    std::int64_t waiting = 0;   // requests without an answer
  };
  [[nodiscard]] const Broker* broker_of(const std::string& topic, std::int32_t partition) const;

  std::int64_t silence_ms_;
  bool heard_ = false;
  std::map<std::int64_t, Broker> brokers_;  // by node id
  std::map<std::pair<std::string, std::int32_t>, std::int64_t>
      leaders_;  // node id that is fetched from
};

}  // namespace stuffwatch::ingest
