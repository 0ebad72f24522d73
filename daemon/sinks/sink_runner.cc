#include "daemon/sinks/sink_runner.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "daemon/sinks/cursor_file.h"

namespace stuffwatch::daemon::sinks {
namespace {

using config::Result;
using namespace std::chrono_literals;

WallTime system_now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace

Result<std::unique_ptr<SinkRunner>> SinkRunner::attach(SinkRunnerOptions options, Outbox& outbox,
                                                       std::unique_ptr<Sink> sink) {
  if (!options.clock) options.clock = system_now;
  if (auto made = config::make_folder(options.cursor_file.parent_path()); !made)
    return std::unexpected(made.error());
  const auto cursor = read_cursor(options.cursor_file, options.notice);
  if (!cursor) return std::unexpected(cursor.error());
  return std::unique_ptr<SinkRunner>(
      new SinkRunner(std::move(options), outbox, std::move(sink), *cursor));
}

SinkRunner::SinkRunner(SinkRunnerOptions options, Outbox& outbox, std::unique_ptr<Sink> sink,
                       std::uint64_t cursor)
    : options_(std::move(options)),
      outbox_(outbox),
      sink_(std::move(sink)),
      reader_(outbox.attach(options_.name, cursor)),
      through_(cursor),
      saved_(cursor),
      saved_at_(options_.clock()),
      jitter_(static_cast<std::uint32_t>(XXH3_64bits(options_.name.data(), options_.name.size()))) {
}

SinkRunner::~SinkRunner() { stop(0ms); }

void SinkRunner::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

std::string SinkRunner::problem() const {
  const std::scoped_lock lock(mutex_);
  return problem_;
}

Result<void> SinkRunner::fetch() {
  if (!batch_.empty()) return {};
  auto entries = reader_->next(options_.batch_records, options_.batch_bytes);
  if (!entries) return std::unexpected(entries.error());
  through_ = reader_->position();
  for (Entry& entry : *entries) {
    if (!options_.filter.passes(entry.revision)) {
      ++metrics_.filtered;
      continue;
    }
    batch_.push_back(std::move(entry.revision));
    places_.push_back({entry.sequence, entry.appended});
  }
  accept(0);
  return {};
}

// The first `count` of the batch are done with: the cursor moves past them, and past what the filter left out behind them.
void SinkRunner::accept(std::size_t count) {
  const auto gone = static_cast<std::ptrdiff_t>(count);
  batch_.erase(batch_.begin(), batch_.begin() + gone);
  places_.erase(places_.begin(), places_.begin() + gone);
  const WallTime waiting = places_.empty() ? WallTime{} : places_.front().appended;
  reader_->advance(places_.empty() ? through_ : places_.front().sequence - 1, waiting);
  metrics_.waiting_since_ms = waiting.time_since_epoch().count();
  measure();
}

void SinkRunner::measure() {
  const std::uint64_t durable = outbox_.durable();
  metrics_.lag_records = durable - std::min(durable, reader_->cursor());
}

Result<void> SinkRunner::deliver_batch() {
  const auto delivered = sink_->deliver(batch_);
  if (!delivered) return std::unexpected(delivered.error());
  const std::size_t count = std::min(delivered->count, batch_.size());
  const std::size_t refused = std::min(delivered->refused, count);
  if (refused != 0)
    options_.notice(NoticeLevel::kError,
                    fmt::format("sink {}: {} revisions were refused for good: {}", options_.name,
                                refused, delivered->problem));
  metrics_.refused += refused;
  metrics_.delivered += count - refused;
  const bool all = count == batch_.size();
  if (count != 0) {
    metrics_.last_success_ms = options_.clock().time_since_epoch().count();
    for (std::size_t i = 0; i < count; ++i) options_.delivered(options_.name, batch_[i]);
    accept(count);
  }
  if (!all) return config::failed("{}", delivered->problem);
  return {};
}

// At most once in save_every: what is lost of it in a crash is delivered again.
Result<void> SinkRunner::save(bool now) {
  const std::uint64_t cursor = reader_->cursor();
  if (cursor == saved_) return {};
  const WallTime time = options_.clock();
  // A clock that was set back must not stop the saving.
  if (!now && time >= saved_at_ && time - saved_at_ < options_.save_every) return {};
  if (auto settled = sink_->settle(); !settled) return settled;
  if (auto written = write_cursor(options_.cursor_file, cursor); !written) return written;
  saved_ = cursor;
  saved_at_ = time;
  return {};
}

SinkRunner::Step SinkRunner::failed_step(const std::string& why) {
  measure();
  ++metrics_.failed;
  const std::uint32_t failures = ++metrics_.failures_in_row;
  {
    const std::scoped_lock lock(mutex_);
    problem_ = why;
  }
  if (failures == 1)
    options_.notice(NoticeLevel::kError,
                    fmt::format("sink {}: {}; it is tried again until it works, nothing is lost",
                                options_.name, why));
  const auto doubled = options_.first_retry * (std::int64_t{1} << std::min(failures - 1, 20U));
  const auto full = std::min(doubled, options_.slowest_retry);
  // Between half and the whole, so that many daemons do not come back at the same moment.
  const std::int64_t half = full.count() / 2;
  const std::int64_t part = half == 0 ? 0 : static_cast<std::int64_t>(jitter_()) % half;
  return {Step::Kind::kRetry, std::chrono::milliseconds(full.count() - part)};
}

void SinkRunner::succeeded() {
  if (metrics_.failures_in_row.exchange(0) == 0) return;
  {
    const std::scoped_lock lock(mutex_);
    problem_.clear();
  }
  options_.notice(NoticeLevel::kInfo, fmt::format("sink {} works again", options_.name));
}

SinkRunner::Step SinkRunner::step() {
  const std::uint64_t before = reader_->position();
  sink_->tend();
  if (auto fetched = fetch(); !fetched) return failed_step(fetched.error().message);
  const bool delivering = !batch_.empty();
  if (delivering)
    if (auto delivered = deliver_batch(); !delivered) return failed_step(delivered.error().message);
  if (auto saved = save(false); !saved) return failed_step(saved.error().message);
  if (delivering || metrics_.failures_in_row == 0 || saved_ == reader_->cursor()) succeeded();
  const bool moved = delivering || reader_->position() != before;
  return {moved ? Step::Kind::kProgress : Step::Kind::kIdle};
}

// Before there is anything to deliver: a sink that cannot be written to is to be known before the first alert, not by it.
SinkRunner::Step SinkRunner::probe(const std::stop_token& stop) {
  const auto reached = sink_->check(stop);
  if (!reached && stop.stop_requested()) return {Step::Kind::kIdle};
  if (!reached) return failed_step(reached.error().message);
  succeeded();
  return {Step::Kind::kProgress};
}

void SinkRunner::run(const std::stop_token& stop) {
  bool reached = false;
  while (!stop.stop_requested()) {
    const bool asking = !reached && reader_->position() >= outbox_.durable();
    const Step step = asking ? probe(stop) : this->step();
    reached = reached || (asking && step.kind != Step::Kind::kRetry) || metrics_.delivered != 0;
    if (step.kind == Step::Kind::kRetry) {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, step.wait, [] { return false; });
    } else if (step.kind == Step::Kind::kIdle) {
      // Wakes up for the next record, or to save a cursor that was too young to be saved.
      const auto patience = saved_ == reader_->cursor() ? 60s : 1s;
      [[maybe_unused]] const bool more = outbox_.wait_beyond(reader_->position(), patience, stop);
    }
  }
  drain();
  const std::scoped_lock lock(mutex_);
  finished_ = true;
  changed_.notify_all();
}

void SinkRunner::drain() {
  const std::uint64_t goal = outbox_.durable();
  while (!hurry_ && reader_->cursor() < goal)
    if (step().kind != Step::Kind::kProgress) break;
  if (auto saved = save(true); !saved)
    options_.notice(NoticeLevel::kError,
                    fmt::format("sink {}: {}; what was delivered since the cursor was last saved "
                                "will be delivered again",
                                options_.name, saved.error().message));
}

void SinkRunner::stop(std::chrono::milliseconds patience) {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return finished_; });
  }
  hurry_ = true;
  sink_->cancel();
  thread_.join();
}

}  // namespace stuffwatch::daemon::sinks
