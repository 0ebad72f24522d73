// What the JSON decoders share: reading a field as text, number or time, and reporting what was
// ignored.
#pragma once

#include <string>
#include <string_view>

#include "ingest/decoder.h"
#include "ingest/json/reader.h"
#include "ingest/raw_login.h"

namespace stuffwatch::ingest::json {

// Reads fields of a good document, and remembers whether one had a type that it cannot have.
// `Numbers`: whether a number may stand for text (ids of other people's formats come either way).
class Fields {
 public:
  enum class Numbers : bool { kRefused, kAsText };
  Fields(const Reader& reader, Numbers numbers)
      : reader_(reader), numbers_(numbers), good_(!reader.mistyped()) {}

  [[nodiscard]] std::string_view text(FieldId field) {
    const Value* const value = reader_.find(field);
    if (value == nullptr) return {};
    if (value->is_string() || (numbers_ == Numbers::kAsText && value->kind == Kind::kNumber))
      return value->text();
    good_ = false;
    return {};
  }
  // The first that is there and not empty.
  template <class... More>
  [[nodiscard]] std::string_view first_text(FieldId field, More... more) {
    std::string_view found = text(field);
    (static_cast<void>(found.empty() && !(found = text(static_cast<FieldId>(more))).empty()), ...);
    return found;
  }
  [[nodiscard]] std::uint32_t as_number(FieldId field);
  [[nodiscard]] bool good() const { return good_; }

 private:
  const Reader& reader_;
  Numbers numbers_;
  bool good_;
};

// Epochs below this are seconds where a format is known to mix both: 1e11 s is the year 5138, 1e11
// ms is 1973.
inline constexpr std::int64_t kSecondsBelow = 100'000'000'000;
enum class Epoch : std::uint8_t { kMilliseconds, kSecondsOrMilliseconds };

// RFC 3339 with a zone, or an epoch of the years 1970 to 9999. False: neither.
[[nodiscard]] bool to_time(const Value& value, Epoch epoch, EventTime& out);

// Tells `out` about what the last good document held besides our fields.
void report_ignored(const Reader& reader, LoginCollector& out);

}  // namespace stuffwatch::ingest::json
