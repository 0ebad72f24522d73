// Where revisions go: one implementation a kind of receiver. At least once: a revision may come again after a crash or a
// failed delivery, always with the same body; receivers keep the highest revision of an id.
// Threads: deliver(), settle() and check() from the sink's own thread; cancel() from any.
// Errors:  kFailed; the runner backs off and comes again with the same revisions. A sink never gives up by itself.
#pragma once

#include <cstddef>
#include <span>
#include <stop_token>
#include <string>

#include "config/result.h"
#include "detectors/campaigns/revision.h"

namespace stuffwatch::daemon::sinks {

struct Delivered {
  std::size_t count = 0;    // the first `count` are done with: acknowledged, or refused for good
  std::size_t refused = 0;  // of those, the ones that the receiver will never take
  std::string problem;      // why one was refused, or why `count` is less than was given
};

class Sink {
 public:
  virtual ~Sink() = default;
  // In this order. Returns within some seconds, whatever the receiver does. `revisions` is not empty.
  [[nodiscard]] virtual config::Result<Delivered> deliver(
      std::span<const detectors::Revision> revisions) = 0;
  // Makes what was delivered durable where acknowledging alone does not; the cursor is saved only after it.
  [[nodiscard]] virtual config::Result<void> settle() { return {}; }
  // Can the receiver be reached and written to? Delivers nothing. For config check --live and the start of a runner; gives up
  // within a second when `stop` is asked for.
  [[nodiscard]] virtual config::Result<void> check(const std::stop_token& /*stop*/) { return {}; }
  // Whether there is something to deliver or not, at least once a minute: what a client library wants to be served.
  virtual void tend() {}
  // The process is going down: a deliver() that waits returns at once.
  virtual void cancel() {}
};

}  // namespace stuffwatch::daemon::sinks
