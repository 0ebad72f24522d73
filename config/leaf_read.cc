#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <type_traits>

#include "config/duration.h"
#include "config/leaf.h"
#include "config/nearest.h"
#include "config/utf8.h"

namespace stuffwatch::config {
namespace {

using Kind = YamlNode::Kind;
using std::chrono::milliseconds;

// What stands there, for "expected ..., found ...".
std::string found(const YamlNode& node, const FieldOptions& options) {
  switch (node.kind) {
    case Kind::kNull: return "nothing";
    case Kind::kList: return "a list";
    case Kind::kMap: return "a map";
    case Kind::kScalar: break;
  }
  return options.secret ? "another value" : fmt::format("\"{}\"", printable(node.scalar));
}

std::unexpected<Error> expected(std::string_view what, const YamlNode& node,
                                const FieldOptions& options) {
  return misconfigured("expected {}, found {}", what, found(node, options));
}

// A number in the text's own notation.
template <class T>
Result<T> parse_number(const YamlNode& node, const FieldOptions& options) {
  const std::string& text = node.scalar;
  const char* const end = text.data() + text.size();
  const std::string_view what = std::is_floating_point_v<T> ? "a number" : "a whole number";
  if (node.quoted)
    return misconfigured("expected {}, found a text in quotes; remove the quotes", what);
  T number{};
  const auto [after, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::result_out_of_range)
    return misconfigured("{} is too large or too small", printable(text));
  bool good = error == std::errc{} && after == end;
  if constexpr (std::is_floating_point_v<T>) good = good && std::isfinite(number);
  if (!good) return expected(what, node, options);
  return number;
}

template <class T>
Result<T> parse_value(const YamlNode& node, const FieldOptions& options) {
  if constexpr (std::is_same_v<T, milliseconds> || std::is_same_v<T, Bytes>) {
    Result<T> value = [&] {
      if constexpr (std::is_same_v<T, milliseconds>) {
        return parse_duration(node.scalar);
      } else {
        return parse_bytes(node.scalar);
      }
    }();
    if (!value) return misconfigured("{}: {}", found(node, options), value.error().message);
    return value;
  } else {
    return parse_number<T>(node, options);
  }
}

struct Reader {
  const FieldOptions& options;
  const YamlNode& node;

  Result<void> operator()(const Flag& flag) const {
    if (node.kind == Kind::kScalar && !node.quoted &&
        (node.scalar == "true" || node.scalar == "false")) {
      *flag.value = node.scalar == "true";
      return {};
    }
    return expected("true or false", node, options);
  }

  template <class T>
  Result<void> operator()(const Number<T>& number) const {
    if (node.kind != Kind::kScalar)
      return expected(fmt::format("a {}", leaf_type(Leaf{number})), node, options);
    if constexpr (std::is_integral_v<T>) {
      if (overflows<T>()) return out_of_range(number);
    }
    const Result<T> value = parse_value<T>(node, options);
    if (!value) return std::unexpected(value.error());
    if (*value < number.bounds.min || number.bounds.max < *value) return out_of_range(number);
    *number.value = *value;
    return {};
  }

  Result<void> operator()(const Text& text) const {
    if (node.kind != Kind::kScalar) return expected("a text", node, options);
    if (auto good = check(text.check, node.scalar); !good) return good;
    *text.value = node.scalar;
    return {};
  }

  Result<void> operator()(const OptionalText& text) const {
    if (node.kind == Kind::kNull) {
      text.value->reset();
      return {};
    }
    if (node.kind != Kind::kScalar) return expected("a text", node, options);
    if (auto good = check(text.check, node.scalar); !good) return good;
    *text.value = node.scalar;
    return {};
  }

  Result<void> operator()(const TextList& list) const {
    if (node.kind == Kind::kScalar && !options.secret)
      return misconfigured("expected a list; write [{}]", printable(yaml_text(node.scalar)));
    if (node.kind != Kind::kList) return expected("a list of texts", node, options);
    std::vector<std::string> texts;
    for (const YamlNode& item : node.items) {
      if (item.kind != Kind::kScalar)
        return misconfigured("element {}: expected a text, found {}", texts.size() + 1,
                             found(item, options));
      if (auto good = check(list.check, item.scalar); !good)
        return misconfigured("element {}: {}", texts.size() + 1, good.error().message);
      texts.push_back(item.scalar);
    }
    *list.value = std::move(texts);
    return {};
  }

  Result<void> operator()(const TextMap& map) const {
    if (node.kind != Kind::kMap) return expected("a map of texts", node, options);
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      const YamlNode& key = node.keys[i];
      const YamlNode& value = node.items[i];
      if (value.kind != Kind::kScalar)
        return misconfigured("{}: expected a text, found {}", printable(key.scalar),
                             found(value, options));
    }
    for (std::size_t i = 0; i < node.keys.size(); ++i)
      (*map.value)[node.keys[i].scalar] = node.items[i].scalar;
    return {};
  }

  Result<void> operator()(const Choice& choice) const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < choice.labels.size(); ++i) {
      names.emplace_back(choice.labels[i].name);
      if (node.kind == Kind::kScalar && node.scalar == names.back()) {
        choice.set(choice.value, i);
        return {};
      }
    }
    const std::string what = fmt::format("one of {}", fmt::join(names, ", "));
    const std::string near =
        node.kind == Kind::kScalar ? nearest(node.scalar, names) : std::string();
    if (near.empty()) return expected(what, node, options);
    return misconfigured("expected {}, found {}; did you mean \"{}\"?", what, found(node, options),
                         near);
  }

 private:
  // A whole number, but one the type cannot hold.
  template <class T>
  [[nodiscard]] bool overflows() const {
    const std::string& text = node.scalar;
    const std::size_t sign = text.starts_with('-') ? 1 : 0;
    if (node.quoted || text.size() == sign ||
        text.find_first_not_of("0123456789", sign) != std::string::npos)
      return false;
    if (sign != 0 && std::is_unsigned_v<T>) return true;
    T number{};
    return std::from_chars(text.data(), text.data() + text.size(), number).ec ==
           std::errc::result_out_of_range;
  }

  template <class T>
  Result<void> out_of_range(const Number<T>& number) const {
    const std::string value = options.secret ? "the value" : printable(node.scalar);
    const std::string bounds = leaf_bounds(Leaf{number}, options.unit);
    if (bounds.empty()) return misconfigured("{} is too large or too small", value);
    return misconfigured("{} is out of range: {}", value, bounds);
  }

  static Result<void> check(TextCheck text_check, const std::string& text) {
    return text_check == nullptr ? Result<void>{} : text_check(text);
  }
};

}  // namespace

Result<void> read_leaf(const Leaf& leaf, const FieldOptions& options, const YamlNode& node) {
  return std::visit(Reader{options, node}, leaf);
}

}  // namespace stuffwatch::config
