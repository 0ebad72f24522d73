#include "ingest/json/reader.h"

#include <simdjson.h>

#include <charconv>
#include <cstring>

#include "ingest/json/unescape.h"
#include "ingest/raw_chunk.h"
#include "ingest/record_limits.h"

namespace stuffwatch::ingest::json {
namespace {

constexpr std::size_t kFirstCapacity = std::size_t{16} << 10;

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

// password, passwd, pwd, secret; in any case, also at the end of a dotted key.
bool is_secret(std::string_view key) {
  if (const std::size_t dot = key.rfind('.'); dot != std::string_view::npos)
    key.remove_prefix(dot + 1);
  if (key.size() != 8 && key.size() != 6 && key.size() != 3) return false;
  char lower[8];
  for (std::size_t i = 0; i < key.size(); ++i) lower[i] = static_cast<char>(key[i] | 0x20);
  const std::string_view name(lower, key.size());
  return name == "password" || name == "passwd" || name == "secret" || name == "pwd";
}

Reject reason_of(simdjson::error_code error) {
  return error == simdjson::UTF8_ERROR ? Reject::kInvalidUtf8 : Reject::kNotJson;
}

}  // namespace

bool is_number(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto digits = [&] {
    const char* const begin = at;
    while (at != end && is_digit(*at)) ++at;
    return at != begin;
  };
  if (at != end && *at == '-') ++at;
  if (at != end && *at == '0') {
    ++at;
  } else if (!digits()) {
    return false;
  }
  if (at != end && *at == '.') {
    ++at;
    if (!digits()) return false;
  }
  if (at != end && (*at | 0x20) == 'e') {
    ++at;
    if (at != end && (*at == '+' || *at == '-')) ++at;
    if (!digits()) return false;
  }
  return at == end;
}

bool to_integer(const Value& value, std::int64_t& out) {
  if (value.kind != Kind::kNumber && value.kind != Kind::kString) return false;
  const char* const end = value.data + value.size;
  const auto [rest, error] = std::from_chars(value.data, end, out);
  return error == std::errc() && rest == end;
}

Reader::Reader(const Schema& schema) : schema_(schema) {}
Reader::~Reader() = default;

Verdict Reader::read(std::string_view document) {
  seen_ = present_ = 0;
  unknown_ = secrets_ = 0;
  mistyped_ = false;
  if (document.starts_with("\xef\xbb\xbf")) document.remove_prefix(3);
  if (const Verdict indexed = index(document); !indexed.decoded()) return indexed;
  const Reject why = root();
  return why == Reject::kNone ? Verdict{} : Verdict::rejected(why);
}

// Stage 1: the offsets of all tokens.
Verdict Reader::index(std::string_view document) {
  if (document.size() > kMaxRecordBytes) return Verdict::rejected(Reject::kTooLarge);
  if (document.empty()) return Verdict::skipped(Skip::kBlankLine);
  if (document.size() > capacity_) {
    capacity_ = std::max(kFirstCapacity, std::bit_ceil(document.size()));
    if (simdjson::get_active_implementation()->create_dom_parser_implementation(
            capacity_, 1, stage1_) != simdjson::SUCCESS) {
      capacity_ = 0;
      return Verdict::rejected(Reject::kTooLarge);
    }
  }
  const auto error = stage1_->stage1(reinterpret_cast<const std::uint8_t*>(document.data()),
                                     document.size(), simdjson::stage1_mode::regular);
  if (error == simdjson::EMPTY) return Verdict::skipped(Skip::kBlankLine);
  if (error != simdjson::SUCCESS) return Verdict::rejected(reason_of(error));

  base_ = document.data();
  tokens_ = stage1_->structural_indexes.get();
  last_ = tokens_ + stage1_->n_structural_indexes;
  escapes_ = std::memchr(base_, '\\', document.size()) != nullptr;
  if (escapes_ && document.size() + RawChunk::kPadding >
                      unescaped_capacity_) {  // keys written there need padding, too
    unescaped_capacity_ = std::bit_ceil(document.size() + RawChunk::kPadding);
    unescaped_ = std::make_unique<char[]>(unescaped_capacity_);
  }
  unescaped_end_ = unescaped_.get();
  return {};
}

// The last token must close something. Then only a closing token can be the last one, and closed()
// is the one place that has to ask whether another follows; whoever else takes a token knows that
// there is one. last_ itself points at simdjson's sentinel, the document's size, which ends the
// last token.
Reject Reader::root() {
  const char opener = at(tokens_), closer = at(last_ - 1);
  const bool is_object = opener == '{' && closer == '}', is_array = opener == '[' && closer == ']';
  Token end = nullptr;
  if (is_object) {
    end = object(tokens_ + 1, Schema::kRoot, 1);
  } else if (is_array) {
    end = array(tokens_ + 1, 1);
  } else if (last_ - tokens_ == 1 && opener != '{' && opener != '[') {
    end = skip(tokens_, 0);
  } else {
    return Reject::kNotJson;
  }
  if (end == nullptr) return error_;
  if (end != last_) return Reject::kNotJson;
  return is_object ? Reject::kNone : Reject::kNotThisFormat;
}

// Between the opening quote, which is a token, and the next token there is the body, the closing
// quote and space.
inline Reader::Token Reader::take_string(Token next, std::string_view& body) {
  const char* const begin = base_ + next[0] + 1;
  const char* end = base_ + next[1];
  if (end[-1] != '"') [[unlikely]] {
    while (end > begin && is_space(end[-1])) --end;
  }
  if (end <= begin || end[-1] != '"') [[unlikely]]
    return failed(Reject::kNotJson);
  body = {begin, static_cast<std::size_t>(end - 1 - begin)};
  return next + 1;
}

inline Reader::Token Reader::take_text(Token next, std::string_view& text) {
  next = take_string(next, text);
  if (escapes_ && next != nullptr && !unescaped(text)) [[unlikely]]
    return nullptr;
  return next;
}

bool Reader::unescaped(std::string_view& text) {
  if (std::memchr(text.data(), '\\', text.size()) == nullptr) return true;
  const char* const begin = unescaped_end_;
  error_ = unescape(text, unescaped_end_);
  text = {begin, static_cast<std::size_t>(unescaped_end_ - begin)};
  return error_ == Reject::kNone;
}

// Behind a closing token: anything but the document itself stands inside something, so more must
// follow.
inline Reader::Token Reader::closed(Token next, int depth) {
  return depth > 1 && next == last_ ? failed(Reject::kNotJson) : next;
}

// Behind '{'. `level`: kNoLevel when nothing inside is ours.
Reader::Token Reader::object(Token next, int level, int depth) {
  if (depth > kMaxDepth) return failed(Reject::kTooDeep);
  if (at(next) == '}') return closed(next + 1, depth);
  for (;;) {
    next = member(next, level, depth);
    if (next == nullptr) return nullptr;
    const char c = at(next++);
    if (c == '}') return closed(next, depth);
    if (c != ',') return failed(Reject::kNotJson);
  }
}

// Behind '['.
Reader::Token Reader::array(Token next, int depth) {
  if (depth > kMaxDepth) return failed(Reject::kTooDeep);
  if (at(next) == ']') return closed(next + 1, depth);
  for (;;) {
    next = skip(next, depth);
    if (next == nullptr) return nullptr;
    const char c = at(next++);
    if (c == ']') return closed(next, depth);
    if (c != ',') return failed(Reject::kNotJson);
  }
}

// One "key": value.
inline Reader::Token Reader::member(Token next, int level, int depth) {
  if (at(next) != '"') return failed(Reject::kNotJson);
  std::string_view key;
  next = take_text(next, key);
  if (next == nullptr) return nullptr;
  if (at(next++) != ':') return failed(Reject::kNotJson);
  if (level == Schema::kNoLevel) return stranger(next, key, level, depth);
  const Schema::Node* const node = schema_.find(level, {key.data(), key.size()});
  if (node == nullptr) return stranger(next, key, level, depth);
  const std::uint64_t bit = std::uint64_t{1} << node->bit;
  if ((seen_ & bit) != 0) return failed(Reject::kDuplicateField);
  seen_ |= bit;
  return node->level == Schema::kNoLevel ? keep(next, *node, depth) : descend(next, *node, depth);
}

// The value of a key that is none of ours.
Reader::Token Reader::stranger(Token next, std::string_view key, int level, int depth) {
  if (is_secret(key)) {
    ++secrets_;
  } else if (level != Schema::kNoLevel) {
    ++unknown_;
  }
  return skip(next, depth);
}

// A value that nobody reads: checked like any other.
Reader::Token Reader::skip(Token next, int depth) {
  switch (at(next)) {
    case '"': {
      std::string_view body;
      next = take_string(next, body);
      if (!escapes_ || next == nullptr) return next;
      char* nowhere = nullptr;
      error_ = unescape(body, nowhere);
      return error_ == Reject::kNone ? next : nullptr;
    }
    case '{': return object(next + 1, Schema::kNoLevel, depth + 1);
    case '[': return array(next + 1, depth + 1);
    default: {
      Value value;
      bool null;
      return take_scalar(next, value, null);
    }
  }
}

// The value of a field of ours.
inline Reader::Token Reader::keep(Token next, const Schema::Node& node, int depth) {
  Value& value = values_[node.field];
  bool null = false;
  if (at(next) == '"') [[likely]] {
    std::string_view text;
    next = take_text(next, text);
    value.data = text.data();
    value.size = static_cast<std::uint32_t>(text.size());
    value.kind = Kind::kString;
  } else {
    next = keep_other(next, value, null, depth);
  }
  if (null || next == nullptr) return next;
  const std::uint64_t bit = std::uint64_t{1} << node.field;
  if ((present_ & bit) != 0) return failed(Reject::kDuplicateField);  // by another path
  present_ |= bit;
  return next;
}

Reader::Token Reader::keep_other(Token next, Value& value, bool& null, int depth) {
  const char c = at(next);
  if (c != '{' && c != '[') return take_scalar(next, value, null);
  value.kind = c == '{' ? Kind::kObject : Kind::kArray;
  value.data = base_ + *next;
  ++next;
  value.token = static_cast<std::uint32_t>(next - tokens_);
  next = c == '{' ? object(next, Schema::kNoLevel, depth + 1) : array(next, depth + 1);
  if (next != nullptr) value.size = static_cast<std::uint32_t>(base_ + next[-1] + 1 - value.data);
  return next;
}

// The value of a key that holds fields of ours.
Reader::Token Reader::descend(Token next, const Schema::Node& node, int depth) {
  const char c = at(next);
  if (c == '{') return object(next + 1, node.level, depth + 1);
  mistyped_ = mistyped_ || c != 'n';  // null is as good as absent
  return skip(next, depth);
}

Reader::Token Reader::take_scalar(Token next, Value& value, bool& null) {
  const char* const begin = base_ + next[0];
  const char* end = base_ + next[1];
  while (end > begin && is_space(end[-1])) --end;
  value.data = begin;
  value.size = static_cast<std::uint32_t>(end - begin);
  const std::string_view text = value.text();
  null = text == "null";
  if (null) return next + 1;
  value.kind = text == "true" ? Kind::kTrue : text == "false" ? Kind::kFalse : Kind::kNumber;
  return value.kind != Kind::kNumber || is_number(text) ? next + 1 : failed(Reject::kNotJson);
}

// The next string of an array whose tokens begin at `token`: elements inside nested containers are
// not its own. The document is good.
Reader::Element Reader::next_string(std::uint32_t token) {
  int depth = 0;
  for (Token next = tokens_ + token; next < last_; ++next) {
    const char c = at(next);
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && depth-- == 0) break;
    if (c != '"' || depth != 0) continue;
    std::string_view text;
    char* const free = unescaped_end_;
    next = take_text(next, text);
    unescaped_end_ =
        free;  // what the arrays of one document may be asked for has no limit, the buffer has
    if (next == nullptr) break;
    return {text, static_cast<std::uint32_t>(next - tokens_)};
  }
  return {};
}

}  // namespace stuffwatch::ingest::json
