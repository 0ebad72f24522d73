// The id of a tenant or an application: a hash of its name. Not keyed: it stands in no place where a name would have to be kept secret.
#pragma once

#include <string_view>

#include "detectors/event.h"

namespace stuffwatch::ingest {

[[nodiscard]] detectors::TenantId tenant_id(std::string_view name);  // 0 = no name

}  // namespace stuffwatch::ingest
