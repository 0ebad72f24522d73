// The process_* metrics every Prometheus client exposes, read from /proc/self at each scrape.
// Threads: any. Errors: what cannot be read is left out.
#pragma once

#include <vector>

namespace prometheus {
struct MetricFamily;
}

namespace stuffwatch::daemon {

void append_process_metrics(std::vector<prometheus::MetricFamily>& families);

}  // namespace stuffwatch::daemon
