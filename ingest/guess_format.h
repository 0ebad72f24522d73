// `--format auto` over a table of decoders; decoder.h has the same over the table of all.
#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "ingest/decoder.h"

namespace stuffwatch::ingest {

// What one decoder makes of some records. A login counts 10, a skipped record 1, a rejected one -5;
// blank ones do not count. A login outweighs any number of rejects, because what all decoders reject
// says nothing about which of them is right.
struct FormatTally {
  std::int64_t logins = 0, skipped = 0, rejected = 0;

  void look(Decoder& decoder, const RawRecord& record);
  // The greater fits better; what is not above that of nothing fits not at all.
  [[nodiscard]] std::pair<bool, std::int64_t> rank() const {
    return {logins > 0, 10 * logins + skipped - 5 * rejected};
  }
};

// Takes up to 200 of `records`, evenly spread; all of them when no decoder finds a login in those.
// The best sum wins among the decoders that find a login; where none does, if it is positive. The
// first in the table wins on a tie.
[[nodiscard]] FormatGuess guess_format(std::span<const RawRecord> records,
                                       std::span<const DecoderInfo> among);

}  // namespace stuffwatch::ingest
