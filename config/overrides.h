// The KEY=VALUE settings of the command line, looked up by key path while the declarations are
// walked.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem_list.h"
#include "config/yaml_tree.h"

namespace stuffwatch::config {

class Overrides {
 public:
  struct Entry {
    std::string path;
    YamlNode value;
    std::size_t source;  // as in Place
    bool used = false;
  };

  // Texts that are not KEY=VALUE, or whose VALUE is not YAML, become problems.
  Overrides(std::span<const std::string> texts, ProblemList& problems);

  // The last one of exactly this path; null when there is none.
  [[nodiscard]] const Entry* find(std::string_view path);

  // All below this path, in order, for maps whose keys are free.
  [[nodiscard]] std::vector<const Entry*> below(std::string_view path);

  [[nodiscard]] std::vector<const Entry*> unused() const;

 private:
  std::vector<Entry> entries_;
};

}  // namespace stuffwatch::config
