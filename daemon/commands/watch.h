// The page of `run --watch` and `status --watch`: health first, because a dead feed must never look
// like calm; then inputs, logins a second, campaigns worst first, sinks and the log. A function of
// the daemon's answers and of what was seen before, nothing else.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"
#include "config/rfc3339.h"
#include "daemon/commands/render.h"

namespace stuffwatch::daemon {

enum class LoginOutcome : std::uint8_t { kSuccess, kFailure, kUnknown };
inline constexpr std::array<std::string_view, 3> kLoginOutcomes = {"success", "failure", "unknown"};

// Logins a second over the last five minutes, learned from one status after the other.
class LoginHistory {
 public:
  static constexpr std::chrono::seconds kStep{5};
  static constexpr std::size_t kSteps = 60;

  void add(std::string_view status_json);
  // Of the newest `steps` steps, oldest first; of fewer when less has been seen.
  [[nodiscard]] std::vector<double> rates(LoginOutcome outcome, std::size_t steps) const;

 private:
  struct Sample {
    config::TimeMs time{};
    std::array<std::uint64_t, kLoginOutcomes.size()> logins{};  // since the daemon's start
  };
  std::deque<Sample> samples_;  // a step apart; the last one is of the step that is under way
};

struct Watched {
  std::string_view status, campaigns;  // as the daemon answers
  const LoginHistory& logins;
  std::vector<std::string> log;  // the newest last
  config::TimeMs now{};
};

// At most style.height lines of at most style.width columns. Where room is short the log goes
// first, then sinks, logins and inputs.
// Errors: kFailed when an answer is not JSON.
[[nodiscard]] config::Result<std::string> render_watch(const Watched& seen, const TextStyle& style);
// Instead, when the daemon did not answer.
[[nodiscard]] std::string render_no_answer(std::string_view why, const TextStyle& style);

}  // namespace stuffwatch::daemon
