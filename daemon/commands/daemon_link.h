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

// The first that is given: --url, --socket, --config, $STUFFWATCH_SOCKET, else the default socket.
struct DaemonLink {
  std::string socket, url, config_file;

  void add_options(CLI::App& command);
  [[nodiscard]] config::Result<control::Endpoint> endpoint() const;
  [[nodiscard]] config::Result<control::Answer> ask(std::string_view target) const;
  // ask() where everything but 200 is an error with the daemon's own message.
  [[nodiscard]] config::Result<std::string> fetch(std::string_view target) const;
};

}  // namespace stuffwatch::daemon
