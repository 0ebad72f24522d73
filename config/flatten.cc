#include "config/flatten.h"

#include <fmt/format.h>

#include <utility>

#include "config/leaf.h"

namespace stuffwatch::config {
namespace {

class Flattener final : public FieldVisitor {
 public:
  std::vector<FlatField> fields;

 protected:
  void on_field(const FieldInfo& info, const Leaf& leaf) override {
    const FieldOptions options = info.options | options_;
    const std::string key = prefix_ + std::string(info.name);
    if (const auto* map = std::get_if<TextMap>(&leaf)) {
      for (const auto& [name, value] : *map->value)
        add(fmt::format("{}.{}", key, name), yaml_text(value), options,
            options.secret || looks_secret(name));
    } else if (!std::holds_alternative<OptionalText>(leaf) || leaf_is_set(leaf)) {
      add(key, leaf_yaml(leaf, false), options, options.secret);
    }
  }

  void on_section(const FieldInfo& info, Section& section) override {
    inside(fmt::format("{}{}.", prefix_, info.name), info.options, [&] { section.visit(*this); });
  }

  void on_list(const FieldInfo& info, SectionList& list) override {
    for (std::size_t i = 0; i < list.size(); ++i)
      inside(fmt::format("{}{}[{}].", prefix_, info.name, i), info.options,
             [&] { list.visit(i, *this); });
  }

 private:
  template <class Visit>
  void inside(std::string prefix, const FieldOptions& options, const Visit& visit) {
    const std::string outer_prefix = std::exchange(prefix_, std::move(prefix));
    const FieldOptions outer_options = std::exchange(options_, options | options_);
    visit();
    prefix_ = outer_prefix;
    options_ = outer_options;
  }

  void add(std::string key, std::string value, const FieldOptions& options, bool secret) {
    fields.push_back({std::move(key), std::move(value), options.live, secret, options.operational});
  }

  std::string prefix_;
  FieldOptions options_;
};

}  // namespace

std::string FlatField::shown() const {
  return secret && value != "\"\"" && value != "[]" ? std::string(kMaskedSecret) : value;
}

std::vector<FlatField> flatten(Section& root) {
  Flattener flattener;
  root.visit(flattener);
  return std::move(flattener.fields);
}

}  // namespace stuffwatch::config
