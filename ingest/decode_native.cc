#include "ingest/decode_native.h"

#include <array>
#include <utility>

#include "ingest/json/fields.h"

namespace stuffwatch::ingest {
namespace {

enum Field : json::FieldId {
  kTime,
  kAccount,
  kOutcome,
  kReason,
  kIp,
  kForwardedFor,
  kUserAgent,
  kJa4,
  kJa3,
  kDeviceId,
  kApp,
  kTenant,
  kAsn,
  kCountry,
  kMfa,
  kAccountId,
  kSessionId,
  kEventId,
  kPasswordToken
};

constexpr json::Schema::Path kPaths[] = {
    {"time", kTime},
    {"account", kAccount},
    {"outcome", kOutcome},
    {"reason", kReason},
    {"ip", kIp},
    {"forwarded_for", kForwardedFor},
    {"user_agent", kUserAgent},
    {"ja4", kJa4},
    {"ja3", kJa3},
    {"device_id", kDeviceId},
    {"app", kApp},
    {"tenant", kTenant},
    {"asn", kAsn},
    {"country", kCountry},
    {"mfa", kMfa},
    {"account_id", kAccountId},
    {"session_id", kSessionId},
    {"event_id", kEventId},
    {"password_token", kPasswordToken},
};

const json::Schema& schema() {
  static const json::Schema kSchema(kPaths);
  return kSchema;
}

constexpr std::pair<std::string_view, FailureReason> kReasons[] = {
    {"bad_password", FailureReason::kBadPassword},
    {"unknown_account", FailureReason::kUnknownAccount},
    {"locked", FailureReason::kLocked},
    {"disabled", FailureReason::kDisabled},
    {"mfa_failed", FailureReason::kMfaFailed},
    {"blocked", FailureReason::kBlocked},
    {"rate_limited", FailureReason::kRateLimited},
    {"internal_error", FailureReason::kInternalError},
    {"other", FailureReason::kOther},
};
constexpr std::pair<std::string_view, Mfa> kMfas[] = {
    {"none", Mfa::kNone}, {"passed", Mfa::kPassed}, {"failed", Mfa::kFailed}};

// Empty means absent. False: none of the table.
template <class T, std::size_t N>
bool one_of(const std::pair<std::string_view, T> (&table)[N], std::string_view text, T& out) {
  if (text.empty()) return true;
  for (const auto& [name, value] : table) {
    if (name == text) return out = value, true;
  }
  return false;
}

class NativeDecoder final : public Decoder {
 public:
  Verdict decode(const RawRecord& record, LoginCollector& out) override {
    if (const Verdict verdict = reader_.read(record.bytes); !verdict.decoded()) return verdict;
    RawLogin login;
    Reject why = required(login);
    if (why == Reject::kNone) why = optional(login);
    if (why != Reject::kNone) return Verdict::rejected(why);
    out.add(login);
    json::report_ignored(reader_, out);
    return {};
  }

 private:
  Reject required(RawLogin& login) const {
    const json::Value* const time = reader_.find(kTime);
    if (time == nullptr) return Reject::kMissingTime;
    if (!json::to_time(*time, json::Epoch::kMilliseconds, login.time)) return Reject::kBadTime;
    const json::Value* const account = reader_.find(kAccount);
    if (account == nullptr) return Reject::kMissingAccount;
    if (!account->is_string()) return Reject::kBadValue;
    login.account = account->text();
    login.account_present = true;
    const json::Value* const ip = reader_.find(kIp);
    if (ip == nullptr) return Reject::kMissingAddress;
    if (!ip->is_string()) return Reject::kBadAddress;
    login.source_ip = ip->text();
    if (login.source_ip.empty()) return Reject::kMissingAddress;
    const json::Value* const outcome = reader_.find(kOutcome);
    if (outcome == nullptr) return Reject::kMissingOutcome;
    if (!outcome->is_string()) return Reject::kBadOutcome;
    if (outcome->text() == "success") {
      login.outcome = Outcome::kSuccess;
    } else if (outcome->text() == "failure") {
      login.outcome = Outcome::kFailure;
    } else {
      return Reject::kBadOutcome;
    }
    return Reject::kNone;
  }

  Reject optional(RawLogin& login) const {
    json::Fields fields(reader_, json::Fields::Numbers::kRefused);
    if (!one_of(kReasons, fields.text(kReason), login.reason) ||
        !one_of(kMfas, fields.text(kMfa), login.mfa))
      return Reject::kBadValue;
    if (login.outcome == Outcome::kSuccess) login.reason = FailureReason::kNone;
    login.forwarded_for = fields.text(kForwardedFor);
    login.user_agent = fields.text(kUserAgent);
    login.ja4 = fields.text(kJa4);
    login.ja3 = fields.text(kJa3);
    login.device_id = fields.text(kDeviceId);
    login.app = fields.text(kApp);
    login.tenant = fields.text(kTenant);
    login.as_number = fields.as_number(kAsn);
    login.country = fields.text(kCountry);
    login.account_id = fields.text(kAccountId);
    login.session_id = fields.text(kSessionId);
    login.event_id = fields.text(kEventId);
    login.password_token = fields.text(kPasswordToken);
    return fields.good() ? Reject::kNone : Reject::kBadValue;
  }

  json::Reader reader_{schema()};
};

}  // namespace

std::unique_ptr<Decoder> make_native_decoder() { return std::make_unique<NativeDecoder>(); }

}  // namespace stuffwatch::ingest
