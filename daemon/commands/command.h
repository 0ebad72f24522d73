// The subcommands. One file each: it exposes one function that adds the subcommand to the command
// line, and is listed by one line in commands.cc. The callback of the subcommand does the work and
// leaves the exit status (contract: 0 done, 1 failed, 2 wrong usage or configuration; others as the
// command's help says).
#pragma once

#include <span>
#include <string_view>

#include "config/result.h"

namespace CLI {
class App;
}

namespace stuffwatch::daemon {

struct Command {
  std::string_view name;
  void (*add)(CLI::App& app, int& exit_code);
};
[[nodiscard]] std::span<const Command> commands();

// The whole program but main(). Never throws.
[[nodiscard]] int run_command_line(int argc, const char* const* argv);

// "stuffwatch: <message>" on standard error; the exit status that belongs to the error.
[[nodiscard]] int report(const config::Error& error);

void add_accounts(CLI::App& app, int& exit_code);
void add_campaigns(CLI::App& app, int& exit_code);
void add_corpus(CLI::App& app, int& exit_code);
void add_config(CLI::App& app, int& exit_code);
void add_replay(CLI::App& app, int& exit_code);
void add_run(CLI::App& app, int& exit_code);
void add_schema(CLI::App& app, int& exit_code);
void add_show(CLI::App& app, int& exit_code);
void add_simulate(CLI::App& app, int& exit_code);
void add_status(CLI::App& app, int& exit_code);

}  // namespace stuffwatch::daemon
