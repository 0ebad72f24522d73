#include "ingest/json/unescape.h"

#include <cstring>

namespace stuffwatch::ingest::json {
namespace {

constexpr std::uint32_t kNoUnit = ~std::uint32_t{0};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The UTF-16 unit of "\uXXXX" at `at`, which moves behind it.
std::uint32_t take_unit(const char*& at, const char* end) {
  if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return kNoUnit;
  std::uint32_t unit = 0;
  for (int i = 2; i < 6; ++i) {
    const int digit = hex_digit(at[i]);
    if (digit < 0) return kNoUnit;
    unit = unit << 4 | static_cast<std::uint32_t>(digit);
  }
  at += 6;
  return unit;
}

char* put_utf8(std::uint32_t c, char* out) {
  const auto put = [&](std::uint32_t bits) { *out++ = static_cast<char>(bits); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6);
    put(0x80 | (c & 0x3f));
  } else {
    if (c < 0x10000) {
      put(0xe0 | c >> 12);
    } else {
      put(0xf0 | c >> 18);
      put(0x80 | (c >> 12 & 0x3f));
    }
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  }
  return out;
}

char simple_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/': return c;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return '\0';
  }
}

Reject take_code_point(const char*& at, const char* end, std::uint32_t& code) {
  code = take_unit(at, end);
  if (code == kNoUnit) return Reject::kNotJson;
  if (code < 0xd800 || code > 0xdfff) return Reject::kNone;
  if (code > 0xdbff) return Reject::kInvalidUtf8;
  const char* after = at;
  const std::uint32_t low = take_unit(after, end);
  if (low < 0xdc00 || low > 0xdfff) return Reject::kInvalidUtf8;  // kNoUnit is beyond
  at = after;
  code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  return Reject::kNone;
}

}  // namespace

Reject unescape(std::string_view body, char*& out) {
  const char* at = body.data();
  const char* const end = at + body.size();
  while (at != end) {
    const auto* const found =
        static_cast<const char*>(std::memchr(at, '\\', static_cast<std::size_t>(end - at)));
    const char* const escape = found != nullptr ? found : end;
    if (out != nullptr) {
      std::memcpy(out, at, static_cast<std::size_t>(escape - at));
      out += escape - at;
    }
    at = escape;
    if (at == end) break;
    if (end - at < 2) return Reject::kNotJson;
    if (at[1] == 'u') {
      std::uint32_t code;
      if (const Reject why = take_code_point(at, end, code); why != Reject::kNone) return why;
      if (out != nullptr) out = put_utf8(code, out);
      continue;
    }
    const char c = simple_escape(at[1]);
    if (c == '\0') return Reject::kNotJson;
    if (out != nullptr) *out++ = c;
    at += 2;
  }
  return Reject::kNone;
}

}  // namespace stuffwatch::ingest::json
