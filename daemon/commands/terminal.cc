#include "daemon/commands/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "daemon/terminal_output.h"

namespace stuffwatch::daemon {
namespace {

// Alternate screen, cursor hidden, lines that are too long cut; and all of it back.
constexpr std::string_view kTake = "\x1b[?1049h\x1b[?25l\x1b[?7l",
                           kGiveBack = "\x1b[?7h\x1b[?25h\x1b[?1049l";

using namespace std::chrono_literals;

// For a page, and for what gives the terminal back.
constexpr std::chrono::milliseconds kPagePatience = 200ms, kLastPatience = 1s;

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

Terminal::Terminal() : unsent_(kTake) {
  for (const int file : {STDOUT_FILENO, STDERR_FILENO}) never_wait_for(file);
  ::tcgetattr(STDOUT_FILENO, &before_);
  termios drawing = before_;
  drawing.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON);
  drawing.c_iflag &= ~static_cast<tcflag_t>(IXON);
  drawing.c_cc[VSUSP] = drawing.c_cc[VQUIT] = _POSIX_VDISABLE;
  ::tcsetattr(STDOUT_FILENO, TCSANOW, &drawing);
  static_cast<void>(send());
}

Terminal::~Terminal() {
  if (write_within(kLastPatience, STDOUT_FILENO, kGiveBack) != kGiveBack.size()) {
    ::tcflush(STDOUT_FILENO,
              TCOFLUSH);  // of a page that is not looked at, for what must come after it
    static_cast<void>(write_within(0ms, STDOUT_FILENO, kGiveBack));
  }
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
  if (unsent_.empty()) unsent_ = out + "\x1b[J";
  return send();
}

bool Terminal::send() {
  const auto sent = write_within(kPagePatience, STDOUT_FILENO, unsent_);
  unsent_.erase(0, sent.value_or(0));
  return sent.has_value();
}

}  // namespace stuffwatch::daemon
