#include "ingest/batch_decoder.h"

#include <gtest/gtest.h>

#include "ingest/decode_ecs.h"
#include "ingest/decode_native.h"
#include "ingest/decode_ocsf.h"
#include "tests/ingest/decoding.h"

namespace stuffwatch::ingest {
namespace {

using corpus::AccountHasher;
using testing::replaced;

const AccountHasher& hasher() {
  static const AccountHasher kHasher = AccountHasher::public_key();
  return kHasher;
}

// As a source does it: one block, records one after another.
RawChunk chunk_of(const std::vector<std::string>& records) {
  std::size_t size = RawChunk::kPadding;
  for (const std::string& record : records) size += record.size() + 1;
  RawChunk chunk;
  chunk.memory.push_back(std::make_unique<char[]>(size));
  char* at = chunk.memory[0].get();
  for (const std::string& record : records) {
    std::memcpy(at, record.data(), record.size());
    RawRecord& raw = chunk.records.emplace_back();
    raw.bytes = {at, record.size()};
    at += record.size();
    *at++ = '\n';
  }
  return chunk;
}

// Gives out what it is told to.
class Scripted final : public Decoder {
 public:
  struct Step {
    std::vector<RawLogin> logins;
    Verdict verdict;
    int unknown = 0, secrets = 0;
  };
  explicit Scripted(std::vector<Step> steps) : steps_(std::move(steps)) {}
  Verdict decode(const RawRecord&, LoginCollector& out) override {
    const Step& step = steps_.at(next_++);
    for (const RawLogin& login : step.logins) out.add(login);
    for (int i = 0; i < step.unknown; ++i) out.unknown_field();
    for (int i = 0; i < step.secrets; ++i) out.secret_field();
    return step.verdict;
  }

 private:
  std::vector<Step> steps_;
  std::size_t next_ = 0;
};

RawLogin login_from(std::string_view source, std::string_view account = "alice") {
  RawLogin login;
  login.source_ip = source;
  login.account = account;
  login.account_present = true;
  login.outcome = Outcome::kFailure;
  return login;
}

EventBatch run(std::unique_ptr<Decoder> decoder, const std::vector<std::string>& records,
               const DecodeSettings& settings = {}) {
  BatchDecoder batch(std::move(decoder), settings, hasher());
  EventBatch out;
  batch.decode(chunk_of(records), out);
  return out;
}

EventBatch run(const RawLogin& login, const DecodeSettings& settings = {}) {
  return run(std::make_unique<Scripted>(std::vector<Scripted::Step>{{{login}, {}}}), {"x"},
             settings);
}

EventBatch native(const std::vector<std::string>& records, const DecodeSettings& settings = {}) {
  return run(make_native_decoder(), records, settings);
}

const std::string kNative =
    R"({"time":"2026-03-01T11:00:00.500Z","account":"Alice@Example.com","outcome":"failure",)"
    R"("reason":"bad_password","ip":"192.0.2.7","user_agent":"Mozilla/5.0",)"
    R"("ja3":"e7d7","app":"web","tenant":"1111","asn":64500,"country":"de","account_id":"00u1",)"
    R"("session_id":"s1","event_id":"e1","device_id":"dev"})";

TEST(BatchDecoder, MakesAnEvent) {
  const EventBatch batch = native({kNative});
  ASSERT_EQ(batch.events.size(), 1U);
  const detectors::LoginEvent& event = batch.events[0];
  std::string scratch;
  EXPECT_EQ(event.account, hasher()("alice@example.com", scratch));
  EXPECT_EQ(to_string(event.source_ip), "192.0.2.7");
  EXPECT_EQ(event.time.time_since_epoch().count(), 1772362800500);
  EXPECT_EQ(event.outcome, Outcome::kFailure);
  EXPECT_EQ(event.reason, FailureReason::kBadPassword);
  EXPECT_EQ(event.as_number, 64500U);
  EXPECT_EQ((std::string_view{event.country.data(), 2}), "DE");
  EXPECT_EQ(event.client, hasher().keyed(AccountHasher::Purpose::kClient,
                                         std::string_view("Mozilla/5.0\0e7d7", 16)));
  EXPECT_EQ(event.ja4, 0U);
  EXPECT_NE(event.tenant, 0U);
  EXPECT_NE(event.app, 0U);
  EXPECT_NE(event.app, event.tenant);
  ASSERT_EQ(event.text, batch.texts.data());
  EXPECT_EQ(event.text->user_name, "Alice@Example.com");
  EXPECT_EQ(event.text->account_id, "00u1");
  EXPECT_EQ(event.text->session_id, "s1");
  EXPECT_EQ(event.text->event_id, "e1");
  EXPECT_EQ(event.text->user_agent, "Mozilla/5.0");
  EXPECT_EQ(event.text->app, "web");
  EXPECT_EQ(event.text->tenant, "1111");
  EXPECT_EQ(batch.origins[0].event_id,
            hasher().keyed(AccountHasher::Purpose::kEventId, std::string_view("1111\0e1", 7)));
  EXPECT_EQ(batch.origins[0].trusted_until, detectors::EventTime::min());
}

TEST(BatchDecoder, GivesTheSameEventWhateverTheFormat) {
  const std::string ocsf =
      R"({"class_uid":3002,"activity_id":1,"time":1772362800500,"status_id":2,)"
      R"("status_detail":"bad_password","user":{"name":"Alice@Example.com","uid":"00u1"},)"
      R"("src_endpoint":{"ip":"::ffff:192.0.2.7","autonomous_system":{"number":64500},)"
      R"("location":{"country":"DE"}},"http_request":{"user_agent":"Mozilla/5.0"},)"
      R"("tls":{"ja3_hash":{"value":"e7d7"}},"service":{"name":"web"},)"
      R"("cloud":{"account":{"uid":"1111"}},"session":{"uid":"s1"},"metadata":{"uid":"e1"}})";
  const std::string ecs =
      R"({"@timestamp":"2026-03-01T12:00:00.500+01:00","event":{"category":["authentication"],)"
      R"("outcome":"failure","reason":"bad_password","id":"e1"},)"
      R"("user.name":"Alice@Example.com","user.id":"00u1","source.ip":"192.0.2.7:4711",)"
      R"("source.as.number":64500,"source.geo.country_iso_code":"DE",)"
      R"("user_agent":{"original":"Mozilla\/5.0"},"tls.client.ja3":"e7d7","service.name":"web",)"
      R"("organization.id":"1111","session.id":"s1"})";
  const EventBatch batches[] = {native({kNative}), run(make_ocsf_decoder(), {ocsf}),
                                run(make_ecs_decoder(), {ecs})};
  for (const EventBatch& batch : batches) {
    ASSERT_EQ(batch.events.size(), 1U);
    const detectors::LoginEvent &a = batches[0].events[0], &b = batch.events[0];
    EXPECT_EQ(std::tie(a.time, a.account, a.source_ip, a.client, a.ja4, a.password_token, a.tenant,
                       a.app, a.as_number, a.country, a.outcome, a.reason, a.mfa),
              std::tie(b.time, b.account, b.source_ip, b.client, b.ja4, b.password_token, b.tenant,
                       b.app, b.as_number, b.country, b.outcome, b.reason, b.mfa));
    EXPECT_EQ(batch.origins[0].event_id, batches[0].origins[0].event_id);
    EXPECT_EQ(b.text->user_agent, "Mozilla/5.0");
    EXPECT_EQ(b.text->account_id, "00u1");
  }
}

TEST(BatchDecoder, CountsEveryRecordOnce) {
  EventBatch batch =
      native({kNative, "", "{", replaced(kNative, "192.0.2.7", "nowhere"), kNative,
              replaced(kNative, "}", R"(,"x":1,"pwd":2})"),
              replaced(replaced(kNative, "192.0.2.7", "nowhere"), "}", R"(,"x":1,"pwd":2})")});
  EXPECT_EQ(batch.counts.records, 7U);
  EXPECT_EQ(batch.counts.decoded, 3U);
  EXPECT_EQ(batch.counts.skipped[static_cast<std::size_t>(Skip::kBlankLine)], 1U);
  EXPECT_EQ(batch.counts.rejected[static_cast<std::size_t>(Reject::kNotJson)], 1U);
  EXPECT_EQ(batch.counts.rejected[static_cast<std::size_t>(Reject::kBadAddress)], 2U);
  EXPECT_EQ(batch.counts.unknown_fields,
            1U);  // of rejected records nothing is counted but the rejection
  EXPECT_EQ(batch.counts.secret_fields, 1U);
  ASSERT_EQ(batch.bad.size(), 3U);
  EXPECT_EQ(batch.bad[0].record, 2U);
  EXPECT_EQ(batch.bad[1].record, 3U);
  EXPECT_EQ(batch.bad[1].why, Reject::kBadAddress);
  ASSERT_EQ(batch.events.size(), 3U);
  EXPECT_EQ(batch.origins[1].record, 4U);
  EXPECT_EQ(batch.origins[2].record, 5U);
  for (std::size_t i = 0; i < batch.events.size(); ++i)
    EXPECT_EQ(batch.events[i].text, &batch.texts[i]);
}

TEST(BatchDecoder, TakesAllLoginsOfARecordOrNone) {
  std::vector<Scripted::Step> steps(4);
  steps[0].logins = {login_from("192.0.2.1"), login_from("192.0.2.2")};
  steps[1].logins = {login_from("192.0.2.3"), login_from("nowhere"), login_from("192.0.2.4")};
  steps[2].logins = {login_from("192.0.2.5")};
  steps[2].verdict = Verdict::rejected(Reject::kTruncated);
  steps[3].logins = {login_from("192.0.2.6")};
  const EventBatch batch = run(std::make_unique<Scripted>(steps), {"a", "b", "c", "d"});
  ASSERT_EQ(batch.events.size(), 3U);
  EXPECT_EQ(to_string(batch.events[1].source_ip), "192.0.2.2");
  EXPECT_EQ(to_string(batch.events[2].source_ip), "192.0.2.6");
  EXPECT_EQ(batch.origins[2].record, 3U);
  EXPECT_EQ(batch.texts.size(), 3U);
  ASSERT_EQ(batch.bad.size(), 2U);
  EXPECT_EQ(batch.bad[0].why, Reject::kBadAddress);
  EXPECT_EQ(batch.bad[1].why, Reject::kTruncated);
}

TEST(BatchDecoder, RepeatsAnEventAndItsIdOnce) {
  RawLogin login = login_from("192.0.2.7");
  login.event_id = "e1";
  login.repeat = 3;
  const EventBatch batch = run(login);
  ASSERT_EQ(batch.events.size(), 3U);
  EXPECT_NE(batch.origins[0].event_id, 0U);
  EXPECT_EQ(batch.origins[1].event_id, 0U);
  EXPECT_EQ(batch.origins[2].event_id, 0U);
  EXPECT_EQ(batch.texts[0].event_id, "e1");
  EXPECT_EQ(batch.texts[2].event_id, "");
  EXPECT_EQ(batch.events[2].account, batch.events[0].account);
  EXPECT_EQ(batch.counts.decoded, 1U);
  login.repeat = 4'000'000'000;
  EXPECT_EQ(run(login).events.size(), kMaxRepeat);
  login.repeat = 0;
  EXPECT_EQ(run(login).events.size(), 1U);
}

TEST(BatchDecoder, ResolvesProxiesAndMarksTrustedSources) {
  DecodeSettings settings;
  settings.trusted_proxies.resize(1);
  settings.trusted_sources.resize(1);
  ASSERT_TRUE(detectors::parse_network("10.0.0.0/8", settings.trusted_proxies[0]));
  ASSERT_TRUE(detectors::parse_network("198.51.100.0/24", settings.trusted_sources[0].network));
  RawLogin login = login_from("10.0.0.1:443");
  login.forwarded_for = "203.0.113.1, 198.51.100.20, 10.2.2.2";
  const EventBatch behind = run(login, settings);
  EXPECT_EQ(to_string(behind.events[0].source_ip), "198.51.100.20");
  EXPECT_EQ(behind.origins[0].trusted_until, detectors::EventTime::max());
  const EventBatch without = run(login);
  EXPECT_EQ(to_string(without.events[0].source_ip), "10.0.0.1");
  EXPECT_EQ(without.origins[0].trusted_until, detectors::EventTime::min());
}

TEST(BatchDecoder, OfTwoTrustedNetworksTheOneThatLastsLongerCounts) {
  const detectors::EventTime soon{std::chrono::seconds{1'800'000'000}},
      later = soon + std::chrono::days{1};
  DecodeSettings settings;
  settings.trusted_sources = {{{}, soon}, {{}, later}, {{}, soon}};
  ASSERT_TRUE(detectors::parse_network("10.0.0.0/8", settings.trusted_sources[0].network));
  ASSERT_TRUE(detectors::parse_network("10.0.0.0/24", settings.trusted_sources[1].network));
  ASSERT_TRUE(detectors::parse_network("192.0.2.0/24", settings.trusted_sources[2].network));
  EXPECT_EQ(run(login_from("10.0.0.1"), settings).origins[0].trusted_until, later);
  EXPECT_EQ(run(login_from("10.1.0.1"), settings).origins[0].trusted_until, soon);
  EXPECT_EQ(run(login_from("192.0.2.1"), settings).origins[0].trusted_until, soon);
  EXPECT_EQ(run(login_from("192.0.3.1"), settings).origins[0].trusted_until,
            detectors::EventTime::min());
}

TEST(BatchDecoder, ATrustedSourceMayBeTrustedAtSomeLoginPagesOnly) {
  const detectors::EventTime soon{std::chrono::seconds{1'800'000'000}};
  DecodeSettings settings;
  settings.trusted_sources = {{.network = {}, .apps = {"web", "mobile"}},
                              {.network = {}, .until = soon}};
  ASSERT_TRUE(detectors::parse_network("10.0.0.0/8", settings.trusted_sources[0].network));
  ASSERT_TRUE(detectors::parse_network("10.0.0.0/24", settings.trusted_sources[1].network));
  const auto until = [&](std::string_view ip, std::string_view app) {
    RawLogin login = login_from(ip);
    login.app = app;
    return run(login, settings).origins[0].trusted_until;
  };
  EXPECT_EQ(until("10.0.0.1", "web"), detectors::EventTime::max());
  EXPECT_EQ(until("10.0.0.1", "mobile"), detectors::EventTime::max());
  EXPECT_EQ(until("10.0.0.1", "admin"), soon);
  EXPECT_EQ(until("10.0.0.1", ""), soon);
  EXPECT_EQ(until("10.1.0.1", "admin"), detectors::EventTime::min());
  settings.app = "web";  // of events that name none
  EXPECT_EQ(until("10.1.0.1", ""), detectors::EventTime::max());
}

TEST(BatchDecoder, UsesTheInputsDefaultsForAppAndTenant) {
  DecodeSettings settings;
  settings.app = "ssh";
  settings.tenant = "shop";
  RawLogin login = login_from("192.0.2.7");
  const EventBatch defaults = run(login, settings), none = run(login);
  EXPECT_EQ(defaults.texts[0].app, "ssh");
  EXPECT_EQ(defaults.texts[0].tenant, "shop");
  EXPECT_EQ(none.events[0].app, 0U);
  EXPECT_EQ(none.events[0].tenant, 0U);
  login.app = "ssh";
  login.tenant = "shop";
  const EventBatch named = run(login);
  EXPECT_EQ(named.events[0].app, defaults.events[0].app);
  EXPECT_EQ(named.events[0].tenant, defaults.events[0].tenant);
  login.event_id = "e1";
  const auto id = run(login).origins[0].event_id;
  login.tenant = "other";
  EXPECT_NE(run(login).origins[0].event_id, id);  // ids are unique within a tenant only
}

TEST(BatchDecoder, TellsClientsApart) {
  const auto client = [](std::string_view user_agent, std::string_view ja4, std::string_view ja3) {
    RawLogin login = login_from("192.0.2.7");
    login.user_agent = user_agent;
    login.ja4 = ja4;
    login.ja3 = ja3;
    return run(login).events[0];
  };
  EXPECT_EQ(client("", "", "").client, 0U);
  EXPECT_EQ(client("", "", "").ja4, 0U);
  EXPECT_EQ(client("curl", "t13d", "e7").client,
            client("curl", "t13d", "other").client);  // JA4 stands before JA3
  EXPECT_EQ(client("curl", "t13d", "").ja4, client("wget", "t13d", "").ja4);
  EXPECT_NE(client("curl", "t13d", "").client, client("wget", "t13d", "").client);
  EXPECT_NE(client("curl", "", "e7").client, client("curl", "", "").client);
  EXPECT_EQ(client("curl", "", "e7").ja4, 0U);
  EXPECT_NE(client("a", "b", "").client, client("ab", "", "").client);
}

TEST(BatchDecoder, RemembersClientsWithoutMixingThemUp) {
  std::vector<Scripted::Step> steps;
  std::vector<std::string> agents, records;
  for (int i = 0; i < 3000; ++i)
    agents.push_back("agent " + std::to_string(i * 7 % 1000) +
                     (i % 3 == 0 ? std::string(2000, 'x') : ""));
  for (const std::string& agent : agents) {
    RawLogin login = login_from("192.0.2.7");
    login.user_agent = agent;
    steps.push_back({{login}, {}});
    records.emplace_back("x");
  }
  const EventBatch batch = run(std::make_unique<Scripted>(steps), records);
  for (std::size_t i = 0; i < agents.size(); ++i) {
    ASSERT_EQ(batch.events[i].client,
              hasher().keyed(AccountHasher::Purpose::kClient, agents[i] + '\0'))
        << agents[i];
  }
}

TEST(BatchDecoder, SettlesWhatMfaMeans) {
  const auto settled = [](Outcome outcome, FailureReason reason, Mfa mfa) {
    RawLogin login = login_from("192.0.2.7");
    login.outcome = outcome;
    login.reason = reason;
    login.mfa = mfa;
    const detectors::LoginEvent event = run(login).events[0];
    return std::tuple(event.outcome, event.reason, event.mfa);
  };
  const auto stopped = std::tuple(Outcome::kFailure, FailureReason::kMfaFailed, Mfa::kFailed);
  EXPECT_EQ(settled(Outcome::kSuccess, FailureReason::kNone, Mfa::kFailed), stopped);
  EXPECT_EQ(settled(Outcome::kFailure, FailureReason::kOther, Mfa::kFailed), stopped);
  EXPECT_EQ(settled(Outcome::kFailure, FailureReason::kMfaFailed, Mfa::kUnknown), stopped);
  EXPECT_EQ(settled(Outcome::kFailure, FailureReason::kLocked, Mfa::kFailed),
            std::tuple(Outcome::kFailure, FailureReason::kLocked, Mfa::kFailed));
  EXPECT_EQ(settled(Outcome::kSuccess, FailureReason::kOther, Mfa::kPassed),
            std::tuple(Outcome::kSuccess, FailureReason::kNone, Mfa::kPassed));
}

TEST(BatchDecoder, KeepsTextAliveAndCopiesOnlyWhatItMust) {
  const std::string escaped = replaced(kNative, "Alice@Example.com", R"(\u0041lice@Example.com)");
  EventBatch moved;
  {
    EventBatch batch = native({kNative, escaped, kNative, escaped});
    moved = std::move(batch);
  }
  ASSERT_EQ(moved.events.size(), 4U);
  for (const detectors::LoginEvent& event : moved.events) {
    EXPECT_EQ(event.text->user_name, "Alice@Example.com");
    EXPECT_EQ(event.account, moved.events[0].account);
  }
  const std::string_view chunk(moved.chunk.memory[0].get(), kNative.size() * 4 + 200);
  const auto in_chunk = [&](std::string_view text) {
    return text.data() >= chunk.data() && text.data() < chunk.data() + chunk.size();
  };
  EXPECT_TRUE(in_chunk(moved.texts[0].user_name));
  EXPECT_FALSE(in_chunk(moved.texts[1].user_name));
  EXPECT_TRUE(in_chunk(moved.texts[1].user_agent));
}

TEST(BatchDecoder, EmptiesABatchThatIsUsedAgain) {
  BatchDecoder decoder(make_native_decoder(), {}, hasher());
  EventBatch batch;
  decoder.decode(chunk_of({kNative, "{", kNative}), batch);
  decoder.decode(chunk_of({kNative}), batch);
  EXPECT_EQ(batch.events.size(), 1U);
  EXPECT_EQ(batch.texts.size(), 1U);
  EXPECT_EQ(batch.origins.size(), 1U);
  EXPECT_TRUE(batch.bad.empty());
  EXPECT_EQ(batch.counts.records, 1U);
  decoder.decode(RawChunk{}, batch);
  EXPECT_TRUE(batch.events.empty());
}

TEST(BatchDecoder, ReadsCountriesAsCodesOnly) {
  const auto country = [](std::string_view text) {
    RawLogin login = login_from("192.0.2.7");
    login.country = text;
    return run(login).events[0].country;
  };
  EXPECT_EQ(country("us"), (std::array{'U', 'S'}));
  for (const std::string_view none : {"", "United States", "D", "1A", "D ", "D-"})
    EXPECT_EQ(country(none), (std::array<char, 2>{})) << none;
}

TEST(BatchDecoder, CarriesWhatTheMergeNeeds) {
  RawLogin login = login_from("192.0.2.7");
  login.yearless = login.zoneless = true;
  login.password_token = "tok";
  const EventBatch batch = run(login);
  EXPECT_TRUE(batch.origins[0].yearless && batch.origins[0].zoneless);
  EXPECT_EQ(batch.events[0].password_token,
            hasher().keyed(AccountHasher::Purpose::kPasswordToken, "tok"));
  EXPECT_EQ(run(login_from("192.0.2.7")).events[0].password_token, 0U);
}

TEST(TextArena, KeepsEveryCopy) {
  TextArena arena;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::pair<std::string, std::string_view>> kept;
    for (std::size_t i = 0; i < 4000; ++i) {
      std::string text(i % 701 == 0 ? 300'000 : i % 400, static_cast<char>('a' + i % 26));
      const std::string_view copy = arena.copy(text);
      kept.emplace_back(std::move(text), copy);
    }
    for (const auto& [text, copy] : kept) ASSERT_EQ(copy, text);
    arena.clear();
  }
  EXPECT_TRUE(arena.copy("").empty());
}

}  // namespace
}  // namespace stuffwatch::ingest
