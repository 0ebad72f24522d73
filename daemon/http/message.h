// What a handler is asked and what it answers; a route says which handler. No word of sockets here.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace stuffwatch::daemon::http {

enum class Method : std::uint8_t {
  kGet,
  kPost
};  // HEAD is answered by the GET route, without the body

struct Request {
  Method method = Method::kGet;
  std::string path;                          // decoded, without the query
  std::string tail;                          // what stands for the * of the route, decoded
  std::map<std::string, std::string> query;  // decoded; the last of several wins
  std::string accept;                        // the header, as sent
  std::string body;                          // at most ServerLimits::body_bytes

  [[nodiscard]] bool has(const std::string& name) const { return query.contains(name); }
  [[nodiscard]] bool wants_json() const {
    return accept.find("application/json") != std::string::npos;
  }
};

struct Response {
  unsigned status = 200;
  std::string content_type;
  std::string body;

  [[nodiscard]] static Response json(std::string body, unsigned status = 200);
  [[nodiscard]] static Response text(std::string body, unsigned status = 200);
  // {"error":"<code>","message":"<what went wrong and what to do>"}
  [[nodiscard]] static Response error(unsigned status, std::string_view code,
                                      std::string_view message);
};

using Handler = std::function<Response(const Request&)>;

// A path that ends in "/*" takes exactly one more, non-empty segment. Handlers run one at a time on
// the server's thread, and answer within milliseconds; an exception becomes a 500.
struct Route {
  Method method = Method::kGet;
  std::string path;
  Handler handler;
};

}  // namespace stuffwatch::daemon::http
