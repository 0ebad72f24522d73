// The terminal that standard output is, as a page that is drawn over and over. Plain ANSI: the
// alternate screen, so that what stood there before comes back.
#pragma once

#include <termios.h>
#include <string_view>

#include "config/result.h"

namespace stuffwatch::daemon {

class Terminal {
 public:
  // Errors: kConfiguration, with the remedy, when standard output is no terminal that can be drawn on.
  [[nodiscard]] static config::Result<void> check();
  // Takes it, until the end of its life: no cursor, no echo of keys, no wrapping, no stopping with
  // Ctrl-Z or Ctrl-S. Ctrl-C is a SIGINT as ever.
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // At most as many lines as the terminal has. False: the terminal is gone.
  [[nodiscard]] bool show(std::string_view page);

 private:
  termios before_{};
};

}  // namespace stuffwatch::daemon
