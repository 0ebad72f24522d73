// What the service says of itself: status, readiness and metrics, once a second.
#include <algorithm>
#include <utility>

#include "daemon/log.h"
#include "daemon/service.h"
#include "version.h"

namespace stuffwatch::daemon {
namespace {

StatusTime wall_now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}
double seconds_of(std::chrono::milliseconds d) { return static_cast<double>(d.count()) / 1000; }

}  // namespace

DaemonStatus Service::status() {
  DaemonStatus s;
  s.version = kVersion, s.config_sha256 = config_sha256_, s.privacy_mode = privacy_mode(*config_),
  s.site = config_->site;
  s.started = started_, s.published = wall_now();
  add_inputs(s);
  for (const auto& sink : delivery_->sinks())
    s.sinks.push_back({sink.name, sink.type, sink.up, sink.delivered, sink.failed, sink.lag_records,
                       sink.problem});
  const auto usage = pipeline_->engine().usage();
  const auto warming = pipeline_->tick() == detectors::EventTime::min()
                           ? std::vector<std::string>{}
                           : pipeline_->engine().warming(pipeline_->tick());
  for (std::size_t k = 0; k < usage.size(); ++k) {
    const auto& info = config_->detectors.kinds[k]->info();
    s.detectors.push_back({std::string(info.name),
                           std::ranges::find(warming, info.name) == warming.end(), std::nullopt,
                           usage[k].keys, usage[k].max_keys, usage[k].evictions, usage[k].bytes});
  }
  const auto outbox = delivery_->outbox().usage();
  s.outbox = {outbox.bytes, outbox.appended, outbox.share_of_cap};
  s.checkpoint = checkpoint_health_;
  if (pipeline_->tick() != detectors::EventTime::min())
    s.watermark = pipeline_->tick() - config_->merge.allowed_lateness;
  for (const auto& [id, campaign] : pipeline_->engine().campaigns().all()) {
    if (!campaign->open) continue;
    ++s.open_campaigns;
    s.open_compromised_accounts += campaign->compromised.size();
  }
  s.http_address = server_ == nullptr ? "" : server_->address();
  judge(s);
  return s;
}

void Service::add_inputs(DaemonStatus& s) {
  std::map<std::string, ingest::InputStatus> of_source;
  for (const auto& source : pipeline_->sources())
    for (auto& status : source->status()) of_source[status.name] = status;
  pipeline_->merge().for_each([&](const pipeline::InputQueue& q, bool left_out, bool idle) {
    InputHealth h;
    h.name = q.name();
    const auto known = of_source.find(q.name());
    if (known != of_source.end())
      h.problem = known->second.problem, h.lag_records = known->second.lag;
    if (q.failed()) h.problem = q.problem();
    h.state = left_out                                         ? "left_out"
              : q.finished()                                   ? "finished"
              : q.status() == ingest::ReadStatus::kUnreachable ? "unreachable"
              : idle                                           ? "idle"
                                                               : "reading";
    if (q.newest()) h.seconds_behind = seconds_of(s.published - *q.newest());
    s.inputs.push_back(std::move(h));
  });
}

// Full, degraded, blind or standby, with every reason and its remedy.
void Service::judge(DaemonStatus& s) const {
  const auto say = [&](std::string code, std::string text) {
    s.reasons.push_back({std::move(code), std::move(text)});
  };
  bool degraded = false, sees = false;
  for (const InputHealth& input : s.inputs) {
    const bool bad =
        input.state == "left_out" || input.state == "unreachable" || !input.problem.empty();
    sees = sees || !bad;
    degraded = degraded || bad;
    if (bad)
      say("input_" + (input.state == "left_out" ? input.state : std::string("unreachable")),
          input.name + ": " +
              (input.problem.empty() ? "it is not waited for; see the log for the delay to declare"
                                     : input.problem));
  }
  if (kafka_ != nullptr && !kafka_->problem().empty())
    say("kafka", kafka_->problem()), degraded = true;
  for (const SinkHealth& sink : s.sinks)
    if (!sink.up) say("sink_down", sink.name + ": " + sink.problem), degraded = true;
  if (!delivery_->outbox().usage().problem.empty())
    say("outbox", delivery_->outbox().usage().problem), degraded = true;
  if (!s.checkpoint.problem.empty()) say("checkpoint", s.checkpoint.problem), degraded = true;
  for (const DetectorHealth& d : s.detectors)
    if (!d.warm)
      say("warming", d.name + " is younger than its warm-up; it works, and says so on its alerts");
  if (pipeline_->partial())
    say("view_partial", "some events of the last day were not seen here; alerts say so");
  if (pipeline_->silent())
    say("warming_up",
        "reading again what was dealt with before the last stop; nothing is said twice");
  const bool standby = kafka_ != nullptr && kafka_->standby();
  if (standby) say("standby", "another process owns the inputs; this one takes over when it goes");
  if (s.inputs.empty() && !standby) say("no_input", "no input is assigned yet");
  s.state = standby    ? ServiceState::kStandby
            : !sees    ? ServiceState::kBlind
            : degraded ? ServiceState::kDegraded
                       : ServiceState::kFull;
}

void Service::publish() {
  const auto now = Clock::now();
  const double elapsed = std::chrono::duration<double>(now - last_publish_).count();
  const std::uint64_t events = pipeline_->counts().events;
  events_per_second_ = elapsed > 0 && events >= events_at_publish_
                           ? static_cast<double>(events - events_at_publish_) / elapsed
                           : 0;
  last_publish_ = now, events_at_publish_ = events;
  if (now >= next_trust_check_) {
    for (const std::string& text : expiring_trust(*config_, wall_now())) log_warning(text);
    next_trust_check_ = now + std::chrono::days(1);
  }
  DaemonStatus s = status();
  publish_metrics(s);
  board_.publish(std::move(s));
}

void Service::publish_metrics(const DaemonStatus& s) {
  const auto& counts = pipeline_->counts();
  metrics_.raise(Counter::kPipelineEvents, {}, counts.events),
      metrics_.raise(Counter::kPipelineBatches, {}, counts.steps);
  metrics_.raise(Counter::kDuplicateEvents, {}, counts.duplicates),
      metrics_.raise(Counter::kLateEvents, {}, counts.late);
  metrics_.raise(Counter::kDedupForcedEvictions, {}, pipeline_->dedup_forced_evictions());
  metrics_.raise(Counter::kMergeLateEvents, {}, pipeline_->merge().behind_front());
  if (kafka_ != nullptr)
    metrics_.raise(Counter::kKafkaGapMessages, {}, kafka_->gap_messages() + counts.passed_over);
  metrics_.set(Gauge::kMergeLeftOutInputs, {}, static_cast<double>(pipeline_->merge().left_out()));
  metrics_.set(Gauge::kViewPartial, {}, pipeline_->partial() ? 1 : 0);
  if (s.watermark) {
    metrics_.set(Gauge::kWatermarkTime, {}, seconds_of(s.watermark->time_since_epoch()));
    metrics_.set(Gauge::kWatermarkLag, {}, seconds_of(s.published - *s.watermark));
  }
  pipeline_->merge().for_each([&](const pipeline::InputQueue& q, bool left_out, bool) {
    const auto& c = q.counts();
    metrics_.raise(Counter::kInputRecords, {q.name()}, c.records),
        metrics_.raise(Counter::kInputEvents, {q.name()}, c.decoded);
    metrics_.raise(Counter::kInputUnknownFields, {q.name()}, c.unknown_fields),
        metrics_.raise(Counter::kInputSecretFields, {q.name()}, c.secret_fields);
    for (std::size_t i = 1; i < std::size(c.skipped); ++i)
      if (c.skipped[i] != 0)
        metrics_.raise(Counter::kInputSkipped, {q.name(), name_of(static_cast<ingest::Skip>(i))},
                       c.skipped[i]);
    metrics_.set(Gauge::kInputUp, {q.name()},
                 left_out || q.status() == ingest::ReadStatus::kUnreachable ? 0 : 1);
    if (q.newest())
      metrics_.set(Gauge::kInputBehind, {q.name()}, seconds_of(s.published - *q.newest()));
  });
  const auto usage = pipeline_->engine().usage();
  for (std::size_t k = 0; k < usage.size(); ++k) {
    const std::string_view name = config_->detectors.kinds[k]->info().name;
    metrics_.raise(Counter::kDetectorEvictions, {name}, usage[k].evictions),
        metrics_.raise(Counter::kDetectorFindings, {name}, pipeline_->engine().findings(k));
    static constexpr std::string_view kReached[] = {"100", "1000", "10000"};
    for (std::size_t i = 0; i < 3; ++i)
      metrics_.raise(Counter::kEvidenceLives, {name, kReached[i]}, usage[k].reached[i]);
    metrics_.set(Gauge::kDetectorKeys, {name}, static_cast<double>(usage[k].keys)),
        metrics_.set(Gauge::kDetectorMaxKeys, {name}, static_cast<double>(usage[k].max_keys));
    metrics_.set(Gauge::kDetectorBytes, {name}, static_cast<double>(usage[k].bytes)),
        metrics_.set(Gauge::kDetectorWarm, {name}, s.detectors[k].warm ? 1 : 0);
  }
  double open[5] = {};
  for (const auto& [id, campaign] : pipeline_->engine().campaigns().all())
    if (campaign->open) open[static_cast<std::size_t>(campaign->severity)] += 1;
  for (std::size_t i = 0; i < 5; ++i)
    metrics_.set(Gauge::kOpenCampaigns, {name_of(static_cast<detectors::Severity>(i))}, open[i]);
  metrics_.set(Gauge::kOpenCompromisedAccounts, {},
               static_cast<double>(s.open_compromised_accounts));
  for (const SinkHealth& sink : s.sinks) {
    metrics_.raise(Counter::kSinkDelivered, {sink.name}, sink.delivered),
        metrics_.raise(Counter::kSinkFailed, {sink.name}, sink.failed);
    metrics_.set(Gauge::kSinkUp, {sink.name}, sink.up ? 1 : 0),
        metrics_.set(Gauge::kSinkLag, {sink.name}, static_cast<double>(sink.lag_revisions));
  }
  metrics_.raise(Counter::kOutboxAppended, {}, s.outbox.records);
  metrics_.set(Gauge::kOutboxBytes, {}, static_cast<double>(s.outbox.bytes)),
      metrics_.set(Gauge::kOutboxUsed, {}, s.outbox.used_ratio);
  if (s.checkpoint.last)
    metrics_.set(Gauge::kCheckpointTime, {}, seconds_of(s.checkpoint.last->time_since_epoch()));
  metrics_.set(Gauge::kCheckpointBytes, {}, static_cast<double>(s.checkpoint.bytes));
  for (const ServiceState state : kServiceStates)
    metrics_.set(Gauge::kServiceState, {name_of(state)}, s.state == state ? 1 : 0);
}

}  // namespace stuffwatch::daemon
