#include "ingest/decode_ocsf.h"

#include <string>

#include "ingest/json/fields.h"
#include "ingest/reason_text.h"

namespace stuffwatch::ingest {
namespace {

enum Field : json::FieldId {
  kClass,
  kActivity,
  kType,
  kStatusId,
  kStatus,
  kStatusDetail,
  kStatusCode,
  kTime,
  kTimeText,
  kUserName,
  kUserEmail,
  kUserUid,
  kActorName,
  kActorEmail,
  kActorUid,
  kIp,
  kForwarded,
  kHops,
  kAsn,
  kCountry,
  kUserAgent,
  kJa3,
  kDevice,
  kSession,
  kActorSession,
  kIsMfa,
  kOldMfa,
  kService,
  kDestinationService,
  kAccountUid,
  kTenantUid,
  kEventId
};

constexpr json::Schema::Path kPaths[] = {
    {"class_uid", kClass},
    {"activity_id", kActivity},
    {"type_uid", kType},
    {"status_id", kStatusId},
    {"status", kStatus},
    {"status_detail", kStatusDetail},
    {"status_code", kStatusCode},
    {"time", kTime},
    {"time_dt", kTimeText},
    {"user.name", kUserName},
    {"user.email_addr", kUserEmail},
    {"user.uid", kUserUid},
    {"actor.user.name", kActorName},
    {"actor.user.email_addr", kActorEmail},
    {"actor.user.uid", kActorUid},
    {"actor.session.uid", kActorSession},
    {"src_endpoint.ip", kIp},
    {"src_endpoint.intermediate_ips", kHops},
    {"src_endpoint.autonomous_system.number", kAsn},
    {"src_endpoint.location.country", kCountry},
    {"http_request.user_agent", kUserAgent},
    {"http_request.x_forwarded_for", kForwarded},
    {"tls.ja3_hash.value", kJa3},
    {"device.uid", kDevice},
    {"session.uid", kSession},
    {"is_mfa", kIsMfa},
    {"mfa", kOldMfa},  // 1.0.0-rc.2
    {"service.name", kService},
    {"dst_endpoint.svc_name", kDestinationService},
    {"cloud.account.uid", kAccountUid},
    {"metadata.tenant_uid", kTenantUid},
    {"metadata.uid", kEventId},
};

constexpr std::int64_t kAuthentication = 3002, kLogon = 1,
                       kLogonType = kAuthentication * 100 + kLogon;

const json::Schema& schema() {
  static const json::Schema kSchema(kPaths);
  return kSchema;
}

bool same_word(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((text[i] | 0x20) != lower[i]) return false;
  }
  return true;
}

class OcsfDecoder final : public Decoder {
 public:
  Verdict decode(const RawRecord& record, LoginCollector& out) override {
    if (const Verdict verdict = reader_.read(record.bytes); !verdict.decoded()) return verdict;
    if (const Verdict kind = classify(); !kind.decoded()) {
      if (kind.reject == Reject::kNone) json::report_ignored(reader_, out);
      return kind;
    }
    RawLogin login;
    if (const Reject why = required(login); why != Reject::kNone) return Verdict::rejected(why);
    if (const Reject why = optional(login); why != Reject::kNone) return Verdict::rejected(why);
    out.add(login);
    json::report_ignored(reader_, out);
    return {};
  }

 private:
  // Is this class Authentication, activity Logon? The activity also stands in the last two digits
  // of type_uid.
  [[nodiscard]] Verdict classify() const {
    std::int64_t number = 0;
    const json::Value* const kind = reader_.find(kClass);
    if (kind == nullptr || !json::to_integer(*kind, number))
      return Verdict::rejected(Reject::kNotThisFormat);
    if (number != kAuthentication) return Verdict::skipped(Skip::kNotALogin);
    const json::Value* const activity = reader_.find(kActivity);
    const json::Value* const type = reader_.find(kType);
    bool logon = false;
    if (activity != nullptr) {
      logon = json::to_integer(*activity, number) && number == kLogon;
    } else {
      logon = type != nullptr && json::to_integer(*type, number) && number == kLogonType;
    }
    return logon ? Verdict{} : Verdict::skipped(Skip::kNotALogin);
  }

  Reject required(RawLogin& login) {
    const json::Value* const time = reader_.find(kTime);
    const json::Value* const time_text = reader_.find(kTimeText);
    const json::Value* const when = time != nullptr ? time : time_text;
    if (when == nullptr) return Reject::kMissingTime;
    if (!json::to_time(*when, json::Epoch::kSecondsOrMilliseconds, login.time))
      return Reject::kBadTime;
    json::Fields fields(reader_, json::Fields::Numbers::kAsText);
    login.account =
        fields.first_text(kUserName, kUserEmail, kActorName, kActorEmail, kUserUid, kActorUid);
    for (const auto field : {kUserName, kUserEmail, kActorName, kActorEmail, kUserUid, kActorUid}) {
      login.account_present =
          login.account_present || reader_.find(field) != nullptr;  // an empty name is a name
    }
    login.source_ip = fields.text(kIp);
    if (!fields.good()) return Reject::kBadValue;
    if (!login.account_present) return Reject::kMissingAccount;
    if (login.source_ip.empty()) return Reject::kMissingAddress;
    return outcome(fields, login);
  }

  Reject outcome(json::Fields& fields, RawLogin& login) {
    const json::Value* const id = reader_.find(kStatusId);
    std::int64_t number = 0;
    if (id != nullptr && !json::to_integer(*id, number)) return Reject::kBadOutcome;
    const std::string_view text = fields.text(kStatus);
    if (id == nullptr && text.empty()) return Reject::kMissingOutcome;
    if (number == 1 || (id == nullptr && same_word(text, "success")))
      login.outcome = Outcome::kSuccess;
    if (number == 2 || (id == nullptr && same_word(text, "failure")))
      login.outcome = Outcome::kFailure;
    if (login.outcome != Outcome::kFailure) return Reject::kNone;  // 0 unknown, 99 other
    const std::string_view code = fields.text(kStatusCode);
    login.reason = reason_(fields.text(kStatusDetail));
    if (login.reason == FailureReason::kNone ||
        (login.reason == FailureReason::kOther && !code.empty()))
      login.reason = reason_(code);
    return Reject::kNone;
  }

  Reject optional(RawLogin& login) {
    json::Fields fields(reader_, json::Fields::Numbers::kAsText);
    login.user_agent = fields.text(kUserAgent);
    login.ja3 = fields.text(kJa3);
    login.as_number = fields.as_number(kAsn);
    login.country = fields.text(kCountry);
    login.device_id = fields.text(kDevice);
    login.session_id = fields.first_text(kSession, kActorSession);
    login.account_id = fields.first_text(kUserUid, kActorUid);
    login.app = fields.first_text(kService, kDestinationService);
    login.tenant = fields.first_text(kTenantUid, kAccountUid);
    login.event_id = fields.text(kEventId);
    login.forwarded_for = forwarded_for();
    login.mfa = mfa();
    return fields.good() ? Reject::kNone : Reject::kBadValue;
  }

  [[nodiscard]] Mfa mfa() const {
    const json::Value* const value =
        reader_.find(kIsMfa) != nullptr ? reader_.find(kIsMfa) : reader_.find(kOldMfa);
    if (value == nullptr) return Mfa::kUnknown;
    if (value->kind == json::Kind::kFalse) return Mfa::kNone;
    return value->kind == json::Kind::kTrue ? Mfa::kPassed : Mfa::kUnknown;
  }

  // "client, proxy, proxy", as the header writes it.
  std::string_view forwarded_for() {
    const json::Value* const chain =
        reader_.find(kForwarded) != nullptr ? reader_.find(kForwarded) : reader_.find(kHops);
    if (chain == nullptr) return {};
    chain_.clear();
    reader_.each_string(*chain, [&](std::string_view hop) {
      if (!chain_.empty()) chain_ += ',';
      chain_ += hop;
    });
    return chain_;
  }

  json::Reader reader_{schema()};
  ReasonReader reason_;
  std::string chain_;
};

}  // namespace

std::unique_ptr<Decoder> make_ocsf_decoder() { return std::make_unique<OcsfDecoder>(); }

}  // namespace stuffwatch::ingest
