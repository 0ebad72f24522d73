#include "daemon/http/server.h"

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "daemon/control/client.h"
#include "raw_client.h"

namespace stuffwatch::daemon::http {
namespace {

using std::chrono::milliseconds;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

std::vector<Route> small_routes() {
  return {
      {Method::kGet, "/hello", [](const Request&) { return Response::text("hello\n"); }},
      {Method::kGet, "/echo/*",
       [](const Request& r) {
         return Response::text(r.tail + "|" + (r.has("q") ? r.query.at("q") : ""));
       }},
      {Method::kGet, "/fails",
       [](const Request&) -> Response { throw std::runtime_error("broken handler"); }},
      {Method::kGet, "/large",
       [](const Request&) { return Response::text(std::string(3'000'000, 'x')); }},
      {Method::kPost, "/act",
       [](const Request& r) { return Response::text(std::to_string(r.body.size())); }},
  };
}

ServerOptions small_options() {
  ServerOptions options;
  options.http.listen = "127.0.0.1:0";
  options.routes = small_routes();
  return options;
}

std::unique_ptr<Server> started(ServerOptions options = small_options()) {
  auto server = Server::start(std::move(options));
  EXPECT_TRUE(server) << (server ? "" : server.error().message);
  return std::move(*server);
}

std::string ask(const Server& server, std::string_view bytes) {
  RawClient client(server.port());
  client.send(bytes);
  std::string answer = client.read_to_end();
  EXPECT_FALSE(client.timed_out()) << "the server neither answered fully nor closed";
  return answer;
}

TEST(Server, AnswersWithTheHeadersThatKeepBrowsersSafe) {
  const auto server = started();
  const std::string answer = ask(*server, request("GET", "/hello"));
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_EQ(body_of(answer), "hello\n");
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(answer, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Security-Policy: default-src 'none'"));
  EXPECT_THAT(answer, HasSubstr("Cache-Control: no-store\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("Access-Control")));
  EXPECT_THAT(ask(*server,
                  request("GET", "/hello", "Origin: http://evil.example\r\nConnection: close\r\n")),
              Not(HasSubstr("Access-Control")));
}

TEST(Server, HeadIsGetWithoutTheBody) {
  const auto server = started();
  const std::string answer = ask(*server, request("HEAD", "/hello"));
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_THAT(answer, HasSubstr("Content-Length: 6\r\n"));
  EXPECT_EQ(body_of(answer), "");
}

TEST(Server, KeepsAConnectionAndTakesPipelinedRequests) {
  const auto server = started();
  RawClient client(server->port());
  client.send(request("GET", "/hello", "") + request("HEAD", "/hello", "") +
              request("GET", "/echo/a", ""));
  EXPECT_EQ(body_of(client.read_answer()), "hello\n");
  EXPECT_EQ(status_of(client.read_answer(true)), 200);
  EXPECT_EQ(body_of(client.read_answer()), "a|");
  EXPECT_EQ(server->open_connections(), 1U);
}

TEST(Server, AnswersHttp10AndCloses) {
  const auto server = started();
  EXPECT_EQ(body_of(ask(*server, "GET /hello HTTP/1.0\r\n\r\n")), "hello\n");
}

TEST(Server, SendsALargeAnswerWhole) {
  const auto server = started();
  EXPECT_EQ(body_of(ask(*server, request("GET", "/large"))).size(), 3'000'000U);
}

TEST(Server, DecodesPathAndQuery) {
  const auto server = started();
  EXPECT_EQ(body_of(ask(*server, request("GET", "/echo/a%20b%3A?q=1%2B1+x&r"))), "a b:|1+1 x");
  EXPECT_EQ(status_of(ask(*server, request("GET", "/echo/%zz"))), 400);
  EXPECT_EQ(status_of(ask(*server, request("GET", "/echo/%0"))), 400);
  EXPECT_EQ(status_of(ask(*server, request("GET", "/echo/a%00b"))), 400);
  EXPECT_EQ(status_of(ask(*server, request("GET", "http://127.0.0.1/hello"))), 400);
}

TEST(Server, SaysWhatIsNotThereAndWhatAPathTakes) {
  const auto server = started();
  const std::string nothing = ask(*server, request("GET", "/nothing"));
  EXPECT_EQ(status_of(nothing), 404);
  EXPECT_THAT(body_of(nothing), HasSubstr(R"({"error":"not_found","message":)"));
  EXPECT_EQ(status_of(ask(*server, request("GET", "/echo/"))), 404);
  EXPECT_EQ(status_of(ask(*server, request("GET", "/echo/a/b"))), 404);
  for (const char* const method : {"DELETE", "OPTIONS", "PUT", "POST", "BREW"}) {
    const std::string answer =
        ask(*server, request(method, "/hello", "X-Stuffwatch: 1\r\nConnection: close\r\n"));
    EXPECT_EQ(status_of(answer), 405) << method;
    EXPECT_THAT(answer, HasSubstr("Allow: GET, HEAD\r\n")) << method;
  }
  EXPECT_THAT(ask(*server, request("GET", "/act")), HasSubstr("Allow: POST\r\n"));
}

TEST(Server, AHandlerThatThrowsIsA500AndTheServerGoesOn) {
  const auto server = started();
  const std::string answer = ask(*server, request("GET", "/fails"));
  EXPECT_EQ(status_of(answer), 500);
  EXPECT_THAT(answer, HasSubstr("broken handler"));
  EXPECT_EQ(status_of(ask(*server, request("GET", "/hello"))), 200);
}

TEST(Server, RefusesWhatIsNoHttp) {
  const auto server = started();
  for (const char* const bytes :
       {"\x16\x03\x01\x02\r\n\r\n", "GET\r\n\r\n", "GET /hello HTTP/9.9\r\n\r\n",
        "GET /hello\r\n\r\n", "G\xC3\x84T / HTTP/1.1\r\n\r\n",
        "GET /hello HTTP/1.1\r\nNo colon here\r\n\r\n",
        "GET /hello HTTP/1.1\r\nContent-Length: abc\r\n\r\n"})
    EXPECT_EQ(status_of(ask(*server, bytes)), 400) << bytes;
  EXPECT_EQ(status_of(ask(*server, request("GET", "/hello"))), 200);
}

TEST(Server, BoundsHeaderAndBody) {
  const auto server = started();
  EXPECT_EQ(status_of(ask(*server, request("GET", "/hello",
                                           "X-Fill: " + std::string(7000, 'a') +
                                               "\r\nConnection: close\r\n"))),
            200);
  EXPECT_EQ(status_of(ask(*server,
                          request("GET", "/hello", "X-Fill: " + std::string(8200, 'a') + "\r\n"))),
            431);
  EXPECT_EQ(status_of(ask(*server, "GET /" + std::string(9000, 'a'))), 431);
  const auto post = [](std::size_t size) {
    return request(
        "POST", "/act",
        "X-Stuffwatch: 1\r\nConnection: close\r\nContent-Length: " + std::to_string(size) + "\r\n");
  };
  EXPECT_EQ(body_of(ask(*server, post(65536) + std::string(65536, 'b'))), "65536");
  EXPECT_EQ(status_of(ask(*server, post(65537))), 413);
  const std::string chunked =
      request("POST", "/act", "X-Stuffwatch: 1\r\nTransfer-Encoding: chunked\r\n") + "20000\r\n" +
      std::string(66000, 'c');
  EXPECT_THAT(
      status_of(ask(*server, chunked)),
      AnyOf(413, 0));  // 0: our unread bytes may reset the connection before its answer is read
}

TEST(Server, OnLoopbackRefusesNamesAnotherSiteCouldForge) {
  ServerOptions options = small_options();
  options.http.allowed_hosts = {"stuffwatch.example"};
  const auto server = started(std::move(options));
  const auto asked_as = [&](std::string_view host) {
    return status_of(ask(*server, "GET /hello HTTP/1.1\r\nHost: " + std::string(host) +
                                      "\r\nConnection: close\r\n\r\n"));
  };
  for (const char* const ours : {"127.0.0.1", "127.0.0.1:9477", "localhost:9477", "LOCALHOST",
                                 "[::1]:9477", "stuffwatch.example:80", "Stuffwatch.example."})
    EXPECT_EQ(asked_as(ours), 200) << ours;
  for (const char* const foreign : {"evil.example", "evil.example:9477", "127.0.0.1.evil.example",
                                    "localhost.evil.example", "[::1].evil.example:1", ""})
    EXPECT_EQ(asked_as(foreign), 421) << foreign;
  EXPECT_EQ(status_of(ask(*server, "GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n")), 400);
  EXPECT_EQ(status_of(ask(*server,
                          "GET /hello HTTP/1.1\r\nHost: localhost\r\nHost: "
                          "evil.example\r\nConnection: close\r\n\r\n")),
            400);
  EXPECT_EQ(status_of(ask(*server, "GET /hello HTTP/1.0\r\nHost: evil.example\r\n\r\n")), 421);
}

TEST(Server, BeyondLoopbackNamesAreFreeUnlessListed) {
  ServerOptions open = small_options();
  open.http.listen = "0.0.0.0:0";
  const auto server = started(std::move(open));
  const std::string by_name =
      "GET /hello HTTP/1.1\r\nHost: stuffwatch.example\r\nConnection: close\r\n\r\n";
  EXPECT_EQ(status_of(ask(*server, by_name)), 200);
  ServerOptions listed = small_options();
  listed.http.listen = "0.0.0.0:0";
  listed.http.allowed_hosts = {"other.example"};
  EXPECT_EQ(status_of(ask(*started(std::move(listed)), by_name)), 421);
}

TEST(Server, APostFromAnotherSitesPageIsRefused) {
  const auto server = started();
  const auto post = [&](const char* headers) {
    return status_of(
        ask(*server, request("POST", "/act",
                             std::string(headers) + "Content-Length: 0\r\nConnection: close\r\n")));
  };
  EXPECT_EQ(post("X-Stuffwatch: 1\r\n"), 200);
  EXPECT_EQ(post("X-Stuffwatch: 1\r\nSec-Fetch-Site: same-origin\r\n"), 200);
  EXPECT_EQ(post(""), 403);
  EXPECT_EQ(post("X-Stuffwatch: 1\r\nSec-Fetch-Site: cross-site\r\n"), 403);
}

TEST(Server, TurnsAwayWhoComesWhenItIsFull) {
  std::atomic<int> refused = 0;
  ServerOptions options = small_options();
  options.on_refused_connection = [&] { ++refused; };
  const auto server = started(std::move(options));
  std::vector<RawClient> clients;
  for (int i = 0; i < 128; ++i) {
    clients.emplace_back(server->port());
    clients.back().send(request("GET", "/hello", ""));
    ASSERT_EQ(status_of(clients.back().read_answer()), 200) << i;
  }
  EXPECT_EQ(server->open_connections(), 128U);
  for (int i = 128; i < 200; ++i) {
    RawClient late(server->port());
    const std::string answer = late.read_to_end();
    EXPECT_EQ(status_of(answer), 503) << i;
    EXPECT_THAT(answer, HasSubstr("Retry-After"));
  }
  EXPECT_EQ(refused, 72);
  for (RawClient& client : clients) {
    client.send(request("GET", "/hello"));
    EXPECT_EQ(status_of(client.read_to_end()), 200);
  }
  // The closing client learns of the close before the server has counted it: ask until there is
  // room, as a client would.
  int status = 503;
  for (int i = 0; i < 10'000 && status == 503; ++i)
    status = status_of(ask(*server, request("GET", "/hello")));
  EXPECT_EQ(status, 200);
}

TEST(Server, ClosesHalfOpenAndDrippingConnections) {
  ServerOptions options = small_options();
  options.limits.first_request = options.limits.next_request = milliseconds(200);
  const auto server = started(std::move(options));
  RawClient silent(server->port()), half(server->port()), kept(server->port()),
      dripping(server->port());
  half.send("GET /hello HTTP/1.1\r\nHost: loc");
  kept.send(request("GET", "/hello", ""));
  EXPECT_EQ(status_of(kept.read_answer()), 200);
  const auto start = std::chrono::steady_clock::now();
  dripping.send("GET /hello HTTP/1.1\r\n");
  while (dripping.send("X: y\r\n") &&
         std::chrono::steady_clock::now() - start < std::chrono::seconds(20)) {}
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20))
      << "dripping bytes must buy no time";
  for (RawClient* const client : {&silent, &half, &kept}) {
    EXPECT_EQ(client->read_to_end(), "");
    EXPECT_FALSE(client->timed_out());
  }
}

TEST(Server, SurvivesClientsThatLeaveInTheMiddle) {
  const auto server = started();
  for (int i = 0; i < 100; ++i) {
    RawClient client(server->port());
    client.send(i % 2 == 0 ? request("GET", "/large") : "GET /hel");
  }
  RawClient half_closed(server->port());
  half_closed.send(request("GET", "/hello"));
  half_closed.end_of_input();
  EXPECT_EQ(body_of(half_closed.read_to_end()), "hello\n");
}

TEST(Server, StopsWithConnectionsOpen) {
  auto server = started();
  RawClient idle(server->port()), busy(server->port());
  busy.send(request("GET", "/large", ""));
  EXPECT_EQ(busy.read_answer(true).substr(0, 12), "HTTP/1.1 200");  // and the rest stays unread
  server.reset();
  EXPECT_EQ(idle.read_to_end(), "");
  EXPECT_FALSE(idle.timed_out());
}

TEST(Server, TellsWhatBecameOfEachRequest) {
  std::vector<std::string> seen;
  {
    ServerOptions options = small_options();
    options.on_exchange = [&](const Exchange& e) {
      seen.push_back(std::string(e.route) + " " + std::to_string(e.status));
    };
    const auto server = started(std::move(options));
    for (const char* const target : {"/hello", "/echo/secret-id", "/nothing/anything", "/fails"})
      ask(*server, request("GET", target));
    ask(*server, "nonsense\r\n\r\n");
  }
  EXPECT_THAT(seen, testing::ElementsAre("/hello 200", "/echo/* 200", "other 404", "/fails 500",
                                         "other 400"));
}

TEST(Server, SaysWhatIsInTheWayOfListening) {
  const auto first = started();
  ServerOptions same = small_options();
  same.http.listen = first->address();
  const auto second = Server::start(std::move(same));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, config::Error::Kind::kFailed);
  EXPECT_THAT(second.error().message,
              AllOf(HasSubstr(first->address()), HasSubstr("in use"), HasSubstr("http.listen")));
  ServerOptions wrong = small_options();
  wrong.http.listen = "9477";
  const auto third = Server::start(std::move(wrong));
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().kind, config::Error::Kind::kConfiguration);
}

TEST(Server, ListensOnIpv6AndOnNothing) {
  ServerOptions off = small_options();
  off.http.listen.clear();
  const auto silent = started(std::move(off));
  EXPECT_EQ(silent->port(), 0);
  EXPECT_EQ(silent->address(), "");
  const int probe = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 loopback{};
  loopback.sin6_family = AF_INET6;
  loopback.sin6_addr = in6addr_loopback;
  const bool has_v6 = probe >= 0 && ::bind(probe, reinterpret_cast<const sockaddr*>(&loopback),
                                           sizeof(loopback)) == 0;
  if (probe >= 0) ::close(probe);
  if (!has_v6) GTEST_SKIP() << "this machine has no IPv6 loopback";
  ServerOptions v6 = small_options();
  v6.http.listen = "[::1]:0";
  const auto server = started(std::move(v6));
  EXPECT_EQ(server->address(), "[::1]:" + std::to_string(server->port()));
  const auto answer =
      control::get(control::UrlEndpoint{"::1", std::to_string(server->port())}, "/hello");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "hello\n");
}

TEST(ParseListen, TakesAddressesWithAPort) {
  EXPECT_TRUE(parse_listen("localhost:1")->loopback);
  EXPECT_TRUE(parse_listen("127.8.9.1:1")->loopback);
  EXPECT_TRUE(parse_listen("[::1]:65535")->loopback);
  EXPECT_FALSE(parse_listen("0.0.0.0:1")->loopback);
  EXPECT_FALSE(parse_listen("[2001:db8::1]:1")->loopback);
  for (const char* const bad : {"", ":1", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                                "127.0.0.1:-1", "127.0.0.1:1x", "::1:1", "host.example:1", "[::1]"})
    EXPECT_FALSE(parse_listen(bad)) << bad;
}

TEST(ControlConfig, StandsInTheStateFolderUnlessNamed) {
  EXPECT_EQ(ControlConfig{}.path("/var/lib/x"), "/var/lib/x/control.sock");
  EXPECT_EQ(ControlConfig{"/run/x.sock"}.path("/var/lib/x"), "/run/x.sock");
  EXPECT_EQ(ControlConfig{}.path(""), "");
}

// ---- the control socket ----

class ControlSocket : public testing::Test {
 protected:
  ControlSocket()
      : folder_(testing::TempDir() + "control_socket_" + std::to_string(::getpid())),
        path_(folder_ + "/control.sock") {
    std::filesystem::create_directories(folder_);
  }
  ~ControlSocket() override { std::filesystem::remove_all(folder_); }

  ServerOptions options() const {
    ServerOptions out = small_options();
    out.http.listen.clear();
    out.control_socket = path_;
    return out;
  }
  std::string folder_, path_;
};

TEST_F(ControlSocket, HasTheSameRoutesAndIsTheOwnersOnly) {
  const auto server = started(options());
  struct stat info{};
  ASSERT_EQ(::lstat(path_.c_str(), &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  const auto answer = control::get(control::SocketEndpoint{path_}, "/echo/x?q=y");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200U);
  EXPECT_EQ(answer->body, "x|y");
  EXPECT_EQ(control::get(control::SocketEndpoint{path_}, "/nothing")->status, 404U);
  EXPECT_EQ(control::get(control::SocketEndpoint{path_}, "/large")->body.size(), 3'000'000U);
}

TEST_F(ControlSocket, IsRemovedAtTheEndAndReplacedWhenItsOwnerDied) {
  started(options()).reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
  const int dead = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(dead, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ::close(dead);
  ASSERT_TRUE(std::filesystem::exists(path_));
  const auto server = started(options());
  EXPECT_TRUE(control::get(control::SocketEndpoint{path_}, "/hello"));
}

TEST_F(ControlSocket, OfALivingDaemonOrAnotherFileStays) {
  const auto first = started(options());
  const auto second = Server::start(options());
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("another stuffwatch answers there"));
  EXPECT_TRUE(control::get(control::SocketEndpoint{path_}, "/hello"));
  ServerOptions other = options();
  other.control_socket = folder_ + "/notes.txt";
  std::ofstream(other.control_socket) << "keep me";
  EXPECT_FALSE(Server::start(other));
  EXPECT_EQ(std::filesystem::file_size(other.control_socket), 7U);
  other.control_socket = folder_ + "/absent/control.sock";
  EXPECT_FALSE(Server::start(other));
  other.control_socket = "/" + std::string(120, 'a');
  EXPECT_EQ(Server::start(other).error().kind, config::Error::Kind::kConfiguration);
}

TEST_F(ControlSocket, HasItsOwnShareOfConnections) {
  ServerOptions both = options();
  both.http.listen = "127.0.0.1:0";
  both.limits.connections = 1;
  const auto server = started(std::move(both));
  RawClient greedy(server->port());
  greedy.send(request("GET", "/hello", ""));
  EXPECT_EQ(status_of(greedy.read_answer()), 200);
  EXPECT_EQ(status_of(RawClient(server->port()).read_to_end()), 503);
  EXPECT_EQ(control::get(control::SocketEndpoint{path_}, "/hello")->status, 200U);
}

}  // namespace
}  // namespace stuffwatch::daemon::http
