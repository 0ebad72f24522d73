// Everything behind the detection core, put together: outbox, ledger and one runner a sink, opened, started and stopped in
// the right order. The pipeline speaks to this class only.
//
// Threads: append() from the pipeline's thread; open(), start() and stop() from the owner's; the rest from any.
// Errors:  open() fails on a state folder that cannot be used or a sink that cannot be made; a receiver that is down is no
//          error, its runner tries again.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "config/result.h"
#include "daemon/deadline.h"
#include "daemon/sinks/ledger.h"
#include "daemon/sinks/outbox.h"
#include "daemon/sinks/sink_config.h"
#include "daemon/sinks/sink_runner.h"

namespace stuffwatch::daemon::sinks {

struct DeliveryOptions {
  SinkContext context;             // state_path must not be empty
  std::vector<SinkSection> sinks;  // as complete_sinks() returns them
  OutboxSection outbox;
  // Once for every revision and sink that took it, in the sink's thread: the INFO line.
  std::function<void(std::string_view sink, const detectors::Revision&)> delivered =
      [](std::string_view, const detectors::Revision&) {};
};

// One sink for metrics and the status command.
struct SinkNumbers {
  std::string name, type;
  bool up = true;
  std::uint64_t delivered = 0, filtered = 0, refused = 0, failed = 0, lag_records = 0;
  std::chrono::milliseconds lag{0};  // age of the oldest revision it has not taken
  WallTime last_success{};
  std::string problem;
};

class Delivery {
 public:
  // Reads what is there: afterwards the ledger knows every campaign, and the outbox what was said last of each.
  [[nodiscard]] static config::Result<std::unique_ptr<Delivery>> open(DeliveryOptions options);
  ~Delivery();
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  // Begins to deliver, what the last run left first.
  void start();
  // As Outbox::append(); the sequence goes into the checkpoint, which waits for it with wait_durable().
  [[nodiscard]] config::Result<std::uint64_t> append(
      std::span<const detectors::Revision> revisions) {
    return outbox_->append(revisions);
  }
  [[nodiscard]] Outbox& outbox() { return *outbox_; }
  [[nodiscard]] Ledger& ledger() { return ledger_; }
  [[nodiscard]] std::vector<SinkNumbers> sinks() const;

  // After the last append: makes it durable and drains the sinks, all of it until `deadline`; saves cursors and the ledger. What a sink has not taken by
  // then stays in the outbox and is said in a notice; an error when something never got that far.
  [[nodiscard]] config::Result<void> stop(const Deadline& deadline);

 private:
  explicit Delivery(DeliveryOptions options);
  [[nodiscard]] config::Result<void> open_outbox();
  [[nodiscard]] config::Result<void> catch_up();
  [[nodiscard]] config::Result<void> attach_sinks();

  DeliveryOptions options_;
  Ledger ledger_;
  std::unique_ptr<Outbox> outbox_;
  std::vector<std::unique_ptr<SinkRunner>> runners_;  // after the outbox: gone before it
  bool opened_ = false;                               // the ledger is complete: it may be saved
  bool stopped_ = false;
};

}  // namespace stuffwatch::daemon::sinks
