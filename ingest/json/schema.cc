#include "ingest/json/schema.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

namespace stuffwatch::ingest::json {
namespace {

constexpr std::size_t kMaxName = 32;

static_assert(std::endian::native == std::endian::little,
              "masks and fingerprints are written for little-endian machines");

// The masks and words of names shorter than 16 bytes need bytes to read.
std::array<std::uint64_t, 2> first_words(std::string_view name) {
  char padded[16] = {};
  std::memcpy(padded, name.data(), std::min<std::size_t>(name.size(), sizeof padded));
  return std::bit_cast<std::array<std::uint64_t, 2>>(padded);
}

}  // namespace

Schema::Schema(std::span<const Path> paths, Keys keys) : keys_(keys) {
  levels_.emplace_back();
  for (const Path& path : paths) {
    int level = kRoot;
    std::string_view rest = path.path;
    for (std::size_t dot; (dot = rest.find('.')) != std::string_view::npos;
         rest.remove_prefix(dot + 1)) {
      const std::size_t container = child(level, rest.substr(0, dot));
      if (nodes_[container].level == kNoLevel) {
        nodes_[container].level = static_cast<int>(levels_.size());
        levels_.emplace_back();
      }
      level = nodes_[container].level;
    }
    nodes_[child(level, rest)].field = path.field;
  }
  // A multiplier that gives every key of the level a slot of its own: for 20 keys about one in
  // twenty does.
  for (Level& level : levels_) {
    std::uint64_t multiplier = 0x9e3779b97f4a7c15;
    while (!index(level, multiplier)) multiplier = multiplier * 0xd1342543de82ef95 + 2;
  }
}

std::size_t Schema::child(int level, std::string_view name) {
  for (const std::uint8_t node : levels_[static_cast<std::size_t>(level)].children) {
    if (nodes_[node].name == name) return node;
  }
  assert(nodes_.size() < kMaxNodes && name.size() <= kMaxName);
  const std::size_t at = nodes_.size();
  Node& node = nodes_.emplace_back();
  node.name = name;
  node.words = first_words(name);
  node.masks = {mask_of(name.size()), mask_of(name.size() > 8 ? name.size() - 8 : 0)};
  node.bit = static_cast<std::uint8_t>(at);
  levels_[static_cast<std::size_t>(level)].children.push_back(node.bit);
  return at;
}

bool Schema::index(Level& level, std::uint64_t multiplier) const {
  level.slots.fill(kEmpty);
  level.multiplier = multiplier;
  for (const std::uint8_t node : level.children) {
    char padded[kMaxName + 16] = {};
    const std::string& name = nodes_[node].name;
    std::memcpy(padded, name.data(), name.size());
    std::uint8_t& slot = level.slots[fingerprint({padded, name.size()}, multiplier) >> 58];
    if (slot != kEmpty) return false;
    slot = node;
  }
  return true;
}

const Schema::Node* Schema::find_dotted(int level, Key key) const {
  const Node* node = nullptr;
  for (;;) {
    const auto* const dot = static_cast<const char*>(std::memchr(key.data, '.', key.size));
    const Key segment{key.data,
                      dot == nullptr ? key.size : static_cast<std::size_t>(dot - key.data)};
    const Level& table = levels_[static_cast<std::size_t>(level)];
    const std::uint8_t slot = table.slots[fingerprint(segment, table.multiplier) >> 58];
    if (slot == kEmpty || !is(nodes_[slot], segment)) return nullptr;
    node = &nodes_[slot];
    if (dot == nullptr) return node;
    level = node->level;
    if (level == kNoLevel) return nullptr;
    key = {dot + 1, key.size - segment.size - 1};
  }
}

}  // namespace stuffwatch::ingest::json
