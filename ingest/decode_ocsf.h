// Decoder "ocsf": Open Cybersecurity Schema Framework, class Authentication (3002), activity Logon;
// versions 1.0 to 1.5.
#pragma once

#include <memory>

#include "ingest/decoder.h"

namespace stuffwatch::ingest {

[[nodiscard]] std::unique_ptr<Decoder> make_ocsf_decoder();

}  // namespace stuffwatch::ingest
