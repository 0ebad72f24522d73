#include "daemon/http/routing.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <arpa/inet.h>

#include "daemon/json_writer.h"

namespace stuffwatch::daemon::http {
namespace {

std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_blank) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_blank) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      unsigned byte = 0;
      const std::string_view digits = text.substr(i + 1, 2);
      const auto [end, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
      if (digits.size() != 2 || error != std::errc{} || end != digits.data() + 2 || byte == 0)
        return std::nullopt;
      out += static_cast<char>(byte);
      i += 2;
    }
  }
  return out;
}

bool parse_query(std::string_view text, std::map<std::string, std::string>& query) {
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    const auto name = percent_decoded(pair.substr(0, equals), true);
    const auto value = equals == std::string_view::npos
                           ? std::string()
                           : percent_decoded(pair.substr(equals + 1), true);
    if (!name || !value) return false;
    if (!name->empty()) query[*name] = *value;
  }
  return true;
}

std::optional<std::string> tail_of(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with("/*"))
    return pattern == path ? std::optional<std::string>(std::in_place) : std::nullopt;
  const std::string_view stem = pattern.substr(0, pattern.size() - 1);
  if (!path.starts_with(stem) || path.size() == stem.size() ||
      path.find('/', stem.size()) != path.npos)
    return std::nullopt;
  return std::string(path.substr(stem.size()));
}

bool is_address(const std::string& text) {
  std::array<unsigned char, 16> bytes{};
  return inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

}  // namespace

Response Response::json(std::string body, unsigned status) {
  return {status, "application/json", std::move(body)};
}
Response Response::text(std::string body, unsigned status) {
  return {status, "text/plain; charset=utf-8", std::move(body)};
}
Response Response::error(unsigned status, std::string_view code, std::string_view message) {
  JsonWriter json;
  return Response::json(
      json.begin_object().field("error", code).field("message", message).end_object().take() + "\n",
      status);
}

std::expected<void, Response> parse_target(std::string_view target, Request& request) {
  const std::size_t question = std::min(target.find('?'), target.size());
  auto path = percent_decoded(target.substr(0, question), false);
  if (!target.starts_with('/') || !path ||
      !parse_query(target.substr(std::min(question + 1, target.size())), request.query))
    return std::unexpected(Response::error(
        400, "bad_target", "the request target is no path, or a %-escape in it is wrong"));
  request.path = std::move(*path);
  return {};
}

std::expected<Match, Response> find_route(std::span<const Route> routes, Method method,
                                          bool known_method, std::string_view path,
                                          std::string& allowed) {
  for (const Route& route : routes) {
    auto tail = tail_of(route.path, path);
    if (!tail) continue;
    if (known_method && route.method == method) return Match{&route, std::move(*tail)};
    if (!allowed.empty()) allowed += ", ";
    allowed += route.method == Method::kGet ? "GET, HEAD" : "POST";
  }
  if (!allowed.empty())
    return std::unexpected(
        Response::error(405, "method_not_allowed", "this path takes: " + allowed));
  return std::unexpected(
      Response::error(404, "not_found", "there is nothing here; GET / lists what there is"));
}

Response get(std::span<const Route> routes, std::string_view target) {
  Request request;
  std::string allowed;
  if (auto parsed = parse_target(target, request); !parsed) return std::move(parsed.error());
  auto match = find_route(routes, Method::kGet, true, request.path, allowed);
  if (!match) return std::move(match.error());
  request.tail = std::move(match->tail);
  return match->route->handler(request);
}

bool HostRule::accepts(std::string_view host) const {
  if (any_name) return true;
  std::string name;
  if (host.starts_with('[')) {  // [v6] or [v6]:port
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos || (end + 1 < host.size() && host[end + 1] != ':'))
      return false;
    name = host.substr(1, end - 1);
  } else {
    name = host.substr(0, host.rfind(':'));
  }
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (name.ends_with('.')) name.pop_back();
  return name == "localhost" || is_address(name) || std::ranges::find(names, name) != names.end();
}

}  // namespace stuffwatch::daemon::http
