// The keys of the `http` and `control` sections.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/field_visitor.h"
#include "config/result.h"

namespace stuffwatch::daemon::http {

struct HttpConfig {
  std::string listen = "127.0.0.1:9477";
  std::vector<std::string> allowed_hosts;

  void visit(config::FieldVisitor& v);
};

struct ControlConfig {
  std::string socket;  // empty = <state.path>/control.sock

  void visit(config::FieldVisitor& v);
  // Where the control socket stands; empty = there is none, for want of a state.path.
  [[nodiscard]] std::string path(std::string_view state_path) const;
};

// "127.0.0.1:9477", "[::1]:0", "localhost:9477", "0.0.0.0:9477". Errors: kConfiguration.
struct ListenAddress {
  std::string host;  // an IP address
  std::uint16_t port = 0;
  bool loopback = true;
};
[[nodiscard]] config::Result<ListenAddress> parse_listen(const std::string& text);

}  // namespace stuffwatch::daemon::http
