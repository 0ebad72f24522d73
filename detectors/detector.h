// Turns a stream of login events into findings.
//
// Time:    event time only. The same events and ticks give the same findings, on any machine, at any speed.
// Threads: none. One instance lives in one logical partition and needs no locks.
// Memory:  bounded by the detector's share of its max_keys; what is evicted is counted in usage().
// Cost:    observe is O(1) amortised an event. Errors: none; a field that is absent is skipped, not guessed.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "config/field_visitor.h"
#include "config/result.h"
#include "detectors/event.h"
#include "detectors/finding.h"
#include "detectors/state/state_io.h"

namespace stuffwatch::detectors {

// Which key decides the logical partition of an event: all events that share state must share it.
enum class PartitionBy : std::uint8_t {
  kSourceNetwork /* tenant, /24 or /48 */,
  kAccount /* tenant, account */
};

struct StateUsage {
  std::uint64_t keys = 0, max_keys = 0;
  std::uint64_t evictions = 0;  // forced by max_keys, since start
  std::uint64_t bytes = 0;      // resident, an estimate
  std::uint64_t saved = 0;      // by save(), about
  std::uint64_t
      lives = 0,
      reached[3] =
          {};  // lives begun; those whose evidence ever reached 1e2, 1e3, 1e4 (detection.md 7.3)
};

class Detector {
 public:
  virtual ~Detector() = default;
  virtual void observe(std::span<const LoginEvent* const> events, FindingCollector& out) = 0;
  // Fetches memory that observe() will touch, one dependent access a stage, for stages 0 .. kPrefetchStages - 1 in turn. The caller runs a stage for all
  // partitions before the next: a partition alone has too few events to hide an access to main memory.
  static constexpr unsigned kPrefetchStages = 2;
  virtual void prefetch(std::span<const LoginEvent* const> events, unsigned stage) const = 0;
  // No event before the tick `watermark` will follow: mature, expire. `seq` is that of the first event at or past the tick.
  virtual void advance(EventTime watermark, std::uint64_t seq, FindingCollector& out) = 0;
  virtual void save(StateWriter& out) const = 0;  // checkpoint; load(save(x)) behaves as x
  [[nodiscard]] virtual config::Result<void> load(StateReader& in) = 0;
  [[nodiscard]] virtual StateUsage usage() const = 0;
};

// What an instance is told about its place.
struct DetectorContext {
  DetectorId id = 0;
  std::uint32_t partition = 0, partitions = 1;
  std::uint64_t table_seed = 0;
};

// This partition's share of a limit that holds for the whole daemon.
[[nodiscard]] inline std::uint32_t share_of(std::uint32_t whole, const DetectorContext& context) {
  return std::max<std::uint32_t>(1, (whole + context.partitions - 1) / context.partitions);
}

// A detector's configuration and factory; holds the values read from `detectors.<name>`.
class DetectorKind : public config::Section {
 public:
  struct Info {
    std::string_view name, summary;
    PartitionBy partition_by;
    std::string_view technique;  // MITRE ATT&CK
    std::chrono::milliseconds
        warm_up;  // event time after which its judgements are what they will stay
    double starts_per_10m;
  };
  [[nodiscard]] virtual const Info& info() const = 0;
  [[nodiscard]] virtual std::unique_ptr<Detector> make(const DetectorContext& context) const = 0;
};

// Every detector, one line each (registry.cc). A DetectorId indexes this list.
[[nodiscard]] std::vector<std::unique_ptr<DetectorKind>> make_detector_kinds();

}  // namespace stuffwatch::detectors
