#include "daemon/http/server.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <exception>
#include <expected>
#include <thread>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#pragma GCC diagnostic pop

#include "daemon/http/routing.h"

namespace stuffwatch::daemon::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using boost::system::error_code;
using AnyStream = asio::generic::stream_protocol;
using Clock = std::chrono::steady_clock;

// What all connections share; outlives them.
struct Shared {
  ServerOptions options;
  std::atomic<std::size_t> open{0};
};

// What the connections of one listener share.
struct Terms {
  HostRule hosts;
  bool over_tcp;
  std::size_t open = 0;  // server's thread only
};

// The answer to a request that could not even be read, if it deserves one.
std::optional<Response> answer_to(error_code error) {
  using enum bhttp::error;
  if (error == header_limit)
    return Response::error(431, "header_too_large", "the request header is too large");
  if (error == body_limit)
    return Response::error(413, "body_too_large", "the request body is too large");
  if (error == end_of_stream || error == partial_message ||
      error.category() != make_error_code(bad_method).category())
    return std::nullopt;
  return Response::error(400, "bad_request", "this is no HTTP request: " + error.message());
}

// One client, one request at a time.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Shared& shared, std::shared_ptr<Terms> terms, AnyStream::socket socket)
      : shared_(shared),
        terms_(std::move(terms)),
        stream_(std::move(socket)),
        buffer_(shared.options.limits.header_bytes + shared.options.limits.body_bytes) {
    ++terms_->open;
    ++shared_.open;
  }
  ~Connection() {
    --terms_->open;
    --shared_.open;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start() { read(shared_.options.limits.first_request); }

 private:
  void read(std::chrono::milliseconds patience) {
    parser_.emplace();
    parser_->header_limit(shared_.options.limits.header_bytes);
    parser_->body_limit(shared_.options.limits.body_bytes);
    stream_.expires_after(patience);  // for the whole request: dripping bytes buys no time
    bhttp::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code error, std::size_t) { self->on_read(error); });
  }

  void on_read(error_code error) {
    if (!error) return answer();
    auto response = answer_to(error);
    if (!response) return close();
    if (shared_.options.on_exchange) shared_.options.on_exchange({"other", response->status, 0});
    write(std::move(*response), {}, 11, false, false);
  }

  void answer() {
    const auto& message = parser_->get();
    Exchange exchange{"other", 0, 0};
    std::string allowed;
    Response response = respond(message, exchange, allowed);
    exchange.status = response.status;
    if (shared_.options.on_exchange) shared_.options.on_exchange(exchange);
    const bool keep = message.keep_alive() && response.status != 421 && response.status != 400;
    write(std::move(response), allowed, message.version(), keep,
          message.method() == bhttp::verb::head);
  }

  Response respond(const bhttp::request<bhttp::string_body>& message, Exchange& exchange,
                   std::string& allowed) {
    if (auto refusal = refuse(message)) return std::move(*refusal);
    Request request;
    if (auto parsed = parse_target(std::string_view(message.target()), request); !parsed)
      return std::move(parsed.error());
    const bool post = message.method() == bhttp::verb::post;
    const bool known =
        post || message.method() == bhttp::verb::get || message.method() == bhttp::verb::head;
    request.method = post ? Method::kPost : Method::kGet;
    auto match = find_route(shared_.options.routes, request.method, known, request.path, allowed);
    if (!match) return std::move(match.error());
    exchange.route = match->route->path;
    request.tail = std::move(match->tail);
    request.accept = std::string(message[bhttp::field::accept]);
    request.body = message.body();
    return handle(*match->route, request, exchange);
  }

  static Response handle(const Route& route, const Request& request, Exchange& exchange) {
    const auto start = Clock::now();
    Response response;
    try {
      response = route.handler(request);
    } catch (const std::exception& failure) {
      response =
          Response::error(500, "internal_error",
                          fmt::format("the handler of {} failed: {}", route.path, failure.what()));
    }
    exchange.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return response;
  }

  // Requests a browser was tricked into.
  std::optional<Response> refuse(const bhttp::request<bhttp::string_body>& message) const {
    if (!terms_->over_tcp) return std::nullopt;
    if (message.version() >= 11 && message.count(bhttp::field::host) != 1)
      return Response::error(400, "no_host", "a request of HTTP/1.1 has exactly one Host header");
    if (message.count(bhttp::field::host) != 0 &&
        !terms_->hosts.accepts(std::string_view(message[bhttp::field::host])))
      return Response::error(
          421, "wrong_host",
          "ask by IP address or localhost, or list the name in http.allowed_hosts");
    const std::string_view site(message["Sec-Fetch-Site"]);
    const bool same_site = site.empty() || site == "same-origin" || site == "none";
    if (message.method() == bhttp::verb::post && (!same_site || message.count("X-Stuffwatch") == 0))
      return Response::error(
          403, "cross_site",
          "a POST needs the header X-Stuffwatch and comes from no other site's page");
    return std::nullopt;
  }

  void write(Response from, const std::string& allowed, unsigned version, bool keep, bool head) {
    bhttp::response<bhttp::string_body> message(static_cast<bhttp::status>(from.status), version);
    message.set(bhttp::field::content_type, from.content_type);
    message.set(bhttp::field::cache_control, "no-store");
    message.set("X-Content-Type-Options", "nosniff");
    message.set("Referrer-Policy", "no-referrer");
    message.set("Cross-Origin-Resource-Policy", "same-origin");
    message.set("Content-Security-Policy",
                "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    if (!allowed.empty()) message.set(bhttp::field::allow, allowed);
    message.keep_alive(keep);
    message.content_length(from.body.size());
    if (!head) message.body() = std::move(from.body);
    message_.emplace(std::move(message));
    keep_ = keep;
    stream_.expires_after(shared_.options.limits.answer);
    bhttp::async_write(
        stream_, *message_,
        [self = shared_from_this()](error_code error, std::size_t) { self->on_write(error); });
  }

  void on_write(error_code error) {
    message_.reset();
    if (error || !keep_) return close();
    read(shared_.options.limits.next_request);
  }

  void close() {
    error_code ignored;
    stream_.socket().shutdown(AnyStream::socket::shutdown_send, ignored);
    stream_.close();
  }

  Shared& shared_;
  const std::shared_ptr<Terms> terms_;
  beast::basic_stream<AnyStream> stream_;
  beast::flat_buffer buffer_;
  std::optional<bhttp::request_parser<bhttp::string_body>> parser_;
  std::optional<bhttp::response<bhttp::string_body>> message_;
  bool keep_ = false;
};

// Accepts connections on one address, of TCP or of the local kind.
template <class Protocol>
class Listener {
 public:
  Listener(asio::io_context& io, Shared& shared, HostRule hosts)
      : shared_(shared),
        terms_(std::make_shared<Terms>(std::move(hosts), std::is_same_v<Protocol, asio::ip::tcp>)),
        acceptor_(io),
        pause_(io) {}

  typename Protocol::acceptor& acceptor() { return acceptor_; }

  void accept() {
    acceptor_.async_accept([this](error_code error, typename Protocol::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) return accept_later();  // out of descriptors, most likely
      if (terms_->open >= shared_.options.limits.connections)
        refuse(std::move(socket));
      else
        std::make_shared<Connection>(shared_, terms_, AnyStream::socket(std::move(socket)))
            ->start();
      accept();
    });
  }

 private:
  void accept_later() {
    pause_.expires_after(std::chrono::milliseconds(100));
    pause_.async_wait([this](error_code error) {
      if (!error) accept();
    });
  }

  void refuse(typename Protocol::socket socket) {
    static constexpr std::string_view kBusy =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: "
        "70\r\nRetry-After: 5\r\nConnection: close\r\n\r\n"
        "{\"error\":\"busy\",\"message\":\"too many connections are open; try later\"}\n";
    static_assert(kBusy.size() - kBusy.find("\r\n\r\n") - 4 == 70);
    if (shared_.options.on_refused_connection) shared_.options.on_refused_connection();
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(kBusy), ignored);
    socket.shutdown(Protocol::socket::shutdown_send, ignored);
  }

  Shared& shared_;
  const std::shared_ptr<Terms> terms_;
  typename Protocol::acceptor acceptor_;
  asio::steady_timer pause_;
};

// Is somebody listening on this unix socket?
bool answers(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const bool connected =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  ::close(fd);
  return connected;
}

// What a process that died has left behind is removed; what belongs to a living one, or is no
// socket, stays.
config::Result<void> make_way(const std::string& path) {
  if (path.size() > 107)
    return config::misconfigured(
        "control socket {}: the path has more than 107 bytes; set control.socket to a shorter one",
        path);
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode))
    return config::failed(
        "control socket {}: something else has this name; move it, or set control.socket", path);
  if (answers(path))
    return config::failed(
        "control socket {}: another stuffwatch answers there; stop it, or give this one its own "
        "state.path",
        path);
  ::unlink(path.c_str());
  return {};
}

}  // namespace

struct Server::Impl {
  using Tcp = asio::ip::tcp;
  using Local = asio::local::stream_protocol;

  Shared shared;
  std::string address;
  std::uint16_t port = 0;
  ino_t socket_inode = 0;
  asio::io_context io{1};              // connections die with it
  std::unique_ptr<Listener<Tcp>> tcp;  // acceptors die before it
  std::unique_ptr<Listener<Local>> local;
  std::thread thread;

  config::Result<void> listen_tcp() {
    const HttpConfig& http = shared.options.http;
    if (http.listen.empty()) return {};
    auto where = parse_listen(http.listen);
    if (!where) return std::unexpected(where.error());
    tcp = std::make_unique<Listener<Tcp>>(
        io, shared, HostRule{!where->loopback && http.allowed_hosts.empty(), http.allowed_hosts});
    try {
      const Tcp::endpoint endpoint(asio::ip::make_address(where->host), where->port);
      tcp->acceptor().open(endpoint.protocol());
      tcp->acceptor().set_option(Tcp::acceptor::reuse_address(true));
      tcp->acceptor().bind(endpoint);
      tcp->acceptor().listen();
      port = tcp->acceptor().local_endpoint().port();
    } catch (const boost::system::system_error& error) {
      return config::failed(
          "cannot listen on {}: {}; set http.listen to another address or port, or to \"\" for "
          "none",
          http.listen, error.code().message());
    }
    const bool v6 = where->host.find(':') != std::string::npos;
    address =
        v6 ? fmt::format("[{}]:{}", where->host, port) : fmt::format("{}:{}", where->host, port);
    return {};
  }

  config::Result<void> listen_local() {
    const std::string& path = shared.options.control_socket;
    if (path.empty()) return {};
    if (auto free = make_way(path); !free) return free;
    local = std::make_unique<Listener<Local>>(io, shared, HostRule{true, {}});
    try {
      local->acceptor().open();
      local->acceptor().bind(Local::endpoint(path));
      struct stat info{};
      // Nobody can connect before listen(): there is no moment in which others could.
      if (::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || ::lstat(path.c_str(), &info) != 0)
        return config::failed("control socket {}: {}", path, std::strerror(errno));
      socket_inode = info.st_ino;
      local->acceptor().listen();
    } catch (const boost::system::system_error& error) {
      return config::failed(
          "control socket {}: {}; does the folder exist, and may this user write to it?", path,
          error.code().message());
    }
    return {};
  }

  void run() {
    if (tcp) tcp->accept();
    if (local) local->accept();
    thread = std::thread([this] { io.run(); });
  }

  ~Impl() {
    io.stop();
    if (thread.joinable()) thread.join();
    struct stat info{};
    const std::string& path = shared.options.control_socket;
    if (socket_inode != 0 && ::lstat(path.c_str(), &info) == 0 && info.st_ino == socket_inode)
      ::unlink(path.c_str());
  }
};

config::Result<std::unique_ptr<Server>> Server::start(ServerOptions options) {
  auto impl = std::make_unique<Impl>();
  impl->shared.options = std::move(options);
  if (auto listening = impl->listen_tcp(); !listening) return std::unexpected(listening.error());
  if (auto listening = impl->listen_local(); !listening) return std::unexpected(listening.error());
  impl->run();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

std::uint16_t Server::port() const { return impl_->port; }
std::string Server::address() const { return impl_->address; }
std::string Server::control_socket() const { return impl_->shared.options.control_socket; }
std::size_t Server::open_connections() const { return impl_->shared.open; }

}  // namespace stuffwatch::daemon::http
