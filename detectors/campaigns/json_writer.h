// Writes one JSON object on one line, the same bytes everywhere: members in call order, reals with four significant digits, invalid UTF-8 as U+FFFD.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace stuffwatch::detectors {

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& open_object() { return open('{'); }
  JsonWriter& close_object() { return close('}'); }
  JsonWriter& open_array() { return open('['); }
  JsonWriter& close_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  JsonWriter& text(std::string_view value);
  JsonWriter& real(double value);  // finite; infinities are written as the largest double
  JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonWriter& raw(std::string_view json);  // already JSON
  template <std::integral I>
  JsonWriter& integer(I value) {
    return raw(std::to_string(value));
  }

  // Members; an empty text is absent, never null.
  JsonWriter& member(std::string_view name, std::string_view value) {
    return value.empty() ? *this : key(name).text(value);
  }
  template <std::integral I>
  JsonWriter& member(std::string_view name, I value) {
    return key(name).integer(value);
  }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();
  void escape(std::string_view text);

  std::string& out_;
  bool first_ = true, after_key_ = false;
};

}  // namespace stuffwatch::detectors
