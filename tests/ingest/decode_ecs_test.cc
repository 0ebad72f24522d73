#include "ingest/decode_ecs.h"

#include <random>

#include <gtest/gtest.h>

#include "config/rfc3339.h"
#include "tests/ingest/decoding.h"

namespace stuffwatch::ingest {
namespace {

using testing::Kept;
using testing::Padded;
using testing::replaced;

const std::string kNested =
    R"({"@timestamp":"2026-03-01T11:00:00.500Z","ecs":{"version":"8.11.0"},)"
    R"("event":{"kind":"event","category":["authentication"],"type":["start"],)"
    R"("outcome":"failure","reason":"wrong password","id":"e1"},"user":{"name":"alice",)"
    R"("id":"00u1"},"source":{"ip":"192.0.2.7","as":{"number":64500},)"
    R"("geo":{"country_iso_code":"DE"}},"network":{"forwarded_ip":"198.51.100.9"},)"
    R"("user_agent":{"original":"Mozilla/5.0"},"tls":{"client":{"ja3":"e7d7"}},)"
    R"("device":{"id":"dev"},"organization":{"id":"1111"},"service":{"name":"web"},)"
    R"("session":{"id":"s1"}})";
const std::string kDotted =
    R"({"@timestamp":"2026-03-01T11:00:00.500Z","ecs.version":"8.11.0","event.kind":"event",)"
    R"("event.category":["authentication"],"event.type":["start"],)"
    R"("event.outcome":"failure","event.reason":"wrong password","event.id":"e1",)"
    R"("user.name":"alice","user.id":"00u1","source.ip":"192.0.2.7",)"
    R"("source.as.number":64500,"source.geo.country_iso_code":"DE",)"
    R"("network.forwarded_ip":"198.51.100.9","user_agent.original":"Mozilla/5.0",)"
    R"("tls.client.ja3":"e7d7","device.id":"dev","organization.id":"1111","service.name":"web",)"
    R"("session.id":"s1"})";

struct Decoded {
  explicit Decoded(std::string_view text) : padded(text) {
    verdict = decoder->decode(padded.record(), kept);
    if (!kept.logins.empty()) login = kept.logins[0];
  }
  std::unique_ptr<Decoder> decoder = make_ecs_decoder();
  Padded padded;
  Kept kept;
  Verdict verdict;
  RawLogin login;
};

TEST(EcsDecoder, ReadsNestedAndDottedKeysAlike) {
  for (const std::string& text : {kNested, kDotted}) {
    const Decoded decoded(text);
    ASSERT_TRUE(decoded.verdict.decoded()) << name_of(decoded.verdict.reject);
    const RawLogin& login = decoded.login;
    EXPECT_EQ(config::format_rfc3339(login.time), "2026-03-01T11:00:00.500Z");
    EXPECT_EQ(login.outcome, Outcome::kFailure);
    EXPECT_EQ(login.reason, FailureReason::kBadPassword);
    EXPECT_EQ(login.as_number, 64500U);
    const std::pair<std::string_view, std::string_view> texts[] = {
        {login.account, "alice"},       {login.account_id, "00u1"},
        {login.source_ip, "192.0.2.7"}, {login.forwarded_for, "198.51.100.9"},
        {login.country, "DE"},          {login.user_agent, "Mozilla/5.0"},
        {login.device_id, "dev"},       {login.ja3, "e7d7"},
        {login.session_id, "s1"},       {login.app, "web"},
        {login.tenant, "1111"},         {login.event_id, "e1"}};
    for (const auto& [got, expected] : texts) EXPECT_EQ(got, expected);
    EXPECT_EQ(decoded.kept.unknown, 2);  // ecs, event.kind
  }
}

TEST(EcsDecoder, TakesTheNameFromWhereItStands) {
  const std::string user = R"("user":{"name":"alice","id":"00u1"})";
  const std::pair<std::string_view, std::string_view> table[] = {
      {R"("user":{"email":"a@example.com"})", "a@example.com"},
      {R"("user":{"target":{"name":"bob"}})", "bob"},
      {R"("user.target.name":"bob")", "bob"},
      {R"("user":{"name":"","email":"a@example.com"})", "a@example.com"},
      {R"("user":{"name":""})", ""}};
  for (const auto& [instead, account] : table) {
    const Decoded decoded(replaced(kNested, user, instead));
    EXPECT_TRUE(decoded.verdict.decoded()) << instead;
    EXPECT_EQ(decoded.login.account, account) << instead;
  }
}

TEST(EcsDecoder, ReadsTheOutcomeAndTheReason) {
  const auto reason_of = [](std::string_view instead) {
    const Decoded decoded(replaced(kNested, R"("reason":"wrong password")", instead));
    EXPECT_TRUE(decoded.verdict.decoded()) << instead;
    return decoded.login.reason;
  };
  EXPECT_EQ(reason_of(R"("reason":"mfa_failed")"), FailureReason::kMfaFailed);
  EXPECT_EQ(reason_of(R"("action":"x")"), FailureReason::kNone);
  EXPECT_EQ(Decoded(replaced(replaced(kNested, R"("reason":"wrong password",)", ""), R"("device")",
                             R"("error":{"code":"50053"},"device")"))
                .login.reason,
            FailureReason::kLocked);
  const Decoded unknown(replaced(kNested, "failure", "unknown")),
      success(replaced(kNested, "failure", "success"));
  EXPECT_TRUE(unknown.verdict.decoded());
  EXPECT_EQ(unknown.login.outcome, Outcome::kUnknown);
  EXPECT_EQ(success.login.outcome, Outcome::kSuccess);
  EXPECT_EQ(success.login.reason, FailureReason::kNone);
}

TEST(EcsDecoder, SkipsOtherEventsAndTheEndsOfSessions) {
  for (const std::string& text :
       {replaced(kNested, R"(["authentication"])", R"(["network","process"])"),
        replaced(kNested, R"(["authentication"])", R"("file")"),
        replaced(kNested, R"(["start"])", R"(["end"])"),
        replaced(kNested, R"("category":["authentication"],)", "")}) {
    const Decoded decoded(text);
    EXPECT_EQ(decoded.verdict.skip, Skip::kNotALogin) << text;
    EXPECT_TRUE(decoded.kept.logins.empty());
  }
  EXPECT_TRUE(
      Decoded(replaced(kNested, R"(["authentication"])", R"("authentication")")).verdict.decoded());
  EXPECT_TRUE(
      Decoded(replaced(kNested, R"(["authentication"])", R"(["session","authen\u0074ication"])"))
          .verdict.decoded());
  EXPECT_TRUE(Decoded(replaced(kNested, R"(["start"])", R"(["start","end"])")).verdict.decoded());
}

TEST(EcsDecoder, RejectsWithTheReason) {
  const std::pair<std::string, Reject> table[] = {
      {R"({"message":"text"})", Reject::kNotThisFormat},
      {kNested.substr(1), Reject::kNotJson},
      {replaced(kNested, "alice", "\xc3"), Reject::kInvalidUtf8},
      {replaced(kNested, R"("device")", R"("source.ip":"192.0.2.8","device")"),
       Reject::kDuplicateField},
      {replaced(kNested, R"("@timestamp":"2026-03-01T11:00:00.500Z",)", ""), Reject::kMissingTime},
      {replaced(kNested, "2026-03-01T", "2026-13-01T"), Reject::kBadTime},
      {replaced(kNested, R"("user":{"name":"alice","id":"00u1"},)", ""), Reject::kMissingAccount},
      {replaced(kNested, R"("user":{"name":"alice","id":"00u1"})", R"("user":"alice")"),
       Reject::kBadValue},
      {replaced(kNested, R"("alice")", R"(["alice"])"), Reject::kBadValue},
      {replaced(kNested, R"("ip":"192.0.2.7",)", ""), Reject::kMissingAddress},
      {replaced(kNested, R"("outcome":"failure",)", ""), Reject::kMissingOutcome},
      {replaced(kNested, "failure", "failed"), Reject::kBadOutcome},
      {replaced(kNested, R"({"id":"dev"})", R"(5)"), Reject::kBadValue},
  };
  for (const auto& [text, reason] : table) {
    const Decoded decoded(text);
    EXPECT_EQ(name_of(decoded.verdict.reject), name_of(reason)) << text;
    EXPECT_TRUE(decoded.kept.logins.empty());
  }
}

TEST(EcsDecoder, NeverDecodesATruncationAndSurvivesDamage) {
  std::mt19937_64 random(5);
  for (const std::string& sample : {kNested, kDotted}) {
    for (std::size_t size = 0; size < sample.size(); ++size)
      EXPECT_FALSE(Decoded(std::string_view(sample).substr(0, size)).verdict.decoded());
    for (int round = 0; round < 10'000; ++round) {
      std::string text = sample;
      for (auto changes = 1 + random() % 4; changes > 0; --changes)
        text[random() % text.size()] = static_cast<char>(random());
      const Decoded decoded(text);
      EXPECT_EQ(decoded.kept.logins.size(), decoded.verdict.decoded() ? 1U : 0U);
    }
  }
}

}  // namespace
}  // namespace stuffwatch::ingest
