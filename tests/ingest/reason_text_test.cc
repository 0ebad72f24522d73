#include "ingest/reason_text.h"

#include <gtest/gtest.h>

namespace stuffwatch::ingest {
namespace {

TEST(ReasonReader, ReadsTheWordsOfManyProducts) {
  const std::pair<std::string_view, FailureReason> table[] = {
      {"", FailureReason::kNone},
      {"INVALID_CREDENTIALS", FailureReason::kBadPassword},
      {"invalid_user_credentials", FailureReason::kBadPassword},
      {"Invalid username or password.", FailureReason::kBadPassword},
      {"Login failed: invalid user name or password", FailureReason::kBadPassword},
      {"wrong password", FailureReason::kBadPassword},
      {"50126", FailureReason::kBadPassword},
      {"0xC000006A", FailureReason::kBadPassword},
      {"user_not_found", FailureReason::kUnknownAccount},
      {"Unknown user", FailureReason::kUnknownAccount},
      {"No username found in supplied account", FailureReason::kUnknownAccount},
      {"0xc0000064", FailureReason::kUnknownAccount},
      {"LOCKED_OUT", FailureReason::kLocked},
      {"user_temporarily_disabled", FailureReason::kLocked},
      {"blocked", FailureReason::kBlocked},
      {"Access denied by policy", FailureReason::kBlocked},
      {"user_disabled", FailureReason::kDisabled},
      {"MFA code invalid", FailureReason::kMfaFailed},
      {"500121", FailureReason::kMfaFailed},
      {"Too many requests", FailureReason::kRateLimited},
      {"internal server error", FailureReason::kInternalError},
      {"not permitted", FailureReason::kOther},
      {"\xc3\xa9!?", FailureReason::kOther}};
  ReasonReader read;
  for (const auto& [text, reason] : table) {
    EXPECT_EQ(detectors::name_of(read(text)), detectors::name_of(reason)) << text;
    EXPECT_EQ(read(text), reason) << text;  // the remembered answer
  }
}

TEST(ReasonReader, ReadsOurOwnNames) {
  ReasonReader read;
  for (int i = 1; i <= static_cast<int>(FailureReason::kOther); ++i) {
    const auto reason = static_cast<FailureReason>(i);
    EXPECT_EQ(read(detectors::name_of(reason)), reason) << detectors::name_of(reason);
  }
}

TEST(ReasonReader, ReadsTheBeginningOfEndlessTexts) {
  ReasonReader read;
  EXPECT_EQ(read("wrong password " + std::string(1 << 20, 'x')), FailureReason::kBadPassword);
  EXPECT_EQ(read("wrong password " + std::string(1 << 20, 'x')), FailureReason::kBadPassword);
}

}  // namespace
}  // namespace stuffwatch::ingest
