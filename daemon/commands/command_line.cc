// Usage errors, help and version are the same for every subcommand: decided here.
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "config/nearest.h"
#include "daemon/commands/command.h"
#include "daemon/terminal_output.h"
#include "version.h"

namespace stuffwatch::daemon {
namespace {

constexpr int kUsageError = 2;

// CLI11 would only say that a word was not expected.
bool is_unknown_command(std::string_view word) {
  if (word.starts_with('-')) return false;
  for (const Command& command : commands())
    if (command.name == word) return false;
  return true;
}

int unknown_command(std::string_view word) {
  std::vector<std::string> names;
  for (const Command& command : commands()) names.emplace_back(command.name);
  const std::string near = config::nearest(word, names);
  fmt::print(stderr, "stuffwatch: there is no command \"{}\"{}; stuffwatch --help lists them\n",
             word, near.empty() ? "" : fmt::format(", did you mean \"{}\"?", near));
  return kUsageError;
}

int parse_and_run(CLI::App& app, int argc, const char* const* argv, const int& exit_code) {
  try {
    app.parse(argc, argv);
    return exit_code;
  } catch (const CLI::Success& wanted) {  // --help, --version
    app.exit(wanted);
    return 0;
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "stuffwatch: {}; see stuffwatch {}--help\n", error.what(),
               argc > 1 && argv[1][0] != '-' ? std::string(argv[1]) + " " : "");
    return kUsageError;
  }
}

}  // namespace

int report(const config::Error& error) {
  std::fflush(stdout);
  write_error(std::chrono::seconds(1), fmt::format("stuffwatch: {}\n", error.message));
  return error.kind == config::Error::Kind::kConfiguration ? kUsageError : 1;
}

int run_command_line(int argc, const char* const* argv) {
  try {
    CLI::App app{
        "Watches login events and says, with evidence, when somebody walks a leaked list of "
        "credentials through your login page.",
        "stuffwatch"};
    app.set_version_flag("--version", std::string("stuffwatch ") + kVersion);
    app.require_subcommand(1);
    int exit_code = 0;
    for (const Command& command : commands()) command.add(app, exit_code);
    if (argc < 2) {
      fmt::print(stderr, "{}", app.help());
      return kUsageError;
    }
    if (is_unknown_command(argv[1])) return unknown_command(argv[1]);
    return parse_and_run(app, argc, argv, exit_code);
  } catch (const std::exception& failure) {
    fmt::print(stderr, "stuffwatch: {}\n", failure.what());
    return 1;
  }
}

}  // namespace stuffwatch::daemon
