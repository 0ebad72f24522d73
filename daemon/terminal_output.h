// Writing to a terminal that may hang: a window that is stopped, a connection that is stuck.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

namespace stuffwatch::daemon {

// From here on no write of this process to `file` waits, if that is a terminal: it is opened once more, because what was inherited is shared with the shell,
// which must not notice. A terminal that may not be opened (another user's, after su) stays as it is: only what is below does not wait for it.
void never_wait_for(int file);

// How many bytes the terminal took within the patience; nothing when it is gone.
[[nodiscard]] std::optional<std::size_t> write_within(std::chrono::milliseconds patience, int file,
                                                      std::string_view bytes);

// To standard error: all of it, but to a terminal what that takes within the patience. False: it hangs, or is gone.
bool write_error(std::chrono::milliseconds patience, std::string_view text);

}  // namespace stuffwatch::daemon
