#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/flatten.h"
#include "config/leaf.h"
#include "config/printers.h"

namespace stuffwatch::config {
namespace {

constexpr std::size_t kColumns = 100;

class YamlPrinter final : public FieldVisitor {
 public:
  explicit YamlPrinter(bool with_help) : with_help_(with_help) {}
  [[nodiscard]] std::string take() { return out_.empty() ? "{}\n" : std::move(out_); }

 protected:
  void on_field(const FieldInfo& info, const Leaf& leaf) override {
    const bool unset = std::holds_alternative<OptionalText>(leaf) && !leaf_is_set(leaf);
    if (unset && !with_help_) return;
    const FieldOptions options = info.options | options_;
    comment(help_of(info, leaf, options));
    const bool masked = options.secret && leaf_is_set(leaf);
    if (unset) {
      line(fmt::format("# {}:", info.name));
    } else {
      line(fmt::format("{}: {}", info.name,
                       masked ? std::string(kMaskedSecret) : leaf_yaml(leaf, true)));
    }
  }

  void on_section(const FieldInfo& info, Section& section) override {
    if (with_help_ && depth_ == 0 && !out_.empty()) out_ += '\n';
    comment(std::string(info.help));
    const std::size_t start = out_.size();
    line(fmt::format("{}:", info.name));
    const std::size_t head = out_.size();
    inside(info.options, [&] { section.visit(*this); });
    if (out_.size() != head) return;
    out_.resize(start);
    line(fmt::format("{}: {{}}", info.name));
  }

  void on_list(const FieldInfo& info, SectionList& list) override {
    if (with_help_ && depth_ == 0 && !out_.empty()) out_ += '\n';
    comment(std::string(info.help));
    line(fmt::format("{}:{}", info.name, list.size() == 0 ? " []" : ""));
    for (std::size_t i = 0; i < list.size(); ++i)
      element(info.options, [&] { list.visit(i, *this); });
    if (list.size() == 0 && with_help_) example(info.options, list);
  }

 private:
  template <class Visit>
  void inside(const FieldOptions& options, const Visit& visit) {
    const FieldOptions outer = std::exchange(options_, options | options_);
    ++depth_;
    visit();
    --depth_;
    options_ = outer;
  }

  // Prints the fields one level deeper, then puts the dash before the first line.
  template <class Visit>
  void element(const FieldOptions& options, const Visit& visit) {
    const std::size_t start = out_.size();
    ++depth_;
    const std::string margin = indent();
    inside(options, visit);
    --depth_;
    if (out_.size() == start) {
      out_ += margin + "- {}\n";
    } else {
      out_.replace(start, margin.size() + 2, margin + "- ");
    }
  }

  // An element with its defaults, in comments.
  void example(const FieldOptions& options, SectionList& list) {
    YamlPrinter printer(true);
    printer.depth_ = 1;
    printer.element(options | options_, [&] { list.visit_defaults(printer); });
    const std::string text = printer.take();
    const std::string margin = indent() + "  ";
    out_ += fmt::format("{}# An element:\n", margin);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      out_ += fmt::format("{}#{}\n", margin, text.substr(at, end - at).substr(1));
      at = end + 1;
    }
  }

  static std::string help_of(const FieldInfo& info, const Leaf& leaf, const FieldOptions& options) {
    std::string notes;
    const auto note = [&](std::string_view text) {
      if (!text.empty()) notes += (notes.empty() ? "" : "; ") + std::string(text);
    };
    if (const auto* choice = std::get_if<Choice>(&leaf)) {
      for (const Choice::Label& label : choice->labels)
        note(label.help.empty() ? std::string(label.name)
                                : fmt::format("{}: {}", label.name, label.help));
    }
    note(leaf_bounds(leaf, options.unit));
    note(options.format);
    if (options.required) note("must be set");
    if (options.live) note("can change live");
    return notes.empty() ? std::string(info.help) : fmt::format("{} [{}]", info.help, notes);
  }

  [[nodiscard]] std::string indent() const { return std::string(depth_ * 2, ' '); }
  void line(std::string_view text) { out_ += fmt::format("{}{}\n", indent(), text); }

  void comment(std::string_view text) {
    if (!with_help_ || text.empty()) return;
    const std::size_t width = kColumns - std::min(kColumns / 2, depth_ * 2 + 2);
    while (text.size() > width) {
      std::size_t cut = text.rfind(' ', width);
      if (cut == std::string_view::npos || cut == 0) cut = text.find(' ', width);
      if (cut == std::string_view::npos) break;
      line(fmt::format("# {}", text.substr(0, cut)));
      text.remove_prefix(cut + 1);
    }
    line(fmt::format("# {}", text));
  }

  const bool with_help_;
  std::string out_;
  std::size_t depth_ = 0;
  FieldOptions options_;
};

}  // namespace

std::string print_reference(Section& root) {
  YamlPrinter printer(true);
  root.visit(printer);
  return printer.take();
}

std::string print_effective(Section& root) {
  YamlPrinter printer(false);
  root.visit(printer);
  return printer.take();
}

std::string print_fingerprint(Section& root) {
  std::vector<FlatField> fields = flatten(root);
  std::erase_if(fields, [](const FlatField& field) { return field.operational || field.secret; });
  std::ranges::sort(fields, {}, &FlatField::key);
  std::string out;
  for (const FlatField& field : fields) out += fmt::format("{}={}\n", field.key, field.value);
  return out;
}

}  // namespace stuffwatch::config
