#include "daemon/json_writer.h"

#include <cmath>
#include <cstdint>

#include <fmt/core.h>

#include "config/utf8.h"

namespace stuffwatch::daemon {
namespace {

void append_escaped(std::string& out, char32_t code) {
  if (code < 0x10000) {
    out += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(code));
    return;
  }
  append_escaped(out, 0xD800 + ((code - 0x10000) >> 10U));  // a surrogate pair
  append_escaped(out, 0xDC00 + (code & 0x3FFU));
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const config::Character next = config::first_character(text);
    if (text[0] == '"' || text[0] == '\\')
      (out += '\\') += text[0];
    else if (text[0] == '\n')
      out += "\\n";
    else if (next.visible)
      out += text.substr(0, next.bytes);
    else if (config::utf8_length(text) == 0)
      out += "\xEF\xBF\xBD";
    else
      append_escaped(out, next.code);
    text.remove_prefix(next.bytes);
  }
  out += '"';
}

void JsonWriter::separate() {
  if (comma_) out_ += ',';
  comma_ = true;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  append_json_string(out_, name);
  out_ += ':';
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  append_json_string(out_, text);
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  return raw(fmt::format("{}", std::isfinite(number) ? number : 0.0));
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
  return *this;
}

}  // namespace stuffwatch::daemon
