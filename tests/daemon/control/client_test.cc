#include "daemon/control/client.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace stuffwatch::daemon::control {
namespace {

using testing::HasSubstr;

TEST(ParseUrl, TakesPlainHttpOnly) {
  const auto parts = [](std::string_view url) {
    const auto endpoint = parse_url(url);
    if (!endpoint) return std::string("-");
    return std::get<UrlEndpoint>(*endpoint).host + "|" + std::get<UrlEndpoint>(*endpoint).port;
  };
  EXPECT_EQ(parts("http://127.0.0.1:9477"), "127.0.0.1|9477");
  EXPECT_EQ(parts("http://stuffwatch.example/"), "stuffwatch.example|80");
  EXPECT_EQ(parts("http://[::1]:9477/"), "::1|9477");
  EXPECT_EQ(parts("http://[::1]"), "::1|80");
  for (const char* const bad : {"", "https://a.example", "127.0.0.1:9477", "http://", "http://:1",
                                "http://a.example:", "http://a.example:x", "http://a.example/path",
                                "http://u@a.example", "http://a b"})
    EXPECT_EQ(parts(bad), "-") << bad;
}

TEST(EscapedSegment, LeavesNothingThatMeansSomethingInAPath) {
  EXPECT_EQ(escaped_segment("aZ0-._~"), "aZ0-._~");
  EXPECT_EQ(escaped_segment("a/b?c#d e\xC3\xBC%"), "a%2Fb%3Fc%23d%20e%C3%BC%25");
}

// A server that answers the first connection with these bytes and closes.
config::Result<Answer> get_from(const std::string& answer) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  EXPECT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), length), 0);
  EXPECT_EQ(::listen(listener, 1), 0);
  EXPECT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), 0);
  std::thread server([&] {
    const int client = ::accept(listener, nullptr, nullptr);
    std::string request;
    char c = 0;
    while (!request.ends_with("\r\n\r\n") && ::recv(client, &c, 1, 0) == 1) request += c;
    EXPECT_EQ(::send(client, answer.data(), answer.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(answer.size()));
    ::close(client);
  });
  auto got = get(UrlEndpoint{"127.0.0.1", std::to_string(ntohs(address.sin_port))}, "/x");
  server.join();
  ::close(listener);
  return got;
}

TEST(Client, ReadsAnAnswer) {
  const auto answer = get_from(
      "HTTP/1.1 404 Not Found\r\ncontent-type:  application/json\r\nContent-Length: 2\r\n\r\n{}");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 404U);
  EXPECT_EQ(answer->content_type, "application/json");
  EXPECT_EQ(answer->body, "{}");
}

TEST(Client, TakesNoHalfAnswerForAWhole) {
  for (const char* const bad :
       {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
        "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 abc\r\n\r\n"}) {
    const auto answer = get_from(bad);
    ASSERT_FALSE(answer) << bad;
    EXPECT_THAT(answer.error().message, HasSubstr("is no stuffwatch"));
  }
}

TEST(Client, SaysWhatIsWrongWithASocket) {
  EXPECT_EQ(get(SocketEndpoint{""}, "/").error().kind, config::Error::Kind::kConfiguration);
  EXPECT_EQ(get(SocketEndpoint{std::string(200, 'a')}, "/").error().kind,
            config::Error::Kind::kConfiguration);
  EXPECT_THAT(get(SocketEndpoint{"/nowhere/control.sock"}, "/").error().message,
              HasSubstr("--socket PATH"));
}

}  // namespace
}  // namespace stuffwatch::daemon::control
