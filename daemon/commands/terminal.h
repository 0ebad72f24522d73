// The terminal that standard output is, as a page that is drawn over and over. Plain ANSI: the
// alternate screen, so that what stood there before comes back.
#pragma once

#include <termios.h>

#include <string>
#include <string_view>

#include "config/result.h"

namespace stuffwatch::daemon {

class Terminal {
 public:
  // Errors: kConfiguration, with the remedy, when standard output is no terminal that can be drawn on.
  [[nodiscard]] static config::Result<void> check();
  // Takes it, until the end of its life: no cursor, no echo of keys, no wrapping, no stopping with
  // Ctrl-Z or Ctrl-S. Ctrl-C is a SIGINT as ever. From here on nothing that this process writes to
  // its terminal waits: one that hangs keeps nobody from anything.
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // At most as many lines as the terminal has. One that does not take them yet is given no other page before it has. False: the terminal is gone.
  [[nodiscard]] bool show(std::string_view page);

 private:
  [[nodiscard]] bool send();

  termios before_{};
  std::string unsent_;  // of the page that was begun: no escape sequence is cut
};

}  // namespace stuffwatch::daemon
