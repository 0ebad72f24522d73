// The largest record that is decoded. A longer one reaches the decoder cut to kMaxRecordBytes + 1
// bytes, so that "size() > kMaxRecordBytes" is the test for kTooLarge everywhere.
#pragma once

#include <cstddef>

namespace stuffwatch::ingest {

inline constexpr std::size_t kMaxRecordBytes = std::size_t{1} << 20;

}  // namespace stuffwatch::ingest
