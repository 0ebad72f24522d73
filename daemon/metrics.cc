#include "daemon/metrics.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>

#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "daemon/process_metrics.h"
#include "version.h"

namespace stuffwatch::daemon {
namespace {

constexpr double kLatencyBuckets[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                      0.1,    0.25,  0.5,    1,     2.5,  5,     10};
constexpr double kDelayBuckets[] = {0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300, 900, 3600};

struct Labels {
  std::string_view names[kMaxMetricLabels] = {};
};
using Type = MetricInfo::Type;

constexpr MetricInfo row(Counter id, std::string_view name, Labels labels, std::string_view help) {
  return {Type::kCounter, static_cast<std::uint8_t>(id),      name,
          help,           {labels.names[0], labels.names[1]}, {}};
}
constexpr MetricInfo row(Gauge id, std::string_view name, Labels labels, std::string_view help) {
  return {Type::kGauge, static_cast<std::uint8_t>(id),      name,
          help,         {labels.names[0], labels.names[1]}, {}};
}
constexpr MetricInfo row(Histogram id, std::string_view name, Labels labels, std::string_view help,
                         std::span<const double> buckets) {
  return {Type::kHistogram,
          static_cast<std::uint8_t>(id),
          name,
          help,
          {labels.names[0], labels.names[1]},
          buckets};
}

// The table. Order is that of docs/metrics.md: the way of an event through the daemon.
constexpr MetricInfo kTable[] = {
    row(Gauge::kBuildInfo, "stuffwatch_build_info", {{"version", "compiler"}},
        "Always 1; which stuffwatch this is."),
    row(Gauge::kServiceState, "stuffwatch_service_state", {{"state"}},
        "1 for the state the daemon is in, 0 for the others: full, degraded, blind, standby."),

    row(Gauge::kInputUp, "stuffwatch_input_up", {{"input"}},
        "1 while the input can be read, and when it was read to its end; 0 while it is unreachable "
        "or "
        "left out, and when it ended damaged or no format fits. The status says which."),
    row(Counter::kInputRecords, "stuffwatch_input_records_total", {{"input"}},
        "Records read: lines of a file, messages of a topic."),
    row(Counter::kInputBytes, "stuffwatch_input_bytes_total", {{"input"}},
        "Bytes of the records read."),
    row(Counter::kInputEvents, "stuffwatch_input_events_total", {{"input"}},
        "Login events decoded."),
    row(Counter::kInputSkipped, "stuffwatch_input_skipped_records_total", {{"input", "reason"}},
        "Good records that hold no login event."),
    row(Counter::kInputRejected, "stuffwatch_input_rejected_records_total", {{"input", "reason"}},
        "Bad records; each is dead-lettered."),
    row(Counter::kInputUnknownFields, "stuffwatch_input_unknown_fields_total", {{"input"}},
        "Fields nobody knows; they are ignored."),
    row(Counter::kInputSecretFields, "stuffwatch_input_secret_fields_total", {{"input"}},
        "Events with a field named like a password. It is never read; stop the producer from "
        "sending it."),
    row(Gauge::kInputLag, "stuffwatch_input_lag_records", {{"input"}},
        "Records between what the merge has taken and the end of the topic."),
    row(Gauge::kInputBehind, "stuffwatch_input_behind_seconds", {{"input"}},
        "Now minus the newest event time accepted from the input."),
    row(Gauge::kInputSilent, "stuffwatch_input_silent_seconds", {{"input"}},
        "Time since the last record of the input, or since it was first looked at. A silent feed "
        "is not calm."),
    row(Counter::kKafkaGapMessages, "stuffwatch_kafka_gap_messages_total", {},
        "Messages not seen here: gone from the topic before they were read, skipped because "
        "kafka.start is a time, or dealt with by another member of the group in the meantime."),

    row(Counter::kMergeLateEvents, "stuffwatch_merge_late_events_total", {},
        "Events that came back behind the merge front. While this is 0, live, catch-up and restart "
        "give the same alerts."),
    row(Gauge::kMergeLeftOutInputs, "stuffwatch_merge_left_out_inputs", {},
        "Inputs the merge does not wait for at the moment."),
    row(Counter::kMergeLeaveOuts, "stuffwatch_merge_leave_outs_total", {},
        "Times the merge went on without an input."),
    row(Gauge::kViewPartial, "stuffwatch_view_partial", {},
        "1 while alerts are made without some of the events (data_quality.partial)."),
    row(Counter::kDuplicateEvents, "stuffwatch_dedup_duplicate_events_total", {},
        "Events dropped because their event id was seen before."),
    row(Counter::kDedupForcedEvictions, "stuffwatch_dedup_evicted_ids_total", {},
        "Event ids forgotten before dedup.window was over, because dedup.max_ids was reached."),
    row(Counter::kLateEvents, "stuffwatch_pipeline_late_events_total", {},
        "Events older than the watermark; they reach no detector."),
    row(Counter::kPipelineEvents, "stuffwatch_pipeline_events_total", {},
        "Events handed to the detectors."),
    row(Counter::kPipelineBatches, "stuffwatch_pipeline_batches_total", {},
        "Batches handed to the detectors."),
    row(Histogram::kStageSeconds, "stuffwatch_pipeline_stage_seconds", {{"stage"}},
        "Time to decode a chunk of records (decode), or to take a block of events through "
        "detectors and campaigns (detect).",
        kLatencyBuckets),
    row(Gauge::kWatermarkTime, "stuffwatch_watermark_timestamp_seconds", {},
        "Event time up to which everything has been judged."),
    row(Gauge::kWatermarkLag, "stuffwatch_watermark_lag_seconds", {}, "Now minus the watermark."),
    row(Gauge::kQueueBytes, "stuffwatch_pipeline_queue_bytes", {{"input"}},
        "Bytes of the input that are read ahead, and what they are decoded to."),
    row(Gauge::kQueueCapacity, "stuffwatch_pipeline_queue_capacity_bytes", {},
        "Up to where an input is read ahead."),

    row(Gauge::kDetectorKeys, "stuffwatch_detector_keys", {{"detector"}},
        "Keys (addresses, accounts) a detector remembers."),
    row(Gauge::kDetectorMaxKeys, "stuffwatch_detector_max_keys", {{"detector"}},
        "Keys it may remember: its max_keys."),
    row(Counter::kDetectorEvictions, "stuffwatch_detector_evicted_keys_total", {{"detector"}},
        "Keys forgotten early because the table was full."),
    row(Gauge::kDetectorBytes, "stuffwatch_detector_state_bytes", {{"detector"}},
        "Memory of a detector's state, an estimate."),
    row(Gauge::kDetectorWarm, "stuffwatch_detector_warm", {{"detector"}},
        "1 once a detector has seen its warm-up time of events."),
    row(Counter::kDetectorFindings, "stuffwatch_detector_findings_total", {{"detector"}},
        "Findings a detector has made."),
    row(Counter::kEvidenceLives, "stuffwatch_evidence_lives_total", {{"detector", "reached"}},
        "Lives of keys begun (reached 1) and those whose evidence ever reached 1e2, 1e3, 1e4. "
        "Chance alone gives at most one in that many."),

    row(Gauge::kOpenCampaigns, "stuffwatch_open_campaigns", {{"severity"}},
        "Campaigns that are open."),
    row(Counter::kCampaignsOpened, "stuffwatch_opened_campaigns_total", {}, "Campaigns opened."),
    row(Counter::kCampaignRevisions, "stuffwatch_campaign_revisions_total", {{"reason"}},
        "Revisions made, by why."),
    row(Gauge::kOpenCompromisedAccounts, "stuffwatch_open_compromised_accounts", {},
        "Compromised accounts of open campaigns."),
    row(Gauge::kOldestCompromisedAccountAge, "stuffwatch_oldest_compromised_account_age_seconds",
        {}, "Time since the first login among them; 0 when there is none."),

    row(Counter::kOutboxAppended, "stuffwatch_outbox_appended_revisions_total", {},
        "Revisions written to the outbox."),
    row(Gauge::kOutboxBytes, "stuffwatch_outbox_bytes", {}, "Size of the outbox on disk."),
    row(Gauge::kOutboxUsed, "stuffwatch_outbox_used_ratio", {},
        "Share of the outbox's size or age cap in use, the larger of the two."),
    row(Gauge::kOutboxRecords, "stuffwatch_outbox_records", {}, "Revisions in the outbox."),
    row(Gauge::kSinkUp, "stuffwatch_sink_up", {{"sink"}},
        "0 after a delivery, or the look at the receiver when the daemon starts, that failed; else "
        "1."),
    row(Counter::kSinkDelivered, "stuffwatch_sink_delivered_revisions_total", {{"sink"}},
        "Revisions a sink has taken."),
    row(Counter::kSinkFailed, "stuffwatch_sink_failed_deliveries_total", {{"sink"}},
        "Deliveries, and looks at the receiver when the daemon starts, that failed; they are tried "
        "again."),
    row(Gauge::kSinkLag, "stuffwatch_sink_lag_revisions", {{"sink"}},
        "Revisions in the outbox that a sink has not taken yet."),
    row(Gauge::kSinkLagSeconds, "stuffwatch_sink_lag_seconds", {{"sink"}},
        "Age of the oldest revision a sink has not taken yet."),
    row(Histogram::kAlertDelay, "stuffwatch_alert_delay_seconds", {{"sink"}},
        "From a revision's event time to its delivery; not of closings, which count back to the "
        "last "
        "attempt.",
        kDelayBuckets),

    row(Counter::kCheckpoints, "stuffwatch_state_checkpoints_total", {{"result"}},
        "Checkpoints: ok (written), failed (not written), refused (not loaded)."),
    row(Gauge::kCheckpointTime, "stuffwatch_checkpoint_last_timestamp_seconds", {},
        "When the newest checkpoint was completed."),
    row(Gauge::kCheckpointBytes, "stuffwatch_checkpoint_bytes", {},
        "Size of the newest checkpoint."),
    row(Histogram::kCheckpointSeconds, "stuffwatch_checkpoint_duration_seconds", {},
        "How long the pipeline stood still for a checkpoint.", kLatencyBuckets),
    row(Counter::kDeadLetters, "stuffwatch_dead_letter_records_total", {{"reason"}},
        "Records put aside as bad."),

    row(Counter::kConfigReloads, "stuffwatch_config_reloads_total", {{"result"}},
        "Reloads of the configuration: ok (applied), failed (nothing changed)."),
    row(Gauge::kConfigReloadSuccessful, "stuffwatch_config_last_reload_successful", {},
        "1 when the configuration was last read without an error, at start or reload, else 0."),
    row(Gauge::kConfigReloadTime, "stuffwatch_config_last_reload_success_timestamp_seconds", {},
        "When the configuration in force was loaded."),
    row(Gauge::kCorpusUp, "stuffwatch_corpus_up", {},
        "1 while breach lists are in use; 0 without corpus.path, and when they cannot be read."),
    row(Gauge::kCorpusLists, "stuffwatch_corpus_lists", {}, "Breach lists in use."),
    row(Gauge::kCorpusEntries, "stuffwatch_corpus_entries", {},
        "Accounts in them, counted once a list."),
    row(Gauge::kCorpusBytes, "stuffwatch_corpus_bytes", {}, "Size of the corpus in use."),
    row(Gauge::kCorpusLoadedBytes, "stuffwatch_corpus_loaded_bytes", {},
        "How much of it is held in memory; the rest is mapped."),
    row(Gauge::kCorpusTime, "stuffwatch_corpus_changed_timestamp_seconds", {},
        "When the corpus in use was made: now minus this is its age."),
    row(Gauge::kCorpusLoadSeconds, "stuffwatch_corpus_load_seconds", {},
        "How long it took to read."),
    row(Gauge::kRegisteredAccounts, "stuffwatch_registered_accounts", {},
        "Open accounts in the register in use; 0 without accounts.path."),
    row(Counter::kCorpusLoads, "stuffwatch_corpus_loads_total", {{"result"}},
        "Times it was read: ok (in use), failed (what was in use stays)."),
    row(Counter::kCorpusLookups, "stuffwatch_corpus_lookups_total", {},
        "Events whose account was looked up."),
    row(Counter::kCorpusHits, "stuffwatch_corpus_hits_total", {{"list"}},
        "Events whose account was in the list."),
    row(Counter::kHttpRequests, "stuffwatch_http_requests_total", {{"route", "code"}},
        "Answers given over HTTP and the control socket."),
    row(Counter::kHttpRefusedConnections, "stuffwatch_http_refused_connections_total", {},
        "Connections turned away because too many were open."),
    row(Histogram::kHttpSeconds, "stuffwatch_http_request_seconds", {{"route"}},
        "Time to make an answer.", kLatencyBuckets),
};

// Where in the table each value of an enum stands. Does not compile unless every value has exactly
// one row.
template <class Id>
consteval auto rows_of(Type type) {
  std::array<std::size_t, static_cast<std::size_t>(Id::kCount)> rows{};
  std::array<bool, rows.size()> seen{};
  for (std::size_t i = 0; i < std::size(kTable); ++i) {
    if (kTable[i].type != type) continue;
    if (seen[kTable[i].index]) throw "a metric has two rows";
    seen[kTable[i].index] = true;
    rows[kTable[i].index] = i;
  }
  for (const bool listed : seen)
    if (!listed) throw "a metric has no row";
  return rows;
}
constexpr auto kCounterRows = rows_of<Counter>(Type::kCounter);
constexpr auto kGaugeRows = rows_of<Gauge>(Type::kGauge);
constexpr auto kHistogramRows = rows_of<Histogram>(Type::kHistogram);

#if defined(__clang__)
constexpr std::string_view kCompiler = "clang " __clang_version__;
#else
constexpr std::string_view kCompiler = "gcc " __VERSION__;
#endif

// A family with its series by label values.
template <class M>
class Series {
 public:
  void declare(prometheus::Registry& registry, const MetricInfo& info, auto builder) {
    info_ = &info;
    family_ = &builder.Name(std::string(info.name)).Help(std::string(info.help)).Register(registry);
    if (info.label_count() == 0) at({});
  }

  M& at(LabelValues values) {
    check(values);
    std::vector<std::string> key(values.begin(), values.end());
    const std::scoped_lock lock(mutex_);
    if (const auto found = series_.find(key); found != series_.end()) return *found->second;
    if (series_.size() >= kMaxSeries) key.assign(values.size(), "other");
    M*& metric = series_[key];
    if (metric == nullptr) metric = &make(key);
    return *metric;
  }

  void forget(LabelValues values) {
    check(values);
    const std::scoped_lock lock(mutex_);
    const auto found = series_.find(std::vector<std::string>(values.begin(), values.end()));
    if (found == series_.end()) return;
    family_->Remove(found->second);
    series_.erase(found);
  }

 private:
  void check(LabelValues values) const {
    if (values.size() == info_->label_count()) return;
    fmt::print(stderr, "bug: metric {} has {} labels, not {}\n", info_->name, info_->label_count(),
               values.size());
    std::abort();
  }

  M& make(const std::vector<std::string>& values) {
    std::map<std::string, std::string> labels;
    for (std::size_t i = 0; i < values.size(); ++i) labels.emplace(info_->labels[i], values[i]);
    if constexpr (std::is_same_v<M, prometheus::Histogram>)
      return family_->Add(labels,
                          std::vector<double>(info_->buckets.begin(), info_->buckets.end()));
    else
      return family_->Add(labels);
  }

  const MetricInfo* info_ = nullptr;
  prometheus::Family<M>* family_ = nullptr;  // owned by the registry
  std::mutex mutex_;
  std::map<std::vector<std::string>, M*>
      series_;  // guarded by mutex_; the metrics are owned by the family
};

template <class Id>
constexpr std::size_t index_of(Id id) {
  return static_cast<std::size_t>(id);
}

std::string_view type_name(Type type) {
  return type == Type::kCounter ? "counter" : type == Type::kGauge ? "gauge" : "histogram";
}

}  // namespace

struct Metrics::Impl {
  prometheus::Registry registry;
  std::array<Series<prometheus::Counter>, kCounterRows.size()> counters;
  std::array<Series<prometheus::Gauge>, kGaugeRows.size()> gauges;
  std::array<Series<prometheus::Histogram>, kHistogramRows.size()> histograms;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {
  for (std::size_t i = 0; i < kCounterRows.size(); ++i)
    impl_->counters[i].declare(impl_->registry, kTable[kCounterRows[i]],
                               prometheus::BuildCounter());
  for (std::size_t i = 0; i < kGaugeRows.size(); ++i)
    impl_->gauges[i].declare(impl_->registry, kTable[kGaugeRows[i]], prometheus::BuildGauge());
  for (std::size_t i = 0; i < kHistogramRows.size(); ++i)
    impl_->histograms[i].declare(impl_->registry, kTable[kHistogramRows[i]],
                                 prometheus::BuildHistogram());
  set(Gauge::kBuildInfo, {kVersion, kCompiler}, 1);
}
Metrics::~Metrics() = default;

prometheus::Counter& Metrics::counter(Counter id, LabelValues labels) {
  return impl_->counters[index_of(id)].at(labels);
}
prometheus::Gauge& Metrics::gauge(Gauge id, LabelValues labels) {
  return impl_->gauges[index_of(id)].at(labels);
}
prometheus::Histogram& Metrics::histogram(Histogram id, LabelValues labels) {
  return impl_->histograms[index_of(id)].at(labels);
}

void Metrics::add(Counter id, LabelValues labels, std::uint64_t n) {
  counter(id, labels).Increment(static_cast<double>(n));
}
void Metrics::set(Gauge id, LabelValues labels, double value) { gauge(id, labels).Set(value); }
void Metrics::observe(Histogram id, LabelValues labels, double value) {
  histogram(id, labels).Observe(value);
}
void Metrics::forget(Gauge id, LabelValues labels) { impl_->gauges[index_of(id)].forget(labels); }

void Metrics::raise(Counter id, LabelValues labels, std::uint64_t total) {
  prometheus::Counter& target = counter(id, labels);
  const double missing = static_cast<double>(total) - target.Value();
  if (missing > 0) target.Increment(missing);
}

std::string Metrics::text() const {
  std::vector<prometheus::MetricFamily> families = impl_->registry.Collect();
  append_process_metrics(families);
  return prometheus::TextSerializer().Serialize(families);
}

std::span<const MetricInfo> metric_table() { return kTable; }

std::string metrics_markdown() {
  std::string out =
      "# Metrics\n\n"
      "What `GET /metrics` shows, in Prometheus' text format. Printed from the table in "
      "`daemon/metrics.cc`; do not edit.\n"
      "Labels take values from bounded sets: configured names and fixed reasons, never an address "
      "or an account. A metric with\n"
      "labels appears with its first value. The usual `process_*` metrics are there too.\n\n"
      "| name | type | labels | meaning |\n| --- | --- | --- | --- |\n";
  for (const MetricInfo& info : kTable) {
    std::string labels;
    for (std::size_t i = 0; i < info.label_count(); ++i)
      labels += fmt::format("{}`{}`", i == 0 ? "" : ", ", info.labels[i]);
    out += fmt::format("| `{}` | {} | {} | {} |\n", info.name, type_name(info.type), labels,
                       info.help);
  }
  return out;
}

}  // namespace stuffwatch::daemon
