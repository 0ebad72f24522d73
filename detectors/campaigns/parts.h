// What the .cc files of campaigns share; nobody else's business.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "detectors/finding.h"

namespace stuffwatch::detectors {

inline constexpr std::size_t kMaxListedAccounts = 500, kMaxSamples = 10, kMaxApps = 16,
                             kMaxKeys = 1024;
// Of what others chose: names, ids, applications. An alert has an upper size.
inline constexpr std::size_t kMaxTextBytes = 256;

inline std::string short_text(std::string_view text) {
  return std::string(text.substr(0, kMaxTextBytes));
}

inline void push_unique(std::vector<std::string>& list, std::string_view value, std::size_t most) {
  value = value.substr(0, kMaxTextBytes);
  if (value.empty() || list.size() >= most || std::ranges::find(list, value) != list.end()) return;
  list.emplace_back(value);
}

// The prefix that holds an address: how an address finds the campaign of its neighbours.
inline std::uint64_t area_of(const Entity& entity) {
  Entity prefix = entity;
  prefix.kind = Entity::Kind::kPrefix;
  prefix.value &= entity.v4 ? 0xffff'ff00ull : 0xffff'ffff'ffff'0000ull;
  return prefix.hash(0);
}

}  // namespace stuffwatch::detectors
