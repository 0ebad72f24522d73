// How far a sink has come, on disk: one small file a sink, replaced as a whole. A lost or damaged one reads as 0: the sink
// gets again what the outbox still holds, which at-least-once allows.
// Threads: one.
#pragma once

#include <cstdint>
#include <filesystem>

#include "config/result.h"
#include "daemon/sinks/notice.h"

namespace stuffwatch::daemon::sinks {

// Errors: the file is there but cannot be read (rights, disk); damaged contents are said through `notice` and read as 0.
[[nodiscard]] config::Result<std::uint64_t> read_cursor(const std::filesystem::path& file,
                                                        const NoticeSink& notice);
[[nodiscard]] config::Result<void> write_cursor(const std::filesystem::path& file,
                                                std::uint64_t cursor);

}  // namespace stuffwatch::daemon::sinks
