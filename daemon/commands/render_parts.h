// Parts of pages that several commands show. Only for .cc files of daemon/commands/: includes simdjson.
#pragma once

#include <string>
#include <string_view>

#include "daemon/commands/render.h"
#include "daemon/json_view.h"

namespace stuffwatch::daemon {

// Of /api/v1/status (status.cc).
// "full  stuffwatch 0.1.0, site shop-eu, ..." and a line for each reason.
[[nodiscard]] std::string state_lines(JsonElement status, const TextStyle& style);
// "12 since the start, as reference in /var/lib/..."
[[nodiscard]] std::string dead_letter_text(JsonElement status);
[[nodiscard]] Table inputs_table(JsonElement status);
[[nodiscard]] Table sinks_table(JsonElement status);

// Of /api/v1/campaigns (campaigns.cc).
// A count of the alert, with ~ where it is an estimate.
[[nodiscard]] std::string counted(JsonElement alert, std::string_view name);

}  // namespace stuffwatch::daemon
