// Decoder "ecs": Elastic Common Schema, events of the category authentication; nested or dotted
// keys, or both.
#pragma once

#include <memory>

#include "ingest/decoder.h"

namespace stuffwatch::ingest {

[[nodiscard]] std::unique_ptr<Decoder> make_ecs_decoder();

}  // namespace stuffwatch::ingest
