#include "daemon/commands/daemon_link.h"

#include <cstdlib>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "daemon/commands/render.h"
#include "daemon/config.h"
#include "daemon/json_view.h"

namespace stuffwatch::daemon {
namespace {

constexpr const char* kDefaultSocket = "/var/lib/stuffwatch/state/control.sock";

}  // namespace

void DaemonLink::add_options(CLI::App& command) {
  auto* const by_socket =
      command.add_option("--socket", socket,
                         "The daemon's control socket ($STUFFWATCH_SOCKET; default " +
                             std::string(kDefaultSocket) + ")");
  auto* const by_config = command.add_option(
      "--config", config_file, "The daemon's configuration: says where its control socket is");
  auto* const by_url = command.add_option("--url", url, "Ask over HTTP instead");
  by_socket->type_name("PATH");
  by_config->type_name("FILE")->excludes(by_socket);
  by_url->type_name("http://HOST:PORT")->excludes(by_socket)->excludes(by_config);
}

config::Result<control::Endpoint> DaemonLink::endpoint() const {
  if (!url.empty()) return control::parse_url(url);
  if (!socket.empty()) return control::SocketEndpoint{socket};
  if (!config_file.empty()) {
    const auto config = load_config(config_file, {});
    if (!config) return std::unexpected(config.error());
    std::string path = (*config)->control.path((*config)->state.path);
    if (path.empty())
      return config::misconfigured(
          "{}: a daemon with this configuration has no control socket; set state.path or "
          "control.socket, or ask with --url",
          config_file);
    return control::SocketEndpoint{std::move(path)};
  }
  const char* const named = std::getenv("STUFFWATCH_SOCKET");
  return control::SocketEndpoint{named != nullptr && *named != '\0' ? named : kDefaultSocket};
}

config::Result<control::Answer> DaemonLink::ask(std::string_view target) const {
  const auto where = endpoint();
  if (!where) return std::unexpected(where.error());
  return control::get(*where, target);
}

config::Result<std::string> DaemonLink::fetch(std::string_view target) const {
  auto answer = ask(target);
  if (!answer) return std::unexpected(answer.error());
  if (answer->status == 200) return std::move(answer->body);
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  std::string message;
  if (parser.parse(answer->body).get(document) == simdjson::SUCCESS)
    message = one_line(text_of(document, "message"));
  return config::failed("the daemon answers {}{}{}", answer->status, message.empty() ? "" : ": ",
                        message);
}

}  // namespace stuffwatch::daemon
