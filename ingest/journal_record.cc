#include "ingest/journal_record.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <new>

#include <simdjson.h>

namespace stuffwatch::ingest {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kMaxDepth = 64;
static_assert(RawChunk::kPadding >= simdjson::SIMDJSON_PADDING);

enum Key : std::size_t {
  kSourceTime,
  kJournalTime,
  kIdentifier,
  kCommand,
  kPid,
  kSyslogPid,
  kMessage,
  kKeys
};
constexpr std::array<std::string_view, kKeys> kNames = {"_SOURCE_REALTIME_TIMESTAMP",
                                                        "__REALTIME_TIMESTAMP",
                                                        "SYSLOG_IDENTIFIER",
                                                        "_COMM",
                                                        "_PID",
                                                        "SYSLOG_PID",
                                                        "MESSAGE"};

Reject reject_of(simdjson::error_code error) {
  switch (error) {
    case simdjson::UTF8_ERROR: return Reject::kInvalidUtf8;
    case simdjson::DEPTH_ERROR: return Reject::kTooDeep;
    case simdjson::CAPACITY: return Reject::kTooLarge;
    default: return Reject::kNotJson;
  }
}

// Microseconds since 1970, as journalctl prints them: a string of digits.
bool parse_time(std::string_view text, EventTime& out) {
  std::int64_t microseconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), microseconds);
  constexpr std::int64_t kYear10000 = 253'402'300'800'000'000;
  if (error != std::errc{} || end != text.data() + text.size() || microseconds < 0 ||
      microseconds >= kYear10000)
    return false;
  out = EventTime{std::chrono::milliseconds{microseconds / 1000}};
  return true;
}

}  // namespace

struct JournalParser::Impl {
  dom::parser parser;
  std::string bytes;

  // A string; an array of byte numbers where the text is not printable UTF-8; null where the
  // journal left a long one out.
  Reject message(dom::element value, JournalEntry& out) {
    std::string_view text;
    if (value.get(text) == simdjson::SUCCESS) {
      out.message = text;
      out.has_message = true;
      return Reject::kNone;
    }
    if (value.is_null()) return Reject::kNone;
    dom::array numbers;
    if (value.get(numbers) != simdjson::SUCCESS) return Reject::kBadValue;
    bytes.clear();
    for (const dom::element number : numbers) {
      std::uint64_t byte = 0;
      if (number.get(byte) != simdjson::SUCCESS || byte > 0xff) return Reject::kBadValue;
      bytes.push_back(static_cast<char>(static_cast<unsigned char>(byte)));
    }
    out.message = bytes;
    out.has_message = true;
    return Reject::kNone;
  }
};

JournalParser::JournalParser() : impl_(std::make_unique<Impl>()) {
  // The depth stays when the parser grows.
  if (impl_->parser.allocate(std::size_t{16} << 10, kMaxDepth) != simdjson::SUCCESS)
    throw std::bad_alloc();
}
JournalParser::~JournalParser() = default;

Reject JournalParser::parse(const RawRecord& record, JournalEntry& out) {
  out = {};
  dom::object object;
  if (const auto error =
          impl_->parser.parse(record.bytes.data(), record.bytes.size(), false).get(object)) {
    return error == simdjson::INCORRECT_TYPE ? Reject::kNotThisFormat : reject_of(error);
  }
  std::array<std::string_view, kKeys> found;
  std::array<bool, kKeys> seen{};
  for (const dom::key_value_pair field : object) {
    for (std::size_t key = 0; key < kKeys; ++key) {
      if (field.key != kNames[key]) continue;
      if (seen[key]) return Reject::kDuplicateField;
      seen[key] = true;
      if (key == kMessage) {
        if (const Reject bad = impl_->message(field.value, out); bad != Reject::kNone) return bad;
      } else if (field.value.get(found[key]) != simdjson::SUCCESS) {
        return Reject::kBadValue;
      }
      break;
    }
  }
  if (!seen[kMessage] && !seen[kJournalTime] && !seen[kSourceTime]) return Reject::kNotThisFormat;
  out.program = seen[kIdentifier] ? found[kIdentifier] : found[kCommand];
  out.pid = seen[kPid] ? found[kPid] : found[kSyslogPid];
  if (!seen[kSourceTime] && !seen[kJournalTime]) return Reject::kMissingTime;
  return parse_time(seen[kSourceTime] ? found[kSourceTime] : found[kJournalTime], out.time)
             ? Reject::kNone
             : Reject::kBadTime;
}

}  // namespace stuffwatch::ingest
