#include "ingest/raw_login.h"

#include <utility>

namespace stuffwatch::ingest {

std::string_view name_of(Skip skip) {
  switch (skip) {
    case Skip::kNone: return "none";
    case Skip::kNotALogin: return "not_a_login";
    case Skip::kBlankLine: return "blank_line";
    case Skip::kUnsupportedEvent: return "unsupported_event";
    case Skip::kCount: break;
  }
  std::unreachable();
}

std::string_view name_of(Reject reject) {
  switch (reject) {
    case Reject::kNone: return "none";
    case Reject::kNotJson: return "not_json";
    case Reject::kTooDeep: return "too_deep";
    case Reject::kTooLarge: return "too_large";
    case Reject::kInvalidUtf8: return "invalid_utf8";
    case Reject::kDuplicateField: return "duplicate_field";
    case Reject::kMissingTime: return "missing_time";
    case Reject::kBadTime: return "bad_time";
    case Reject::kMissingAccount: return "missing_account";
    case Reject::kMissingAddress: return "missing_address";
    case Reject::kBadAddress: return "bad_address";
    case Reject::kMissingOutcome: return "missing_outcome";
    case Reject::kBadOutcome: return "bad_outcome";
    case Reject::kBadValue: return "bad_value";
    case Reject::kTruncated: return "truncated";
    case Reject::kNotThisFormat: return "not_this_format";
    case Reject::kClockAhead: return "clock_ahead";
    case Reject::kCount: break;
  }
  std::unreachable();
}

}  // namespace stuffwatch::ingest
