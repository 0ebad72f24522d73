// A triage as one HTML file: no script, nothing loaded, light or dark as the reader has it, and black on white on paper.
#pragma once

#include <string>

#include "daemon/commands/triage_report.h"

namespace stuffwatch::daemon {

// Whatever stands in names of lists and files is text in it.
[[nodiscard]] std::string triage_page(const TriageReport& report);

}  // namespace stuffwatch::daemon
