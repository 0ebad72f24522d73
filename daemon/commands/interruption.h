// While one lives, the first Ctrl-C (SIGINT, SIGTERM, SIGHUP, or SIGPIPE when nobody reads on) only asks to stop, so that what is half-written can be
// cleared away; when it goes, the signal has its usual effect, and callers see what ended the process. A second signal ends it at once.
// Threads: one at a time in the process.
#pragma once

#include <csignal>

#include <array>

namespace stuffwatch::daemon {

class Interruption {
 public:
  static constexpr int kExitStatus = 130;  // of a command that was stopped, as a shell tells it

  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  [[nodiscard]] bool wanted() const;

 private:
  static constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
  std::array<struct sigaction, kSignals.size()> before_{};
};

}  // namespace stuffwatch::daemon
