// Decoder "native": the project's own login event (docs/events.md), one JSON object a record.
#pragma once

#include <memory>

#include "ingest/decoder.h"

namespace stuffwatch::ingest {

[[nodiscard]] std::unique_ptr<Decoder> make_native_decoder();

}  // namespace stuffwatch::ingest
