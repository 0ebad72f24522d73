#include "daemon/terminal_output.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string>

#include "daemon/deadline.h"

namespace stuffwatch::daemon {
namespace {

// What a terminal that is ready certainly takes, so that not even a write that may wait does: Linux calls it ready when it has room for 256 bytes, and
// asks anew for room at each character that it may turn into several.
std::string_view piece_of(std::string_view bytes) {
  constexpr std::size_t kRoom = 256;
  return bytes.substr(0, std::clamp<std::size_t>(bytes.find_first_of("\n\t"), 1, kRoom));
}

}  // namespace

void never_wait_for(int file) {
  if (::isatty(file) == 0) return;
  const std::string name = "/proc/self/fd/" + std::to_string(file);
  const int own = ::open(name.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (own < 0) return;
  ::dup2(own, file);
  ::close(own);
}

std::optional<std::size_t> write_within(std::chrono::milliseconds patience, int file,
                                        std::string_view bytes) {
  const Deadline deadline(patience);
  std::size_t done = 0;
  while (done < bytes.size()) {
    pollfd terminal{file, POLLOUT, 0};
    const int ready = ::poll(&terminal, 1, static_cast<int>(deadline.left().count()));
    if (ready == 0) break;
    if (ready < 0 && errno == EINTR) continue;
    const std::string_view piece = piece_of(bytes.substr(done));
    const ssize_t written = ::write(file, piece.data(), piece.size());
    if (written < 0 && errno != EINTR && errno != EAGAIN) return std::nullopt;
    if (written > 0)
      done += static_cast<std::size_t>(written);
    else if (deadline.left().count() == 0)
      break;
  }
  return done;
}

bool write_error(std::chrono::milliseconds patience, std::string_view text) {
  if (::isatty(STDERR_FILENO) != 0)
    return write_within(patience, STDERR_FILENO, text) == text.size();
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
  return true;
}

}  // namespace stuffwatch::daemon
