// stuffwatch config check|print|diff.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "config/differ.h"
#include "config/printers.h"
#include "daemon/commands/command.h"
#include "daemon/commands/config_live.h"
#include "daemon/config.h"

namespace stuffwatch::daemon {
namespace {

struct ConfigOptions {
  std::string file, other;
  std::vector<std::string> overrides;
  bool reference = false, markdown = false, live = false;
};

config::Result<int> check(const ConfigOptions& options) {
  if (options.file.empty())
    return config::misconfigured("there is nothing to check: stuffwatch config check FILE");
  auto config = load_config(options.file, options.overrides);
  if (!config) return std::unexpected(config.error());
  if (auto runnable = check_runnable(**config); !runnable)
    return config::misconfigured("{}: {}", options.file, runnable.error().message);
  if (auto settings = input_settings(**config, (*config)->inputs); !settings)
    return std::unexpected(settings.error());
  if (!(*config)->kafka.brokers.empty())
    if (auto kafka = ingest::check_kafka_settings((*config)->kafka); !kafka)
      return std::unexpected(kafka.error());
  if (options.live) return check_live(**config);
  fmt::print("{}: fine; {} input{}, fingerprint {}\n", options.file, (*config)->inputs.size(),
             (*config)->inputs.size() == 1 ? "" : "s", fingerprint(**config));
  return 0;
}

config::Result<int> print(const ConfigOptions& options) {
  if (options.reference || options.markdown) {
    Config defaults;
    fmt::print("{}", options.markdown ? config::print_markdown(defaults, "Configuration")
                                      : config::print_reference(defaults));
    return 0;
  }
  auto config = load_config(options.file, options.overrides);
  if (!config) return std::unexpected(config.error());
  fmt::print("{}", config::print_effective(**config));
  return 0;
}

config::Result<int> compare(const ConfigOptions& options) {
  auto before = load_config(options.file, {}), after = load_config(options.other, {});
  if (!before) return std::unexpected(before.error());
  if (!after) return std::unexpected(after.error());
  for (const auto& change : config::diff(**before, **after))
    fmt::print("{}: {} -> {} ({})\n", change.key, change.before, change.after,
               change.live ? "live" : "needs a restart");
  return 0;
}

}  // namespace

void add_config(CLI::App& app, int& exit_code) {
  auto o = std::make_shared<ConfigOptions>();
  CLI::App* command = app.add_subcommand("config", "Check, print and compare configurations");
  command->require_subcommand(1);
  const auto act = [&exit_code, o](CLI::App* sub,
                                   config::Result<int> (*what)(const ConfigOptions&)) {
    sub->callback([&exit_code, o, what] {
      auto done = what(*o);
      exit_code = done ? *done : report(done.error());
    });
  };
  CLI::App* check_command = command->add_subcommand(
      "check", "All errors at once, with file, line and what to write instead");
  check_command->add_option("FILE,--config", o->file, "Configuration file, either way");
  check_command->add_option("--set", o->overrides, "KEY=VALUE")
      ->take_all()
      ->allow_extra_args(false);
  check_command->add_flag(
      "--live", o->live,
      "Ask the world too: brokers, rights, topics, a hundred records of each, state folder, sinks");
  act(check_command, check);
  CLI::App* print_command =
      command->add_subcommand("print", "The configuration in force, secrets masked");
  print_command->add_option("FILE,--config", o->file,
                            "Configuration file; the defaults without one");
  print_command->add_option("--set", o->overrides, "KEY=VALUE")
      ->take_all()
      ->allow_extra_args(false);
  print_command->add_flag("--reference", o->reference,
                          "Every key with its default, bounds and meaning, as YAML");
  print_command->add_flag("--markdown", o->markdown, "The same as a document");
  act(print_command, print);
  CLI::App* diff_command =
      command->add_subcommand("diff", "What differs, and whether it takes a restart");
  diff_command->add_option("BEFORE", o->file, "Configuration file")->required();
  diff_command->add_option("AFTER", o->other, "Configuration file")->required();
  act(diff_command, compare);
}

}  // namespace stuffwatch::daemon
