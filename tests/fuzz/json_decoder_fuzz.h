// What the fuzz targets of the JSON decoders share: no crash, no read beyond the padding, nothing
// out of a bad record, and no document taken for good that a full parser refuses.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

#include <simdjson.h>

#include "ingest/decoder.h"

namespace stuffwatch::ingest::fuzz {

struct Counting : LoginCollector {
  void add(const RawLogin& login) override {
    ++logins;
    for (const std::string_view text : {login.account, login.source_ip, login.user_agent,
                                        login.event_id, login.tenant, login.forwarded_for}) {
      for (const char c : text) sum += static_cast<unsigned char>(c);  // the views can be read
    }
  }
  void unknown_field() override { ++ignored; }
  void secret_field() override { ++ignored; }
  std::uint64_t logins = 0, ignored = 0, sum = 0;
};

inline void require(bool holds) {
  if (!holds) std::abort();
}

inline void decode(Decoder& decoder, const std::uint8_t* bytes, std::size_t size) {
  const auto memory = std::make_unique<char[]>(
      size + RawChunk::kPadding);  // of its own: the sanitizer sees the end of the padding
  std::memcpy(memory.get(), bytes, size);
  std::memset(memory.get() + size, '}', RawChunk::kPadding);
  RawRecord record;
  record.bytes = {memory.get(), size};
  Counting counting;
  const Verdict verdict = decoder.decode(record, counting);
  require(counting.logins == (verdict.decoded() ? 1U : 0U));
  require(verdict.reject == Reject::kNone || counting.ignored == 0);
  if (verdict.reject != Reject::kNone || verdict.skip == Skip::kBlankLine ||
      record.bytes.starts_with("\xef\xbb\xbf"))
    return;
  static simdjson::dom::parser parser;
  simdjson::dom::element element;
  const auto error = parser.parse(memory.get(), size, false).get(element);
  require(error == simdjson::SUCCESS ||
          error == simdjson::NUMBER_ERROR);  // numbers beyond any type of C++ are JSON, too
}

}  // namespace stuffwatch::ingest::fuzz
