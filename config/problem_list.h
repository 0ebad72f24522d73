// The mistakes found in one reading, brought into the order in which a person reads the file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"

namespace stuffwatch::config {

// Where a value was written.
struct Place {
  std::size_t source = 0;    // 0 = the file, i = override i - 1
  int line = 0, column = 0;  // 0 = nowhere in particular
};

class ProblemList {
 public:
  // The message is complete but for the place.
  void add(Place place, std::string_view key, std::string_view message);
  [[nodiscard]] std::size_t size() const { return problems_.size(); }

  // No problem, or all of them as lines; after kMostShown their number.
  [[nodiscard]] Result<void> result(std::string_view file_name) &&;

 private:
  struct Problem {
    Place place;
    std::size_t number;  // in the order of finding, for problems at one place
    std::string text;
  };
  std::vector<Problem> problems_;
};

}  // namespace stuffwatch::config
