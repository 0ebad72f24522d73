#include "ingest/reason_text.h"

#include <algorithm>
#include <array>
#include <utility>

namespace stuffwatch::ingest {
namespace {

constexpr std::size_t kLongest = 160;  // of a text: what matters stands at its beginning

// Looked for in this order, in the text's letters and digits, lower case: "USER_NOT_FOUND" is
// "usernotfound". What is specific comes first: an "MFA code invalid" is no bad password, a
// "locked" account was refused whatever the password, and "blocked" holds "locked".
constexpr std::pair<std::string_view, FailureReason> kPhrases[] = {
    {"ratelimit", FailureReason::kRateLimited},
    {"toomany", FailureReason::kRateLimited},
    {"throttl", FailureReason::kRateLimited},
    {"mfa", FailureReason::kMfaFailed},
    {"secondfactor", FailureReason::kMfaFailed},
    {"multifactor", FailureReason::kMfaFailed},
    {"totp", FailureReason::kMfaFailed},
    {"invalidotp", FailureReason::kMfaFailed},
    {"onetimepass", FailureReason::kMfaFailed},
    {"500121", FailureReason::kMfaFailed},  // Entra ID
    {"blocked", FailureReason::kBlocked},
    {"locked", FailureReason::kLocked},
    {"lockout", FailureReason::kLocked},
    {"50053", FailureReason::kLocked},                // Entra ID
    {"c0000234", FailureReason::kLocked},             // Windows NTSTATUS
    {"temporarilydisabled", FailureReason::kLocked},  // Keycloak
    {"disabled", FailureReason::kDisabled},
    {"deactivated", FailureReason::kDisabled},
    {"suspended", FailureReason::kDisabled},
    {"expired", FailureReason::kDisabled},
    {"50055", FailureReason::kDisabled},
    {"50057", FailureReason::kDisabled},
    {"c0000072", FailureReason::kDisabled},
    {"c0000193", FailureReason::kDisabled},
    {"c0000071", FailureReason::kDisabled},
    {"nameorpassword",
     FailureReason::kBadPassword},  // "invalid username or password" does not say which
    {"invalidusercredentials", FailureReason::kBadPassword},  // Keycloak
    {"unknownaccount", FailureReason::kUnknownAccount},
    {"unknownuser", FailureReason::kUnknownAccount},
    {"invaliduser", FailureReason::kUnknownAccount},
    {"nosuchuser", FailureReason::kUnknownAccount},
    {"usernotfound", FailureReason::kUnknownAccount},
    {"userdoesnotexist", FailureReason::kUnknownAccount},
    {"accountnotfound", FailureReason::kUnknownAccount},
    {"nousernamefound", FailureReason::kUnknownAccount},
    {"50034", FailureReason::kUnknownAccount},
    {"c0000064", FailureReason::kUnknownAccount},
    {"badpassword", FailureReason::kBadPassword},
    {"invalidpassword", FailureReason::kBadPassword},
    {"wrongpassword", FailureReason::kBadPassword},
    {"incorrectpassword", FailureReason::kBadPassword},
    {"passwordmismatch", FailureReason::kBadPassword},
    {"credential", FailureReason::kBadPassword},
    {"50126", FailureReason::kBadPassword},
    {"c000006a", FailureReason::kBadPassword},
    {"denied", FailureReason::kBlocked},
    {"policy", FailureReason::kBlocked},
    {"notallowed", FailureReason::kBlocked},
    {"53003", FailureReason::kBlocked},
    {"internal", FailureReason::kInternalError},
    {"servererror", FailureReason::kInternalError},
    {"timeout", FailureReason::kInternalError},
    {"unavailable", FailureReason::kInternalError},
};

}  // namespace

FailureReason ReasonReader::operator()(std::string_view text) {
  if (text.empty()) return FailureReason::kNone;
  if (text == last_text_) return last_;
  std::array<char, kLongest> plain;
  std::size_t size = 0;
  for (const char c : text) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if ((lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9')) plain[size++] = lower;
    if (size == plain.size()) break;
  }
  const std::string_view words(plain.data(), size);
  const auto has = [&](const auto& row) { return words.find(row.first) != std::string_view::npos; };
  last_text_ = text.substr(0, kLongest * 2);
  last_ = FailureReason::kOther;
  if (const auto* phrase = std::ranges::find_if(kPhrases, has); phrase != std::end(kPhrases))
    last_ = phrase->second;
  return last_;
}

}  // namespace stuffwatch::ingest
