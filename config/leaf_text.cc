#include <fmt/format.h>

#include <array>
#include <limits>
#include <type_traits>

#include "config/duration.h"
#include "config/leaf.h"

namespace stuffwatch::config {
namespace {

using std::chrono::milliseconds;

template <class T>
std::string number_text(const T& value) {
  if constexpr (std::is_same_v<T, milliseconds>) {
    return format_duration(value);
  } else if constexpr (std::is_same_v<T, Bytes>) {
    return format_bytes(value);
  } else {
    return fmt::format("{}", value);
  }
}

template <class T>
constexpr bool has_max(const T& max) {
  if constexpr (std::is_same_v<T, milliseconds>) {
    return max != T::max();
  } else if constexpr (std::is_same_v<T, Bytes>) {
    return max.count != std::numeric_limits<std::uint64_t>::max();
  } else {
    return max != std::numeric_limits<T>::max();
  }
}

template <class T>
constexpr bool has_min(const T& min) {
  if constexpr (std::is_same_v<T, milliseconds> || std::is_same_v<T, Bytes>) {
    return min != T{};
  } else {
    return min != std::numeric_limits<T>::lowest();
  }
}

struct YamlOf {
  bool mask;

  std::string operator()(const Flag& flag) const { return *flag.value ? "true" : "false"; }
  template <class T>
  std::string operator()(const Number<T>& number) const {
    return number_text(*number.value);
  }
  std::string operator()(const Text& text) const { return yaml_text(*text.value); }
  std::string operator()(const OptionalText& text) const {
    return *text.value ? yaml_text(**text.value) : "null";
  }
  std::string operator()(const TextList& list) const {
    std::string out = "[";
    for (const std::string& text : *list.value)
      out += (out.size() > 1 ? ", " : "") + yaml_text(text);
    return out + "]";
  }
  std::string operator()(const TextMap& map) const {
    std::string out = "{";
    for (const auto& [key, value] : *map.value) {
      if (out.size() > 1) out += ", ";
      out += yaml_text(key) + ": " +
             (mask && looks_secret(key) ? std::string(kMaskedSecret) : yaml_text(value));
    }
    return out + "}";
  }
  std::string operator()(const Choice& choice) const {
    const std::size_t index = choice.get(choice.value);
    return index < choice.labels.size() ? std::string(choice.labels[index].name) : "null";
  }
};

struct BoundsOf {
  std::string unit;  // "" or " events"

  template <class T>
  std::string operator()(const Number<T>& number) const {
    const auto& [min, max] = number.bounds;
    if (has_min(min) && has_max(max))
      return fmt::format("{} to {}{}", number_text(min), number_text(max), unit);
    if (has_min(min)) return fmt::format("at least {}{}", number_text(min), unit);
    if (has_max(max)) return fmt::format("at most {}{}", number_text(max), unit);
    return {};
  }
  std::string operator()(const auto&) const { return {}; }
};

struct TypeOf {
  std::string_view operator()(const Flag&) const { return "true or false"; }
  std::string_view operator()(const Number<double>&) const { return "number"; }
  std::string_view operator()(const Number<milliseconds>&) const { return "duration"; }
  std::string_view operator()(const Number<Bytes>&) const { return "size"; }
  template <class T>
  std::string_view operator()(const Number<T>&) const {
    return "whole number";
  }
  std::string_view operator()(const Text&) const { return "text"; }
  std::string_view operator()(const OptionalText&) const { return "text"; }
  std::string_view operator()(const TextList&) const { return "list of texts"; }
  std::string_view operator()(const TextMap&) const { return "map of texts"; }
  std::string_view operator()(const Choice&) const { return "name"; }
};

// Would a YAML reader, ours or a stricter one, take these characters for something else than this
// text?
bool plain_is_safe(std::string_view text) {
  static constexpr std::string_view kSafe =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./@+-";
  static constexpr std::array<std::string_view, 12> kWords = {
      "true", "false", "null", "yes", "no", "on", "off", "y", "n", "inf", "nan", "infinity"};
  if (text.empty() || text.find_first_not_of(kSafe) != std::string_view::npos) return false;
  const char first = text.front();
  const bool letter = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
  if (!letter && first != '/') return false;
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  for (const std::string_view word : kWords)
    if (lower == word) return false;
  return true;
}

}  // namespace

std::string yaml_text(std::string_view text) {
  if (plain_is_safe(text)) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned>(static_cast<unsigned char>(c));
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (code < 0x20 || code == 0x7F) {
      out += fmt::format("\\x{:02x}", code);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string leaf_yaml(const Leaf& leaf, bool mask) { return std::visit(YamlOf{mask}, leaf); }

bool leaf_is_set(const Leaf& leaf) {
  if (const auto* text = std::get_if<Text>(&leaf)) return !text->value->empty();
  if (const auto* text = std::get_if<OptionalText>(&leaf)) return text->value->has_value();
  if (const auto* list = std::get_if<TextList>(&leaf)) return !list->value->empty();
  if (const auto* map = std::get_if<TextMap>(&leaf)) return !map->value->empty();
  return true;
}

std::string_view leaf_type(const Leaf& leaf) { return std::visit(TypeOf{}, leaf); }

std::string leaf_bounds(const Leaf& leaf, std::string_view unit) {
  return std::visit(BoundsOf{unit.empty() ? std::string() : fmt::format(" {}", unit)}, leaf);
}

bool looks_secret(std::string_view key) {
  static constexpr std::array<std::string_view, 7> kParts = {
      "password", "secret", "token", "key.pem", "jaas", "passphrase", "oauthbearer.config"};
  if (key.ends_with(".url") || key.ends_with(".location")) return false;
  for (const std::string_view part : kParts)
    if (key.find(part) != std::string_view::npos) return true;
  return false;
}

}  // namespace stuffwatch::config
