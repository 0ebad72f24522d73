// Lenient reading of what a daemon answers: a field that is absent, or of another type (a later
// version's), reads as empty or 0. Only for .cc files of daemon/: includes simdjson.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <simdjson.h>

namespace stuffwatch::daemon {

using JsonElement = simdjson::dom::element;

inline std::string_view text_of(JsonElement object, std::string_view key) {
  std::string_view out;
  return object[key].get(out) == simdjson::SUCCESS ? out : std::string_view();
}
inline std::optional<double> number_of(JsonElement object, std::string_view key) {
  double out = 0;
  return object[key].get(out) == simdjson::SUCCESS ? std::optional(out) : std::nullopt;
}
inline std::uint64_t count_of(JsonElement object, std::string_view key) {
  std::uint64_t out = 0;
  return object[key].get(out) == simdjson::SUCCESS ? out : 0;
}
inline bool flag_of(JsonElement object, std::string_view key) {
  bool out = false;
  return object[key].get(out) == simdjson::SUCCESS && out;
}
// An object or list inside; nullopt when there is none.
inline std::optional<JsonElement> member_of(JsonElement object, std::string_view key) {
  JsonElement out;
  return object[key].get(out) == simdjson::SUCCESS ? std::optional(out) : std::nullopt;
}
// for (JsonElement row : list_of(alert, "sources"))
inline simdjson::dom::array list_of(JsonElement object, std::string_view key) {
  static const simdjson::dom::array kNone = [] {
    static simdjson::dom::parser parser;
    return parser.parse(std::string_view("[]")).get_array().value();
  }();
  simdjson::dom::array out;
  return object[key].get(out) == simdjson::SUCCESS ? out : kNone;
}

}  // namespace stuffwatch::daemon
