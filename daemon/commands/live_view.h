// What a daemon does, drawn on the terminal once a second and when the window changes, for as long
// as the view lives. Log lines of this process stand below the page meanwhile, not across it.
// Threads: one of its own, which asks and draws.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "config/result.h"
#include "daemon/commands/terminal.h"
#include "daemon/commands/watch.h"
#include "daemon/log.h"

namespace stuffwatch::daemon {

class LiveView {
 public:
  // What the daemon answers a GET of `target`; called in the view's thread.
  using Ask = std::function<config::Result<std::string>(std::string_view target)>;

  // Terminal::check() first. When the terminal goes away the process gets a SIGTERM: nobody could
  // press Ctrl-C any more.
  explicit LiveView(Ask ask);

 private:
  void run(const std::stop_token& stop);
  [[nodiscard]] std::string page(const TextStyle& style);

  Ask ask_;
  LogTail log_;  // before the terminal: what it kept is written when the terminal is back
  Terminal terminal_;
  LoginHistory logins_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // the last: it ends before what it uses
};

}  // namespace stuffwatch::daemon
