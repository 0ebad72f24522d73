// Writes scenarios as folders: events.ndjson, labels.json and site.json each, and the leaked lists
// beside them.
//
// Memory: what is pending, plus 16 bytes an attack attempt (the labels name them all); never the
// events.
// Errors: kFailed with the file and the system's reason; kConfiguration for a folder that is in
// use.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "config/result.h"
#include "ingest/simulation/scenarios.h"

namespace stuffwatch::ingest::simulation {

struct Written {
  std::uint64_t events = 0, benign_events = 0, bytes = 0;
};

// Called every few thousand events; false stops, and the file that is being written goes.
using WriteProgress = std::function<bool(const Written& so_far)>;

// Makes the folder; one that holds anything is refused unless `force`, which writes over scenarios
// of the same name.
[[nodiscard]] config::Result<void> prepare_folder(const std::filesystem::path& folder, bool force);

// folder/<scenario>/{events.ndjson,labels.json,site.json} and folder/lists/<list>.txt.
[[nodiscard]] config::Result<Written> write_scenario(const ScenarioInfo& scenario,
                                                     std::uint64_t seed, Scale scale,
                                                     const std::filesystem::path& folder,
                                                     const WriteProgress& progress);

// folder/<list>.txt: the same lists, without a scenario.
[[nodiscard]] config::Result<void> write_lists(std::uint64_t seed, Scale scale,
                                               const std::filesystem::path& folder);

}  // namespace stuffwatch::ingest::simulation
