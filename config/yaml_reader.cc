#include "config/yaml_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "config/files.h"
#include "config/leaf.h"
#include "config/nearest.h"
#include "config/overrides.h"
#include "config/problem_list.h"
#include "config/utf8.h"
#include "config/yaml_tree.h"

namespace stuffwatch::config {
namespace {

using Kind = YamlNode::Kind;

// A value with the text it comes from; node is null when nobody wrote one.
struct Written {
  const YamlNode* node = nullptr;
  std::size_t source = 0;

  [[nodiscard]] Place place() const {
    return node == nullptr ? Place{source} : Place{source, node->line, node->column};
  }
};

std::string join(std::string_view path, std::string_view name) {
  if (path.empty()) return std::string(name);
  return name.empty() ? std::string(path) : fmt::format("{}.{}", path, name);
}

class Reader final : public FieldVisitor {
 public:
  Reader(std::span<const std::string> overrides, ProblemList& problems)
      : overrides_(overrides, problems), problems_(problems) {}

  void read(const YamlNode& document, Section& root) {
    if (document.kind != Kind::kNull && document.kind != Kind::kMap) {
      problems_.add(Written{&document}.place(), "",
                    "expected keys with values, such as \"site: shop-eu\"");
      return;
    }
    static const YamlNode kEmpty;
    enter({document.kind == Kind::kMap ? &document : &kEmpty, 0}, "", "", {},
          [&] { root.visit(*this); });
    report_unknown();
  }

 protected:
  void on_field(const FieldInfo& info, const Leaf& leaf) override {
    const std::string path = declare(info.name);
    const Written written = look_up(info.name, path);
    const FieldOptions options = info.options | inherited();
    if (written.node != nullptr) read_field({info.name, info.help, options}, leaf, written, path);
    if (const auto* map = std::get_if<TextMap>(&leaf)) read_map_overrides(options, *map, path);
    if (written.node == nullptr && options.required && frame().written.node != nullptr)
      problems_.add(frame().written.place(), path,
                    fmt::format("is missing and must be set: {}", info.help));
  }

  void on_section(const FieldInfo& info, Section& section) override {
    const std::string path = declare(info.name);
    Written written = look_up(info.name, path);
    if (written.node != nullptr && written.node->kind != Kind::kMap) {
      if (written.node->kind != Kind::kNull)
        problems_.add(written.place(), path, "expected a section with keys of its own");
      written = {};
    }
    enter(written, path, frame().known_path + std::string(info.name) + ".",
          info.options | inherited(), [&] { section.visit(*this); });
  }

  void on_list(const FieldInfo& info, SectionList& list) override {
    const std::string path = declare(info.name);
    Written written = look_up(info.name, path);
    if (written.node != nullptr && written.node->kind != Kind::kList) {
      if (written.node->kind != Kind::kNull)
        problems_.add(written.place(), path, "expected a list; start each element with \"- \"");
      written = {};
    }
    if (written.node == nullptr && info.options.required && frame().written.node != nullptr)
      problems_.add(frame().written.place(), path,
                    fmt::format("is missing and must be set: {}", info.help));
    if (written.node != nullptr) {
      list.clear();
      for (std::size_t i = 0; i < written.node->items.size(); ++i) list.append();
    }
    const std::string known_path = frame().known_path + std::string(info.name) + "[].";
    for (std::size_t i = 0; i < list.size(); ++i) {
      const Written item =
          written.node == nullptr ? Written{} : Written{&written.node->items[i], written.source};
      read_element(item, fmt::format("{}[{}]", path, i), known_path, info.options | inherited(),
                   [&] { list.visit(i, *this); });
    }
  }

  void on_require(std::string_view name, bool holds, std::string_view message) override {
    if (holds || problems_.size() != frame().problems_before) return;
    const std::string path = join(frame().path, name);
    const Written written = name.empty() ? Written{} : look_up(name, path);
    problems_.add((written.node != nullptr ? written : frame().written).place(), path, message);
  }

 private:
  struct Frame {
    Written written;         // the map; its node is null when the section is not named
    std::string path;        // kafka, inputs[2]
    std::string known_path;  // kafka., inputs[]. : the same with the dot that joins it to a name,
                             // whatever the index
    FieldOptions options;    // what the section hands down
    std::vector<std::string> known;
    std::size_t problems_before;
  };
  struct Unknown {
    Place place;
    std::string path, key;
    std::shared_ptr<const std::vector<std::string>> siblings;
  };

  [[nodiscard]] Frame& frame() { return frames_.back(); }
  [[nodiscard]] FieldOptions inherited() { return frame().options; }

  // The field's full path; remembers that the key exists.
  std::string declare(std::string_view name) {
    frame().known.emplace_back(name);
    known_paths_.insert(frame().known_path + std::string(name));
    return join(frame().path, name);
  }

  [[nodiscard]] Written look_up(std::string_view name, const std::string& path) {
    if (const Overrides::Entry* entry = overrides_.find(path))
      return {&entry->value, entry->source};
    const Written& section = frame().written;
    if (section.node == nullptr) return {};
    return {section.node->find(name), section.source};
  }

  template <class Visit>
  void enter(Written written, std::string path, std::string known_path, FieldOptions options,
             const Visit& visit) {
    options.required = false;
    frames_.push_back(
        {written, std::move(path), std::move(known_path), options, {}, problems_.size()});
    visit();
    note_unknown_keys();
    frames_.pop_back();
  }

  template <class Visit>
  void read_element(const Written& item, std::string path, const std::string& known_path,
                    const FieldOptions& options, const Visit& visit) {
    if (item.node != nullptr && item.node->kind != Kind::kMap) {
      problems_.add(item.place(), path,
                    "expected an element with keys of its own, such as {name: value}");
      return;
    }
    enter(item, std::move(path), known_path, options, visit);
  }

  void read_field(const FieldInfo& info, const Leaf& leaf, const Written& written,
                  const std::string& path) {
    const bool is_group =
        std::holds_alternative<TextMap>(leaf) || std::holds_alternative<TextList>(leaf);
    if (is_group && written.node->kind == Kind::kNull) return;
    if (written.source != 0 && refuse_secrets(info.options, leaf, written, path)) return;
    if (auto* map = std::get_if<TextMap>(&leaf)) map->value->clear();
    if (auto good = read_leaf(leaf, info.options, *written.node); !good)
      problems_.add(written.place(), path, good.error().message);
  }

  bool refuse_secrets(const FieldOptions& options, const Leaf& leaf, const Written& written,
                      const std::string& path) {
    bool secret = options.secret;
    if (std::holds_alternative<TextMap>(leaf))
      for (const YamlNode& key : written.node->keys) secret = secret || looks_secret(key.scalar);
    if (secret)
      problems_.add(
          written.place(), path,
          "a secret is not taken from the command line, which others can see; use a file");
    return secret;
  }

  void read_map_overrides(const FieldOptions& options, const TextMap& map,
                          const std::string& path) {
    for (const Overrides::Entry* entry : overrides_.below(path)) {
      const std::string key = entry->path.substr(path.size() + 1);
      const Written written{&entry->value, entry->source};
      if (options.secret || looks_secret(key)) {
        problems_.add(
            written.place(), entry->path,
            "a secret is not taken from the command line, which others can see; use a file");
      } else if (entry->value.kind != Kind::kScalar) {
        problems_.add(written.place(), entry->path, "expected a text");
      } else {
        (*map.value)[key] = entry->value.scalar;
      }
    }
  }

  void note_unknown_keys() {
    const Written& section = frame().written;
    if (section.node == nullptr) return;
    const auto known = std::make_shared<const std::vector<std::string>>(frame().known);
    for (const YamlNode& key : section.node->keys) {
      if (std::ranges::find(*known, key.scalar) != known->end()) continue;
      unknown_.push_back({Written{&key, section.source}.place(),
                          join(frame().path, printable(key.scalar)), key.scalar, known});
    }
  }

  void report_unknown() {
    for (const Overrides::Entry* entry : overrides_.unused()) {
      const std::vector<std::string> all(known_paths_.begin(), known_paths_.end());
      problems_.add({entry->source, 0, 0}, printable(entry->path),
                    fmt::format("unknown key{}", hint(entry->path, all)));
    }
    for (const Unknown& unknown : unknown_)
      problems_.add(unknown.place, unknown.path,
                    fmt::format("unknown key{}", hint(unknown.key, *unknown.siblings)));
  }

  // The same name elsewhere, else the nearest sibling, else what there is.
  [[nodiscard]] std::string hint(const std::string& key,
                                 const std::vector<std::string>& siblings) const {
    constexpr std::size_t kMostListed = 12;
    constexpr std::size_t kMostHinted =
        100;  // a text that is no configuration at all needs no more
    if (problems_.size() > kMostHinted) return {};
    if (known_paths_.contains(key)) return fmt::format("; keys are nested: {}", nested(key));
    for (const std::string& path : known_paths_)
      if (path.ends_with("." + key)) return fmt::format("; did you mean \"{}\"?", path);
    if (const std::string near = nearest(key, siblings); !near.empty())
      return fmt::format("; did you mean \"{}\"?", near);
    if (siblings.size() > kMostListed)
      return "; stuffwatch config print --reference shows every key";
    if (siblings.empty()) return {};
    return fmt::format("; the keys here are {}", fmt::join(siblings, ", "));
  }

  // kafka.topic -> "kafka: {topic: ...}"
  static std::string nested(const std::string& path) {
    std::string open = path;
    std::size_t depth = 0;
    for (std::size_t dot = 0; (dot = open.find('.', dot)) != std::string::npos; ++depth)
      open.replace(dot, 1, ": {");
    return open + ": ..." + std::string(depth, '}');
  }

  Overrides overrides_;
  ProblemList& problems_;
  std::vector<Frame> frames_;
  std::set<std::string> known_paths_;  // kafka.topic, inputs[].format
  std::vector<Unknown> unknown_;
};

}  // namespace

Result<void> read_yaml(std::string_view text, std::string_view file_name,
                       std::span<const std::string> overrides, Section& root) {
  const Result<YamlDocument> document = parse_yaml(text, file_name);
  if (!document) return std::unexpected(document.error());
  ProblemList problems;
  for (const YamlProblem& problem : document->problems)
    problems.add({0, problem.line, problem.column}, "", problem.message);
  Reader(overrides, problems).read(document->root, root);
  return std::move(problems).result(file_name);
}

Result<void> read_yaml_file(const std::string& path, std::span<const std::string> overrides,
                            Section& root) {
  const Result<std::string> text = read_text_file(path, kMaxYamlBytes);
  if (!text) return std::unexpected(text.error());
  return read_yaml(*text, path, overrides, root);
}

}  // namespace stuffwatch::config
