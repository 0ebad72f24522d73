#include "daemon/http/routes.h"

#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "daemon/json_writer.h"
#include "daemon/metrics.h"
#include "version.h"

namespace stuffwatch::daemon::http {
namespace {

constexpr std::size_t kMaxListed = 1000;

constexpr std::string_view kIndex = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>stuffwatch</title></head><body>
<h1>stuffwatch {version}</h1>
<p>Watches login events and says, with evidence, when somebody walks a leaked list of credentials through the login page.</p>
<ul>
<li><a href="/readyz">/readyz</a>: is it seeing everything, and if not, why (JSON: <a href="/readyz?verbose">?verbose</a>)</li>
<li><a href="/livez">/livez</a>: is the process alive</li>
<li><a href="/metrics">/metrics</a>: for Prometheus</li>
<li><a href="/api/v1/status">/api/v1/status</a>: inputs, detectors, sinks, checkpoint</li>
<li><a href="/api/v1/campaigns">/api/v1/campaigns</a>: open campaigns (<a href="/api/v1/campaigns?all">?all</a>: closed ones too; ?limit=N)</li>
<li>/api/v1/campaigns/ID: one campaign</li>
</ul>
<p>On the command line: <code>stuffwatch status</code>, <code>stuffwatch campaigns</code>, <code>stuffwatch show ID</code>.</p>
</body></html>
)";

Response index_page(const Request&) {
  std::string page(kIndex);
  const std::string_view mark = "{version}";
  page.replace(page.find(mark), mark.size(), kVersion);
  return {200, "text/html; charset=utf-8", std::move(page)};
}

Response starting() {
  return Response::error(503, "starting", "the daemon is starting; ask again in a moment");
}

std::string ready_json(const DaemonStatus& status) {
  JsonWriter json;
  json.begin_object()
      .field("ready", status.state == ServiceState::kFull)
      .field("state", name_of(status.state));
  json.key("reasons").begin_array();
  for (const StatusReason& reason : status.reasons)
    json.begin_object().field("code", reason.code).field("text", reason.text).end_object();
  return json.end_array().end_object().take() + "\n";
}

std::string ready_text(const DaemonStatus& status) {
  std::string out = status.state == ServiceState::kFull
                        ? "ready\n"
                        : fmt::format("not ready: {}\n", name_of(status.state));
  for (const StatusReason& reason : status.reasons)
    out += fmt::format("{}: {}\n", reason.code, reason.text);
  return out;
}

Response ready(const RouteSources& sources, const Request& request) {
  const bool json = request.wants_json() || request.has("verbose");
  const auto status = sources.status();
  if (!status) return json ? starting() : Response::text("not ready: starting\n", 503);
  const unsigned code = status->state == ServiceState::kFull ? 200 : 503;
  return json ? Response::json(ready_json(*status), code)
              : Response::text(ready_text(*status), code);
}

Response campaign_list(const RouteSources& sources, const Request& request) {
  CampaignQuery query{request.has("all"), CampaignQuery{}.limit};
  if (const auto limit = request.query.find("limit"); limit != request.query.end()) {
    const std::string& text = limit->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), query.limit);
    if (error != std::errc{} || end != text.data() + text.size() || query.limit == 0 ||
        query.limit > kMaxListed)
      return Response::error(400, "bad_limit",
                             fmt::format("limit is a whole number from 1 to {}", kMaxListed));
  }
  JsonWriter json;
  json.begin_object().key("campaigns").begin_array();
  for (const std::string& body : sources.campaigns(query)) json.raw(body);
  return Response::json(json.end_array().end_object().take() + "\n");
}

Response one_campaign(const RouteSources& sources, const Request& request) {
  auto body = sources.campaign(request.tail);
  if (!body)
    return Response::error(404, "unknown_campaign",
                           "there is no campaign of this id; GET /api/v1/campaigns?all lists them");
  return Response::json(std::move(*body) + "\n");
}

}  // namespace

std::vector<Route> standard_routes(RouteSources from) {
  const auto sources = std::make_shared<const RouteSources>(std::move(from));
  const auto get = [&](std::string path, auto answer) {
    return Route{Method::kGet, std::move(path),
                 [sources, answer](const Request& request) { return answer(*sources, request); }};
  };
  return {
      {Method::kGet, "/", index_page},
      {Method::kGet, "/livez", [](const Request&) { return Response::text("alive\n"); }},
      get("/readyz", ready),
      get("/metrics",
          [](const RouteSources& s, const Request&) {
            return Response{200, std::string(kMetricsContentType), s.metrics_text()};
          }),
      get("/api/v1/status",
          [](const RouteSources& s, const Request&) {
            const auto status = s.status();
            return status ? Response::json(status_json(*status) + "\n") : starting();
          }),
      get("/api/v1/campaigns", campaign_list),
      get("/api/v1/campaigns/*", one_campaign),
  };
}

}  // namespace stuffwatch::daemon::http
