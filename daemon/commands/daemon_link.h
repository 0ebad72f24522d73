// How the commands that talk to a running daemon find it and ask it.
#pragma once

#include <string>
#include <string_view>

#include "config/result.h"
#include "daemon/control/client.h"

namespace CLI {
class App;
}

namespace stuffwatch::daemon {

struct DaemonLink {
  std::string socket;  // default: $STUFFWATCH_SOCKET, else /var/lib/stuffwatch/state/control.sock
  std::string url;     // wins over the socket

  DaemonLink();
  void add_options(CLI::App& command);  // --socket, --url
  [[nodiscard]] config::Result<control::Answer> ask(std::string_view target) const;
  // ask() where everything but 200 is an error with the daemon's own message.
  [[nodiscard]] config::Result<std::string> fetch(std::string_view target) const;
};

}  // namespace stuffwatch::daemon
