#include "ingest/tenant_id.h"

#include <xxhash.h>

namespace stuffwatch::ingest {

detectors::TenantId tenant_id(std::string_view name) {
  if (name.empty()) return 0;
  const std::uint64_t hash = XXH3_64bits(name.data(), name.size());
  return hash != 0 ? hash : 1;
}

}  // namespace stuffwatch::ingest
