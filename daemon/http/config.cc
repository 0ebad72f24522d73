#include "daemon/http/config.h"

#include <array>
#include <charconv>

#include <arpa/inet.h>

namespace stuffwatch::daemon::http {
namespace {

config::Result<void> check_listen(const std::string& text) {
  if (text.empty()) return {};
  if (auto address = parse_listen(text); !address) return std::unexpected(address.error());
  return {};
}

// sun_path holds 107 bytes and a zero.
config::Result<void> check_socket(const std::string& text) {
  if (text.size() <= 107) return {};
  return config::misconfigured(
      "the path of a unix socket has at most 107 bytes, this one has {}; name a shorter one",
      text.size());
}

}  // namespace

void HttpConfig::visit(config::FieldVisitor& v) {
  v.field("listen", listen, check_listen,
          "Address of metrics, health and API; empty = off, port 0 = any. There is no login yet: "
          "outside loopback, whoever reaches the "
          "address reads the alerts.",
          config::kOperational | config::FieldOptions{.format = "ADDRESS:PORT"});
  v.field("allowed_hosts", allowed_hosts,
          "Names under which the server is asked for, besides IP addresses and localhost. Others "
          "are refused when listening on loopback, "
          "or when this list is not empty (DNS rebinding).",
          config::kOperational);
}

void ControlConfig::visit(config::FieldVisitor& v) {
  v.field("socket", socket, check_socket,
          "Unix socket through which stuffwatch status, campaigns and show ask the daemon; empty = "
          "control.sock in state.path.",
          config::kOperational | config::FieldOptions{.format = "PATH"});
}

std::string ControlConfig::path(std::string_view state_path) const {
  if (!socket.empty() || state_path.empty()) return socket;
  return std::string(state_path) + "/control.sock";
}

config::Result<ListenAddress> parse_listen(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  ListenAddress out;
  if (colon != std::string::npos) {
    out.host = text.substr(0, colon);
    const char* const end = text.data() + text.size();
    const auto [after, error] = std::from_chars(text.data() + colon + 1, end, out.port);
    if (error == std::errc{} && after == end) {
      if (out.host == "localhost") out.host = "127.0.0.1";
      std::array<unsigned char, 16> bytes{};
      if (inet_pton(AF_INET, out.host.c_str(), bytes.data()) == 1) {
        out.loopback = bytes[0] == 127;
        return out;
      }
      if (out.host.starts_with('[') && out.host.ends_with(']')) {
        out.host = out.host.substr(1, out.host.size() - 2);
        if (inet_pton(AF_INET6, out.host.c_str(), bytes.data()) == 1) {
          out.loopback = out.host == "::1";
          return out;
        }
      }
    }
  }
  return config::misconfigured(
      "\"{}\" is no address to listen on; write ADDRESS:PORT, such as 127.0.0.1:9477 or [::1]:9477",
      text);
}

}  // namespace stuffwatch::daemon::http
