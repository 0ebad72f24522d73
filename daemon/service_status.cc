// What the service says of itself: status and metrics, once a second.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/duration.h"
#include "daemon/log.h"
#include "daemon/readiness.h"
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
                       sink.problem, seconds_of(sink.lag)});
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
  s.outbox = {outbox.bytes, outbox.records, outbox.share_of_cap};
  s.checkpoint = checkpoint_health_;
  if (corpus_ != nullptr) s.corpus = corpus_->health();
  s.dead_letter = {std::string(config::enum_name(ingest::effective_mode(config_->dead_letter))),
                   dead_letter_->destination(), dead_letters_, dead_letter_->problem()};
  const auto logins = [&](detectors::Outcome outcome) {
    return pipeline_->outcomes()[static_cast<std::size_t>(outcome)];
  };
  s.logins = {logins(detectors::Outcome::kSuccess), logins(detectors::Outcome::kFailure),
              logins(detectors::Outcome::kUnknown)};
  if (pipeline_->tick() != detectors::EventTime::min())
    s.watermark = pipeline_->tick() - config_->merge.allowed_lateness;
  for (const auto& [id, campaign] : pipeline_->engine().campaigns().all()) {
    if (!campaign->open) continue;
    ++s.open_campaigns;
    s.open_compromised_accounts += campaign->compromised.size();
  }
  s.http_address = server_ == nullptr ? "" : server_->address();
  judge({.held = held_,
         .kafka = kafka_ == nullptr ? "" : kafka_->problem(),
         .outbox = outbox.problem,
         .silent_inputs = silent_inputs(),
         .partial = pipeline_->partial(),
         .rereading = pipeline_->silent(),
         .standby = kafka_ != nullptr && kafka_->standby()},
        s);
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
    if (h.lag_records) *h.lag_records += static_cast<std::int64_t>(q.held());
    if (q.failed()) h.problem = q.problem();
    const bool broken = q.status() == ingest::ReadStatus::kFinished && !h.problem.empty();
    h.state = q.failed() || broken                             ? "failed"
              : left_out                                       ? "left_out"
              : q.finished()                                   ? "finished"
              : q.status() == ingest::ReadStatus::kUnreachable ? "unreachable"
              : idle                                           ? "idle"
                                                               : "reading";
    h.last_event = q.newest();
    if (h.last_event) h.seconds_behind = seconds_of(s.published - *h.last_event);
    for (const std::uint64_t records : q.counts().rejected) h.rejected += records;
    listen(q, h);
    s.inputs.push_back(std::move(h));
  });
}

// What only shows from one look to the next: how fast the input is, and for how long it has been silent.
void Service::listen(const pipeline::InputQueue& queue, InputHealth& health) {
  const auto now = Clock::now();
  const auto& counts = queue.counts();
  auto [at, first] =
      heard_.try_emplace(health.name, Heard{counts.records, counts.decoded, now, now});
  Heard& before = at->second;
  if (counts.records != before.records) before.last_record = now;
  const double elapsed = std::chrono::duration<double>(now - before.looked).count();
  if (elapsed > 0 && counts.decoded > before.events)
    health.events_per_second = static_cast<double>(counts.decoded - before.events) / elapsed;
  health.seconds_silent = std::chrono::duration<double>(now - before.last_record).count();
  before.records = counts.records, before.events = counts.decoded, before.looked = now;
}

// A dead feed looks like a quiet night. An entry of `inputs` is silent when all its partitions or files are, and more is to come.
std::vector<std::string> Service::silent_inputs() const {
  std::vector<Clock::time_point> last(config_->inputs.size(), Clock::time_point::max());
  pipeline_->merge().for_each([&](const pipeline::InputQueue& queue, bool, bool) {
    const auto heard = heard_.find(queue.name());
    if (heard == heard_.end() || queue.finished()) return;
    Clock::time_point& newest = last[queue.id().declared];
    newest = newest == Clock::time_point::max() ? heard->second.last_record
                                                : std::max(newest, heard->second.last_record);
  });
  std::vector<std::string> silent;
  for (std::size_t i = 0; i < last.size(); ++i) {
    const InputSection& input = config_->inputs[i];
    const auto patience = input.expected_silence;
    if (last[i] == Clock::time_point::max() || patience.count() == 0 ||
        Clock::now() - last[i] < patience)
      continue;
    silent.push_back(
        fmt::format("{}: no record for {}; is whoever writes it alive? What is normal is "
                    "inputs[].expected_silence",
                    input.name, config::format_duration(patience)));
  }
  return silent;
}

void Service::publish() {
  const auto now = Clock::now();
  last_publish_ = now;
  if (now >= next_trust_check_) {
    for (const std::string& text : expiring_trust(*config_, wall_now())) log_warning(text);
    next_trust_check_ = now + std::chrono::days(1);
  }
  DaemonStatus s = status();
  publish_metrics(s);
  pipeline_->merge().for_each([&](const pipeline::InputQueue& q, bool, bool) {
    if (q.years().assumed() && assumed_years_.insert(q.name()).second)
      log_warning("stamps without a year are read as 2000, in UTC: set inputs[].year and .zone",
                  {{"input", q.name()}});
  });
  for (const auto& source : pipeline_->sources())
    for (const auto& input : source->status())
      if (!input.notice.empty() && noticed_.insert(input.name).second)
        log_warning(input.notice, {{"input", input.name}});
  board_.publish(std::move(s));
}

}  // namespace stuffwatch::daemon
