// What a decoder found in a record: fields as text, before addresses are parsed, accounts hashed and proxies resolved. One shape for every
// provider, so that a decoder only says where things stand.
#pragma once

#include <cstdint>
#include <string_view>

#include "detectors/event.h"

namespace stuffwatch::ingest {

using detectors::EventTime;
using detectors::FailureReason;
using detectors::Mfa;
using detectors::Outcome;

// Views point into the record or into the decoder's own buffers; they are valid until the decoder's next record.
struct RawLogin {
  EventTime time{};
  bool yearless =
      false;  // time stands in the year 2000, zone unknown: the merge finds year and zone (syslog)
  bool zoneless = false;  // full date, but no zone: the input's `zone`, else UTC
  Outcome outcome = Outcome::kUnknown;
  FailureReason reason = FailureReason::kNone;
  Mfa mfa = Mfa::kUnknown;
  bool account_present = false;  // an empty account name is a name; an absent one is an error
  std::uint32_t as_number = 0;
  std::uint32_t repeat = 1;  // "message repeated N times"
  std::string_view account, source_ip, forwarded_for, user_agent, ja4, ja3, device_id, app, tenant,
      country, account_id, session_id, event_id, password_token;
};

enum class Skip : std::uint8_t { kNone, kNotALogin, kBlankLine, kUnsupportedEvent, kCount };

// Why a record is bad. A bounded set: these are metric labels and dead-letter reasons.
enum class Reject : std::uint8_t {
  kNone,
  kNotJson,
  kTooDeep,
  kTooLarge,
  kInvalidUtf8,
  kDuplicateField,
  kMissingTime,
  kBadTime,
  kMissingAccount,
  kMissingAddress,
  kBadAddress,
  kMissingOutcome,
  kBadOutcome,
  kBadValue,
  kTruncated,
  kNotThisFormat,
  kClockAhead,
  kCount
};
[[nodiscard]] std::string_view name_of(Skip skip);
[[nodiscard]] std::string_view name_of(Reject reject);

// What became of one record. Exactly one of: logins were found, it was skipped, it was rejected.
struct Verdict {
  Skip skip = Skip::kNone;
  Reject reject = Reject::kNone;
  [[nodiscard]] bool decoded() const { return skip == Skip::kNone && reject == Reject::kNone; }
  static Verdict skipped(Skip why) { return {why, Reject::kNone}; }
  static Verdict rejected(Reject why) { return {Skip::kNone, why}; }
};

}  // namespace stuffwatch::ingest
