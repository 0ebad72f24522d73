#include "ingest/decode_native.h"

#include <random>

#include <gtest/gtest.h>

#include "config/rfc3339.h"
#include "tests/ingest/decoding.h"

namespace stuffwatch::ingest {
namespace {

using testing::Kept;
using testing::Padded;
using testing::replaced;

const std::string kMinimal =
    R"({"time":"2026-03-01T12:00:00.5+01:00","account":"alice@example.com","outcome":"success",)"
    R"("ip":"192.0.2.7"})";
const std::string kFull =
    R"({"time":1772362800500,"account":"Alice","outcome":"failure","reason":"bad_password",)"
    R"("ip":"2001:db8::1","forwarded_for":"192.0.2.1, 10.0.0.1",)"
    R"("user_agent":"Mozilla/5.0","ja4":"t13d","ja3":"e7d7","device_id":"dev","app":"web",)"
    R"("tenant":"shop","asn":64500,"country":"de","mfa":"none",)"
    R"("account_id":"00u1","session_id":"s1","event_id":"e1","password_token":"tok"})";

Verdict decode(std::string_view text, Kept& kept) {
  const Padded padded(text);
  const Verdict verdict = make_native_decoder()->decode(padded.record(), kept);
  kept.logins.resize(verdict.decoded() ? kept.logins.size() : 0);
  return verdict;
}

Reject reject_of(std::string_view text) {
  Kept kept;
  const Reject why = decode(text, kept).reject;
  EXPECT_EQ(kept.accounts.empty(), why != Reject::kNone)
      << text;  // a bad record contributes nothing
  return why;
}

TEST(NativeDecoder, ReadsTheRequiredFields) {
  const Padded padded(kMinimal);
  Kept kept;
  const auto decoder = make_native_decoder();
  ASSERT_TRUE(decoder->decode(padded.record(), kept).decoded());
  ASSERT_EQ(kept.logins.size(), 1U);
  const RawLogin& login = kept.logins[0];
  EXPECT_EQ(config::format_rfc3339(login.time), "2026-03-01T11:00:00.500Z");
  EXPECT_EQ(login.account, "alice@example.com");
  EXPECT_TRUE(login.account_present);
  EXPECT_EQ(login.source_ip, "192.0.2.7");
  EXPECT_EQ(login.outcome, Outcome::kSuccess);
  EXPECT_EQ(login.reason, FailureReason::kNone);
  EXPECT_EQ(login.mfa, Mfa::kUnknown);
  EXPECT_EQ(login.as_number, 0U);
  EXPECT_TRUE(login.user_agent.empty() && login.tenant.empty() && login.event_id.empty());
  EXPECT_FALSE(login.yearless || login.zoneless);
  EXPECT_EQ(login.repeat, 1U);
}

TEST(NativeDecoder, ReadsEveryField) {
  const Padded padded(kFull);
  Kept kept;
  const auto decoder = make_native_decoder();
  ASSERT_TRUE(decoder->decode(padded.record(), kept).decoded());
  const RawLogin& login = kept.logins.at(0);
  EXPECT_EQ(config::format_rfc3339(login.time), "2026-03-01T11:00:00.500Z");
  EXPECT_EQ(login.outcome, Outcome::kFailure);
  EXPECT_EQ(login.reason, FailureReason::kBadPassword);
  EXPECT_EQ(login.mfa, Mfa::kNone);
  EXPECT_EQ(login.as_number, 64500U);
  const std::pair<std::string_view, std::string_view> texts[] = {
      {login.account, "Alice"},
      {login.source_ip, "2001:db8::1"},
      {login.forwarded_for, "192.0.2.1, 10.0.0.1"},
      {login.user_agent, "Mozilla/5.0"},
      {login.ja4, "t13d"},
      {login.ja3, "e7d7"},
      {login.device_id, "dev"},
      {login.app, "web"},
      {login.tenant, "shop"},
      {login.country, "de"},
      {login.account_id, "00u1"},
      {login.session_id, "s1"},
      {login.event_id, "e1"},
      {login.password_token, "tok"}};
  for (const auto& [got, expected] : texts) EXPECT_EQ(got, expected);
  EXPECT_EQ(kept.unknown, 0);
  EXPECT_EQ(kept.secrets, 0);
}

TEST(NativeDecoder, RejectsWithTheReason) {
  const auto with = [](std::string_view what, std::string_view instead) {
    return replaced(kMinimal, what, instead);
  };
  const std::string time = R"("2026-03-01T12:00:00.5+01:00")", account = R"("alice@example.com")",
                    outcome = R"("success")", ip = R"("192.0.2.7")";
  const std::pair<std::string, Reject> table[] = {
      {"not json", Reject::kNotJson},
      {kMinimal + "x", Reject::kNotJson},
      {"[]", Reject::kNotThisFormat},
      {R"({"time":)" + std::string(100, '['), Reject::kNotJson},
      {replaced(kMinimal, "}", R"(,"z":)" + std::string(64, '[') + std::string(64, ']') + "}"),
       Reject::kTooDeep},
      {kMinimal + std::string(2 << 20, ' '), Reject::kTooLarge},
      {with("alice", "al\xff"), Reject::kInvalidUtf8},
      {with("alice", R"(al\ud800)"), Reject::kInvalidUtf8},
      {with("}", R"(,"ip":"192.0.2.8"})"), Reject::kDuplicateField},
      {with("}", R"(,"acc\u006funt":"mallory"})"), Reject::kDuplicateField},
      {with(R"("time":)" + time + ",", ""), Reject::kMissingTime},
      {with(time, "null"), Reject::kMissingTime},
      {with(time, R"("2026-03-01T12:00:00")"), Reject::kBadTime},  // no zone
      {with(time, R"("1772362800500")"), Reject::kBadTime},
      {with(time, "1772362800500.5"), Reject::kBadTime},
      {with(time, "1.7e12"), Reject::kBadTime},
      {with(time, "-1"), Reject::kBadTime},
      {with(time, "253402300800000"), Reject::kBadTime},  // the year 10000
      {with(time, "99999999999999999999"), Reject::kBadTime},
      {with(time, "true"), Reject::kBadTime},
      {with(time, R"("yesterday")"), Reject::kBadTime},
      {with(R"("account":)" + account + ",", ""), Reject::kMissingAccount},
      {with(account, "null"), Reject::kMissingAccount},
      {with(account, "5"), Reject::kBadValue},
      {with(account, R"({"name":"x"})"), Reject::kBadValue},
      {with("," + std::string(R"("ip":)") + ip, ""), Reject::kMissingAddress},
      {with(ip, R"("")"), Reject::kMissingAddress},
      {with(ip, "3221225991"), Reject::kBadAddress},
      {with(R"("outcome":)" + outcome + ",", ""), Reject::kMissingOutcome},
      {with(outcome, R"("Success")"), Reject::kBadOutcome},
      {with(outcome, "true"), Reject::kBadOutcome},
      {with(outcome, R"("")"), Reject::kBadOutcome},
      {replaced(kFull, "bad_password", "bad password"), Reject::kBadValue},
      {replaced(kFull, R"("none")", R"("maybe")"), Reject::kBadValue},
      {replaced(kFull, "64500", R"("64500")"), Reject::kBadValue},
      {replaced(kFull, "64500", "4294967296"), Reject::kBadValue},
      {replaced(kFull, "64500", "-1"), Reject::kBadValue},
      {replaced(kFull, "64500", "1.5"), Reject::kBadValue},
      {replaced(kFull, R"("s1")", "7"), Reject::kBadValue},
      {replaced(kFull, R"("Mozilla/5.0")", "[]"), Reject::kBadValue},
  };
  for (const auto& [text, reason] : table)
    EXPECT_EQ(name_of(reject_of(text)), name_of(reason)) << text.substr(0, 300);
}

TEST(NativeDecoder, TakesWhatIsUnusualButRight) {
  for (const std::string& text :
       {replaced(kMinimal, "alice@example.com", ""),
        replaced(kMinimal, "alice@example.com", R"(shell\u0000\n)"),
        replaced(kMinimal, "ip", R"(\u0069p)"), replaced(kFull, "1772362800500", "0"),
        replaced(kFull, "1772362800500", "253402300799999"), replaced(kFull, "64500", "4294967295"),
        replaced(kFull, R"("bad_password")", "null"), replaced(kFull, R"("none")", R"("")"),
        "\xef\xbb\xbf" + kMinimal + "\r"}) {
    EXPECT_EQ(reject_of(text), Reject::kNone) << text;
  }
}

TEST(NativeDecoder, SkipsBlankLines) {
  Kept kept;
  EXPECT_EQ(decode("", kept).skip, Skip::kBlankLine);
  EXPECT_EQ(decode(" \r", kept).skip, Skip::kBlankLine);
}

TEST(NativeDecoder, KnowsEveryReason) {
  const std::pair<std::string_view, FailureReason> reasons[] = {
      {"bad_password", FailureReason::kBadPassword},
      {"unknown_account", FailureReason::kUnknownAccount},
      {"locked", FailureReason::kLocked},
      {"disabled", FailureReason::kDisabled},
      {"mfa_failed", FailureReason::kMfaFailed},
      {"blocked", FailureReason::kBlocked},
      {"rate_limited", FailureReason::kRateLimited},
      {"internal_error", FailureReason::kInternalError},
      {"other", FailureReason::kOther}};
  for (const auto& [name, reason] : reasons) {
    Kept kept;
    ASSERT_TRUE(decode(replaced(kFull, "bad_password", name), kept).decoded()) << name;
    EXPECT_EQ(kept.logins[0].reason, reason);
    EXPECT_EQ(detectors::name_of(reason), name);
  }
  Kept kept;
  ASSERT_TRUE(decode(replaced(kFull, "failure", "success"), kept).decoded());
  EXPECT_EQ(kept.logins[0].reason, FailureReason::kNone);  // on failure only
}

TEST(NativeDecoder, NeverReadsSecretsAndCountsStrangers) {
  Kept kept;
  const std::string text = replaced(
      kMinimal, "}", R"(,"Password":"hunter2","nested":{"pwd":"hunter2"},"colour":"blue"})");
  ASSERT_TRUE(decode(text, kept).decoded());
  EXPECT_EQ(kept.secrets, 2);
  EXPECT_EQ(kept.unknown, 2);
  Kept bad;
  EXPECT_FALSE(decode(text + "x", bad).decoded());
  EXPECT_EQ(bad.secrets + bad.unknown, 0);
}

TEST(NativeDecoder, NeverDecodesATruncation) {
  for (std::size_t size = 0; size < kFull.size(); ++size) {
    Kept kept;
    const Verdict verdict = decode(std::string_view(kFull).substr(0, size), kept);
    EXPECT_FALSE(verdict.decoded());
    EXPECT_TRUE(kept.accounts.empty());
  }
}

TEST(NativeDecoder, SurvivesDamage) {
  std::mt19937_64 random(3);
  const auto decoder = make_native_decoder();
  int decoded = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::string text = kFull;
    for (auto changes = 1 + random() % 4; changes > 0; --changes) {
      const std::size_t at = random() % text.size();
      if (random() % 2 == 0) {
        text[at] = static_cast<char>(random());
      } else {
        text.erase(at, random() % 5);
      }
    }
    const Padded padded(text);
    Kept kept;
    const Verdict verdict = decoder->decode(padded.record(), kept);
    EXPECT_EQ(kept.logins.size(), verdict.decoded() ? 1U : 0U);
    decoded += verdict.decoded() ? 1 : 0;
  }
  EXPECT_GT(decoded, 1000);  // damage within a text is still a text
}

}  // namespace
}  // namespace stuffwatch::ingest
