#include "daemon/control/client.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "version.h"

namespace stuffwatch::daemon::control {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

std::string name_of(const Endpoint& endpoint) {
  if (const auto* socket = std::get_if<SocketEndpoint>(&endpoint))
    return "control socket " + socket->path;
  const auto& url = std::get<UrlEndpoint>(endpoint);
  return fmt::format("http://{}:{}", url.host, url.port);
}

Descriptor open_socket(int family) {
  Descriptor fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{kPatience.count(), 0};
  if (fd.valid()) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  }
  return fd;
}

config::Result<Descriptor> connect_to(const SocketEndpoint& endpoint) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (endpoint.path.empty() || endpoint.path.size() >= sizeof(address.sun_path))
    return config::misconfigured("control socket \"{}\": the path of a socket has 1 to {} bytes",
                                 endpoint.path, sizeof(address.sun_path) - 1);
  endpoint.path.copy(address.sun_path, endpoint.path.size());
  Descriptor fd = open_socket(AF_UNIX);
  if (fd.valid() &&
      ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0)
    return fd;
  const int error = errno;
  const char* const remedy =
      error == EACCES ? "ask as the user the daemon runs as, or as root"
                      : "start it with `stuffwatch run --config FILE`, or say where it listens: "
                        "--socket PATH (control.socket, or control.sock in state.path) or --url "
                        "http://HOST:PORT";
  return config::failed("no daemon answers at control socket {}: {}; {}", endpoint.path,
                        std::strerror(error), remedy);
}

config::Result<Descriptor> connect_to(const UrlEndpoint& endpoint) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(endpoint.host.c_str(), endpoint.port.c_str(), &hints, &found);
      error != 0)
    return config::failed("http://{}:{}: {}", endpoint.host, endpoint.port, ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  int error = 0;
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    Descriptor fd = open_socket(address->ai_family);
    if (fd.valid() && ::connect(fd.get(), address->ai_addr, address->ai_addrlen) == 0) return fd;
    error = errno;
  }
  return config::failed(
      "no daemon answers at http://{}:{}: {}; start it, or see http.listen in its configuration",
      endpoint.host, endpoint.port, std::strerror(error));
}

bool send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// To the end of the stream: an answer to HTTP/1.0 is never chunked and ends with the connection.
config::Result<std::string> read_all(int fd, const std::string& name) {
  std::string out;
  std::array<char, 65536> block{};
  for (;;) {
    const ssize_t got = ::recv(fd, block.data(), block.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return config::failed("{} does not answer: {}", name,
                            std::strerror(errno == EAGAIN ? ETIMEDOUT : errno));
    if (got == 0) return out;
    out.append(block.data(), static_cast<std::size_t>(got));
    if (out.size() > kMaxAnswer)
      return config::failed("{} answers with more than {} MiB; ask for less", name,
                            kMaxAnswer >> 20U);
  }
}

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

config::Result<Answer> parse_answer(std::string&& text, const std::string& name) {
  Answer answer;
  const std::size_t end = text.find("\r\n\r\n");
  const auto strange = [&] {
    return config::failed("{} is no stuffwatch: its answer is no HTTP, or was cut short", name);
  };
  if (!text.starts_with("HTTP/1.") || end == std::string::npos || text.size() < 12)
    return strange();
  if (std::from_chars(text.data() + 9, text.data() + 12, answer.status).ec != std::errc{})
    return strange();
  std::size_t length = text.size() - end - 4;
  const std::string_view header = std::string_view(text).substr(0, end + 2);
  for (std::size_t at = header.find("\r\n") + 2; at < header.size();) {
    const std::string_view line = header.substr(at, header.find("\r\n", at) - at);
    at += line.size() + 2;
    const std::size_t colon = std::min(line.find(':'), line.size());
    std::string_view value = line.substr(std::min(colon + 1, line.size()));
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    if (same_word(line.substr(0, colon), "content-type")) answer.content_type = value;
    if (same_word(line.substr(0, colon), "content-length"))
      std::from_chars(value.data(), value.data() + value.size(), length);
  }
  answer.body = text.substr(end + 4);
  if (answer.body.size() != length) return strange();
  return answer;
}

}  // namespace

config::Result<Endpoint> parse_url(std::string_view url) {
  const std::string_view scheme = "http://";
  std::string_view rest = url;
  if (rest.starts_with(scheme)) {
    rest.remove_prefix(scheme.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
    const std::size_t colon = rest.rfind(':');
    const bool bracketed = rest.starts_with('[');
    const bool has_port = colon != std::string_view::npos && (!bracketed || rest[colon - 1] == ']');
    std::string_view host = has_port ? rest.substr(0, colon) : rest;
    const std::string_view port = has_port ? rest.substr(colon + 1) : "80";
    if (bracketed && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const bool digits = !port.empty() && port.size() <= 5 &&
                        std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
    if (!host.empty() && digits && host.find_first_of("/?#@ \r\n") == std::string_view::npos)
      return UrlEndpoint{std::string(host), std::string(port)};
  }
  return config::misconfigured(
      "--url {}: write http://HOST:PORT, such as http://127.0.0.1:9477 (https is not spoken: use a "
      "tunnel)",
      url);
}

config::Result<Answer> get(const Endpoint& endpoint, std::string_view target) {
  const std::string name = name_of(endpoint);
  auto fd = std::visit([](const auto& where) { return connect_to(where); }, endpoint);
  if (!fd) return std::unexpected(fd.error());
  std::string host = "localhost";
  if (const auto* url = std::get_if<UrlEndpoint>(&endpoint))
    host = url->host.find(':') == std::string::npos ? url->host : fmt::format("[{}]", url->host);
  const std::string request = fmt::format(
      "GET {} HTTP/1.0\r\nHost: {}\r\nUser-Agent: stuffwatch/{}\r\nAccept: "
      "application/json\r\n\r\n",
      target, host, kVersion);
  if (!send_all(fd->get(), request)) return config::failed("{}: {}", name, std::strerror(errno));
  auto text = read_all(fd->get(), name);
  if (!text) return std::unexpected(text.error());
  return parse_answer(std::move(*text), name);
}

std::string escaped_segment(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").contains(c);
    if (plain)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return out;
}

}  // namespace stuffwatch::daemon::control
