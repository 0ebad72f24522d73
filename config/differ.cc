#include "config/differ.h"

#include <map>

#include "config/flatten.h"

namespace stuffwatch::config {

std::vector<Change> diff(Section& before, Section& after) {
  std::map<std::string, FlatField> gone;
  for (FlatField& field : flatten(before)) {
    std::string key = field.key;
    gone.emplace(std::move(key), std::move(field));
  }
  std::vector<Change> changes;
  for (const FlatField& field : flatten(after)) {
    const auto old = gone.find(field.key);
    if (old == gone.end()) {
      changes.push_back({field.key, "", field.shown(), field.live});
      continue;
    }
    if (old->second.value != field.value)
      changes.push_back({field.key, old->second.shown(), field.shown(), field.live});
    gone.erase(old);
  }
  for (const auto& [key, field] : gone) changes.push_back({key, field.shown(), "", field.live});
  return changes;
}

}  // namespace stuffwatch::config
