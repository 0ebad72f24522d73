#include "ingest/event_batch.h"

#include <cstring>
#include <iterator>

namespace stuffwatch::ingest {

std::string_view TextArena::copy(std::string_view text) {
  if (text.empty()) return {};
  if (text.size() > kBlock / 4) {  // a block of its own: nothing of the shared ones is wasted
    large_.push_back(std::make_unique_for_overwrite<char[]>(text.size()));
    std::memcpy(large_.back().get(), text.data(), text.size());
    return {large_.back().get(), text.size()};
  }
  if (blocks_.empty() || used_ + text.size() > kBlock) {
    if (!blocks_.empty()) ++block_;
    if (block_ == blocks_.size()) blocks_.push_back(std::make_unique_for_overwrite<char[]>(kBlock));
    used_ = 0;
  }
  char* const to = blocks_[block_].get() + used_;
  std::memcpy(to, text.data(), text.size());
  used_ += text.size();
  return {to, text.size()};
}

void TextArena::clear() {
  large_.clear();
  block_ = used_ = 0;
}

DecodeCounts& DecodeCounts::operator+=(const DecodeCounts& more) {
  records += more.records, bytes += more.bytes, decoded += more.decoded,
      unknown_fields += more.unknown_fields, secret_fields += more.secret_fields;
  for (std::size_t i = 0; i < std::size(skipped); ++i) skipped[i] += more.skipped[i];
  for (std::size_t i = 0; i < std::size(rejected); ++i) rejected[i] += more.rejected[i];
  return *this;
}

}  // namespace stuffwatch::ingest
