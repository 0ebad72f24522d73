// Reads a configuration text into the structs that declare it.
// Errors: kConfiguration; one line a mistake, all mistakes at once, in file order:
//         stuffwatch.yaml:12:3: kafka.tpoic: unknown key; did you mean "topic"?
//         --set pipeline.workers: 0 is out of range: 1 to 256
//         Nothing throws, whatever the text (yaml_tree.h holds the limits). After an error the
//         structs are partly filled: read into a fresh one and keep the old one until it is good.
#pragma once

#include <concepts>
#include <span>
#include <string>
#include <string_view>

#include "config/field_visitor.h"
#include "config/result.h"

namespace stuffwatch::config {

// Keys that the text does not name keep the value they have in `root`; an empty text changes
// nothing. A section or list without a value
// (`kafka:`) counts as not named. `required` holds in sections that the text names. `overrides` are
// KEY=VALUE with VALUE in YAML and KEY a path such as kafka.topic, inputs[0].format or
// kafka.properties.security.protocol; the last of equals wins, and the more specific path wins over
// the section it lies in. Secrets are refused there.
[[nodiscard]] Result<void> read_yaml(std::string_view text, std::string_view file_name,
                                     std::span<const std::string> overrides, Section& root);

// The same for a file of at most kMaxYamlBytes.
[[nodiscard]] Result<void> read_yaml_file(const std::string& path,
                                          std::span<const std::string> overrides, Section& root);

template <class S>
  requires(!std::derived_from<S, Section>)
[[nodiscard]] Result<void> read_yaml(std::string_view text, std::string_view file_name,
                                     std::span<const std::string> overrides, S& root) {
  SectionOf<S> section(root);
  return read_yaml(text, file_name, overrides, static_cast<Section&>(section));
}
template <class S>
  requires(!std::derived_from<S, Section>)
[[nodiscard]] Result<void> read_yaml_file(const std::string& path,
                                          std::span<const std::string> overrides, S& root) {
  SectionOf<S> section(root);
  return read_yaml_file(path, overrides, static_cast<Section&>(section));
}

}  // namespace stuffwatch::config
