#include "ingest/decode_ecs.h"

#include "ingest/json/fields.h"
#include "ingest/reason_text.h"

namespace stuffwatch::ingest {
namespace {

enum Field : json::FieldId {
  kTime,
  kCategory,
  kType,
  kOutcome,
  kReason,
  kErrorCode,
  kUserName,
  kUserEmail,
  kTargetName,
  kUserId,
  kTargetId,
  kIp,
  kForwarded,
  kAsn,
  kCountry,
  kUserAgent,
  kJa3,
  kJa4,
  kDevice,
  kOrganization,
  kService,
  kSession,
  kEventId
};

constexpr json::Schema::Path kPaths[] = {
    {"@timestamp", kTime},
    {"event.category", kCategory},
    {"event.type", kType},
    {"event.outcome", kOutcome},
    {"event.reason", kReason},
    {"event.id", kEventId},
    {"error.code", kErrorCode},
    {"user.name", kUserName},
    {"user.email", kUserEmail},
    {"user.id", kUserId},
    {"user.target.name", kTargetName},
    {"user.target.id", kTargetId},
    {"source.ip", kIp},
    {"source.as.number", kAsn},
    {"source.geo.country_iso_code", kCountry},
    {"network.forwarded_ip", kForwarded},
    {"user_agent.original", kUserAgent},
    {"tls.client.ja3", kJa3},
    {"tls.client.ja4", kJa4},
    {"device.id", kDevice},
    {"organization.id", kOrganization},
    {"service.name", kService},
    {"session.id", kSession},
};

const json::Schema& schema() {
  static const json::Schema kSchema(kPaths, json::Schema::Keys::kDotted);
  return kSchema;
}

class EcsDecoder final : public Decoder {
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
  // An event of another category is skipped, and so is the end of a session. Without any of the
  // fields that every ECS event has it is another format.
  [[nodiscard]] Verdict classify() {
    const json::Value* const category = reader_.find(kCategory);
    if (category == nullptr) {
      return reader_.find(kTime) != nullptr ? Verdict::skipped(Skip::kNotALogin)
                                            : Verdict::rejected(Reject::kNotThisFormat);
    }
    const json::Value* const type = reader_.find(kType);
    const bool ends = type != nullptr && has(*type, "end") && !has(*type, "start");
    return has(*category, "authentication") && !ends ? Verdict{}
                                                     : Verdict::skipped(Skip::kNotALogin);
  }

  [[nodiscard]] bool has(const json::Value& value, std::string_view word) {
    bool found = false;
    reader_.each_string(value, [&](std::string_view text) { found = found || text == word; });
    return found;
  }

  Reject required(RawLogin& login) {
    const json::Value* const time = reader_.find(kTime);
    if (time == nullptr) return Reject::kMissingTime;
    if (!json::to_time(*time, json::Epoch::kMilliseconds, login.time)) return Reject::kBadTime;
    json::Fields fields(reader_, json::Fields::Numbers::kAsText);
    login.account = fields.first_text(kUserName, kUserEmail, kTargetName);
    login.account_present = reader_.find(kUserName) != nullptr ||
                            reader_.find(kUserEmail) != nullptr ||
                            reader_.find(kTargetName) != nullptr;
    login.source_ip = fields.text(kIp);
    if (!fields.good()) return Reject::kBadValue;
    if (!login.account_present) return Reject::kMissingAccount;
    if (login.source_ip.empty()) return Reject::kMissingAddress;
    return outcome(fields, login);
  }

  Reject outcome(json::Fields& fields, RawLogin& login) {
    const json::Value* const value = reader_.find(kOutcome);
    if (value == nullptr) return Reject::kMissingOutcome;
    if (!value->is_string()) return Reject::kBadOutcome;
    if (value->text() == "success") {
      login.outcome = Outcome::kSuccess;
    } else if (value->text() == "failure") {
      login.outcome = Outcome::kFailure;
      login.reason = reason_(fields.text(kReason));
      const std::string_view code = fields.text(kErrorCode);
      if (login.reason == FailureReason::kNone ||
          (login.reason == FailureReason::kOther && !code.empty()))
        login.reason = reason_(code);
    } else if (value->text() != "unknown") {
      return Reject::kBadOutcome;
    }
    return Reject::kNone;
  }

  Reject optional(RawLogin& login) {
    json::Fields fields(reader_, json::Fields::Numbers::kAsText);
    login.forwarded_for = fields.text(kForwarded);
    login.as_number = fields.as_number(kAsn);
    login.country = fields.text(kCountry);
    login.user_agent = fields.text(kUserAgent);
    login.ja3 = fields.text(kJa3);
    login.ja4 = fields.text(kJa4);
    login.device_id = fields.text(kDevice);
    login.tenant = fields.text(kOrganization);
    login.app = fields.text(kService);
    login.session_id = fields.text(kSession);
    login.account_id = fields.first_text(kUserId, kTargetId);
    login.event_id = fields.text(kEventId);
    return fields.good() ? Reject::kNone : Reject::kBadValue;
  }

  json::Reader reader_{schema()};
  ReasonReader reason_;
};

}  // namespace

std::unique_ptr<Decoder> make_ecs_decoder() { return std::make_unique<EcsDecoder>(); }

}  // namespace stuffwatch::ingest
