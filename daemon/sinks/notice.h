// How the sinks' room speaks to the log without knowing it: the owner of the process turns a notice into a log line.
// Threads: a NoticeSink is called from whichever thread met the event, possibly from several at once; it must not call back.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace stuffwatch::daemon::sinks {

enum class NoticeLevel : std::uint8_t { kInfo, kWarning, kError };
using NoticeSink = std::function<void(NoticeLevel level, const std::string& text)>;

// The wall clock, as far as this room reads one: the age of what waits, and when a cursor was last saved.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using WallClock = std::function<WallTime()>;

}  // namespace stuffwatch::daemon::sinks
