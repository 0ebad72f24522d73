#include "daemon/commands/terminal.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>

namespace stuffwatch::daemon {
namespace {

// Alternate screen, cursor hidden, lines that are too long cut; and all of it back.
constexpr std::string_view kTake = "\x1b[?1049h\x1b[?25l\x1b[?7l",
                           kGiveBack = "\x1b[?7h\x1b[?25h\x1b[?1049l";

// In small pieces, so that a terminal that hangs is noticed between them. One that has room for less than a piece still holds its writer up: that is why
// the daemon writes its state before the view ends.
constexpr std::size_t kPiece = 256;
constexpr int kPatienceMs = 1000;

// False: the terminal is gone. What one that hangs does not take is left out: the next page shows it.
bool write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    pollfd terminal{STDOUT_FILENO, POLLOUT, 0};
    const int ready = ::poll(&terminal, 1, kPatienceMs);
    if (ready == 0) return true;
    if (ready < 0 && errno == EINTR) continue;
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), std::min(bytes.size(), kPiece));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

config::Result<void> Terminal::check() {
  if (::isatty(STDOUT_FILENO) == 0)
    return config::misconfigured(
        "--watch draws on a terminal, and standard output is none: leave --watch out, and look at "
        "the daemon with stuffwatch status");
  const char* const type = std::getenv("TERM");
  if (type == nullptr || *type == '\0' || std::string_view(type) == "dumb")
    return config::misconfigured(
        "--watch needs a terminal that it can draw on; set TERM to what yours is, or leave --watch "
        "out");
  return {};
}

Terminal::Terminal() {
  ::tcgetattr(STDOUT_FILENO, &before_);
  termios drawing = before_;
  drawing.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON);
  drawing.c_iflag &= ~static_cast<tcflag_t>(IXON);
  drawing.c_cc[VSUSP] = drawing.c_cc[VQUIT] = _POSIX_VDISABLE;
  ::tcsetattr(STDOUT_FILENO, TCSANOW, &drawing);
  write_all(kTake);
}

Terminal::~Terminal() {
  write_all(kGiveBack);
  ::tcflush(STDOUT_FILENO, TCIFLUSH);  // keys that were pressed meanwhile are nobody's command
  ::tcsetattr(STDOUT_FILENO, TCSANOW, &before_);
}

bool Terminal::show(std::string_view page) {
  if (page.ends_with('\n')) page.remove_suffix(1);  // the last line must not scroll the first away
  std::string out = "\x1b[H";
  for (;;) {
    const std::size_t end = std::min(page.find('\n'), page.size());
    out.append(page.substr(0, end)).append("\x1b[K");
    if (end == page.size()) break;
    out += "\r\n";
    page.remove_prefix(end + 1);
  }
  return write_all(out += "\x1b[J");
}

}  // namespace stuffwatch::daemon
