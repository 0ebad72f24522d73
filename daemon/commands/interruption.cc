#include "daemon/commands/interruption.h"

#include <atomic>

namespace stuffwatch::daemon {
namespace {

std::atomic<int> came{0};  // the first signal

void on_signal(int signal) { came = signal; }

}  // namespace

Interruption::Interruption() {
  came = 0;
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], &action, &before_[i]);
    if (before_[i].sa_handler == SIG_IGN)  // nohup, a job in the background
      ::sigaction(kSignals[i], &before_[i], nullptr);
  }
}

Interruption::~Interruption() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
  if (came != 0) std::raise(came);
}

bool Interruption::wanted() const { return came != 0; }

}  // namespace stuffwatch::daemon
