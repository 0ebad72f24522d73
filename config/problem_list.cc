#include "config/problem_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace stuffwatch::config {
namespace {

constexpr std::size_t kMostShown = 50;

}  // namespace

void ProblemList::add(Place place, std::string_view key, std::string_view message) {
  problems_.push_back({place, problems_.size(),
                       key.empty() ? std::string(message) : fmt::format("{}: {}", key, message)});
}

Result<void> ProblemList::result(std::string_view file_name) && {
  if (problems_.empty()) return {};
  std::ranges::sort(problems_, {}, [](const Problem& problem) {
    return std::tuple(problem.place.source, problem.place.line, problem.place.column,
                      problem.number);
  });
  std::string text;
  for (std::size_t i = 0; i < std::min(problems_.size(), kMostShown); ++i) {
    const auto& [place, number, message] = problems_[i];
    if (i > 0) text += '\n';
    if (place.source != 0) {
      text += fmt::format("--set {}", message);
    } else if (place.line == 0) {
      text += fmt::format("{}: {}", file_name, message);
    } else {
      text += fmt::format("{}:{}:{}: {}", file_name, place.line, place.column, message);
    }
  }
  if (problems_.size() > kMostShown)
    text += fmt::format("\nand {} more", problems_.size() - kMostShown);
  return std::unexpected(Error{Error::Kind::kConfiguration, std::move(text)});
}

}  // namespace stuffwatch::config
