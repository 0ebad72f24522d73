#include "ingest/guess_format.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace stuffwatch::ingest {
namespace {

constexpr std::size_t kSample = 200;

class Nobody final : public LoginCollector {
 public:
  void add(const RawLogin&) override {}
  void unknown_field() override {}
  void secret_field() override {}
};

struct Tally {
  std::int64_t logins = 0, skipped = 0, rejected = 0;

  [[nodiscard]] std::pair<bool, std::int64_t> rank() const {
    return {logins > 0, 10 * logins + skipped - 5 * rejected};
  }
};

// `wanted` of the records, evenly spread over all.
Tally tally(const DecoderInfo& info, std::span<const RawRecord> records, std::size_t wanted) {
  Tally out;
  Nobody nobody;
  const auto decoder = info.make();
  for (std::size_t i = 0; i < wanted; ++i) {
    const Verdict verdict = decoder->decode(records[i * records.size() / wanted], nobody);
    out.logins += verdict.decoded() ? 1 : 0;
    out.rejected += verdict.reject != Reject::kNone ? 1 : 0;
    out.skipped += verdict.skip != Skip::kNone && verdict.skip != Skip::kBlankLine ? 1 : 0;
  }
  return out;
}

}  // namespace

FormatGuess guess_format(std::span<const RawRecord> records, std::span<const DecoderInfo> among) {
  const std::size_t sample = std::min(records.size(), kSample);
  for (const std::size_t wanted : {sample, records.size()}) {
    FormatGuess best;
    Tally best_tally;
    for (const DecoderInfo& info : among) {
      const Tally found = tally(info, records, wanted);
      if (found.rank() <= best_tally.rank()) continue;
      best = {&info, static_cast<std::size_t>(found.logins)};
      best_tally = found;
    }
    if (best.logins > 0 || wanted == records.size()) return best;
  }
  return {};
}

FormatGuess guess_format(std::span<const RawRecord> records) {
  return guess_format(records, decoders());
}

}  // namespace stuffwatch::ingest
