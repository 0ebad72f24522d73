// The daemon's one HTTP server: metrics, health and API over TCP, and the same routes over the
// control socket.
//
// Threads: one of its own, on which handlers run; start() and the destructor belong to the owner's
// thread, the rest may be called from any. Memory:  bounded by ServerLimits: header, body and
// connections, each listener with its own share, so that TCP clients cannot lock
//          out the control socket.
// Errors:  start() says what is in the way of listening. Afterwards a bad request is its sender's
// problem: 400, 404, 405, 408 (by closing),
//          413, 421, 431, 503.
// Security: no CORS headers, ever; Host is checked (HostRule); a POST that another site's page
// sends is refused; the socket is 0600.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"
#include "daemon/http/config.h"
#include "daemon/http/message.h"

namespace stuffwatch::daemon::http {

struct ServerLimits {
  std::uint32_t header_bytes = 8U << 10U;
  std::uint64_t body_bytes = 64U << 10U;
  std::size_t connections = 128;  // a listener; one more is answered 503
  std::chrono::milliseconds first_request{
      10'000};  // from the connection to the whole first request, however slowly it drips
  std::chrono::milliseconds next_request{60'000};  // from an answer to the whole next request
  std::chrono::milliseconds answer{30'000};        // to take an answer
};

// What became of a request, for metrics. `route` is a route's path, or "other".
struct Exchange {
  std::string_view route;
  unsigned status;
  double seconds;  // in the handler
};

struct ServerOptions {
  HttpConfig http;             // listen empty = no TCP
  std::string control_socket;  // empty = none
  ServerLimits limits;
  std::vector<Route> routes;
  std::function<void(const Exchange&)> on_exchange;  // may be empty; called on the server's thread
  std::function<void()> on_refused_connection;       // may be empty; the same
};

class Server {
 public:
  [[nodiscard]] static config::Result<std::unique_ptr<Server>> start(ServerOptions options);
  ~Server();  // closes everything, removes the socket file
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::uint16_t port() const;   // 0 without TCP
  [[nodiscard]] std::string address() const;  // "127.0.0.1:9477", "[::1]:9477"; empty without TCP
  [[nodiscard]] std::string control_socket() const;
  [[nodiscard]] std::size_t open_connections() const;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace stuffwatch::daemon::http
