// How the daemon is doing: what /readyz, /api/v1/status and `stuffwatch status` say. The pipeline
// publishes one a second.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/lock_guarded.h"

namespace stuffwatch::daemon {

using StatusTime = std::chrono::sys_time<std::chrono::milliseconds>;

enum class ServiceState : std::uint8_t {
  kFull,      // sees everything, delivers everything
  kDegraded,  // works, but part of the view or of the delivery is missing; the reasons say which
  kBlind,     // sees no login events, or can keep nothing it finds
  kStandby,   // another process owns the inputs; ready to take over
};
inline constexpr ServiceState kServiceStates[] = {ServiceState::kFull, ServiceState::kDegraded,
                                                  ServiceState::kBlind, ServiceState::kStandby};
[[nodiscard]] std::string_view name_of(ServiceState state);

struct StatusReason {
  std::string
      code;  // short and stable: "input_unreachable", "view_partial", "sink_down", "warming"
  std::string text;  // one sentence with the remedy
};

struct InputHealth {
  std::string name;
  std::string
      state;  // "reading", "catching_up", "idle", "left_out", "unreachable", "failed", "finished"
  std::optional<std::int64_t> lag_records = {};
  std::optional<double> seconds_behind = {};  // now - newest event time
  double events_per_second = 0;
  std::string problem = {};    // empty, or what is wrong, with the remedy
  double seconds_silent = 0;   // since its last record, or since it was first looked at
  std::uint64_t rejected = 0;  // records
  std::optional<StatusTime> last_event = {};

  // It is read, or was to its end.
  [[nodiscard]] bool up() const {
    return problem.empty() && state != "left_out" && state != "unreachable";
  }
};

struct SinkHealth {
  std::string name, type;
  bool up = true;
  std::uint64_t delivered = 0, failed = 0, lag_revisions = 0;
  std::string problem = {};
  double lag_seconds = 0;  // age of the oldest revision that it has not taken
};

struct DeadLetterHealth {
  std::string mode;           // "raw", "reference", "off"
  std::string to;             // a file, or "topic NAME"; empty = nowhere
  std::uint64_t records = 0;  // since the start
  std::string problem;
};

struct DetectorHealth {
  std::string name;
  bool warm = false;
  std::optional<StatusTime> warm_at;  // event time at which it will be
  std::uint64_t keys = 0, max_keys = 0, evictions = 0, bytes = 0;
};

struct OutboxHealth {
  std::uint64_t bytes = 0, records = 0;
  double used_ratio = 0;
};

struct CheckpointHealth {
  std::optional<StatusTime> last;
  double seconds = 0;
  std::uint64_t bytes = 0, failures = 0;
  std::string problem;
};

struct CorpusHealth {
  bool wanted = false;  // corpus.path is set
  bool up = false;
  std::string problem, digest;
  std::uint64_t lists = 0, entries = 0, bytes = 0, loaded_bytes = 0;
  std::optional<StatusTime> changed;  // when the corpus in use was made
  double load_seconds = 0;
  std::uint64_t loads = 0, failures = 0;
  std::uint64_t accounts = 0;    // open ones of the register
  std::string accounts_problem;  // why there is none, or not the newest
  std::uint64_t lookups = 0;
  std::map<std::string, std::uint64_t> hits;  // events by list
};

// Events that reached the detectors since the start, by outcome.
struct LoginCounts {
  std::uint64_t success = 0, failure = 0, unknown = 0;
};

struct DaemonStatus {
  std::string version, config_sha256, privacy_mode, site;
  StatusTime started{}, published{};
  ServiceState state = ServiceState::kBlind;
  std::vector<StatusReason>
      reasons;  // may be there in state full too: what to know, such as a detector that is warming
  std::vector<InputHealth> inputs;
  std::vector<SinkHealth> sinks;
  std::vector<DetectorHealth> detectors;
  OutboxHealth outbox;
  CheckpointHealth checkpoint;
  DeadLetterHealth dead_letter;
  CorpusHealth corpus;
  LoginCounts logins;
  std::optional<StatusTime> watermark;
  std::uint64_t open_campaigns = 0, open_compromised_accounts = 0;
  std::string http_address;  // "127.0.0.1:9477"; empty = off
};

// One line of JSON, schema stuffwatch.status/1.
[[nodiscard]] std::string status_json(const DaemonStatus& status);

// Where the pipeline leaves its status for everybody else. Threads: any.
class StatusBoard {
 public:
  void publish(DaemonStatus status) {
    auto next = std::make_shared<const DaemonStatus>(std::move(status));
    current_.with([&](auto& current) { current.swap(next); });
  }
  [[nodiscard]] std::shared_ptr<const DaemonStatus> get()
      const {  // nullptr before the first publish()
    return current_.copy();
  }

 private:
  LockGuarded<std::shared_ptr<const DaemonStatus>> current_;
};

}  // namespace stuffwatch::daemon
