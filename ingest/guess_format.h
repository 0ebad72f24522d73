// `--format auto` over a table of decoders; decoder.h has the same over the table of all.
#pragma once

#include <span>

#include "ingest/decoder.h"

namespace stuffwatch::ingest {

// Takes up to 200 of `records`, evenly spread; all of them when no decoder finds a login in those.
// A login counts 10, a skipped record 1, a rejected one -5; blank ones do not count. The best sum
// wins among the decoders that find a login; where none does, if it is positive. The first in the
// table wins on a tie. A login outweighs any number of rejects, because what all decoders reject
// says nothing about which of them is right.
[[nodiscard]] FormatGuess guess_format(std::span<const RawRecord> records,
                                       std::span<const DecoderInfo> among);

}  // namespace stuffwatch::ingest
