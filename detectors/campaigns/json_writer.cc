#include "detectors/campaigns/json_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>

namespace stuffwatch::detectors {
namespace {

// Length of the valid UTF-8 sequence at the front of `text`; 0 = invalid (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return static_cast<unsigned char>(i < text.size() ? text[i] : 0);
  };
  const unsigned lead = byte(0);
  const auto tail = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i)
      if ((byte(i) & 0xc0) != 0x80) return false;
    return true;
  };
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return tail(1, 2) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const unsigned second = byte(1);
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f)) return 0;
    return tail(1, 3) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const unsigned second = byte(1);
    if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) return 0;
    return tail(1, 4) ? 4 : 0;
  }
  return 0;
}

}  // namespace

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  first_ = true;
  return *this;
}
JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  first_ = false;
  return *this;
}
void JsonWriter::separate() {
  if (!first_ && !after_key_) out_ += ',';
  first_ = after_key_ = false;
}
JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  escape(name);
  out_ += ':';
  after_key_ = true;
  return *this;
}
JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
  return *this;
}
JsonWriter& JsonWriter::text(std::string_view value) {
  separate();
  escape(value);
  return *this;
}
JsonWriter& JsonWriter::real(double value) {
  separate();
  constexpr double kMax = std::numeric_limits<double>::max();
  fmt::format_to(std::back_inserter(out_), "{:.4g}",
                 value != value ? 0.0 : std::clamp(value, -kMax, kMax));
  return *this;
}

void JsonWriter::escape(std::string_view text) {
  out_ += '"';
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const auto c = static_cast<unsigned char>(text.front());
    if (length == 0)
      out_ += "\xef\xbf\xbd";
    else if (c == '"' || c == '\\')
      (out_ += '\\') += static_cast<char>(c);
    else if (c == '\n')
      out_ += "\\n";
    else if (c == '\t')
      out_ += "\\t";
    else if (c < 0x20 || c == 0x7f)
      fmt::format_to(std::back_inserter(out_), "\\u{:04x}", c);
    else
      out_ += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  out_ += '"';
}

}  // namespace stuffwatch::detectors
