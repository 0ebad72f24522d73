#include "ingest/decode_ocsf.h"

#include <random>

#include <gtest/gtest.h>

#include "config/rfc3339.h"
#include "tests/ingest/decoding.h"

namespace stuffwatch::ingest {
namespace {

using testing::Kept;
using testing::Padded;
using testing::replaced;

const std::string kLogon =
    R"({"class_uid":3002,"activity_id":1,"type_uid":300201,"severity_id":1,)"
    R"("time":1772362800500,"status_id":2,"status":"Failure",)"
    R"("status_detail":"INVALID_CREDENTIALS","user":{"name":"alice","uid":"00u1",)"
    R"("type":"User"},"src_endpoint":{"ip":"192.0.2.7",)"
    R"("intermediate_ips":["198.51.100.9","10.0.0.1"],"autonomous_system":{"number":64500,)"
    R"("name":"EXAMPLE"},"location":{"country":"DE"}},)"
    R"("http_request":{"user_agent":"Mozilla/5.0"},"device":{"uid":"dev"},)"
    R"("tls":{"ja3_hash":{"algorithm_id":1,"value":"e7d7"}},)"
    R"("session":{"uid":"s1"},"is_mfa":false,"service":{"name":"web"},)"
    R"("cloud":{"account":{"uid":"1111"}},"metadata":{"uid":"e1","version":"1.5.0"}})";

// Keeps decoder and record alive while the login is looked at.
struct Decoded {
  explicit Decoded(std::string_view text) : padded(text) {
    verdict = decoder->decode(padded.record(), kept);
    if (!kept.logins.empty()) login = kept.logins[0];
  }
  std::unique_ptr<Decoder> decoder = make_ocsf_decoder();
  Padded padded;
  Kept kept;
  Verdict verdict;
  RawLogin login;
};

TEST(OcsfDecoder, ReadsEveryField) {
  const Decoded decoded(kLogon);
  ASSERT_TRUE(decoded.verdict.decoded()) << name_of(decoded.verdict.reject);
  const RawLogin& login = decoded.login;
  EXPECT_EQ(config::format_rfc3339(login.time), "2026-03-01T11:00:00.500Z");
  EXPECT_EQ(login.outcome, Outcome::kFailure);
  EXPECT_EQ(login.reason, FailureReason::kBadPassword);
  EXPECT_EQ(login.mfa, Mfa::kNone);
  EXPECT_EQ(login.as_number, 64500U);
  const std::pair<std::string_view, std::string_view> texts[] = {
      {login.account, "alice"},       {login.account_id, "00u1"},
      {login.source_ip, "192.0.2.7"}, {login.forwarded_for, "198.51.100.9,10.0.0.1"},
      {login.country, "DE"},          {login.user_agent, "Mozilla/5.0"},
      {login.device_id, "dev"},       {login.ja3, "e7d7"},
      {login.session_id, "s1"},       {login.app, "web"},
      {login.tenant, "1111"},         {login.event_id, "e1"}};
  for (const auto& [got, expected] : texts) EXPECT_EQ(got, expected);
}

TEST(OcsfDecoder, TakesTheNameFromWhereItStands) {
  const std::string user = R"("user":{"name":"alice","uid":"00u1","type":"User"})";
  const std::pair<std::string_view, std::string_view> table[] = {
      {R"("user":{"name":"alice","email_addr":"a@example.com"})", "alice"},
      {R"("user":{"email_addr":"a@example.com","uid":"1"})", "a@example.com"},
      {R"("user":{"uid":"1"},"actor":{"user":{"name":"anaya"}})", "anaya"},
      {R"("user":{"name":"","email_addr":"a@example.com"})", "a@example.com"},
      {R"("user":{"uid":"1"})", "1"},
      {R"("user":{"uid":42})", "42"},
      {R"("actor":{"user":{"email_addr":"b@example.com"}})", "b@example.com"},
      {R"("user":{"name":""})", ""}};
  for (const auto& [instead, account] : table) {
    const Decoded decoded(replaced(kLogon, user, instead));
    EXPECT_TRUE(decoded.verdict.decoded()) << instead;
    EXPECT_EQ(decoded.login.account, account) << instead;
  }
}

TEST(OcsfDecoder, ReadsTimesOfEitherUnit) {
  for (const std::string_view time :
       {R"("time":1772362800500)", R"("time":"2026-03-01T12:00:00.5+01:00")",
        R"("time_dt":"2026-03-01T11:00:00.500Z")",
        R"("time_dt":"1999-01-01T00:00:00Z","time":1772362800500)"}) {
    const Decoded decoded(replaced(kLogon, R"("time":1772362800500)", time));
    ASSERT_TRUE(decoded.verdict.decoded()) << time;
    EXPECT_EQ(config::format_rfc3339(decoded.login.time), "2026-03-01T11:00:00.500Z") << time;
  }
  const Decoded seconds(replaced(kLogon, "1772362800500", "1772362800"));
  EXPECT_EQ(config::format_rfc3339(seconds.login.time), "2026-03-01T11:00:00.000Z");
}

TEST(OcsfDecoder, ReadsTheOutcome) {
  const std::string status = R"("status_id":2,"status":"Failure")";
  const std::pair<std::string_view, Outcome> table[] = {
      {R"("status_id":1)", Outcome::kSuccess},
      {R"("status_id":"2")", Outcome::kFailure},
      {R"("status":"Success")", Outcome::kSuccess},
      {R"("status":"failure")", Outcome::kFailure},
      {R"("status_id":1,"status":"Failure")", Outcome::kSuccess},  // the number decides
      {R"("status_id":99,"status":"Challenge")", Outcome::kUnknown},
      {R"("status_id":0)", Outcome::kUnknown}};
  for (const auto& [instead, outcome] : table) {
    const Decoded decoded(replaced(kLogon, status, instead));
    EXPECT_TRUE(decoded.verdict.decoded()) << instead;
    EXPECT_EQ(decoded.login.outcome, outcome) << instead;
    EXPECT_EQ(decoded.login.reason,
              outcome == Outcome::kFailure ? FailureReason::kBadPassword : FailureReason::kNone);
  }
}

TEST(OcsfDecoder, ReadsTheReasonFromDetailOrCode) {
  const std::string detail = R"("status_detail":"INVALID_CREDENTIALS")";
  const std::pair<std::string_view, FailureReason> table[] = {
      {R"("status_detail":"LOCKED_OUT")", FailureReason::kLocked},
      {R"("status_code":"50126")", FailureReason::kBadPassword},
      {R"("status_code":50034)", FailureReason::kUnknownAccount},
      {R"("status_detail":"something new","status_code":"0xC000006A")",
       FailureReason::kBadPassword},
      {R"("status_detail":"something new")", FailureReason::kOther},
      {R"("status_detail":null)", FailureReason::kNone}};
  for (const auto& [instead, reason] : table) {
    const Decoded decoded(replaced(kLogon, detail, instead));
    EXPECT_TRUE(decoded.verdict.decoded()) << instead;
    EXPECT_EQ(decoded.login.reason, reason) << instead;
  }
}

TEST(OcsfDecoder, SkipsWhatIsNoLogon) {
  for (const std::string& text : {replaced(kLogon, "3002", "2004"),
                                  replaced(kLogon, R"("activity_id":1)", R"("activity_id":2)"),
                                  replaced(kLogon, R"("activity_id":1)", R"("activity_id":99)"),
                                  replaced(kLogon, R"("activity_id":1,"type_uid":300201,)", ""),
                                  std::string(R"({"class_uid":4001})")}) {
    const Decoded decoded(text);
    EXPECT_EQ(decoded.verdict.skip, Skip::kNotALogin) << text;
    EXPECT_TRUE(decoded.kept.logins.empty());
  }
  EXPECT_TRUE(Decoded(replaced(kLogon, R"("activity_id":1,)", ""))
                  .verdict.decoded());  // type_uid says it, too
}

TEST(OcsfDecoder, RejectsWithTheReason) {
  const std::pair<std::string, Reject> table[] = {
      {"{}", Reject::kNotThisFormat},
      {replaced(kLogon, "3002", R"("x")"), Reject::kNotThisFormat},
      {kLogon + "]", Reject::kNotJson},
      {replaced(kLogon, "3002", "2004") + "x",
       Reject::kNotJson},  // what is skipped must be well-formed, too
      {replaced(kLogon, "alice", "\xff"), Reject::kInvalidUtf8},
      {replaced(kLogon, R"("device")", R"("user")"), Reject::kDuplicateField},
      {replaced(kLogon, R"("time":1772362800500,)", ""), Reject::kMissingTime},
      {replaced(kLogon, "1772362800500", "-5"), Reject::kBadTime},
      {replaced(kLogon, R"("name":"alice","uid":"00u1",)", ""), Reject::kMissingAccount},
      {replaced(kLogon, R"("name":"alice")", R"("name":["alice"])"), Reject::kBadValue},
      {replaced(kLogon, R"("ip":"192.0.2.7",)", ""), Reject::kMissingAddress},
      {replaced(kLogon, R"("status_id":2,"status":"Failure",)", ""), Reject::kMissingOutcome},
      {replaced(kLogon, R"("status_id":2)", R"("status_id":"two")"), Reject::kBadOutcome},
      {replaced(kLogon, R"({"user_agent":"Mozilla/5.0"})", R"("Mozilla/5.0")"), Reject::kBadValue},
      {replaced(kLogon, "64500", "-1"), Reject::kBadValue},
  };
  for (const auto& [text, reason] : table) {
    const Decoded decoded(text);
    EXPECT_EQ(name_of(decoded.verdict.reject), name_of(reason)) << text;
    EXPECT_TRUE(decoded.kept.logins.empty());
  }
}

TEST(OcsfDecoder, CountsSecretsInSkippedEventsToo) {
  const Decoded decoded(R"({"class_uid":4001,"request":{"password":"hunter2"},"colour":1})");
  EXPECT_EQ(decoded.kept.secrets, 1);
  EXPECT_EQ(decoded.kept.unknown, 2);
}

TEST(OcsfDecoder, NeverDecodesATruncationAndSurvivesDamage) {
  for (std::size_t size = 0; size < kLogon.size(); ++size)
    EXPECT_FALSE(Decoded(std::string_view(kLogon).substr(0, size)).verdict.decoded());
  std::mt19937_64 random(4);
  for (int round = 0; round < 10'000; ++round) {
    std::string text = kLogon;
    for (auto changes = 1 + random() % 4; changes > 0; --changes)
      text[random() % text.size()] = static_cast<char>(random());
    const Decoded decoded(text);
    EXPECT_EQ(decoded.kept.logins.size(), decoded.verdict.decoded() ? 1U : 0U);
  }
}

}  // namespace
}  // namespace stuffwatch::ingest
