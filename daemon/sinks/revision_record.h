// One revision as the outbox and the ledger store it: a framed, checksummed record that can be found again after damage.
//   u32 marker | u32 payload bytes | u64 sequence | u64 xxh3(payload), seeded with the three before | payload
// Little endian. The marker holds byte 0x01, which no JSON text contains, so that a body never looks like a record.
// Cost: about a memcpy and a hash of the body each way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/sinks/notice.h"
#include "detectors/campaigns/revision.h"

namespace stuffwatch::daemon::sinks {

inline constexpr std::size_t kRecordHeaderBytes = 24;
inline constexpr std::size_t kMaxRecordBytes = std::size_t{16}
                                               << 20U;  // a longer payload is damage

// A revision with its place in the outbox.
struct Entry {
  std::uint64_t sequence = 0;  // 1-based, strictly increasing, gaps possible
  WallTime appended{};         // when it was handed to the outbox
  detectors::Revision revision;
};

// False, and nothing appended, when the revision is larger than kMaxRecordBytes.
[[nodiscard]] bool append_record(std::string& out, const Entry& entry);

// Walks the records in `bytes`. What is not a record is stepped over up to the next one and counted.
class RecordScanner {
 public:
  explicit RecordScanner(std::string_view bytes, std::size_t offset = 0)
      : bytes_(bytes), offset_(offset), valid_end_(offset) {}

  // The next whole record, or nullopt at the end of the bytes. A record with a sequence at or below the one before is a
  // copy left by a failed write and is passed over silently.
  [[nodiscard]] std::optional<Entry> next();

  [[nodiscard]] std::size_t offset() const { return offset_; }
  [[nodiscard]] std::size_t valid_end() const {
    return valid_end_;
  }  // where the last whole record ended
  [[nodiscard]] std::size_t damaged() const {
    return damaged_;
  }  // bytes stepped over before valid_end()

 private:
  std::string_view bytes_;
  std::size_t offset_;
  std::size_t valid_end_;
  std::size_t damaged_ = 0;
  std::uint64_t last_sequence_ = 0;
};

}  // namespace stuffwatch::daemon::sinks
