#include "ingest/guess_format.h"

#include <algorithm>

namespace stuffwatch::ingest {
namespace {

constexpr std::size_t kSample = 200;

class Nobody final : public LoginCollector {
 public:
  void add(const RawLogin&) override {}
  void unknown_field() override {}
  void secret_field() override {}
};

// `wanted` of the records, evenly spread over all.
FormatTally tally(const DecoderInfo& info, std::span<const RawRecord> records, std::size_t wanted) {
  FormatTally out;
  const auto decoder = info.make();
  for (std::size_t i = 0; i < wanted; ++i) out.look(*decoder, records[i * records.size() / wanted]);
  return out;
}

}  // namespace

void FormatTally::look(Decoder& decoder, const RawRecord& record) {
  Nobody nobody;
  const Verdict verdict = decoder.decode(record, nobody);
  logins += verdict.decoded() ? 1 : 0;
  rejected += verdict.reject != Reject::kNone ? 1 : 0;
  skipped += verdict.skip != Skip::kNone && verdict.skip != Skip::kBlankLine ? 1 : 0;
}

FormatGuess guess_format(std::span<const RawRecord> records, std::span<const DecoderInfo> among) {
  const std::size_t sample = std::min(records.size(), kSample);
  for (const std::size_t wanted : {sample, records.size()}) {
    FormatGuess best;
    FormatTally best_tally;
    for (const DecoderInfo& info : among) {
      const FormatTally found = tally(info, records, wanted);
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
