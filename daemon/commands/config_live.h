// `config check --live`: whether what the configuration names is there and answers. One line each, with the remedy.
#pragma once

#include "config/result.h"
#include "daemon/config.h"

namespace stuffwatch::daemon {

// Exit status 0, or 1 when something is in the way. Changes nothing but for an empty state folder that it makes.
[[nodiscard]] config::Result<int> check_live(Config& config);

}  // namespace stuffwatch::daemon
