// What changes between two configurations, and whether the running daemon can take it over.
#pragma once

#include <string>
#include <vector>

#include "config/field_visitor.h"

namespace stuffwatch::config {

struct Change {
  std::string key;     // kafka.topic, inputs[1].format
  std::string before;  // as YAML, secrets masked; "" when the key was not there
  std::string after;   // "" when it is gone
  bool live;           // SIGHUP applies it; otherwise it waits for a restart

  friend bool operator==(const Change&, const Change&) = default;
};

// In the order of declaration, what is gone last. Both are of the same type; list elements are
// compared by position.
[[nodiscard]] std::vector<Change> diff(Section& before, Section& after);

template <class S>
[[nodiscard]] std::vector<Change> diff(S& before, S& after) {
  SectionOf<S> first(before);
  SectionOf<S> second(after);
  return diff(static_cast<Section&>(first), static_cast<Section&>(second));
}

}  // namespace stuffwatch::config
