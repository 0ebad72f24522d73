// `--format auto` over a table of decoders; decoder.h has the same over the table of all.
#pragma once

#include <span>

#include "ingest/decoder.h"

namespace stuffwatch::ingest {

// Takes up to 200 of `records`, evenly spread; all of them when no decoder finds a login in those.
// A login counts 10, a skipped record 1, a rejected one -5; blank ones do not count. The best sum
// wins if it is positive, the first in the table on a tie. `confidence`: logins / (logins +
// rejects); without any login at most 0.1: the shape fits, and nothing more is known.
[[nodiscard]] FormatGuess guess_format(std::span<const RawRecord> records,
                                       std::span<const DecoderInfo> among);

}  // namespace stuffwatch::ingest
