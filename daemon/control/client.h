// How a command asks the running daemon: one HTTP request over the control socket, or to --url
// http://HOST:PORT. Threads: none. Cost: blocks for at most kPatience per step. Memory: an answer
// of more than kMaxAnswer is an error. Errors:  kFailed with the remedy when nobody answers; an
// answer with any status is no error.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include "config/result.h"

namespace stuffwatch::daemon::control {

inline constexpr std::chrono::seconds kPatience{10};
inline constexpr std::size_t kMaxAnswer = 512U << 20U;

struct SocketEndpoint {
  std::string path;
};
struct UrlEndpoint {
  std::string host, port;
};
using Endpoint = std::variant<SocketEndpoint, UrlEndpoint>;

// "http://127.0.0.1:9477", with or without a slash at the end. Errors: kConfiguration.
[[nodiscard]] config::Result<Endpoint> parse_url(std::string_view url);

struct Answer {
  unsigned status = 0;
  std::string content_type;
  std::string body;
};

// `target` is a path with its query, already escaped.
[[nodiscard]] config::Result<Answer> get(const Endpoint& endpoint, std::string_view target);

// A segment of a path: everything but letters, digits and -._~ becomes %XX.
[[nodiscard]] std::string escaped_segment(std::string_view text);

}  // namespace stuffwatch::daemon::control
