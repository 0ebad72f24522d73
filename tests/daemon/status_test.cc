#include "daemon/status.h"

#include <thread>

#include <gtest/gtest.h>
#include <simdjson.h>

namespace stuffwatch::daemon {
namespace {

using namespace std::chrono_literals;

DaemonStatus full_status() {
  DaemonStatus s;
  s.version = "0.1.0";
  s.config_sha256 = "abc";
  s.privacy_mode = "keyed";
  s.site = "shop-eu";
  s.started = StatusTime(1'767'312'000'000ms);
  s.published = StatusTime(1'767'312'060'500ms);
  s.state = ServiceState::kDegraded;
  s.reasons = {{"sink_down", "the \"kafka\" sink\nfails"}};
  s.inputs = {{"logins[0]", "reading", 12, 0.5, 1000.25, ""},
              {"logins[1]", "unreachable", {}, {}, 0, "broker does not answer"}};
  s.sinks = {{"alerts", "jsonl", true, 5, 0, 0, ""}};
  s.detectors = {{"source_fanout", false, StatusTime(1'767'312'600'000ms), 10, 100, 1, 4096}};
  s.outbox = {4096, 5, 0.25};
  s.checkpoint = {StatusTime(1'767'312'030'000ms), 0.125, 8192, 1, ""};
  s.watermark = StatusTime(1'767'312'058'000ms);
  s.inputs[0].rejected = 4;
  s.inputs[0].last_event = StatusTime(1'767'312'060'000ms);
  s.dead_letter = {"raw", "topic dead.logins", 7, ""};
  s.logins = {90, 10, 1};
  s.open_campaigns = 2;
  s.open_compromised_accounts = 3;
  s.http_address = "127.0.0.1:9477";
  return s;
}

TEST(StatusJson, HoldsEverythingThatIsKnown) {
  EXPECT_EQ(
      status_json(full_status()),
      R"({"schema":"stuffwatch.status/1","version":"0.1.0","site":"shop-eu","config_sha256":"abc","privacy_mode":"keyed","http":"127.0.0.1:9477",)"
      R"("started":"2026-01-02T00:00:00.000Z","time":"2026-01-02T00:01:00.500Z","state":"degraded",)"
      R"("reasons":[{"code":"sink_down","text":"the \"kafka\" sink\nfails"}],"watermark":"2026-01-02T00:00:58.000Z",)"
      R"("open_campaigns":2,"open_compromised_accounts":3,"logins":{"success":90,"failure":10,"unknown":1},)"
      R"("inputs":[{"name":"logins[0]","state":"reading","lag_records":12,"seconds_behind":0.5,"seconds_silent":0,"events_per_second":1000.25,"rejected":4,"last_event":"2026-01-02T00:01:00.000Z"},)"
      R"({"name":"logins[1]","state":"unreachable","seconds_silent":0,"events_per_second":0,"rejected":0,"problem":"broker does not answer"}],)"
      R"("detectors":[{"name":"source_fanout","warm":false,"warm_at":"2026-01-02T00:10:00.000Z","keys":10,"max_keys":100,"evictions":1,"bytes":4096}],)"
      R"("sinks":[{"name":"alerts","type":"jsonl","up":true,"delivered":5,"failed":0,"lag_revisions":0}],)"
      R"("dead_letter":{"mode":"raw","to":"topic dead.logins","records":7},)"
      R"("outbox":{"bytes":4096,"records":5,"used_ratio":0.25},)"
      R"("checkpoint":{"last":"2026-01-02T00:00:30.000Z","seconds":0.125,"bytes":8192,"failures":1}})");
}

TEST(StatusJson, IsJsonWhateverTheNamesHold) {
  DaemonStatus status = full_status();
  status.inputs[0].name = "bad \xFF\xC0\x80 bytes \x01\x7F \\ \" ü \xED\xA0\x80";
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  ASSERT_EQ(parser.parse(status_json(status)).get(document), simdjson::SUCCESS);
  std::string_view name;
  ASSERT_EQ(document["inputs"].at(0)["name"].get(name), simdjson::SUCCESS);
  EXPECT_EQ(name, "bad \uFFFD\uFFFD\uFFFD bytes \x01\x7F \\ \" ü \uFFFD\uFFFD\uFFFD");
}

TEST(StatusJson, LeavesOutWhatIsUnknown) {
  const std::string json = status_json(DaemonStatus{});
  for (const char* const absent : {"watermark", "\"last\"", "problem", "site", "null"})
    EXPECT_EQ(json.find(absent), std::string::npos) << absent;
}

TEST(StatusBoard, GivesTheNewestWhole) {
  StatusBoard board;
  EXPECT_EQ(board.get(), nullptr);
  std::thread writer([&] {
    for (std::uint64_t i = 1; i <= 1000; ++i) {
      DaemonStatus status;
      status.open_campaigns = status.open_compromised_accounts = i;
      board.publish(std::move(status));
    }
  });
  std::uint64_t last = 0;
  while (last < 1000) {
    const auto status = board.get();
    if (!status) continue;
    ASSERT_EQ(status->open_campaigns, status->open_compromised_accounts);
    ASSERT_GE(status->open_campaigns, last);
    last = status->open_campaigns;
  }
  writer.join();
}

}  // namespace
}  // namespace stuffwatch::daemon
