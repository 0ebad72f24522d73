// What /metrics shows of the service: totals and gauges that others keep, once a second.
#include <algorithm>
#include <chrono>

#include "daemon/service.h"

namespace stuffwatch::daemon {
namespace {

double seconds_of(std::chrono::milliseconds d) { return static_cast<double>(d.count()) / 1000; }

}  // namespace

void Service::publish_metrics(const DaemonStatus& s) {
  for (const ServiceState state : kServiceStates)
    metrics_.set(Gauge::kServiceState, {name_of(state)}, s.state == state ? 1 : 0);
  publish_input_metrics(s);
  publish_pipeline_metrics(s);
  publish_detector_metrics(s);
  publish_campaign_metrics(s);
  publish_output_metrics(s);
  publish_corpus_metrics(s.corpus);
}

void Service::publish_corpus_metrics(const CorpusHealth& c) {
  metrics_.set(Gauge::kCorpusUp, {}, c.up ? 1 : 0);
  metrics_.set(Gauge::kCorpusLists, {}, c.up ? static_cast<double>(c.lists) : 0);
  metrics_.set(Gauge::kCorpusEntries, {}, c.up ? static_cast<double>(c.entries) : 0);
  metrics_.set(Gauge::kCorpusBytes, {}, c.up ? static_cast<double>(c.bytes) : 0);
  metrics_.set(Gauge::kCorpusLoadedBytes, {}, c.up ? static_cast<double>(c.loaded_bytes) : 0);
  if (c.changed) metrics_.set(Gauge::kCorpusTime, {}, seconds_of(c.changed->time_since_epoch()));
  metrics_.set(Gauge::kCorpusLoadSeconds, {}, c.load_seconds);
  metrics_.set(Gauge::kRegisteredAccounts, {}, static_cast<double>(c.accounts));
  metrics_.raise(Counter::kCorpusLoads, {"ok"}, c.loads);
  metrics_.raise(Counter::kCorpusLoads, {"failed"}, c.failures);
  metrics_.raise(Counter::kCorpusLookups, {}, c.lookups);
  for (const auto& [list, hits] : c.hits) metrics_.raise(Counter::kCorpusHits, {list}, hits);
}

// When the configuration was read, at start or by a reload; `fresh`: without an error.
void Service::config_in_force(bool fresh) {
  metrics_.set(Gauge::kConfigReloadSuccessful, {}, fresh ? 1 : 0);
  if (fresh)
    metrics_.set(
        Gauge::kConfigReloadTime, {},
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count());
}

void Service::publish_pipeline_metrics(const DaemonStatus& s) {
  const auto& counts = pipeline_->counts();
  metrics_.raise(Counter::kPipelineEvents, {}, counts.events);
  metrics_.raise(Counter::kPipelineBatches, {}, counts.steps);
  metrics_.raise(Counter::kDuplicateEvents, {}, counts.duplicates);
  metrics_.raise(Counter::kLateEvents, {}, counts.late);
  metrics_.raise(Counter::kDedupForcedEvictions, {}, pipeline_->dedup_forced_evictions());
  metrics_.raise(Counter::kMergeLateEvents, {}, pipeline_->merge().behind_front());
  if (kafka_ != nullptr)
    metrics_.raise(Counter::kKafkaGapMessages, {}, kafka_->gap_messages() + counts.passed_over);
  metrics_.set(Gauge::kMergeLeftOutInputs, {}, static_cast<double>(pipeline_->merge().left_out()));
  metrics_.set(Gauge::kViewPartial, {}, pipeline_->partial() ? 1 : 0);
  if (!s.watermark) return;
  metrics_.set(Gauge::kWatermarkTime, {}, seconds_of(s.watermark->time_since_epoch()));
  metrics_.set(Gauge::kWatermarkLag, {}, seconds_of(s.published - *s.watermark));
}

void Service::publish_input_metrics(const DaemonStatus& s) {
  pipeline_->merge().for_each([&](const pipeline::InputQueue& q, bool, bool) {
    const auto& c = q.counts();
    metrics_.raise(Counter::kInputRecords, {q.name()}, c.records);
    metrics_.raise(Counter::kInputBytes, {q.name()}, c.bytes);
    metrics_.raise(Counter::kInputEvents, {q.name()}, c.decoded);
    metrics_.raise(Counter::kInputUnknownFields, {q.name()}, c.unknown_fields);
    metrics_.raise(Counter::kInputSecretFields, {q.name()}, c.secret_fields);
    for (std::size_t i = 1; i < std::size(c.skipped); ++i)
      if (c.skipped[i] != 0)
        metrics_.raise(Counter::kInputSkipped, {q.name(), name_of(static_cast<ingest::Skip>(i))},
                       c.skipped[i]);
    metrics_.set(Gauge::kQueueBytes, {q.name()}, static_cast<double>(q.ahead()));
    metrics_.set(Gauge::kQueueCapacity, {}, static_cast<double>(q.most_ahead()));
  });
  for (const InputHealth& input : s.inputs) {
    metrics_.set(Gauge::kInputUp, {input.name}, input.up() ? 1 : 0);
    metrics_.set(Gauge::kInputSilent, {input.name}, input.seconds_silent);
    if (input.lag_records)
      metrics_.set(Gauge::kInputLag, {input.name}, static_cast<double>(*input.lag_records));
    if (input.seconds_behind)
      metrics_.set(Gauge::kInputBehind, {input.name}, *input.seconds_behind);
  }
  forget_inputs(s);
}

// Partitions that another member of the group has now: what was last known of them is no news.
void Service::forget_inputs(const DaemonStatus& s) {
  for (auto at = heard_.begin(); at != heard_.end();) {
    if (std::ranges::find(s.inputs, at->first, &InputHealth::name) != s.inputs.end()) {
      ++at;
      continue;
    }
    for (const Gauge gauge : {Gauge::kInputUp, Gauge::kInputLag, Gauge::kInputBehind,
                              Gauge::kInputSilent, Gauge::kQueueBytes})
      metrics_.forget(gauge, {at->first});
    at = heard_.erase(at);
  }
}

void Service::publish_detector_metrics(const DaemonStatus& s) {
  const auto usage = pipeline_->engine().usage();
  for (std::size_t k = 0; k < usage.size(); ++k) {
    const std::string_view name = config_->detectors.kinds[k]->info().name;
    metrics_.raise(Counter::kDetectorEvictions, {name}, usage[k].evictions);
    metrics_.raise(Counter::kDetectorFindings, {name}, pipeline_->engine().findings(k));
    metrics_.raise(Counter::kEvidenceLives, {name, "1"}, usage[k].lives);
    static constexpr std::string_view kReached[] = {"100", "1000", "10000"};
    for (std::size_t i = 0; i < 3; ++i)
      metrics_.raise(Counter::kEvidenceLives, {name, kReached[i]}, usage[k].reached[i]);
    metrics_.set(Gauge::kDetectorKeys, {name}, static_cast<double>(usage[k].keys));
    metrics_.set(Gauge::kDetectorMaxKeys, {name}, static_cast<double>(usage[k].max_keys));
    metrics_.set(Gauge::kDetectorBytes, {name}, static_cast<double>(usage[k].bytes));
    metrics_.set(Gauge::kDetectorWarm, {name}, s.detectors[k].warm ? 1 : 0);
  }
}

void Service::publish_campaign_metrics(const DaemonStatus& s) {
  const auto& campaigns = pipeline_->engine().campaigns();
  metrics_.raise(Counter::kCampaignsOpened, {}, campaigns.opened_total());
  double open[5] = {};
  StatusTime oldest = s.published;
  for (const auto& [id, campaign] : campaigns.all()) {
    if (!campaign->open) continue;
    open[static_cast<std::size_t>(campaign->severity)] += 1;
    for (const auto& account : campaign->compromised) oldest = std::min(oldest, account.time);
  }
  for (std::size_t i = 0; i < 5; ++i)
    metrics_.set(Gauge::kOpenCampaigns, {name_of(static_cast<detectors::Severity>(i))}, open[i]);
  metrics_.set(Gauge::kOpenCompromisedAccounts, {},
               static_cast<double>(s.open_compromised_accounts));
  metrics_.set(Gauge::kOldestCompromisedAccountAge, {}, seconds_of(s.published - oldest));
}

void Service::publish_output_metrics(const DaemonStatus& s) {
  for (const SinkHealth& sink : s.sinks) {
    metrics_.raise(Counter::kSinkDelivered, {sink.name}, sink.delivered);
    metrics_.raise(Counter::kSinkFailed, {sink.name}, sink.failed);
    metrics_.set(Gauge::kSinkUp, {sink.name}, sink.up ? 1 : 0);
    metrics_.set(Gauge::kSinkLag, {sink.name}, static_cast<double>(sink.lag_revisions));
    metrics_.set(Gauge::kSinkLagSeconds, {sink.name}, sink.lag_seconds);
  }
  metrics_.raise(Counter::kOutboxAppended, {}, delivery_->outbox().appended());
  metrics_.set(Gauge::kOutboxBytes, {}, static_cast<double>(s.outbox.bytes));
  metrics_.set(Gauge::kOutboxUsed, {}, s.outbox.used_ratio);
  metrics_.set(Gauge::kOutboxRecords, {}, static_cast<double>(s.outbox.records));
  if (s.checkpoint.last)
    metrics_.set(Gauge::kCheckpointTime, {}, seconds_of(s.checkpoint.last->time_since_epoch()));
  metrics_.set(Gauge::kCheckpointBytes, {}, static_cast<double>(s.checkpoint.bytes));
}

}  // namespace stuffwatch::daemon
