#include "daemon/sinks/delivery.h"

#include <algorithm>
#include <utility>

namespace stuffwatch::daemon::sinks {
namespace {

using config::Result;

constexpr std::string_view kLedgerSeat = "ledger (start)";  // no sink can have this name

}  // namespace

Delivery::Delivery(DeliveryOptions options)
    : options_(std::move(options)),
      ledger_({.file = options_.context.state_path / "ledger", .notice = options_.context.notice}) {
  if (!options_.context.clock)
    options_.context.clock = [] {
      return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    };
}

Delivery::~Delivery() {
  [[maybe_unused]] const auto stopped = stop(Deadline(std::chrono::milliseconds(0)));
}

Result<std::unique_ptr<Delivery>> Delivery::open(DeliveryOptions options) {
  if (options.context.state_path.empty())
    return config::misconfigured(
        "state.path: the outbox needs a folder that survives a restart: write one");
  std::unique_ptr<Delivery> delivery(new Delivery(std::move(options)));
  if (auto opened = delivery->open_outbox(); !opened) return std::unexpected(opened.error());
  if (auto caught_up = delivery->catch_up(); !caught_up) return std::unexpected(caught_up.error());
  if (auto attached = delivery->attach_sinks(); !attached) return std::unexpected(attached.error());
  delivery->opened_ = true;
  return delivery;
}

// The outbox's lock comes first: it keeps a second process away from the ledger and the cursors too.
Result<void> Delivery::open_outbox() {
  OutboxOptions chosen{.folder = options_.context.state_path / "outbox",
                       .max_bytes = options_.outbox.max_bytes.count,
                       .max_age = options_.outbox.max_age,
                       .clock = options_.context.clock,
                       .notice = options_.context.notice};
  chosen.on_durable = [this](std::span<const Entry> entries) { ledger_.apply(entries); };
  chosen.before_trim = [this] { return ledger_.save(); };
  auto outbox = Outbox::open(std::move(chosen));
  if (!outbox) return std::unexpected(outbox.error());
  outbox_ = std::move(*outbox);
  return ledger_.load();
}

// What the outbox knows beyond the ledger's file, then what the ledger remembers beyond the outbox. Nothing is appended yet,
// so on_durable does not come in between.
Result<void> Delivery::catch_up() {
  {
    const auto reader = outbox_->attach(std::string(kLedgerSeat), ledger_.position());
    for (;;) {
      const auto entries = reader->next(256, std::size_t{4} << 20U);
      if (!entries) return std::unexpected(entries.error());
      if (entries->empty()) break;
      ledger_.apply(*entries);
    }
  }
  outbox_->release(kLedgerSeat);
  for (const LedgerCampaign& campaign : ledger_.campaigns())
    outbox_->seed(detectors::Feed::kAlerts, campaign.last.id, campaign.last.revision);
  return {};
}

Result<void> Delivery::attach_sinks() {
  for (const SinkSection& section : options_.sinks) {
    auto sink = make_sink(section, options_.context);
    if (!sink) return std::unexpected(sink.error());
    auto runner =
        SinkRunner::attach({.name = section.name,
                            .cursor_file = options_.context.state_path / "cursors" / section.name,
                            .filter = section.filter(),
                            .clock = options_.context.clock,
                            .notice = options_.context.notice,
                            .delivered = options_.delivered},
                           *outbox_, std::move(*sink));
    if (!runner) return std::unexpected(runner.error());
    runners_.push_back(std::move(*runner));
  }
  outbox_->all_attached();
  return {};
}

void Delivery::start() {
  for (const auto& runner : runners_) runner->start();
}

std::vector<SinkNumbers> Delivery::sinks() const {
  const WallTime now = options_.context.clock();
  std::vector<SinkNumbers> list;
  for (std::size_t i = 0; i < runners_.size(); ++i) {
    const SinkMetrics& metrics = runners_[i]->metrics();
    const std::int64_t waiting = metrics.waiting_since_ms;
    const WallTime since{WallTime::duration(waiting)};
    list.push_back({.name = runners_[i]->name(),
                    .type = std::string(config::enum_name(options_.sinks[i].type)),
                    .up = metrics.failures_in_row == 0,
                    .delivered = metrics.delivered,
                    .filtered = metrics.filtered,
                    .refused = metrics.refused,
                    .failed = metrics.failed,
                    .lag_records = metrics.lag_records,
                    .lag = waiting == 0 ? std::chrono::milliseconds(0) : now - since,
                    .last_success = WallTime(WallTime::duration(metrics.last_success_ms)),
                    .problem = runners_[i]->problem()});
  }
  return list;
}

// All sinks have the same time: their patience runs side by side.
Result<void> Delivery::stop(const Deadline& deadline) {
  if (std::exchange(stopped_, true) || !opened_) return {};
  [[maybe_unused]] const auto waited = outbox_->wait_durable(outbox_->appended(), deadline.left());
  for (const auto& runner : runners_) runner->begin_stop();
  for (const auto& runner : runners_) runner->stop(deadline.left());
  for (const auto& runner : runners_)
    if (const std::uint64_t left = outbox_->durable() - runner->cursor(); left != 0)
      options_.context.notice(
          NoticeLevel::kWarning,
          fmt::format("sink {}: {} revisions are not delivered yet; they wait in the outbox",
                      runner->name(), left));
  outbox_->stop();
  auto saved = ledger_.save();
  const auto durable = outbox_->wait_durable(outbox_->appended(), std::chrono::milliseconds(0));
  return durable ? saved : durable;
}

}  // namespace stuffwatch::daemon::sinks
