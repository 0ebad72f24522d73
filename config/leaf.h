// One field between text and value: how it is read, written and described.
// Errors: messages name the remedy but neither key nor place, which the caller adds.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/field_visitor.h"
#include "config/yaml_tree.h"

namespace stuffwatch::config {

inline constexpr std::string_view kMaskedSecret = "(set)";

// Checks type, bounds and TextCheck, then assigns; on an error the value is as before. A TextMap
// takes the node's keys over its own.
[[nodiscard]] Result<void> read_leaf(const Leaf& leaf, const FieldOptions& options,
                                     const YamlNode& node);

// The value as YAML on one line, such that read_leaf gives it back; the keys of a TextMap that look
// like secrets are masked when `mask` is set. An OptionalText without value is "null".
[[nodiscard]] std::string leaf_yaml(const Leaf& leaf, bool mask);

// True when there is something to hide: a text that is not empty.
[[nodiscard]] bool leaf_is_set(const Leaf& leaf);

// "whole number", "duration", ... for people.
[[nodiscard]] std::string_view leaf_type(const Leaf& leaf);

// "1s to 1h", "at least 1 event"; "" when everything the type holds is allowed.
[[nodiscard]] std::string leaf_bounds(const Leaf& leaf, std::string_view unit);

// A text as YAML on one line: plain where that reads back as the same text, else in double quotes.
[[nodiscard]] std::string yaml_text(std::string_view text);

// The keys of free maps whose values are credentials: sasl.password, ssl.key.pem, client.secret.
[[nodiscard]] bool looks_secret(std::string_view key);

}  // namespace stuffwatch::config
