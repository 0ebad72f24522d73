// A configuration, or what its declarations say, as text for people and programs.
// All print the values they are given: pass a default-constructed struct for the documents. Secrets
// are never printed, only "(set)".
#pragma once

#include <string>
#include <string_view>

#include "config/field_visitor.h"

namespace stuffwatch::config {

// The reference file: every key with its value, help and bounds; read_yaml takes it back. Options
// without value and an example element of each empty list stand in comments.
[[nodiscard]] std::string print_reference(Section& root);

// The values in force, nothing else; read_yaml takes it back, but for secrets.
[[nodiscard]] std::string print_effective(Section& root);

// Tables of all keys, one a section, under the given heading.
[[nodiscard]] std::string print_markdown(Section& root, std::string_view title);

// JSON Schema, draft 2020-12. A little stricter than the reader where YAML itself is loose (a text
// written as a number).
[[nodiscard]] std::string print_schema(Section& root, std::string_view title);

// Sorted key=value lines of all that can change what is detected, to be hashed: no `operational`
// field, no secret.
[[nodiscard]] std::string print_fingerprint(Section& root);

}  // namespace stuffwatch::config
