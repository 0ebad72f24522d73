#include "daemon/commands/daemon_link.h"

#include <cstdlib>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "daemon/commands/json_view.h"
#include "daemon/commands/render.h"

namespace stuffwatch::daemon {

DaemonLink::DaemonLink() : socket("/var/lib/stuffwatch/state/control.sock") {
  if (const char* const named = std::getenv("STUFFWATCH_SOCKET");
      named != nullptr && *named != '\0')
    socket = named;
}

void DaemonLink::add_options(CLI::App& command) {
  auto* const socket_option = command.add_option("--socket", socket,
                                                 "The daemon's control socket: control.socket, or "
                                                 "control.sock in state.path ($STUFFWATCH_SOCKET)");
  socket_option->type_name("PATH")->capture_default_str();
  command.add_option("--url", url, "Ask over HTTP instead")
      ->type_name("http://HOST:PORT")
      ->excludes(socket_option);
}

config::Result<control::Answer> DaemonLink::ask(std::string_view target) const {
  if (url.empty()) return control::get(control::SocketEndpoint{socket}, target);
  const auto endpoint = control::parse_url(url);
  if (!endpoint) return std::unexpected(endpoint.error());
  return control::get(*endpoint, target);
}

config::Result<std::string> DaemonLink::fetch(std::string_view target) const {
  auto answer = ask(target);
  if (!answer) return std::unexpected(answer.error());
  if (answer->status == 200) return std::move(answer->body);
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  std::string message;
  if (parser.parse(answer->body).get(document) == simdjson::SUCCESS)
    message = for_terminal(text_of(document, "message"));
  return config::failed("the daemon answers {}{}{}", answer->status, message.empty() ? "" : ": ",
                        message);
}

}  // namespace stuffwatch::daemon
