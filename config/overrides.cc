#include "config/overrides.h"

#include "config/utf8.h"

namespace stuffwatch::config {

Overrides::Overrides(std::span<const std::string> texts, ProblemList& problems) {
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string& text = texts[i];
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      problems.add({i + 1, 0, 0}, printable(text),
                   "write KEY=VALUE, such as kafka.topic=auth.logins");
      continue;
    }
    std::string path = text.substr(0, equals);
    Result<YamlDocument> value = parse_yaml(std::string_view(text).substr(equals + 1), "value");
    if (!value) {
      problems.add({i + 1, 0, 0}, printable(path), value.error().message);
      continue;
    }
    for (const YamlProblem& problem : value->problems)
      problems.add({i + 1, 0, 0}, printable(path), problem.message);
    entries_.push_back({std::move(path), std::move(value->root), i + 1});
  }
}

const Overrides::Entry* Overrides::find(std::string_view path) {
  const Entry* last = nullptr;
  for (Entry& entry : entries_) {
    if (entry.path != path) continue;
    entry.used = true;
    last = &entry;
  }
  return last;
}

std::vector<const Overrides::Entry*> Overrides::below(std::string_view path) {
  std::vector<const Entry*> found;
  for (Entry& entry : entries_) {
    if (entry.path.size() <= path.size() + 1 || !entry.path.starts_with(path) ||
        entry.path[path.size()] != '.')
      continue;
    entry.used = true;
    found.push_back(&entry);
  }
  return found;
}

std::vector<const Overrides::Entry*> Overrides::unused() const {
  std::vector<const Entry*> found;
  for (const Entry& entry : entries_)
    if (!entry.used) found.push_back(&entry);
  return found;
}

}  // namespace stuffwatch::config
