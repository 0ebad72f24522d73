// A client that sends exactly the bytes it is told, and reads until the server closes or a whole
// answer is there.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace stuffwatch::daemon::http {

class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{30, 0};  // a server that hangs fails the test instead of hanging it
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  ~RawClient() {
    if (fd_ >= 0) ::close(fd_);
  }
  RawClient(RawClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RawClient& operator=(RawClient&&) = delete;

  // False when the server has hung up in the middle.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void end_of_input() { ::shutdown(fd_, SHUT_WR); }

  // Everything up to the server's close; a reset counts as one. timed_out() tells when it did not
  // close.
  std::string read_to_end() {
    std::string out;
    std::array<char, 4096> block{};
    for (;;) {
      const ssize_t got = ::recv(fd_, block.data(), block.size(), 0);
      timed_out_ = got < 0 && errno == EAGAIN;
      if (got <= 0) return out;
      out.append(block.data(), static_cast<std::size_t>(got));
    }
  }
  [[nodiscard]] bool timed_out() const { return timed_out_; }

  // One answer of a kept connection: header and as many bytes as Content-Length says (none for
  // HEAD).
  std::string read_answer(bool head = false) {
    std::string out;
    std::size_t need = std::string::npos;
    char c = 0;
    while (out.size() < need && ::recv(fd_, &c, 1, 0) == 1) {
      out += c;
      if (need != std::string::npos || !out.ends_with("\r\n\r\n")) continue;
      std::size_t length = 0;
      if (const std::size_t at = out.find("Content-Length: "); at != std::string::npos && !head)
        std::from_chars(out.data() + at + 16, out.data() + out.size(), length);
      need = out.size() + length;
    }
    return out;
  }

 private:
  int fd_;
  bool timed_out_ = false;
};

inline std::string request(std::string_view method, std::string_view target,
                           std::string_view more = "Connection: close\r\n") {
  return std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" +
         std::string(more) + "\r\n";
}
inline std::string body_of(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "" : answer.substr(end + 4);
}
inline int status_of(const std::string& answer) {
  int status = 0;
  if (answer.starts_with("HTTP/1.") && answer.size() > 12)
    std::from_chars(answer.data() + 9, answer.data() + 12, status);
  return status;
}

}  // namespace stuffwatch::daemon::http
