// A configuration as a flat list of key paths with their values, in the order of declaration.
#pragma once

#include <string>
#include <vector>

#include "config/field_visitor.h"

namespace stuffwatch::config {

struct FlatField {
  std::string key;    // kafka.topic, inputs[0].format, kafka.properties.security.protocol
  std::string value;  // as YAML on one line, secrets in clear
  bool live, secret, operational;

  [[nodiscard]] std::string shown() const;  // the value, "(set)" for a secret that is not empty
};

// An OptionalText without value does not appear; a TextMap appears as its keys, a list as its
// elements' fields.
[[nodiscard]] std::vector<FlatField> flatten(Section& root);

}  // namespace stuffwatch::config
