// Every number the daemon exposes: one table (metrics.cc) is the registry, the text of /metrics and
// docs/metrics.md. Threads: any. Memory: bounded; a family holds at most kMaxSeries label
// combinations, the rest share one whose labels are all
//          "other". Cost: counter() and the like take a lock and look up a map: keep the reference
//          on a hot path, it lives as long as the Metrics. Errors: a wrong number of labels is a
//          bug of ours and aborts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace stuffwatch::daemon {

// The comment above a group gives its labels, in the order in which counter(), gauge() and
// histogram() take their values.
enum class Counter : std::uint8_t {
  // no labels
  kKafkaGapMessages,
  kMergeLateEvents,
  kMergeLeaveOuts,
  kDuplicateEvents,
  kDedupForcedEvictions,
  kLateEvents,
  kPipelineEvents,
  kPipelineBatches,
  kCampaignsOpened,
  kOutboxAppended,
  kHttpRefusedConnections,
  kCorpusLookups,
  // list
  kCorpusHits,
  // input
  kInputRecords,
  kInputBytes,
  kInputEvents,
  kInputUnknownFields,
  kInputSecretFields,
  // input, reason
  kInputSkipped,
  kInputRejected,
  // detector
  kDetectorEvictions,
  kDetectorFindings,
  // detector, reached
  kEvidenceLives,
  // reason
  kCampaignRevisions,
  kDeadLetters,
  // sink
  kSinkDelivered,
  kSinkFailed,
  // result
  kCheckpoints,
  kConfigReloads,
  kCorpusLoads,
  // route, code
  kHttpRequests,
  kCount
};
enum class Gauge : std::uint8_t {
  // no labels
  kMergeLeftOutInputs,
  kViewPartial,
  kWatermarkTime,
  kWatermarkLag,
  kOpenCompromisedAccounts,
  kOldestCompromisedAccountAge,
  kOutboxBytes,
  kOutboxUsed,
  kOutboxRecords,
  kCheckpointTime,
  kCheckpointBytes,
  kConfigReloadSuccessful,
  kConfigReloadTime,
  kCorpusUp,
  kCorpusLists,
  kCorpusEntries,
  kCorpusBytes,
  kCorpusLoadedBytes,
  kCorpusTime,
  kCorpusLoadSeconds,
  kRegisteredAccounts,
  kQueueCapacity,
  // version, compiler
  kBuildInfo,
  // state
  kServiceState,
  // input
  kInputUp,
  kInputLag,
  kInputBehind,
  kInputSilent,
  kQueueBytes,
  // detector
  kDetectorKeys,
  kDetectorMaxKeys,
  kDetectorBytes,
  kDetectorWarm,
  // severity
  kOpenCampaigns,
  // sink
  kSinkUp,
  kSinkLag,
  kSinkLagSeconds,
  kCount
};
enum class Histogram : std::uint8_t {
  // no labels
  kCheckpointSeconds,
  // stage
  kStageSeconds,
  // sink
  kAlertDelay,
  // route
  kHttpSeconds,
  kCount
};

inline constexpr std::size_t kMaxMetricLabels = 2;
inline constexpr std::size_t kMaxSeries = 1000;

// One row of the table.
struct MetricInfo {
  enum class Type : std::uint8_t { kCounter, kGauge, kHistogram };
  Type type;
  std::uint8_t index;  // of the enum
  std::string_view name, help;
  std::string_view labels[kMaxMetricLabels];  // empty = none; only from bounded sets, never an
                                              // address or an account
  std::span<const double> buckets;

  [[nodiscard]] constexpr std::size_t label_count() const {
    std::size_t n = 0;
    while (n < kMaxMetricLabels && !labels[n].empty()) ++n;
    return n;
  }
};
[[nodiscard]] std::span<const MetricInfo> metric_table();
[[nodiscard]] std::string metrics_markdown();  // docs/metrics.md

using LabelValues = std::initializer_list<std::string_view>;

class Metrics {
 public:
  Metrics();  // metrics without labels show from the start, with 0
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // metrics.counter(Counter::kInputSkipped, {"logins", "not_a_login"}).Increment(n)
  prometheus::Counter& counter(Counter id, LabelValues labels = {});
  prometheus::Gauge& gauge(Gauge id, LabelValues labels = {});
  prometheus::Histogram& histogram(Histogram id, LabelValues labels = {});

  void add(Counter id, LabelValues labels, std::uint64_t n);
  void set(Gauge id, LabelValues labels, double value);
  void observe(Histogram id, LabelValues labels, double value);
  // For totals that somebody else counts: brings the counter up to `total`; a smaller total leaves
  // it alone.
  void raise(Counter id, LabelValues labels, std::uint64_t total);
  // An input or a sink that is gone: its gauge is no longer shown. References to it become invalid.
  void forget(Gauge id, LabelValues labels);

  [[nodiscard]] std::string text() const;  // text format 0.0.4

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace stuffwatch::daemon
