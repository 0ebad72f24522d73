#include "ingest/json/fields.h"

#include <limits>

#include "config/rfc3339.h"

namespace stuffwatch::ingest::json {
namespace {

constexpr std::int64_t kYear10000 = 253'402'300'800'000;  // ms

}  // namespace

std::uint32_t Fields::as_number(FieldId field) {
  const Value* const value = reader_.find(field);
  if (value == nullptr) return 0;
  std::int64_t number = -1;
  const bool typed = numbers_ == Numbers::kAsText || value->kind == Kind::kNumber;
  if (typed && to_integer(*value, number) && number >= 0 &&
      number <= std::numeric_limits<std::uint32_t>::max()) {
    return static_cast<std::uint32_t>(number);
  }
  good_ = false;
  return 0;
}

bool to_time(const Value& value, Epoch epoch, EventTime& out) {
  if (value.is_string()) {
    const auto time = config::parse_rfc3339(value.text());
    if (!time) return false;
    out = *time;
    return true;
  }
  std::int64_t number = 0;
  if (value.kind != Kind::kNumber || !to_integer(value, number) || number < 0) return false;
  if (epoch == Epoch::kSecondsOrMilliseconds && number < kSecondsBelow) number *= 1000;
  if (number >= kYear10000) return false;
  out = EventTime(std::chrono::milliseconds(number));
  return true;
}

void report_ignored(const Reader& reader, LoginCollector& out) {
  for (std::uint32_t i = 0; i < reader.unknown_fields(); ++i) out.unknown_field();
  for (std::uint32_t i = 0; i < reader.secret_fields(); ++i) out.secret_field();
}

}  // namespace stuffwatch::ingest::json
