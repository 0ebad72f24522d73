#include "ingest/format_guesser.h"

#include <utility>

namespace stuffwatch::ingest {
namespace {

class NoFormat final : public Decoder {
 public:
  Verdict decode(const RawRecord& record, LoginCollector&) override {
    if (record.bytes.empty()) return Verdict::skipped(Skip::kBlankLine);
    return Verdict::rejected(record.bytes.size() > kMaxRecordBytes ? Reject::kTooLarge
                                                                   : Reject::kNotThisFormat);
  }
};

constexpr DecoderInfo kNoFormat{
    "none", "what no format fits: every record is rejected",
    []() -> std::unique_ptr<Decoder> { return std::make_unique<NoFormat>(); }};

}  // namespace

const DecoderInfo* FormatGuesser::add(RawChunk&& chunk) {
  for (const RawRecord& record : chunk.records) bytes_ += record.bytes.size();
  records_.insert(records_.end(), chunk.records.begin(), chunk.records.end());
  chunks_.push_back(std::move(chunk));
  guess_ = guess_format(records_);
  return guess_.logins > 0 ? guess_.decoder : nullptr;
}

const DecoderInfo& FormatGuesser::shape() const {
  return guess_.decoder != nullptr ? *guess_.decoder : kNoFormat;
}

std::vector<RawChunk> FormatGuesser::take() {
  records_.clear();
  bytes_ = 0;
  return std::exchange(chunks_, {});
}

}  // namespace stuffwatch::ingest
