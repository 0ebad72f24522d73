#include "daemon/http/routes.h"

#include <map>

#include <gmock/gmock.h>

#include "daemon/http/routing.h"
#include "daemon/http/server.h"
#include "daemon/metrics.h"
#include "raw_client.h"

namespace stuffwatch::daemon::http {
namespace {

using testing::HasSubstr;
using testing::Not;

class Routes : public testing::Test {
 protected:
  Routes() {
    RouteSources sources;
    sources.metrics_text = [this] { return metrics_.text(); };
    sources.status = [this] { return board_.get(); };
    sources.campaigns = [this](const CampaignQuery& query) {
      asked_ = query;
      std::vector<std::string> out = {R"({"id":"00000000000000aa"})"};
      if (query.closed_too) out.emplace_back(R"({"id":"00000000000000bb"})");
      return out;
    };
    sources.campaign = [](std::string_view id) {
      return id == "00000000000000aa" ? std::optional<std::string>(R"({"id":"00000000000000aa"})")
                                      : std::nullopt;
    };
    ServerOptions options;
    options.http.listen = "127.0.0.1:0";
    options.routes = standard_routes(std::move(sources));
    server_ = std::move(*Server::start(std::move(options)));
  }

  std::string get(std::string_view target, std::string_view more = "",
                  std::string_view method = "GET") {
    RawClient client(server_->port());
    client.send(request(method, target, "Connection: close\r\n" + std::string(more)));
    return client.read_to_end();
  }
  void publish(ServiceState state, std::vector<StatusReason> reasons = {}) {
    DaemonStatus status;
    status.version = "0.1.0";
    status.state = state;
    status.reasons = std::move(reasons);
    board_.publish(std::move(status));
  }

  Metrics metrics_;
  StatusBoard board_;
  CampaignQuery asked_;
  std::unique_ptr<Server> server_;
};

TEST(RoutesWithoutAConnection, AnswerTheSame) {
  const Route echo{Method::kGet, "/echo/*", [](const Request& request) {
                     return Response::text(request.tail + (request.has("x") ? "!" : ""));
                   }};
  EXPECT_EQ(get({&echo, 1}, "/echo/a%20b?x=1").body, "a b!");
  EXPECT_EQ(get({&echo, 1}, "/echo/a%2").status, 400U);
  EXPECT_EQ(get({&echo, 1}, "echo").status, 400U);
  EXPECT_EQ(get({&echo, 1}, "/echo").status, 404U);
}

TEST_F(Routes, EveryOneAnswersGetAndHead) {
  publish(ServiceState::kFull);
  const std::map<std::string, std::string> routes = {
      {"/", "text/html; charset=utf-8"},
      {"/livez", "text/plain; charset=utf-8"},
      {"/readyz", "text/plain; charset=utf-8"},
      {"/metrics", "text/plain; version=0.0.4; charset=utf-8"},
      {"/api/v1/status", "application/json"},
      {"/api/v1/campaigns", "application/json"},
      {"/api/v1/campaigns/00000000000000aa", "application/json"}};
  for (const auto& [path, type] : routes) {
    const std::string got = get(path), head = get(path, "", "HEAD");
    EXPECT_EQ(status_of(got), 200) << path;
    EXPECT_THAT(got, HasSubstr("Content-Type: " + type + "\r\n")) << path;
    EXPECT_FALSE(body_of(got).empty()) << path;
    EXPECT_EQ(status_of(head), 200) << path;
    EXPECT_EQ(body_of(head), "") << path;
    EXPECT_THAT(head, HasSubstr("Content-Type: " + type + "\r\n")) << path;
  }
}

TEST_F(Routes, IsAliveButNotReadyWhileStarting) {
  EXPECT_EQ(body_of(get("/livez")), "alive\n");
  EXPECT_EQ(status_of(get("/readyz")), 503);
  EXPECT_EQ(status_of(get("/api/v1/status")), 503);
  EXPECT_THAT(get("/api/v1/status"), HasSubstr(R"("error":"starting")"));
}

TEST_F(Routes, ReadyOnlyInStateFull) {
  publish(ServiceState::kFull, {{"warming", "source_fanout has seen 2 of 24 hours"}});
  EXPECT_EQ(status_of(get("/readyz")), 200);
  EXPECT_EQ(body_of(get("/readyz")), "ready\nwarming: source_fanout has seen 2 of 24 hours\n");
  for (const ServiceState state :
       {ServiceState::kDegraded, ServiceState::kBlind, ServiceState::kStandby}) {
    publish(state, {{"sink_down", "kafka does not answer; \"check\" brokers"}});
    const std::string text = get("/readyz");
    EXPECT_EQ(status_of(text), 503);
    EXPECT_EQ(body_of(text), "not ready: " + std::string(name_of(state)) +
                                 "\nsink_down: kafka does not answer; \"check\" brokers\n");
  }
}

TEST_F(Routes, GivesTheReasonsAsJsonWhenAsked) {
  publish(ServiceState::kDegraded, {{"sink_down", "a \"b\""}});
  const std::string expected =
      R"({"ready":false,"state":"degraded","reasons":[{"code":"sink_down","text":"a \"b\""}]})"
      "\n";
  EXPECT_EQ(body_of(get("/readyz?verbose")), expected);
  EXPECT_EQ(body_of(get("/readyz", "Accept: application/json\r\n")), expected);
  EXPECT_EQ(status_of(get("/readyz?verbose")), 503);
}

TEST_F(Routes, ListsCampaigns) {
  EXPECT_EQ(body_of(get("/api/v1/campaigns")), R"({"campaigns":[{"id":"00000000000000aa"}]})"
                                               "\n");
  EXPECT_EQ(asked_.limit, 100U);
  EXPECT_EQ(body_of(get("/api/v1/campaigns?all&limit=7")),
            R"({"campaigns":[{"id":"00000000000000aa"},{"id":"00000000000000bb"}]})"
            "\n");
  EXPECT_EQ(asked_.limit, 7U);
  for (const char* const bad : {"0", "-1", "x", "1001", "7x", ""})
    EXPECT_EQ(status_of(get("/api/v1/campaigns?limit=" + std::string(bad))), 400) << bad;
}

TEST_F(Routes, ShowsOneCampaignAndSaysWhenItKnowsNone) {
  EXPECT_EQ(body_of(get("/api/v1/campaigns/00000000000000aa")), "{\"id\":\"00000000000000aa\"}\n");
  const std::string unknown = get("/api/v1/campaigns/%3Cscript%3E");
  EXPECT_EQ(status_of(unknown), 404);
  EXPECT_THAT(unknown, HasSubstr("unknown_campaign"));
  EXPECT_THAT(unknown, Not(HasSubstr("script")));
}

TEST_F(Routes, MetricsShowWhatWasCounted) {
  metrics_.add(Counter::kInputSecretFields, {"logins"}, 3);
  EXPECT_THAT(body_of(get("/metrics")),
              HasSubstr("stuffwatch_input_secret_fields_total{input=\"logins\"} 3\n"));
}

}  // namespace
}  // namespace stuffwatch::daemon::http
