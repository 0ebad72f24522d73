#include <fmt/format.h>

#include <utility>

#include "config/leaf.h"
#include "config/printers.h"

namespace stuffwatch::config {
namespace {

// A table cell: no bar, no line end.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string code(std::string_view text) {
  return text.empty() ? std::string() : fmt::format("`{}`", cell(text));
}

// Collects the rows of one section; deeper sections become chapters of their own, after it.
class MarkdownPrinter final : public FieldVisitor {
 public:
  [[nodiscard]] std::string print(Section& root) {
    root.visit(*this);
    return take();
  }

 protected:
  void on_field(const FieldInfo& info, const Leaf& leaf) override {
    const FieldOptions options = info.options | options_;
    const bool unset = !leaf_is_set(leaf);
    std::string limits = leaf_bounds(leaf, options.unit);
    if (const auto* choice = std::get_if<Choice>(&leaf)) {
      for (const Choice::Label& label : choice->labels)
        limits += (limits.empty() ? "" : "<br>") + code(label.name) +
                  (label.help.empty() ? "" : " " + cell(label.help));
    }
    if (!options.format.empty()) limits += (limits.empty() ? "" : "<br>") + code(options.format);
    const std::string value = unset            ? ""
                              : options.secret ? std::string(kMaskedSecret)
                                               : leaf_yaml(leaf, true);
    rows_ +=
        fmt::format("| {} | {} | {} | {} | {} | {} |\n", code(prefix_ + std::string(info.name)),
                    leaf_type(leaf), options.required ? "must be set" : code(value), limits,
                    options.live ? "live" : "restart", cell(info.help));
  }

  void on_section(const FieldInfo& info, Section& section) override {
    chapter(info, fmt::format("{}{}.", prefix_, info.name), [&] { section.visit(*this); });
  }

  void on_list(const FieldInfo& info, SectionList& list) override {
    chapter(info, fmt::format("{}{}[].", prefix_, info.name), [&] { list.visit_defaults(*this); });
  }

 private:
  template <class Visit>
  void chapter(const FieldInfo& info, std::string prefix, const Visit& visit) {
    const std::string rows = std::exchange(rows_, {});
    const std::string later = std::exchange(later_, {});
    const std::string outer_prefix = std::exchange(prefix_, std::move(prefix));
    const FieldOptions outer_options = std::exchange(options_, info.options | options_);
    visit();
    const std::string name = prefix_.substr(0, prefix_.size() - 1);
    std::string text = fmt::format("\n## `{}`\n\n{}\n", name, info.help);
    text += take();
    rows_ = rows;
    later_ = later + text;
    prefix_ = outer_prefix;
    options_ = outer_options;
  }

  [[nodiscard]] std::string take() {
    std::string out;
    if (!rows_.empty())
      out =
          "\n| Key | Type | Default | Allowed | Change | Meaning |\n| --- | --- | --- | --- | --- "
          "| --- |\n" +
          rows_;
    return out + later_;
  }

  std::string prefix_, rows_, later_;
  FieldOptions options_;
};

}  // namespace

std::string print_markdown(Section& root, std::string_view title) {
  return fmt::format("# {}\n{}", title, MarkdownPrinter().print(root));
}

}  // namespace stuffwatch::config
