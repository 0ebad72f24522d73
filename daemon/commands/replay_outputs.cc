#include "daemon/commands/replay_outputs.h"

#include <unistd.h>

#include <algorithm>
#include <map>

namespace stuffwatch::daemon {

using config::Result;

Result<void> ReplayOutputs::check(std::span<const std::string> read) {
  std::map<config::FileIdentity, std::string> known;
  for (const std::string& path : read)
    if (const auto file = config::identity_of(path, STDIN_FILENO))
      known.emplace(*file, fmt::format("{}, which is read", path));
  for (const ReplayOutput* output : all()) {
    if (output->path.empty()) continue;
    const auto file = config::identity_of(output->path, STDOUT_FILENO);
    if (!file) continue;
    const std::string name = fmt::format("{} {}", output->option, output->path);
    if (const auto [same, is_new] = known.emplace(*file, name); !is_new)
      return config::misconfigured("{} is the same file as {}; give it a file of its own", name,
                                   same->second);
  }
  return {};
}

Result<void> ReplayOutputs::open() {
  for (ReplayOutput* output : all()) {
    if (output->path.empty()) continue;
    auto opened = config::OutputFile::open(output->path);
    if (!opened) return std::unexpected(opened.error());
    output->file = std::move(*opened);
  }
  return {};
}

Result<void> ReplayOutputs::finish() {
  for (ReplayOutput* output : all())
    if (auto done = output->file.finish(); !done) return done;
  return {};
}

bool ReplayOutputs::on_standard_output() {
  return std::ranges::any_of(
      all(), [](const ReplayOutput* output) { return output->file.is_standard_output(); });
}

}  // namespace stuffwatch::daemon
