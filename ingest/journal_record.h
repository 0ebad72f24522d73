// One entry of `journalctl -o json`, as far as a syslog-like decoder needs it.
//
// Errors: a Reject; the whole document is checked (pipeline.md 6). Threads: one instance belongs to
// one thread. Cost: about 0.4 us an entry.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ingest/raw_chunk.h"
#include "ingest/raw_login.h"

namespace stuffwatch::ingest {

// Views are valid until the parser's next entry.
struct JournalEntry {
  EventTime time{};          // when the program wrote it; else when the journal took it
  std::string_view program;  // SYSLOG_IDENTIFIER, else _COMM
  std::string_view pid;      // _PID, else SYSLOG_PID
  std::string_view message;
  bool has_message = false;  // false: absent, or null because the journal left a long field out
};

class JournalParser {
 public:
  JournalParser();
  ~JournalParser();
  // kNotThisFormat: an object that is no journal entry.
  [[nodiscard]] Reject parse(const RawRecord& record, JournalEntry& out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace stuffwatch::ingest
