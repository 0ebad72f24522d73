#include "ingest/format_guesser.h"

#include <algorithm>
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

// The first records of a chunk as one of their own; the rest stays.
RawChunk split(RawChunk& chunk, std::size_t records) {
  std::size_t bytes = RawChunk::kPadding;
  for (std::size_t i = 0; i < records; ++i) bytes += chunk.records[i].bytes.size();
  RawChunk front{.input = chunk.input, .records = {}, .next_offset = {}, .memory = {}};
  char* at = front.memory.emplace_back(std::make_unique<char[]>(bytes)).get();
  for (std::size_t i = 0; i < records; ++i) {
    RawRecord record = chunk.records[i];
    std::ranges::copy(record.bytes, at);
    record.bytes = {at, record.bytes.size()};
    at += record.bytes.size();
    front.records.push_back(record);
  }
  front.next_offset = chunk.records[records].offset;
  chunk.records.erase(chunk.records.begin(),
                      chunk.records.begin() + static_cast<std::ptrdiff_t>(records));
  return front;
}

}  // namespace

FormatGuesser::Found FormatGuesser::add(RawChunk& chunk) {
  if (candidates_.empty()) begin();
  for (std::size_t i = 0; i < chunk.records.size(); ++i) {
    bool login = false;
    for (auto& [info, decoder, tally] : candidates_) {
      tally.look(*decoder, chunk.records[i]);
      login = login || tally.logins > 0;
    }
    ++records_, bytes_ += chunk.records[i].bytes.size();
    if (login) {
      records_ += chunk.records.size() - i - 1;
      chunks_.push_back(std::exchange(chunk, {}));
      return Found::kFormat;
    }
    if (records_ <= kMostRecords && bytes_ <= kMostBytes) continue;
    chunks_.push_back(i + 1 < chunk.records.size() ? split(chunk, i + 1)
                                                   : std::exchange(chunk, {}));
    return Found::kFull;
  }
  chunks_.push_back(std::exchange(chunk, {}));
  return Found::kNothing;
}

void FormatGuesser::begin() {
  for (const DecoderInfo& info : decoders()) candidates_.push_back({&info, info.make(), {}});
}

const FormatGuesser::Candidate* FormatGuesser::best() const {
  const Candidate* best = nullptr;
  auto rank = FormatTally{}.rank();
  for (const Candidate& candidate : candidates_) {
    if (candidate.tally.rank() <= rank) continue;
    best = &candidate, rank = candidate.tally.rank();
  }
  return best;
}

const DecoderInfo& FormatGuesser::shape() const {
  const Candidate* found = best();
  return found != nullptr ? *found->info : kNoFormat;
}

std::vector<RawChunk> FormatGuesser::take() {
  candidates_.clear();
  records_ = bytes_ = 0;
  return std::exchange(chunks_, {});
}

}  // namespace stuffwatch::ingest
