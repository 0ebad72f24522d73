// stuffwatch run: the daemon.
#include <csignal>

#include <CLI/CLI.hpp>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/commands/command.h"
#include "daemon/commands/live_view.h"
#include "daemon/config.h"
#include "daemon/http/routing.h"
#include "daemon/service.h"

namespace stuffwatch::daemon {
namespace {

std::atomic<bool> stop_wanted{false}, reload_wanted{false};

void on_signal(int signal) { (signal == SIGHUP ? reload_wanted : stop_wanted) = true; }

struct RunOptions {
  std::string config;
  std::vector<std::string> overrides;
  bool watch = false;
};

// A view of the daemon in this process needs no connection.
LiveView::Ask answers_of(const Service& service) {
  return [routes = http::standard_routes(service.sources())](
             std::string_view target) -> config::Result<std::string> {
    http::Response response = http::get(routes, target);
    if (response.status != 200) return config::failed("{}", response.body);
    return std::move(response.body);
  };
}

// The view lasts as long: a terminal that hangs must not keep the daemon from writing its state.
config::Result<void> serve(Service& service, bool watch) {
  std::optional<LiveView> view;
  if (watch) view.emplace(answers_of(service));
  const auto done = service.run(stop_wanted, reload_wanted);
  const auto kept = service.shut_down();
  if (!done && !kept) return config::failed("{}; {}", done.error().message, kept.error().message);
  return done ? kept : done;
}

config::Result<void> run_daemon(const RunOptions& options) {
  if (options.watch)
    if (auto terminal = Terminal::check(); !terminal) return terminal;
  auto config = load_config(options.config, options.overrides);
  if (!config) return std::unexpected(config.error());
  struct sigaction action{};
  action.sa_handler = on_signal;
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaction(signal, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  Service service(std::move(*config), options.config, options.overrides);
  if (auto started = service.start(); !started) return started;
  return serve(service, options.watch);
}

}  // namespace

void add_run(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand(
      "run", "The daemon: watch the inputs of the configuration and report campaigns");
  command
      ->add_option("--config", options->config,
                   "Configuration file (config/stuffwatch.yaml is the reference)")
      ->required();
  command->add_option("--set", options->overrides, "KEY=VALUE: set any key of the configuration")
      ->take_all()
      ->allow_extra_args(false);
  command->add_flag(
      "--watch", options->watch,
      "Draw what it sees and finds on this terminal, once a second; Ctrl-C ends both");
  command->callback([options, &exit_code] {
    auto done = run_daemon(*options);
    exit_code = done ? 0 : report(done.error());
  });
}

}  // namespace stuffwatch::daemon
