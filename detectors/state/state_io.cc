#include "detectors/state/state_io.h"

namespace stuffwatch::detectors {

config::Result<void> StateReader::finish(std::string_view what) const {
  if (failed_)
    return config::failed("{}: the saved state is damaged or from another configuration", what);
  if (!in_.empty())
    return config::failed("{}: {} bytes are left over in the saved state", what, in_.size());
  return {};
}

}  // namespace stuffwatch::detectors
