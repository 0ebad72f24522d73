#include "daemon/service.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <thread>
#include <utility>

#include "config/differ.h"
#include "config/durable_file.h"
#include "daemon/log.h"
#include "daemon/sinks/told_campaigns.h"
#include "ingest/file_source.h"
#include "ingest/kafka_dead_letter.h"
#include "ingest/simulation/simulated_source.h"
#include "version.h"

namespace stuffwatch::daemon {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using detectors::Revision;
using pipeline::Pipeline;

constexpr auto kPatience = 5ms;  // when there is nothing to do
// For dead letters to be safe before a checkpoint, and before the next attempt when they were not.
constexpr std::chrono::milliseconds kFlushPatience = 1s;
constexpr auto kFlushBackoff = 10s;
constexpr auto kOutboxPatience = 60s;  // for the disk, while the pipeline goes on
// At the end, or before partitions are given back: for everything that others must do.
constexpr auto kDrainPatience = 15s;

StatusTime wall_now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

void notice(sinks::NoticeLevel level, const std::string& text) {
  log(level == sinks::NoticeLevel::kInfo      ? LogLevel::kInfo
      : level == sinks::NoticeLevel::kWarning ? LogLevel::kWarning
                                              : LogLevel::kError,
      text);
}
void kafka_notice(ingest::KafkaLogLevel level, std::string_view text) {
  switch (level) {
    case ingest::KafkaLogLevel::kError: return log_error(text, {{"from", "kafka"}});
    case ingest::KafkaLogLevel::kWarning: return log_warning(text, {{"from", "kafka"}});
    case ingest::KafkaLogLevel::kInfo: return log_info(text, {{"from", "kafka"}});
    case ingest::KafkaLogLevel::kDebug: return log_debug(text, {{"from", "kafka"}});
  }
}

}  // namespace

Service::~Service() {
  server_.reset();
  corpus_.reset();
  pipeline_.reset();
  delivery_.reset();
  std::error_code ignored;
  if (own_state_) fs::remove_all(state_, ignored);
}

config::Result<void> Service::start() {
  set_up_log(config_->log);
  started_ = wall_now();
  config_sha256_ = fingerprint(*config_);
  config_in_force(true);
  if (auto ready = check_runnable(*config_); !ready) return ready;
  for (auto step : {&Service::open_state, &Service::open_sinks, &Service::open_dead_letter,
                    &Service::open_pipeline, &Service::open_corpus, &Service::open_http})
    if (auto done = (this->*step)(); !done) return done;
  say_start();
  if (auto done = open_sources(); !done) return done;
  publish();
  return {};
}

config::Result<void> Service::open_state() {
  if (config_->state.path.empty()) {
    std::string name = (fs::temp_directory_path() / "stuffwatch-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      return config::failed("cannot make a temporary folder: set state.path");
    state_ = name, own_state_ = true;
    log_warning("no state.path: nothing survives a restart");
    config_->state.path = state_.string();
  } else {
    state_ = config_->state.path;
    if (auto made = config::make_folder(state_); !made)
      return config::misconfigured("state.path: {}", made.error().message);
  }
  auto hasher = account_hasher(*config_, false);
  if (!hasher) return std::unexpected(hasher.error());
  hasher_ = std::make_unique<corpus::AccountHasher>(std::move(*hasher));
  return {};
}

config::Result<void> Service::open_sinks() {
  sinks::SinkContext context;
  context.state_path = own_state_ ? fs::path{} : state_;  // without a state folder files stand here
  context.site = config_->site, context.alerts_max_age = config_->alerts.max_age;
  context.kafka = config_->kafka, context.kafka_log = kafka_notice, context.notice = notice;
  std::vector<std::string> topics;
  for (const auto& input : config_->inputs)
    if (!input.topic.empty()) topics.push_back(input.topic);
  auto sections = sinks::complete_sinks(config_->sinks, context, topics);
  if (!sections) return std::unexpected(sections.error());
  context.state_path = state_;
  sinks::DeliveryOptions options{
      .context = std::move(context), .sinks = std::move(*sections), .outbox = config_->outbox};
  options.delivered = [this](std::string_view name, const Revision& r) {
    if (r.status != detectors::CampaignStatus::kClosed)
      metrics_.observe(Histogram::kAlertDelay, {name},
                       std::max(0.0, std::chrono::duration<double>(wall_now() - r.time).count()));
    log_info(r.summary, {{"sink", name},
                         {"id", r.id},
                         {"revision", r.revision},
                         {"reason", name_of(r.reason)},
                         {"severity", name_of(r.severity)},
                         {"urgency", name_of(r.urgency)}});
  };
  auto delivery = sinks::Delivery::open(std::move(options));
  if (!delivery) return std::unexpected(delivery.error());
  delivery_ = std::move(*delivery);
  delivery_->start();
  return {};
}

config::Result<void> Service::open_dead_letter() {
  const ingest::DeadLetterSettings& wanted = config_->dead_letter;
  const auto told = [](const std::string& text) { log_warning(text, {{"from", "dead letters"}}); };
  if (ingest::effective_mode(wanted) == ingest::DeadLetterMode::kOff) {
    dead_letter_ = std::make_unique<ingest::NoDeadLetter>();
    return {};
  }
  ingest::DeadLetterFile::Options options{
      .path = wanted.file.empty() ? (state_ / "dead_letters.jsonl").string() : wanted.file,
      .mode = ingest::effective_mode(wanted),
      .max_bytes = wanted.max_bytes,
      .max_age = wanted.max_age,
      .notice = told};
  auto file = ingest::DeadLetterFile::open(std::move(options), wall_now());
  if (!file) return std::unexpected(file.error());
  if (wanted.topic.empty()) {
    dead_letter_ = std::move(*file);
    return {};
  }
  auto topic = ingest::KafkaDeadLetter::open({.kafka = config_->kafka,
                                              .topic = wanted.topic,
                                              .mode = ingest::effective_mode(wanted),
                                              .file = std::move(*file),
                                              .log = kafka_notice});
  if (!topic) return std::unexpected(topic.error());
  dead_letter_ = std::move(*topic);
  return {};
}

config::Result<void> Service::open_pipeline() {
  auto settings = input_settings(*config_, config_->inputs);
  if (!settings) return std::unexpected(settings.error());
  settings_ = std::move(*settings);
  const auto fresh = [this] {
    Pipeline::Hooks hooks;
    hooks.on_revisions = [this](std::vector<Revision>&& said) { deliver(std::move(said)); };
    hooks.on_bad = [this](const pipeline::InputQueue& input, const ingest::RawRecord& record,
                          ingest::Reject why) { refuse(input, record, why); };
    hooks.on_left_out = [this](const pipeline::Merge::Notice& n) {
      metrics_.add(Counter::kMergeLeaveOuts, {}, n.left_out ? 1 : 0);
      const auto seconds = static_cast<double>(n.behind.count()) / 1000;
      if (!n.left_out) return log_info("input is back in the merge", {{"input", n.input->name()}});
      log_warning(n.behind > 0s
                      ? "input left out: its events are late; declare inputs[].delay above this"
                      : "input left out: it does not answer; the view is partial",
                  {{"input", n.input->name()},
                   {"behind_seconds", seconds},
                   {"next_offset", n.input->next_offset()}});
    };
    hooks.on_stage = [this](Pipeline::Hooks::Stage stage, std::chrono::nanoseconds took) {
      metrics_.observe(Histogram::kStageSeconds,
                       {stage == Pipeline::Hooks::Stage::kDecode ? "decode" : "detect"},
                       std::chrono::duration<double>(took).count());
    };
    hooks.on_error = [](const config::Error& error) { log_error(error.message); };
    hooks.cut_due = [this] { return cut_due(); };
    hooks.on_cut = [this] { cut(); };
    hooks.on_replaced = [](bool lost, const std::string& text) {
      lost ? log_warning(text) : log_info(text);
    };
    hooks.on_revoke = [this] {
      if (auto saved = last_checkpoint(Deadline(kDrainPatience)); !saved)
        log_error("partitions are given back; whoever gets them reads again what was not kept: " +
                  saved.error().message);
    };
    return std::make_unique<Pipeline>(pipeline_config(*config_), config_->detectors.kinds,
                                      alert_origin(*config_), *hasher_, std::move(hooks));
  };
  if (own_state_) {
    pipeline_ = fresh();
  } else {
    checkpoints_ = std::make_unique<pipeline::CheckpointStore>(
        state_ / "checkpoints",
        pipeline::CheckpointIdentity{config_sha256_, hasher_->check_value()});
    pipeline_ = checkpoints_->load(fresh, [this](const std::string& why) {
      metrics_.add(Counter::kCheckpoints, {"refused"}, 1);
      log_warning("checkpoint refused: " + why);
    });
  }
  pipeline_->know(sinks::told_campaigns(delivery_->ledger()));
  next_checkpoint_ = Clock::now() + config_->state.checkpoint_interval;
  return {};
}

config::Result<void> Service::open_corpus() {
  if (config_->corpus.path.empty()) return {};
  corpus_ = std::make_unique<CorpusWatch>(CorpusWatchOptions{.folder = config_->corpus.path,
                                                             .accounts = config_->accounts.path,
                                                             .memory = corpus_memory(*config_)},
                                          *hasher_, pipeline_->lists());
  corpus_->start();
  return {};
}

config::Result<void> Service::open_sources() {
  std::vector<ingest::KafkaTopic> topics;
  for (std::uint32_t i = 0; i < config_->inputs.size(); ++i) {
    const InputSection& input = config_->inputs[i];
    if (!input.topic.empty()) {
      topics.push_back({i, input.topic});
    } else if (!input.file.empty()) {
      auto source = ingest::open_files(i, {input.file}, input.name);
      if (!source) return std::unexpected(source.error());
      pipeline_->add_source(std::move(*source), settings_);
    } else {
      ingest::simulation::LiveConfig live;
      live.rate = input.simulated_rate, live.input = {i, 0}, live.name = input.name;
      pipeline_->add_source(std::make_unique<ingest::simulation::SimulatedSource>(live, wall_now),
                            settings_);
    }
  }
  if (topics.empty()) return {};
  ingest::KafkaSourceOptions options{
      .log = kafka_notice, .now = wall_now, .max_rewind = config_->state.max_rewind};
  auto source = ingest::KafkaSource::open(config_->kafka, std::move(topics), std::move(options));
  if (!source) return std::unexpected(source.error());
  kafka_ = source->get();
  pipeline_->add_source(std::move(*source), settings_);
  return {};
}

http::RouteSources Service::sources() const {
  http::RouteSources from;
  from.metrics_text = [this] { return metrics_.text(); };
  from.status = [this] { return board_.get(); };
  from.campaigns = [this](const http::CampaignQuery& query) {
    std::vector<std::string> bodies;
    for (const auto& campaign : delivery_->ledger().campaigns()) {
      if (bodies.size() >= query.limit) break;
      if (!query.closed_too && campaign.last.status == detectors::CampaignStatus::kClosed) continue;
      if (auto whole = delivery_->ledger().find(campaign.last.id);
          whole && !whole->last.body.empty())
        bodies.push_back(whole->last.body);
    }
    return bodies;
  };
  from.campaign = [this](std::string_view id) -> std::optional<std::string> {
    auto found = delivery_->ledger().find(id);
    if (!found || found->last.body.empty()) return std::nullopt;
    return found->last.body;
  };
  return from;
}

config::Result<void> Service::open_http() {
  http::ServerOptions options;
  options.http = config_->http;
  options.control_socket =
      own_state_ && config_->control.socket.empty() ? "" : config_->control.path(state_.string());
  options.routes = http::standard_routes(sources());
  options.on_exchange = [this](const http::Exchange& e) {
    metrics_.add(Counter::kHttpRequests, {e.route, std::to_string(e.status)}, 1);
    metrics_.observe(Histogram::kHttpSeconds, {e.route}, e.seconds);
  };
  options.on_refused_connection = [this] { metrics_.add(Counter::kHttpRefusedConnections, {}, 1); };
  auto server = http::Server::start(std::move(options));
  if (!server) return std::unexpected(server.error());
  server_ = std::move(*server);
  return {};
}

void Service::say_start() const {
  log_info("stuffwatch starts", {{"version", kVersion},
                                 {"site", config_->site},
                                 {"config_sha256", config_sha256_},
                                 {"account_names", privacy_mode(*config_)},
                                 {"workers", worker_count(*config_)},
                                 {"state", state_.string()},
                                 {"http", server_->address()},
                                 {"control", server_->control_socket()}});
  for (const InputSection& input : config_->inputs)
    log_info("input", {{"name", input.name},
                       {"from", input.simulated       ? "simulation"
                                : input.topic.empty() ? input.file
                                                      : "topic " + input.topic},
                       {"format", input.format}});
  for (const auto& sink : delivery_->sinks())
    log_info("sink", {{"name", sink.name}, {"type", sink.type}});
  if (pipeline_->tick() == detectors::EventTime::min())
    log_info("starting without saved state: detectors warm up");
}

void Service::deliver(std::vector<Revision>&& said) {
  for (const Revision& r : said)
    if (r.feed == detectors::Feed::kAlerts)
      metrics_.add(Counter::kCampaignRevisions, {name_of(r.reason)}, 1);
  for (;;) {
    auto appended = delivery_->append(said);
    if (appended || !hold_on("the outbox takes nothing: " + appended.error().message)) return;
  }
}

// Nothing can go on until somebody frees the disk or mends the broker: says so in the log and in /readyz, and waits a little. False: told to stop. What could
// not be kept is read again at the next start, because nothing is committed after this.
bool Service::hold_on(std::string_view why) {
  if (stop_ == nullptr || *stop_) {
    gave_up_ = true;
    return false;
  }
  if (const auto now = Clock::now(); now >= next_complaint_) {
    log_error("everything waits: " + std::string(why));
    next_complaint_ = now + 30s;
  }
  held_ = why;
  publish();
  held_.clear();
  pipeline_->service();
  std::this_thread::sleep_for(200ms);
  return true;
}

// A bad record is counted and kept; when there is no room for it the pipeline waits, because nothing may be lost silently.
void Service::refuse(const pipeline::InputQueue& input, const ingest::RawRecord& record,
                     ingest::Reject why) {
  metrics_.add(Counter::kInputRejected, {input.name(), name_of(why)}, 1);
  if (record.offset < input.committed()) return;  // warm-up: it was kept when it was first read
  if (gave_up_) return;
  log_debug("record rejected",
            {{"input", input.name()}, {"offset", record.offset}, {"reason", name_of(why)}});
  const ingest::DeadLetterRecord letter{record.bytes, input.name(), record.offset,
                                        record.timestamp_ms, name_of(why)};
  while (!dead_letter_->offer(letter, wall_now())) {
    pipeline_->service();
    if (auto safe = dead_letter_->flush(kFlushPatience); !safe) {
      pipeline_->settle();
      if (!hold_on("dead letters cannot be kept: " + safe.error().message)) return;
    }
  }
  metrics_.add(Counter::kDeadLetters, {name_of(why)}, 1);
  ++dead_letters_;
}

bool Service::cut_due() const {
  return checkpoints_ != nullptr && !checkpoints_->busy() && Clock::now() >= next_checkpoint_;
}

void Service::cut() {
  if (checkpoints_->has_room(*pipeline_)) checkpoint(kFlushPatience);
}

// `patience`: for dead letters, while the pipeline stands still.
void Service::checkpoint(std::chrono::milliseconds patience) {
  if (gave_up_) return;
  next_checkpoint_ = Clock::now() + config_->state.checkpoint_interval;
  pipeline_->service();
  if (auto safe = dead_letter_->flush(patience); !safe) {
    checkpoint_health_.problem = safe.error().message;
    next_checkpoint_ =
        Clock::now() + std::max<Clock::duration>(config_->state.checkpoint_interval, kFlushBackoff);
    return log_error("no checkpoint: " + safe.error().message);
  }
  const std::uint64_t said = delivery_->outbox().appended();
  unsaved_ = false;
  checkpoints_->write(*pipeline_, [this, said](const std::stop_token& stop) {
    auto durable = delivery_->outbox().wait_durable(said, kOutboxPatience, stop);
    if (auto saved = delivery_->ledger().save(); !saved) log_error(saved.error().message);
    return durable;
  });
}

// Behind the one that is under way, and with everything that was merged.
config::Result<void> Service::last_checkpoint(const Deadline& deadline) {
  const auto finish = [&] {
    if (auto done = checkpoints_->finish(deadline.left())) checkpoint_done(*done);
  };
  if (checkpoints_ != nullptr)
    finish(), checkpoint(std::min(kFlushPatience, deadline.left())), finish();
  if (gave_up_) return config::failed("no checkpoint: what was read last could not be kept");
  if (!checkpoint_health_.problem.empty())
    return config::failed("no checkpoint: {}", checkpoint_health_.problem);
  return {};
}

void Service::checkpoint_done(const pipeline::CheckpointStore::Done& done) {
  checkpoint_health_.bytes = done.bytes, checkpoint_health_.seconds = done.pause_seconds,
  checkpoint_health_.problem = done.problem;
  metrics_.add(Counter::kCheckpoints, {done.problem.empty() ? "ok" : "failed"}, 1);
  metrics_.observe(Histogram::kCheckpointSeconds, {}, done.pause_seconds);
  if (!done.problem.empty()) {
    ++checkpoint_health_.failures;
    log_error("checkpoint failed: " + done.problem);
    return;
  }
  checkpoint_health_.last = wall_now();
  pipeline_->commit(done.positions);
  log_debug("checkpoint", {{"bytes", done.bytes}, {"pause_seconds", done.pause_seconds}});
}

// SIGHUP: takes what can change in a running daemon and says what cannot. A file that does not read changes nothing.
void Service::reload() {
  auto fresh = load_config(file_, overrides_);
  metrics_.add(Counter::kConfigReloads, {fresh ? "ok" : "failed"}, 1);
  config_in_force(fresh.has_value());
  if (!fresh) return log_error("reload failed, nothing changes: " + fresh.error().message);
  if (own_state_) (*fresh)->state.path = config_->state.path;
  std::size_t waiting = 0;
  for (const config::Change& change : config::diff(*config_, **fresh)) {
    waiting += change.live ? 0 : 1;
    log_info(change.live ? "changed" : "changed in the file, needs a restart",
             {{"key", change.key}, {"before", change.before}, {"after", change.after}});
  }
  config_->log = (*fresh)->log;
  config_->state.checkpoint_interval = (*fresh)->state.checkpoint_interval;
  set_up_log(config_->log);
  log_info("reloaded", {{"file", file_}, {"waiting_for_restart", waiting}});
}

config::Result<void> Service::run(const std::atomic<bool>& stop, std::atomic<bool>& reload_wanted) {
  stop_ = &stop;
  auto next_service = Clock::now();
  while (!stop) {
    const auto now = Clock::now();
    if (now >= next_service)
      pipeline_->service(), dead_letter_->serve(wall_now()), next_service = now + 100ms;
    const auto progress = pipeline_->run_once(now);
    if (progress == Pipeline::Progress::kWorked) unsaved_ = true;
    // A stream that has fallen silent asks for no cut: what it has brought is kept all the same.
    if (progress == Pipeline::Progress::kWaiting && unsaved_ && cut_due()) cut();
    if (now - last_publish_ >= 1s) publish();
    if (checkpoints_ != nullptr)
      if (auto done = checkpoints_->poll_done()) checkpoint_done(*done);
    if (reload_wanted.exchange(false)) reload();
    if (progress == Pipeline::Progress::kWaiting) pipeline_->wait(kPatience);
    if (progress == Pipeline::Progress::kFinished && pipeline_->merge().size() != 0) {
      publish();
      return all_read();
    }
    if (progress == Pipeline::Progress::kFinished) pipeline_->wait(50ms);
  }
  return {};
}

// Every input is a file, and was read to its end, or as far as it can be.
config::Result<void> Service::all_read() const {
  std::string problems;
  const auto add = [&](const std::string& problem) {
    if (!problem.empty()) problems += (problems.empty() ? "" : "; ") + problem;
  };
  for (const auto& source : pipeline_->sources())
    for (const auto& status : source->status()) add(status.problem);
  pipeline_->merge().for_each(
      [&](const pipeline::InputQueue& queue, bool, bool) { add(queue.problem()); });
  if (!problems.empty()) return config::failed("{}", problems);
  log_info("all inputs are read to the end");
  return {};
}

config::Result<void> Service::shut_down() {
  log_info("stopping: state, sinks and offsets are written");
  const Deadline deadline(kDrainPatience);
  auto saved = last_checkpoint(deadline);
  if (kafka_ != nullptr) kafka_->close();
  auto delivered = delivery_->stop(deadline);
  log_info("stopped", {{"events", pipeline_->counts().events}});
  return saved ? delivered : saved;
}

}  // namespace stuffwatch::daemon
