// `stuffwatch simulate`: login streams with known attacks in them, as labelled folders.
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "config/nearest.h"
#include "daemon/commands/command.h"
#include "daemon/commands/interruption.h"
#include "daemon/commands/render.h"
#include "daemon/commands/simulate_topic.h"
#include "ingest/simulation/scenario_writer.h"

namespace stuffwatch::daemon {
namespace {

namespace simulation = ingest::simulation;
using simulation::ScenarioInfo;
using simulation::ScenarioKind;
using simulation::Written;

struct SimulateOptions {
  std::string scenario, scale = "1", out, lists, progress = "auto";
  std::uint64_t seed = 1;
  bool force = false, list = false, json = false;
  SimulateTopic live;
};

// How far it is, on standard error: a line that is written over on a terminal, JSON lines on
// demand, otherwise nothing.
class SimulateProgress {
 public:
  SimulateProgress(std::string_view scenario, const std::string& form)
      : scenario_(scenario),
        json_(form == "json"),
        terminal_(!json_ && ::isatty(STDERR_FILENO) == 1) {}

  void show(const Written& so_far) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::milliseconds(200)) return;
    last_ = now;
    print(so_far, false);
  }
  void done(const Written& all) {
    if (json_) print(all, true);
    if (terminal_) fmt::print(stderr, "\r\x1b[K");
  }

 private:
  void print(const Written& written, bool done) const {
    if (json_)
      fmt::print(stderr, "{{\"scenario\":\"{}\",\"events\":{},\"bytes\":{},\"done\":{}}}\n",
                 scenario_, written.events, written.bytes, done);
    if (terminal_) fmt::print(stderr, "\r\x1b[K{}: {} events", scenario_, grouped(written.events));
  }

  std::string_view scenario_;
  bool json_, terminal_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

std::string_view kind_name(const ScenarioInfo& scenario) {
  return scenario.kind == ScenarioKind::kAttack ? "attack" : "benign";
}

int list_scenarios(bool json) {
  if (!json) {
    Table table{{"SCENARIO", "KIND", "WHAT HAPPENS"}, {false, false, false}, {}};
    for (const ScenarioInfo& scenario : simulation::scenarios())
      table.rows.push_back({std::string(scenario.name), std::string(kind_name(scenario)),
                            std::string(scenario.summary)});
    fmt::print("{}", table.text(style_of_stdout()));
    return 0;
  }
  for (const ScenarioInfo& scenario : simulation::scenarios()) {
    std::string techniques;
    for (const std::string_view technique : scenario.techniques)
      techniques += fmt::format("{}\"{}\"", techniques.empty() ? "" : ",", technique);
    fmt::print(
        "{{\"name\":\"{}\",\"kind\":\"{}\",\"techniques\":[{}],\"in_all\":{},\"summary\":\"{}\"}}"
        "\n",
        scenario.name, kind_name(scenario), techniques, scenario.in_all, scenario.summary);
  }
  return 0;
}

config::Result<std::vector<const ScenarioInfo*>> choose(const std::string& name) {
  std::vector<const ScenarioInfo*> chosen;
  std::vector<std::string> names = {"all"};
  for (const ScenarioInfo& scenario : simulation::scenarios()) {
    names.emplace_back(scenario.name);
    if (name == "all" ? scenario.in_all : scenario.name == name) chosen.push_back(&scenario);
  }
  if (!chosen.empty()) return chosen;
  const std::string near = config::nearest(name, names);
  return config::misconfigured(
      "there is no scenario \"{}\"{}; stuffwatch simulate --list shows them", name,
      near.empty() ? "" : fmt::format(", did you mean \"{}\"?", near));
}

config::Result<Written> write_one(const ScenarioInfo& scenario, simulation::Scale scale,
                                  const SimulateOptions& options,
                                  const Interruption& interruption) {
  SimulateProgress progress(scenario.name, options.progress);
  auto written = simulation::write_scenario(scenario, options.seed, scale, options.out,
                                            [&](const Written& so_far) {
                                              progress.show(so_far);
                                              return !interruption.wanted();
                                            });
  progress.done(written ? *written : Written{});
  return written;
}

int write_folders(const SimulateOptions& options) {
  const auto chosen = choose(options.scenario);
  if (!chosen) return report(chosen.error());
  const auto scale = simulation::parse_scale(options.scale);
  if (!scale) return report(scale.error());
  if (const auto ready = simulation::prepare_folder(options.out, options.force); !ready)
    return report(ready.error());

  const Interruption interruption;
  Table table{
      {"SCENARIO", "EVENTS", "ATTACK", "MB", "FOLDER"}, {false, true, true, true, false}, {}};
  for (const ScenarioInfo* scenario : *chosen) {
    const auto written = write_one(*scenario, *scale, options, interruption);
    if (!written) return report(written.error());
    const std::string folder = (std::filesystem::path(options.out) / scenario->name).string();
    if (options.json)
      fmt::print("{{\"scenario\":\"{}\",\"events\":{},\"benign_events\":{},\"bytes\":{}}}\n",
                 scenario->name, written->events, written->benign_events, written->bytes);
    table.rows.push_back({std::string(scenario->name), grouped(written->events),
                          grouped(written->events - written->benign_events),
                          grouped(written->bytes / 1'000'000), one_line(folder)});
  }
  if (!options.json) fmt::print("{}", table.text(style_of_stdout()));
  return 0;
}

int write_lists(const SimulateOptions& options) {
  const auto scale = simulation::parse_scale(options.scale);
  if (!scale) return report(scale.error());
  if (const auto ready = simulation::prepare_folder(options.lists, options.force); !ready)
    return report(ready.error());
  const auto written = simulation::write_lists(options.seed, *scale, options.lists);
  return written ? 0 : report(written.error());
}

int simulate(const SimulateOptions& options) {
  if (options.list) return list_scenarios(options.json);
  if (!options.live.topic.empty()) {
    SimulateTopic live = options.live;
    live.seed = options.seed;
    auto done = simulate_into_topic(live);
    return done ? 0 : report(done.error());
  }
  if (!options.lists.empty()) return write_lists(options);
  if (options.scenario.empty() || options.out.empty())
    return report(
        {config::Error::Kind::kConfiguration,
         "simulate needs --scenario NAME and --out DIR, or --lists DIR, or --config FILE and "
         "--topic T (--list shows the "
         "scenarios)"});
  return write_folders(options);
}

}  // namespace

void add_simulate(CLI::App& app, int& exit_code) {
  auto* const command =
      app.add_subcommand("simulate", "Write login streams with known attacks in them, with labels");
  const auto options = std::make_shared<SimulateOptions>();
  command->add_option("--scenario", options->scenario, "One scenario, or all")->type_name("NAME");
  command->add_option("--seed", options->seed, "The same seed gives the same bytes, on any machine")
      ->capture_default_str()
      ->type_name("N");
  command->add_option("--scale", options->scale, "Size of site, traffic and attack, 0.01 to 20")
      ->capture_default_str()
      ->type_name("X");
  command
      ->add_option("--out", options->out,
                   "Folder for <scenario>/{events.ndjson,labels.json,site.json} and lists/")
      ->type_name("DIR");
  command
      ->add_option("--lists", options->lists,
                   "Only the leaked lists that scenarios and the live stream play with, into this "
                   "folder")
      ->type_name("DIR");
  command->add_option("--config", options->live.config, "With --topic: where the brokers stand");
  command->add_option("--topic", options->live.topic, "Produce the live stream into this topic");
  command->add_option("--rate", options->live.rate, "With --topic: events a second")
      ->check(CLI::Range(1, 1'000'000));
  command->add_option("--events", options->live.events, "With --topic: stop after so many");
  command
      ->add_option("--set", options->live.overrides, "KEY=VALUE: set any key of the configuration")
      ->take_all()
      ->allow_extra_args(false);
  command->add_flag("--force", options->force, "Write into a folder that is not empty");
  command->add_flag("--list", options->list, "Show the scenarios");
  command->add_flag("--json", options->json, "One JSON object a scenario on standard output");
  command
      ->add_option("--progress", options->progress,
                   "auto: on a terminal; json: JSON lines on standard error")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "json", "none"}));
  command->callback([options, &exit_code] { exit_code = simulate(*options); });
}

}  // namespace stuffwatch::daemon
