// Reads the fields of a schema out of one JSON document, and vouches for the whole document.
//
// A document is good when every byte of it is: well-formed to the end, every value that nobody
// reads included; UTF-8; at most 64 levels deep; at most 1 MiB; and no key of the schema twice.
// Escaped keys are unescaped before they are compared. Keys named like a password (password,
// passwd, pwd, secret; any case, at any depth) are counted, their values never handed out.
//
// How: simdjson's first stage (SIMD) finds the tokens and checks UTF-8, strings' ends and control
// characters. Its second stage and its on-demand front end are not used: the one builds a tape of
// everything, the other skips unread values unchecked. Our walk over the token index checks the
// grammar and keeps what the schema names.
//
// Threads: none. Memory: four bytes of index a byte of the largest document. Cost: about 170 ns for
// 420 bytes of 15 fields. Errors: the Verdict.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <string_view>

#include "ingest/json/schema.h"
#include "ingest/raw_login.h"

namespace simdjson::internal {
class dom_parser_implementation;
}

namespace stuffwatch::ingest::json {

inline constexpr int kMaxDepth = 64;

enum class Kind : std::uint8_t { kString, kNumber, kTrue, kFalse, kArray, kObject };

struct Value {
  // A string without its quotes, unescaped; else the value as written. Valid until the next read().
  const char* data = nullptr;
  std::uint32_t size = 0;
  std::uint32_t token = 0;  // where an array begins in the token index
  Kind kind = Kind::kString;
  [[nodiscard]] std::string_view text() const { return {data, size}; }
  [[nodiscard]] bool is_string() const { return kind == Kind::kString; }
};

class Reader {
 public:
  explicit Reader(const Schema& schema);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // At least RawChunk::kPadding readable bytes follow `document`. A blank one is skipped
  // (kBlankLine); a good one that is no object is kNotThisFormat.
  [[nodiscard]] Verdict read(std::string_view document);

  // Of the last good document. nullptr: absent, or null.
  [[nodiscard]] const Value* find(FieldId field) const {
    return (present_ >> field & 1) != 0 ? &values_[field] : nullptr;
  }
  // Some field of the schema stood where an object belongs, and was none.
  [[nodiscard]] bool mistyped() const { return mistyped_; }
  [[nodiscard]] std::uint32_t unknown_fields() const { return unknown_; }
  [[nodiscard]] std::uint32_t secret_fields() const { return secrets_; }

  // The strings of an array, or the one string; other elements are passed over. A text is valid
  // until the next one.
  template <class Take>
  void each_string(const Value& value, Take take) {
    if (value.is_string()) return take(value.text());
    if (value.kind != Kind::kArray) return;
    for (Element e = next_string(value.token); e.next != 0; e = next_string(e.next)) take(e.text);
  }

 private:
  struct Element {
    std::string_view text;
    std::uint32_t next = 0;  // 0: there is none
  };

  // A position in the token index; the functions below take one and give the one behind what they
  // read. nullptr: see error_. (Handed on rather than kept in a member: it stays in a register,
  // which makes the walk half as long.)
  using Token = const std::uint32_t*;

  [[nodiscard]] Verdict index(std::string_view document);
  [[nodiscard]] Reject root();
  [[nodiscard]] Token object(Token next, int level, int depth);
  [[nodiscard]] Token array(Token next, int depth);
  [[nodiscard]] Token closed(Token next, int depth);
  [[nodiscard]] Token member(Token next, int level, int depth);
  [[nodiscard]] Token stranger(Token next, std::string_view key, int level, int depth);
  [[nodiscard]] Token skip(Token next, int depth);
  [[nodiscard]] Token keep(Token next, const Schema::Node& node, int depth);
  [[nodiscard]] Token keep_other(Token next, Value& value, bool& null, int depth);
  [[nodiscard]] Token descend(Token next, const Schema::Node& node, int depth);
  [[nodiscard]] Token take_string(Token next, std::string_view& body);
  [[nodiscard]] Token take_text(Token next, std::string_view& text);
  [[nodiscard]] Token take_scalar(Token next, Value& value, bool& null);
  [[nodiscard]] bool unescaped(std::string_view& text);
  [[nodiscard]] Element next_string(std::uint32_t token);

  [[nodiscard]] char at(Token token) const { return base_[*token]; }
  [[nodiscard]] Token failed(Reject why) {
    error_ = why;
    return nullptr;
  }

  const Schema& schema_;
  std::unique_ptr<simdjson::internal::dom_parser_implementation> stage1_;
  std::size_t capacity_ = 0, unescaped_capacity_ = 0;
  std::unique_ptr<char[]>
      unescaped_;  // where strings with escapes are written out; never moves during a document
  char* unescaped_end_ = nullptr;

  const char* base_ = nullptr;
  Token tokens_ = nullptr;  // offsets of the tokens, ascending
  Token last_ = nullptr;    // one past the last token
  Reject error_ = Reject::kNone;
  bool escapes_ = false;  // the document has a backslash somewhere
  bool mistyped_ = false;
  std::uint64_t seen_ = 0;     // by Node::bit
  std::uint64_t present_ = 0;  // by FieldId
  std::uint32_t unknown_ = 0, secrets_ = 0;
  std::array<Value, kMaxNodes> values_;
};

// "-12", "3.5e7": the grammar of RFC 8259, section 6.
[[nodiscard]] bool is_number(std::string_view text);
// A whole number in the range of int64, as a number or as a string of digits: exporters quote them.
// Else false.
[[nodiscard]] bool to_integer(const Value& value, std::int64_t& out);

}  // namespace stuffwatch::ingest::json
