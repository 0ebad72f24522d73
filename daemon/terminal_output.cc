#include "daemon/terminal_output.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "daemon/deadline.h"

namespace stuffwatch::daemon {

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
  do {
    pollfd terminal{file, POLLOUT, 0};
    const int ready = ::poll(&terminal, 1, static_cast<int>(deadline.left().count()));
    if (ready == 0) break;
    if (ready < 0 && errno == EINTR) continue;
    const ssize_t written = ::write(file, bytes.data() + done, bytes.size() - done);
    if (written >= 0)
      done += static_cast<std::size_t>(written);
    else if (errno != EINTR && errno != EAGAIN)
      return std::nullopt;
  } while (done < bytes.size() && deadline.left().count() > 0);
  return done;
}

}  // namespace stuffwatch::daemon
