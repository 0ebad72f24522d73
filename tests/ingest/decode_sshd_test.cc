#include "ingest/decode_sshd.h"

#include <chrono>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ingest/record_limits.h"
#include "tests/ingest/decoding.h"

namespace stuffwatch::ingest {
namespace {

using namespace std::chrono_literals;
using testing::Padded;

// A RawLogin whose texts are copies.
struct Found {
  RawLogin login;
  std::string account, source_ip, session_id, device_id;
};

struct Decoded : LoginCollector {
  Verdict verdict;
  std::vector<Found> logins;

  void add(const RawLogin& login) override {
    logins.push_back({login, std::string(login.account), std::string(login.source_ip),
                      std::string(login.session_id), std::string(login.device_id)});
  }
  void unknown_field() override { ADD_FAILURE() << "an sshd line has no fields"; }
  void secret_field() override { ADD_FAILURE() << "an sshd line has no fields"; }
};

Decoded decode_with(Decoder& decoder, std::string_view line) {
  const Padded padded(line);
  Decoded out;
  out.verdict = decoder.decode(padded.record(), out);
  return out;
}

Decoded decode(std::string_view line) {
  const auto decoder = make_sshd_decoder();
  return decode_with(*decoder, line);
}

Decoded says(const std::string& message) {
  return decode("Mar 27 13:06:56 gate sshd[123]: " + message);
}

Found attempt(const std::string& message) {
  const Decoded found = says(message);
  EXPECT_TRUE(found.verdict.decoded()) << message;
  EXPECT_EQ(found.logins.size(), 1U) << message;
  return found.logins.empty() ? Found{} : found.logins.front();
}

void expect_attempt(const std::string& message, const std::string& account, const std::string& ip,
                    FailureReason reason) {
  const Found found = attempt(message);
  EXPECT_EQ(found.account, account) << message;
  EXPECT_EQ(found.source_ip, ip) << message;
  EXPECT_EQ(found.login.reason, reason) << message;
  EXPECT_EQ(found.login.outcome,
            reason == FailureReason::kNone ? Outcome::kSuccess : Outcome::kFailure)
      << message;
  EXPECT_TRUE(found.login.account_present);
  EXPECT_EQ(found.login.repeat, 1U);
}

void expect_skipped(const std::string& message, Skip why) {
  const Decoded found = says(message);
  EXPECT_EQ(found.verdict.skip, why) << message;
  EXPECT_EQ(found.verdict.reject, Reject::kNone) << message;
  EXPECT_TRUE(found.logins.empty()) << message;
}

void expect_rejected(std::string_view line, Reject why) {
  const Decoded found = decode(line);
  EXPECT_EQ(found.verdict.reject, why) << line.substr(0, 200);
  EXPECT_TRUE(found.logins.empty());
}

constexpr auto kNone = FailureReason::kNone, kBad = FailureReason::kBadPassword,
               kUnknown = FailureReason::kUnknownAccount;

TEST(DecodeSshd, Attempts) {
  expect_attempt("Accepted password for alice from 192.0.2.7 port 5022 ssh2", "alice", "192.0.2.7",
                 kNone);
  expect_attempt("Accepted keyboard-interactive/pam for alice from 2001:db8::7 port 5022 ssh2",
                 "alice", "2001:db8::7", kNone);
  expect_attempt("Failed password for root from 192.0.2.7 port 5022 ssh2", "root", "192.0.2.7",
                 kBad);
  expect_attempt("Failed password for invalid user bob from 192.0.2.7 port 5022 ssh2", "bob",
                 "192.0.2.7", kUnknown);
  expect_attempt("Failed password for illegal user bob from 192.0.2.7 port 5022 ssh2", "bob",
                 "192.0.2.7", kUnknown);
  expect_attempt(
      "Failed keyboard-interactive/pam for invalid user bob from 192.0.2.7 port 22 ssh2 [preauth]",
      "bob", "192.0.2.7", kUnknown);
  expect_attempt("Invalid user bob from 192.0.2.7", "bob", "192.0.2.7", kUnknown);
  expect_attempt("Invalid user bob from 192.0.2.7 port 5022", "bob", "192.0.2.7", kUnknown);
  expect_attempt("error: PAM: Authentication failure for root from 192.0.2.7", "root", "192.0.2.7",
                 kBad);
  expect_attempt("User bob from 192.0.2.7 not allowed because not listed in AllowUsers", "bob",
                 "192.0.2.7", FailureReason::kBlocked);
  expect_attempt("User bob from 192.0.2.7 not allowed because account is locked", "bob",
                 "192.0.2.7", FailureReason::kLocked);
  expect_attempt("User bob from 192.0.2.7 not allowed because shell /bin/none does not exist",
                 "bob", "192.0.2.7", FailureReason::kDisabled);
}

TEST(DecodeSshd, PublicKeyIsASuccessWithItsFingerprint) {
  const Found key =
      attempt("Accepted publickey for alice from 192.0.2.7 port 22 ssh2: ED25519 SHA256:abc+/DEF");
  EXPECT_EQ(key.login.outcome, Outcome::kSuccess);
  EXPECT_EQ(key.device_id, "SHA256:abc+/DEF");
  const Found certificate = attempt(
      "Accepted publickey for alice from 192.0.2.7 port 22 ssh2: RSA-CERT SHA256:q1 ID x from "
      "203.0.113.9 port 1 ssh2 (serial 0) CA RSA SHA256:q2");
  EXPECT_EQ(certificate.source_ip, "192.0.2.7") << "a certificate's id is free text";
  EXPECT_EQ(certificate.account, "alice");
  EXPECT_EQ(certificate.device_id, "SHA256:q1");
}

TEST(DecodeSshd, NamesAreWhatStandsBeforeTheLastFrom) {
  expect_attempt("Invalid user  from 192.0.2.7", "", "192.0.2.7", kUnknown);
  expect_attempt("Invalid user from 192.0.2.7", "", "192.0.2.7", kUnknown);
  expect_attempt("Failed password for invalid user  from 192.0.2.7 port 22 ssh2", "", "192.0.2.7",
                 kUnknown);
  expect_attempt("Failed password for invalid user a b  c from 192.0.2.7 port 22 ssh2", "a b  c",
                 "192.0.2.7", kUnknown);
  expect_attempt(
      "Failed password for invalid user x from 203.0.113.9 port 1 ssh2 from 192.0.2.7 port 22 ssh2",
      "x from 203.0.113.9 port 1 ssh2", "192.0.2.7", kUnknown);
  expect_attempt("Invalid user invalid user from 192.0.2.7 port 22", "invalid user", "192.0.2.7",
                 kUnknown);
  expect_attempt("Failed password for invalid user invalid user y from 192.0.2.7 port 22 ssh2",
                 "invalid user y", "192.0.2.7", kUnknown);
  expect_attempt("Invalid user \"q' ] [preauth] from 192.0.2.7 port 22", "\"q' ] [preauth]",
                 "192.0.2.7", kUnknown);
  expect_attempt("Invalid user j\xC3\xB6rg@shop.example from 192.0.2.7 port 22",
                 "j\xC3\xB6rg@shop.example", "192.0.2.7", kUnknown);
  expect_attempt(std::string("Invalid user a\0b from 192.0.2.7 port 22", 39),
                 std::string("a\0b", 3), "192.0.2.7", kUnknown);
  expect_attempt(
      "User a from 203.0.113.9 not allowed because x from 192.0.2.7 not allowed because listed in "
      "DenyUsers",
      "a from 203.0.113.9 not allowed because x", "192.0.2.7", FailureReason::kBlocked);
}

TEST(DecodeSshd, EscapesOfSshdAreUndone) {
  expect_attempt(R"(Invalid user j\303\266rg from 192.0.2.7 port 22)", "j\xC3\xB6rg", "192.0.2.7",
                 kUnknown);
  expect_attempt(R"(Invalid user CORP\\alice from 192.0.2.7 port 22)", R"(CORP\alice)", "192.0.2.7",
                 kUnknown);
  expect_attempt(R"(Invalid user CORP\alice from 192.0.2.7 port 22)", R"(CORP\alice)", "192.0.2.7",
                 kUnknown);
  expect_attempt(R"(Invalid user a\012b\\101 from 192.0.2.7 port 22)", "a\nb\\101", "192.0.2.7",
                 kUnknown);
  expect_attempt(R"(Invalid user a\ from 192.0.2.7 port 22)", R"(a\)", "192.0.2.7", kUnknown);
  expect_attempt(R"(Invalid user a\40 from 192.0.2.7 port 22)", R"(a\40)", "192.0.2.7", kUnknown);
  expect_attempt(R"(Invalid user a\400 from 192.0.2.7 port 22)", R"(a\400)", "192.0.2.7", kUnknown);
}

TEST(DecodeSshd, Repeats) {
  const Found five = attempt(
      "message repeated 5 times: [ Failed password for root from 192.0.2.7 port 5022 ssh2]");
  EXPECT_EQ(five.login.repeat, 5U);
  EXPECT_EQ(five.account, "root");
  EXPECT_EQ(attempt("message repeated 2 times: [ error: PAM: Authentication failure for root from "
                    "192.0.2.7 [preauth]]")
                .login.repeat,
            2U);
  expect_skipped("message repeated 2 times: [ Connection closed by 192.0.2.7 port 22 [preauth]]",
                 Skip::kNotALogin);
  for (const char* bad : {"0", "10001", "99999999999999999999", "-1", "x"}) {
    expect_rejected("Mar 27 13:06:56 h sshd[1]: message repeated " + std::string(bad) +
                        " times: [ Failed password for root from 192.0.2.7 port 22 ssh2]",
                    Reject::kBadValue);
  }
  expect_rejected("Mar 27 13:06:56 h sshd[1]: message repeated 3", Reject::kTruncated);
}

TEST(DecodeSshd, ASecondMentionIsNoAttempt) {
  for (const char* message :
       {"error: maximum authentication attempts exceeded for invalid user bob from 192.0.2.7 port "
        "22 ssh2 [preauth]",
        "error: maximum authentication attempts exceeded for root from 192.0.2.7 port 22 ssh2 "
        "[preauth]",
        "Connection closed by invalid user bob 192.0.2.7 port 22 [preauth]",
        "Connection reset by authenticating user root 192.0.2.7 port 22 [preauth]",
        "Disconnected from invalid user bob 192.0.2.7 port 22 [preauth]",
        "Disconnecting: Too many authentication failures for root [preauth]",
        "input_userauth_request: invalid user bob [preauth]",
        "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= "
        "rhost=192.0.2.7  user=root",
        "error: PAM: Authentication failure for illegal user bob from 192.0.2.7",
        "error: PAM: User not known to the underlying authentication module for illegal user bob "
        "from 192.0.2.7",
        "Failed none for invalid user bob from 192.0.2.7 port 22 ssh2",
        "Postponed keyboard-interactive for root from 192.0.2.7 port 22 ssh2 [preauth]",
        "Server listening on :: port 22.",
        "Received disconnect from 192.0.2.7 port 22:11: Bye Bye [preauth]",
        "User child is on pid 77", ""}) {
    expect_skipped(message, Skip::kNotALogin);
  }
}

TEST(DecodeSshd, WhatCannotBeCountedIsSkipped) {
  for (const char* message :
       {"Failed publickey for root from 192.0.2.7 port 22 ssh2: RSA SHA256:abc",
        "Failed hostbased for root from 192.0.2.7 port 22 ssh2",
        "Failed gssapi-with-mic for root from 192.0.2.7 port 22 ssh2",
        "Partial publickey for root from 192.0.2.7 port 22 ssh2",
        "error: PAM: Authentication failure for root from gate.example.test",
        "Invalid user bob from UNKNOWN port 65535",
        "User bob not allowed because shell /bin/none is not executable"}) {
    expect_skipped(message, Skip::kUnsupportedEvent);
  }
}

TEST(DecodeSshd, ACutLineIsNeverReadAsAnotherAddress) {
  const std::string whole =
      "Mar 27 13:06:56 gate sshd[123]: Failed password for invalid user bob from 192.0.2.77 port "
      "5022 ssh2";
  for (std::size_t n = 0; n < whole.size(); ++n) {
    for (const Found& found : decode(whole.substr(0, n)).logins) {
      EXPECT_EQ(found.source_ip, "192.0.2.77") << n;
      EXPECT_EQ(found.account, "bob") << n;
    }
  }
  expect_rejected("Mar 27 13:06:56 h sshd[1]: Failed password for root from 192.0.2.7",
                  Reject::kTruncated);
  expect_rejected("Mar 27 13:06:56 h sshd[1]: Failed password for root", Reject::kTruncated);
  expect_rejected("Mar 27 13:06:56 h sshd[1]: Invalid user bo", Reject::kTruncated);
  expect_rejected("Mar 27 13:06:56 h sshd[1]: Invalid user bob from ", Reject::kTruncated);
  expect_rejected(
      "Mar 27 13:06:56 h sshd[1]: Failed password for root from 192.0.2.7 port 22 ssh2 and more",
      Reject::kTruncated);
}

TEST(DecodeSshd, ZonesOfLinkLocalAddressesAreDropped) {
  expect_attempt("Invalid user bob from fe80::1%eth0 port 22", "bob", "fe80::1", kUnknown);
  expect_attempt("Failed password for root from ::ffff:192.0.2.7 port 22 ssh2", "root",
                 "::ffff:192.0.2.7", kBad);
}

TEST(DecodeSshd, EveryShapeOfLine) {
  const std::string body = "Failed password for root from 192.0.2.7 port 22 ssh2";
  const auto time_of = [](const Decoded& d) {
    return d.logins.empty() ? EventTime{} : d.logins.front().login.time;
  };
  const EventTime expected =
      std::chrono::sys_days{std::chrono::year{2026} / 1 / 2} + 2h + 4min + 5s + 123ms;
  for (const std::string& head :
       {std::string("2026-01-02T03:04:05.123456+01:00 h sshd[9]: "),
        std::string("<38>2026-01-02T03:04:05.123456+01:00 h sshd-session[9]: "),
        std::string("<38>1 2026-01-02T03:04:05.123456+01:00 h sshd 9 - - "),
        std::string("<38>1 2026-01-02T03:04:05.123456+01:00 h /usr/sbin/sshd 9 - - ")}) {
    const Decoded found = decode(head + body);
    ASSERT_EQ(found.logins.size(), 1U) << head;
    EXPECT_EQ(time_of(found), expected) << head;
    EXPECT_EQ(found.logins.front().session_id, "9") << head;
    EXPECT_FALSE(found.logins.front().login.yearless || found.logins.front().login.zoneless)
        << head;
  }
  EXPECT_TRUE(says(body).logins.front().login.yearless);
  EXPECT_TRUE(decode("2026-01-02T03:04:05 h sshd[9]: " + body).logins.front().login.zoneless);
}

TEST(DecodeSshd, OtherProgramsBlankLinesAndOtherFormats) {
  for (const char* line :
       {"Mar 27 13:06:56 h CRON[1]: pam_unix(cron:session): session opened for user root by "
        "(uid=0)",
        "Mar 27 13:06:56 h last message repeated 2 times",
        "Mar 27 13:06:56 h notsshd[1]: Failed password for root from 192.0.2.7 port 22 ssh2",
        "2026-01-02T03:04:05Z h sudo: Accepted password for root from 192.0.2.7 port 22 ssh2"}) {
    EXPECT_EQ(decode(line).verdict.skip, Skip::kNotALogin) << line;
    EXPECT_TRUE(decode(line).logins.empty());
  }
  EXPECT_EQ(decode("").verdict.skip, Skip::kBlankLine);
  EXPECT_EQ(decode(" \t\r").verdict.skip, Skip::kBlankLine);
  expect_rejected("Failed password for root from 192.0.2.7 port 22 ssh2", Reject::kNotThisFormat);
  expect_rejected("[1,2]", Reject::kNotThisFormat);
  expect_rejected("Feb 30 13:06:56 h sshd[1]: Invalid user bob from 192.0.2.7", Reject::kBadTime);
  expect_rejected(std::string(kMaxRecordBytes + 1, 'x'), Reject::kTooLarge);
}

TEST(DecodeSshdJournal, Entries) {
  const Decoded text =
      decode(R"({"__REALTIME_TIMESTAMP":"1767323045999999",)"
             R"("_SOURCE_REALTIME_TIMESTAMP":"1767323045123456",)"
             R"("SYSLOG_IDENTIFIER":"sshd-session","_PID":"77","X":[1,{"y":null}],)"
             R"("MESSAGE":"Invalid user a\"b from 192.0.2.7 port 22"})");
  ASSERT_EQ(text.logins.size(), 1U);
  EXPECT_EQ(text.logins.front().login.time, EventTime{1767323045123ms});
  EXPECT_EQ(text.logins.front().account, "a\"b");
  EXPECT_EQ(text.logins.front().session_id, "77");
  EXPECT_FALSE(text.logins.front().login.yearless);

  const Decoded journal_time =
      decode(R"({"__REALTIME_TIMESTAMP":"1767323045999999","_COMM":"sshd",)"
             R"("MESSAGE":"Invalid user ab from 192.0.2.7"})");
  ASSERT_EQ(journal_time.logins.size(), 1U);
  EXPECT_EQ(journal_time.logins.front().login.time, EventTime{1767323045999ms});

  std::string numbers;
  for (const char c : std::string("Invalid user \xff\0z from 192.0.2.7 port 22", 39))
    numbers += (numbers.empty() ? "" : ",") + std::to_string(static_cast<unsigned char>(c));
  const Decoded bytes = decode(
      R"({"__REALTIME_TIMESTAMP":"1767323045999999","SYSLOG_IDENTIFIER":"sshd","MESSAGE":[)" +
      numbers + "]}");
  ASSERT_EQ(bytes.logins.size(), 1U);
  EXPECT_EQ(bytes.logins.front().account, std::string("\xff\0z", 3));
}

TEST(DecodeSshdJournal, SkippedAndRejected) {
  const std::string head = R"({"__REALTIME_TIMESTAMP":"1767323045999999","SYSLOG_IDENTIFIER":)";
  EXPECT_EQ(decode(head + R"("sudo","MESSAGE":"Invalid user ab from 192.0.2.7"})").verdict.skip,
            Skip::kNotALogin);
  EXPECT_EQ(decode(head + R"("sshd","MESSAGE":null})").verdict.skip, Skip::kUnsupportedEvent);
  expect_rejected(head + R"("sshd","MESSAGE":[1,256]})", Reject::kBadValue);
  expect_rejected(head + R"("sshd","MESSAGE":7})", Reject::kBadValue);
  expect_rejected(head + R"("sshd","MESSAGE":"a","MESSAGE":"b"})", Reject::kDuplicateField);
  expect_rejected(head + R"("sshd","MESS\u0041GE":"a","MESSAGE":"b"})", Reject::kDuplicateField);
  expect_rejected(R"({"__REALTIME_TIMESTAMP":"soon","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"x"})",
                  Reject::kBadTime);
  expect_rejected(R"({"__REALTIME_TIMESTAMP":"-5","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"x"})",
                  Reject::kBadTime);
  expect_rejected(R"({"__REALTIME_TIMESTAMP":5,"SYSLOG_IDENTIFIER":"sshd","MESSAGE":"x"})",
                  Reject::kBadValue);
  expect_rejected(R"({"SYSLOG_IDENTIFIER":"sshd","MESSAGE":"x"})", Reject::kMissingTime);
  expect_rejected(R"({"time":1,"account":"x"})", Reject::kNotThisFormat);
  expect_rejected(R"({"MESSAGE":"x")", Reject::kNotJson);
  expect_rejected(R"({"MESSAGE":"x","a":[1,}]})", Reject::kNotJson);
  expect_rejected(R"({"MESSAGE":"x"} {"a":1})", Reject::kNotJson);
  expect_rejected("{\"MESSAGE\":\"\xff\"}", Reject::kInvalidUtf8);
  expect_rejected(R"({"a":)" + std::string(10'000, '[') + std::string(10'000, ']') + "}",
                  Reject::kTooDeep);
}

// Whatever the bytes, a verdict; and a rejected record contributes nothing.
TEST(DecodeSshd, RandomBytes) {
  const auto decoder = make_sshd_decoder();
  std::mt19937 random(7);
  const std::vector<std::string> seeds = {
      "Mar 27 13:06:56 gate sshd[123]: Failed password for invalid user bob from 192.0.2.77 port "
      "5022 ssh2",
      "<38>1 2026-01-02T03:04:05.5Z h sshd 77 - [a k=\"v\"] message repeated 3 times: [ Invalid "
      "user b from 192.0.2.7 port 1]",
      R"({"__REALTIME_TIMESTAMP":"1767323045999999","SYSLOG_IDENTIFIER":"sshd",)"
      R"("MESSAGE":"Invalid user ab from 192.0.2.7"})"};
  std::size_t decoded = 0;
  for (int i = 0; i < 30'000; ++i) {
    std::string line = seeds[random() % seeds.size()];
    for (auto changes = random() % 6; changes > 0; --changes) {
      const auto where = random() % line.size();
      if (random() % 3 == 0) {
        line.erase(where, 1 + random() % 5);
      } else {
        line[where] = static_cast<char>(random());
      }
      if (line.empty()) line = "x";
    }
    const Decoded found = decode_with(*decoder, line);
    EXPECT_EQ(found.logins.size(), found.verdict.decoded() ? 1U : 0U) << line;
    decoded += found.logins.size();
  }
  EXPECT_GT(decoded, 1'000U) << "the test must not test rejections only";
}

}  // namespace
}  // namespace stuffwatch::ingest
