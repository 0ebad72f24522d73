// Writes JSON text, one value after the other; what is absent is left out, never null.
// Threads: none. Cost: appends to one string. Errors: none; bytes that are no UTF-8 become U+FFFD,
// a real that is not finite becomes 0 (callers leave such fields out).
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace stuffwatch::daemon {

// `text` as a JSON string with its quotes. What a reader would not see (config/utf8.h) is escaped: JSON gets to terminals too.
void append_json_string(std::string& out, std::string_view text);

class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(double number);
  template <std::same_as<bool> B>
  JsonWriter& value(B truth) {
    return raw(truth ? "true" : "false");
  }
  template <std::integral I>
    requires(!std::same_as<I, bool>)
  JsonWriter& value(I number) {
    return raw(std::to_string(number));
  }
  JsonWriter& raw(std::string_view json);  // a value that is JSON already

  template <class T>
  JsonWriter& field(std::string_view name, const T& v) {
    return key(name).value(v);
  }
  template <class T>
  JsonWriter& field(std::string_view name, const std::optional<T>& v) {
    return v ? key(name).value(*v) : *this;
  }
  // Left out when empty.
  JsonWriter& text_field(std::string_view name, std::string_view text) {
    return text.empty() ? *this : field(name, text);
  }

  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();

  std::string out_;
  bool comma_ = false;  // the next key or element follows another
};

}  // namespace stuffwatch::daemon
