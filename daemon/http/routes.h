// The routes every daemon has: metrics, health, status, campaigns, and a page that lists them.
// Threads: the sources are called on the server's thread, one at a time.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/http/message.h"
#include "daemon/status.h"

namespace stuffwatch::daemon::http {

struct CampaignQuery {
  bool closed_too = false;
  std::size_t limit = 100;  // at most this many, the worst first
};

// Where answers come from; what the daemon hands over.
struct RouteSources {
  std::function<std::string()> metrics_text;
  std::function<std::shared_ptr<const DaemonStatus>()> status;  // nullptr = still starting
  std::function<std::vector<std::string>(const CampaignQuery&)>
      campaigns;  // the newest alert of each (JSON objects)
  std::function<std::optional<std::string>(std::string_view id)>
      campaign;  // the newest alert of one; nullopt = unknown
};

// GET /  /metrics  /livez  /readyz[?verbose]  /api/v1/status  /api/v1/campaigns[?all][&limit=N]
// /api/v1/campaigns/ID /readyz is 200 in state full only, else 503; the reasons are text, or JSON
// with `Accept: application/json` or ?verbose.
[[nodiscard]] std::vector<Route> standard_routes(RouteSources sources);

}  // namespace stuffwatch::daemon::http
