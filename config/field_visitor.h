// How a configuration key is declared, once: each room's section struct lists its fields in
// visit(), and the YAML reader, the printers and the differ all walk that list.
//   struct SourceFanoutConfig {
//     std::chrono::milliseconds maturity = 600s;
//     void visit(config::FieldVisitor& v) {
//       v.field("maturity", maturity, {1s, 1h}, "A first contact counts after this long.",
//       config::kLive); v.require("maturity", maturity < window, "must be shorter than the
//       window");   // after the fields it looks at
//     }
//   };
// Threads: none; a visitor and the struct it walks belong to one thread. Cost: start-up and reload
// only. Names and help texts are string literals or live at least as long as the walk.
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "config/bytes.h"
#include "config/result.h"

namespace stuffwatch::config {

class FieldVisitor;

// Inclusive.
template <class T>
struct Bounds {
  T min;
  T max;
};

struct FieldOptions {
  bool live = false;      // SIGHUP changes it in the running daemon; otherwise it needs a restart
  bool secret = false;    // never printed, shown as "(set)"; refused on the command line
  bool required = false;  // must stand in the file
  bool operational =
      false;  // changes how fast or where, never what is detected: left out of the fingerprint
  std::string_view unit = {};    // of a plain number, for error messages and documents: "events"
  std::string_view format = {};  // of a text, for documents: "HOST:PORT"

  friend constexpr FieldOptions operator|(FieldOptions a, const FieldOptions& b) {
    a.live |= b.live;
    a.secret |= b.secret;
    a.required |= b.required;
    a.operational |= b.operational;
    if (a.unit.empty()) a.unit = b.unit;
    if (a.format.empty()) a.format = b.format;
    return a;
  }
};
inline constexpr FieldOptions kLive{.live = true};
inline constexpr FieldOptions kSecret{.secret = true};
inline constexpr FieldOptions kRequired{.required = true};
inline constexpr FieldOptions kOperational{.operational = true};

// Says why a text is not acceptable and what would be; the reader adds file, line and key.
using TextCheck = Result<void> (*)(const std::string& text);

// The names of an enum, in the order in which documents list them:
//   template <> struct EnumNames<Mode> { static constexpr EnumName<Mode> kValues[] =
//   {{Mode::kShadow, "shadow", "log only"}, ...}; };
template <class E>
struct EnumName {
  E value;
  std::string_view name;
  std::string_view help;
};
template <class E>
struct EnumNames;
template <class E>
concept NamedEnum =
    std::is_enum_v<E> && requires { std::span<const EnumName<E>>(EnumNames<E>::kValues); };

// The name of a listed value; "" for one that is not listed.
template <NamedEnum E>
[[nodiscard]] constexpr std::string_view enum_name(E value) {
  for (const auto& entry : EnumNames<E>::kValues)
    if (entry.value == value) return entry.name;
  return {};
}
template <NamedEnum E>
[[nodiscard]] constexpr std::optional<E> enum_from_name(std::string_view name) {
  for (const auto& entry : EnumNames<E>::kValues)
    if (entry.name == name) return entry.value;
  return std::nullopt;
}

// What a visitor is shown of one field: a pointer to the value with what limits it. Pointers are
// never null.
struct Flag {
  bool* value;
};
template <class T>
struct Number {
  T* value;
  Bounds<T> bounds;
};
struct Text {
  std::string* value;
  TextCheck check;  // may be null
};
struct OptionalText {
  std::optional<std::string>* value;
  TextCheck check;
};
struct TextList {
  std::vector<std::string>* value;
  TextCheck check;  // of each element
};
struct TextMap {  // free keys; a key may contain dots
  std::map<std::string, std::string>* value;
};
struct Choice {
  struct Label {
    std::string_view name, help;
  };
  void* value;
  std::span<const Label> labels;
  std::size_t (*get)(
      const void* value);  // index into labels; labels.size() when the value is not listed
  void (*set)(void* value, std::size_t index);
};

template <class T>
concept Numeric =
    std::same_as<T, int> || std::same_as<T, std::int64_t> || std::same_as<T, std::uint32_t> ||
    std::same_as<T, std::uint64_t> || std::same_as<T, double> ||
    std::same_as<T, std::chrono::milliseconds> || std::same_as<T, Bytes>;

using Leaf = std::variant<Flag, Number<int>, Number<std::int64_t>, Number<std::uint32_t>,
                          Number<std::uint64_t>, Number<double>, Number<std::chrono::milliseconds>,
                          Number<Bytes>, Text, OptionalText, TextList, TextMap, Choice>;

struct FieldInfo {
  std::string_view name;
  std::string_view help;
  FieldOptions options;
};

// A group of fields whose type is not known here: what a registry hands over for detectors.<name>.
class Section {
 public:
  virtual ~Section() = default;
  virtual void visit(FieldVisitor& v) = 0;
};

// Any struct with visit(FieldVisitor&), as a Section; holds a reference.
template <class S>
class SectionOf final : public Section {
 public:
  explicit SectionOf(S& section) : section_(section) {}
  void visit(FieldVisitor& v) override { section_.visit(v); }

 private:
  S& section_;
};

// A list of groups of fields, whatever their type.
class SectionList {
 public:
  virtual ~SectionList() = default;
  [[nodiscard]] virtual std::size_t size() const = 0;
  virtual void clear() = 0;
  virtual void append() = 0;  // one more element, with its defaults
  virtual void visit(std::size_t index, FieldVisitor& v) = 0;  // index < size()
  virtual void visit_defaults(FieldVisitor& v) = 0;            // an element that is not in the list
};

template <class S>
class SectionListOf final : public SectionList {
 public:
  explicit SectionListOf(std::vector<S>& list) : list_(list) {}
  [[nodiscard]] std::size_t size() const override { return list_.size(); }
  void clear() override { list_.clear(); }
  void append() override { list_.emplace_back(); }
  void visit(std::size_t index, FieldVisitor& v) override { list_[index].visit(v); }
  void visit_defaults(FieldVisitor& v) override { S{}.visit(v); }

 private:
  std::vector<S>& list_;
};

// Section structs call the public functions; readers and printers implement the four on_...().
class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;

  void field(std::string_view name, bool& value, std::string_view help, FieldOptions options = {}) {
    on_field({name, help, options}, Flag{&value});
  }

  // Numbers, durations and sizes; bounds are inclusive. Without bounds: whatever the type holds,
  // durations from 0.
  template <Numeric T>
  void field(std::string_view name, T& value, std::type_identity_t<Bounds<T>> bounds,
             std::string_view help, FieldOptions options = {}) {
    on_field({name, help, options}, Number<T>{&value, bounds});
  }
  template <Numeric T>
  void field(std::string_view name, T& value, std::string_view help, FieldOptions options = {}) {
    on_field({name, help, options}, Number<T>{&value, widest<T>()});
  }

  // Texts; the check sees the text as written. An OptionalText that is absent or null is nullopt.
  void field(std::string_view name, std::string& value, std::string_view help,
             FieldOptions options = {}) {
    on_field({name, help, options}, Text{&value, nullptr});
  }
  void field(std::string_view name, std::string& value, TextCheck check, std::string_view help,
             FieldOptions options = {}) {
    on_field({name, help, options}, Text{&value, check});
  }
  void field(std::string_view name, std::optional<std::string>& value, std::string_view help,
             FieldOptions options = {}) {
    on_field({name, help, options}, OptionalText{&value, nullptr});
  }
  void field(std::string_view name, std::optional<std::string>& value, TextCheck check,
             std::string_view help, FieldOptions options = {}) {
    on_field({name, help, options}, OptionalText{&value, check});
  }
  void field(std::string_view name, std::vector<std::string>& value, std::string_view help,
             FieldOptions options = {}) {
    on_field({name, help, options}, TextList{&value, nullptr});
  }
  void field(std::string_view name, std::vector<std::string>& value, TextCheck check,
             std::string_view help, FieldOptions options = {}) {
    on_field({name, help, options}, TextList{&value, check});
  }
  void field(std::string_view name, std::map<std::string, std::string>& value,
             std::string_view help, FieldOptions options = {}) {
    on_field({name, help, options}, TextMap{&value});
  }

  template <NamedEnum E>
  void field(std::string_view name, E& value, std::string_view help, FieldOptions options = {}) {
    on_field({name, help, options}, choice(value));
  }

  // S has visit(FieldVisitor&) or is a Section. `live`, `secret` and `operational` hold for
  // everything inside.
  template <class S>
  void section(std::string_view name, S& section, std::string_view help,
               FieldOptions options = {}) {
    if constexpr (std::derived_from<S, Section>) {
      on_section({name, help, options}, section);
    } else {
      SectionOf<S> erased(section);
      on_section({name, help, options}, erased);
    }
  }

  // S is default-constructible and has visit(FieldVisitor&); the file's list replaces what is in
  // `list`.
  template <class S>
  void list(std::string_view name, std::vector<S>& list, std::string_view help,
            FieldOptions options = {}) {
    SectionListOf<S> erased(list);
    on_list({name, help, options}, erased);
  }

  // A rule between fields of this section, reported at `name` (a key of this section, or "" for the
  // section itself). Looked at only by the reader, and only when the section's own values could be
  // read.
  void require(std::string_view name, bool holds, std::string_view message) {
    on_require(name, holds, message);
  }

 protected:
  virtual void on_field(const FieldInfo& info, const Leaf& leaf) = 0;
  virtual void on_section(const FieldInfo& info, Section& section) = 0;
  virtual void on_list(const FieldInfo& info, SectionList& list) = 0;
  virtual void on_require(std::string_view /*name*/, bool /*holds*/, std::string_view /*message*/) {
  }

 private:
  template <class T>
  static constexpr Bounds<T> widest() {
    if constexpr (std::same_as<T, std::chrono::milliseconds>) {
      return {T::zero(), T::max()};
    } else if constexpr (std::same_as<T, Bytes>) {
      return {Bytes{0}, Bytes{std::numeric_limits<std::uint64_t>::max()}};
    } else {
      return {std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max()};
    }
  }

  template <NamedEnum E>
  static Choice choice(E& value) {
    static constexpr auto kLabels = [] {
      std::array<Choice::Label, std::size(EnumNames<E>::kValues)> labels{};
      for (std::size_t i = 0; i < labels.size(); ++i)
        labels[i] = {EnumNames<E>::kValues[i].name, EnumNames<E>::kValues[i].help};
      return labels;
    }();
    constexpr auto kGet = [](const void* current) {
      std::size_t i = 0;
      while (i < kLabels.size() &&
             EnumNames<E>::kValues[i].value != *static_cast<const E*>(current))
        ++i;
      return i;
    };
    constexpr auto kSet = [](void* current, std::size_t index) {
      *static_cast<E*>(current) = EnumNames<E>::kValues[index].value;
    };
    return {&value, kLabels, kGet, kSet};
  }
};

}  // namespace stuffwatch::config
