// Splits one syslog line into time, program, process id and message. It knows nothing of what the
// message says.
//
// Shapes, each with or without a "<PRI>" in front:
//   Mar 27 13:06:56 host sshd[123]: ...                   RFC 3164: no year, no zone
//   Mar 27 2026 13:06:56 host sshd[123]: ...              the same with a year
//   2026-01-02T03:04:05.123456+01:00 host sshd[123]: ...  rsyslog, journalctl; zone may be missing
//   <38>1 2026-01-02T03:04:05Z host sshd 123 - - ...      RFC 5424
// The host may be missing, and busybox puts "auth.info" in front of the program.
//
// Memory: views into the line. Threads: any. Cost: about 60 ns. Errors: a Reject; never throws.
#pragma once

#include <string_view>

#include "ingest/raw_login.h"

namespace stuffwatch::ingest {

struct SyslogLine {
  EventTime time{};
  bool yearless = false;     // time stands in the leap year 2000, as if it were UTC
  bool zoneless = false;     // a full date, read as if it were UTC
  std::string_view program;  // "sshd"; empty when the line has no tag: "last message repeated ..."
  std::string_view pid;      // digits, or empty
  std::string_view message;
};

// kNone: `out` is complete. kNotThisFormat: no syslog stamp at the start. kBadTime: a stamp that is
// no date. kMissingTime: RFC 5424's "-".
[[nodiscard]] Reject parse_syslog(std::string_view line, SyslogLine& out);

}  // namespace stuffwatch::ingest
