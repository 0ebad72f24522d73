// The live simulated stream, produced into a Kafka topic at a rate until it is stopped.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/result.h"

namespace stuffwatch::daemon {

struct SimulateTopic {
  std::string config, topic;
  std::vector<std::string> overrides;
  std::uint32_t rate = 100;
  std::uint64_t events = 0;  // 0 = until a signal
  std::uint64_t seed = 1;
};
[[nodiscard]] config::Result<void> simulate_into_topic(const SimulateTopic& wanted);

}  // namespace stuffwatch::daemon
