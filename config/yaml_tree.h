// A YAML text as a tree that knows where each value stands.
// Memory: bounded by the limits below, whatever the text: size, depth, and number of nodes after
// aliases are copied in. Errors: kConfiguration with file:line:col; nothing throws. Not
// configuration, and so refused: a second document, tags, keys that
//         are not plain texts, binary or not UTF-8 text. A key that stands twice in one map is a
//         problem beside the tree, which keeps the first, so that a reader can report it together
//         with everything else.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"

namespace stuffwatch::config {

inline constexpr std::size_t kMaxYamlBytes = std::size_t{4} << 20U;
inline constexpr std::size_t kMaxYamlDepth = 32;
inline constexpr std::size_t kMaxYamlNodes = 500'000;

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  bool quoted = false;       // a scalar in quotes or a block is a text, whatever it looks like
  int line = 0, column = 0;  // 1-based; 0 = no place, an absent node
  std::string scalar;
  std::vector<YamlNode> items;  // kList: its elements; kMap: its values, in file order
  std::vector<YamlNode> keys;   // kMap: keys[i] of items[i], all kScalar

  [[nodiscard]] const YamlNode* find(std::string_view key) const {
    for (std::size_t i = 0; i < keys.size(); ++i)
      if (keys[i].scalar == key) return &items[i];
    return nullptr;
  }
};

struct YamlProblem {
  int line, column;
  std::string message;
};
struct YamlDocument {
  YamlNode root;  // kNull for an empty text
  std::vector<YamlProblem> problems;
};

[[nodiscard]] Result<YamlDocument> parse_yaml(std::string_view text, std::string_view file_name);

}  // namespace stuffwatch::config
