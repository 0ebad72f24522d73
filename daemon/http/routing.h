// From a request line to a handler: decodes the target, finds the route, refuses names that are not
// ours. Threads: any. Errors: a Response that says what is wrong.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/http/message.h"

namespace stuffwatch::daemon::http {

// Fills path and query from a request target such as "/api/v1/campaigns?all=1". Errors: a 400 where
// it is no origin-form target, or a %-escape in it is wrong.
[[nodiscard]] std::expected<void, Response> parse_target(std::string_view target, Request& request);

struct Match {
  const Route* route = nullptr;  // never null
  std::string tail;
};
// The route of a path, or 404, or 405 with the methods that `allowed` then lists ("GET, HEAD").
[[nodiscard]] std::expected<Match, Response> find_route(std::span<const Route> routes,
                                                        Method method, bool known_method,
                                                        std::string_view path,
                                                        std::string& allowed);

// What a GET of `target` is answered, without a connection.
[[nodiscard]] Response get(std::span<const Route> routes, std::string_view target);

// Which Host headers are answered: a page on another site can make a browser resolve a name to our
// address (DNS rebinding), but an IP address or "localhost" it cannot forge.
struct HostRule {
  bool any_name =
      false;  // names are not checked: the control socket, or a non-loopback address without a list
  std::vector<std::string> names;  // lower case, without port
  [[nodiscard]] bool accepts(std::string_view host) const;
};

}  // namespace stuffwatch::daemon::http
