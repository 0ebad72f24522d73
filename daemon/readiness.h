// Whether the daemon sees everything, and if not, why and what to do: what /readyz answers.
#pragma once

#include <string>
#include <vector>

#include "daemon/status.h"

namespace stuffwatch::daemon {

// What the status does not hold by itself. Empty and false while all is well.
struct Circumstances {
  std::string held = {};                // why everything waits
  std::string kafka = {}, outbox = {};  // what is wrong with them
  std::vector<std::string> silent_inputs = {};
  bool partial = false;    // some events were not seen
  bool rereading = false;  // in silence, what was dealt with before the last stop
  bool standby = false;    // another process owns the inputs
};

// Sets `state` and `reasons` from the rest of the status: full, degraded, blind or standby, with every reason and its remedy.
void judge(const Circumstances& circumstances, DaemonStatus& status);

}  // namespace stuffwatch::daemon
