#include <fmt/format.h>

#include <utility>

#include "config/leaf.h"
#include "config/printers.h"

namespace stuffwatch::config {
namespace {

using std::chrono::milliseconds;

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned>(static_cast<unsigned char>(c));
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (code < 0x20 || code == 0x7F) {
      out += fmt::format("\\u{:04x}", code);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// The type part of a field's schema and its default: ,"type":...,"default":...
struct TypeOf {
  std::string operator()(const Flag& flag) const {
    return fmt::format(R"("type":"boolean","default":{})", *flag.value);
  }
  std::string operator()(const Number<milliseconds>& number) const {
    return R"("type":"string","minLength":1,)"
           R"("pattern":"^(0|([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$","default":)" +
           json_text(leaf_yaml(Leaf{number}, true));
  }
  std::string operator()(const Number<Bytes>& number) const {
    return R"("type":"string","pattern":"^(0|[0-9]+([KMGT]iB|B))$","default":)" +
           json_text(leaf_yaml(Leaf{number}, true));
  }
  template <class T>
  std::string operator()(const Number<T>& number) const {
    const std::string_view type = std::is_floating_point_v<T> ? "number" : "integer";
    return fmt::format(R"("type":"{}","minimum":{},"maximum":{},"default":{})", type,
                       number.bounds.min, number.bounds.max, *number.value);
  }
  std::string operator()(const Text& text) const {
    return R"("type":"string","default":)" + json_text(*text.value);
  }
  std::string operator()(const OptionalText& text) const {
    std::string out = R"("type":["string","null"])";
    if (*text.value) out += R"(,"default":)" + json_text(**text.value);
    return out;
  }
  std::string operator()(const TextList& list) const {
    std::string items;
    for (const std::string& item : *list.value)
      items += (items.empty() ? "" : ",") + json_text(item);
    return fmt::format(R"("type":"array","items":{{"type":"string"}},"default":[{}])", items);
  }
  std::string operator()(const TextMap&) const {
    return R"("type":"object","additionalProperties":{"type":"string"})";
  }
  std::string operator()(const Choice& choice) const {
    std::string names;
    for (const Choice::Label& label : choice.labels)
      names += (names.empty() ? "" : ",") + json_text(label.name);
    return fmt::format(R"("enum":[{}],"default":{})", names,
                       json_text(leaf_yaml(Leaf{choice}, true)));
  }
};

class SchemaPrinter final : public FieldVisitor {
 public:
  // {"type":"object",...} of what visit declares; `head` is put in first.
  template <class Visit>
  std::string object(const std::string& head, const Visit& visit) {
    const std::string properties = std::exchange(properties_, {});
    const std::string required = std::exchange(required_, {});
    visit(*this);
    std::string out =
        fmt::format(R"({{{}"type":"object","additionalProperties":false,"properties":{{{}}})", head,
                    properties_);
    if (!required_.empty()) out += fmt::format(R"(,"required":[{}])", required_);
    properties_ = properties;
    required_ = required;
    return out + "}";
  }

 protected:
  void on_field(const FieldInfo& info, const Leaf& leaf) override {
    const bool hidden = (info.options.secret || secret_) && leaf_is_set(leaf);
    std::string help(info.help);
    const bool in_schema = std::holds_alternative<Number<milliseconds>>(leaf) ||
                           std::holds_alternative<Number<Bytes>>(leaf);
    if (const std::string bounds = leaf_bounds(leaf, info.options.unit);
        in_schema && !bounds.empty())
      help += fmt::format(" [{}]", bounds);
    std::string schema = std::visit(TypeOf{}, leaf);
    if (hidden) schema = schema.substr(0, schema.find(R"(,"default")"));
    property(info, fmt::format(R"({{"description":{},{}}})", json_text(help), schema));
  }

  void on_section(const FieldInfo& info, Section& section) override {
    const bool outer = std::exchange(secret_, secret_ || info.options.secret);
    property(info, object(description(info), [&](FieldVisitor& v) { section.visit(v); }));
    secret_ = outer;
  }

  void on_list(const FieldInfo& info, SectionList& list) override {
    const bool outer = std::exchange(secret_, secret_ || info.options.secret);
    const std::string element = object("", [&](FieldVisitor& v) { list.visit_defaults(v); });
    property(info, fmt::format(R"({{{}"type":"array","items":{}}})", description(info), element));
    secret_ = outer;
  }

 private:
  static std::string description(const FieldInfo& info) {
    return fmt::format(R"("description":{},)", json_text(info.help));
  }

  void property(const FieldInfo& info, const std::string& schema) {
    if (!properties_.empty()) properties_ += ',';
    properties_ += json_text(info.name) + ":" + schema;
    if (info.options.required) required_ += (required_.empty() ? "" : ",") + json_text(info.name);
  }

  std::string properties_, required_;
  bool secret_ = false;
};

}  // namespace

std::string print_schema(Section& root, std::string_view title) {
  const std::string head = fmt::format(
      R"("$schema":"https://json-schema.org/draft/2020-12/schema","title":{},)", json_text(title));
  return SchemaPrinter().object(head, [&](FieldVisitor& v) { root.visit(v); }) + "\n";
}

}  // namespace stuffwatch::config
