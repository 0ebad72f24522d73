#include "daemon/commands/command.h"

namespace stuffwatch::daemon {
namespace {

// In the order of `stuffwatch --help`.
// clang-format off: one line a command
constexpr Command kCommands[] = {
    {"run", add_run},
    {"replay", add_replay},
    {"status", add_status},
    {"campaigns", add_campaigns},
    {"show", add_show},
    {"simulate", add_simulate},
    {"corpus", add_corpus},
    {"accounts", add_accounts},
    {"config", add_config},
    {"schema", add_schema},
};
// clang-format on

}  // namespace

std::span<const Command> commands() { return kCommands; }

}  // namespace stuffwatch::daemon
