// The fields of a JSON format that we read, as a tree of keys. Everything else in a document is
// validated and ignored.
//
// Threads: immutable once built. Cost: find() takes one table look-up and one comparison of 16
// bytes, whether the key is known or not.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stuffwatch::ingest::json {

using FieldId = std::uint8_t;
inline constexpr std::size_t kMaxNodes =
    64;  // leaves and containers of one schema: a set of them is one word

// A key, and the 16 bytes behind its first that may be read: the record's padding sees to that.
struct Key {
  const char* data;
  std::size_t size;
  [[nodiscard]] std::string_view text() const { return {data, size}; }
};

class Schema {
 public:
  struct Path {
    std::string_view path;  // "source.geo.country_iso_code"
    FieldId field;          // several paths may name one field
  };
  // kDotted: a key may also spell several levels at once, as Elastic's tools write them:
  // {"source.ip": ...}.
  enum class Keys : std::uint8_t { kNested, kDotted };

  static constexpr int kNoLevel = -1, kRoot = 0;

  struct Node {
    std::string name;
    std::array<std::uint64_t, 2> words{}, masks{};  // the first 16 bytes of the name
    int level = kNoLevel;                           // of its children; kNoLevel: a leaf
    FieldId field = 0;
    std::uint8_t bit = 0;  // place in sets of nodes
  };

  explicit Schema(std::span<const Path> paths, Keys keys = Keys::kNested);

  // The child of `level` with that key; nullptr when it is none of ours. Keys of 16 bytes and more
  // are compared in full.
  [[nodiscard]] const Node* find(int level, Key key) const {
    const Level& table = levels_[static_cast<std::size_t>(level)];
    const std::uint8_t slot = table.slots[fingerprint(key, table.multiplier) >> 58];
    if (slot != kEmpty && is(nodes_[slot], key)) [[likely]]
      return &nodes_[slot];
    return keys_ == Keys::kDotted ? find_dotted(level, key) : nullptr;
  }

 private:
  static constexpr std::uint8_t kEmpty = 0xff;
  struct Level {
    std::vector<std::uint8_t> children;
    std::uint64_t multiplier = 0;
    std::array<std::uint8_t, 64> slots{};
  };

  [[nodiscard]] static std::uint64_t load(const char* from);
  [[nodiscard]] static std::uint64_t mask_of(std::size_t bytes);
  [[nodiscard]] static std::uint64_t fingerprint(Key key, std::uint64_t multiplier);
  [[nodiscard]] static bool is(const Node& node, Key key);
  [[nodiscard]] const Node* find_dotted(int level, Key key) const;
  [[nodiscard]] std::size_t child(int level, std::string_view name);
  [[nodiscard]] bool index(Level& level, std::uint64_t multiplier) const;

  std::vector<Node> nodes_;
  std::vector<Level> levels_;
  Keys keys_;
};

inline std::uint64_t Schema::load(const char* from) {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

inline std::uint64_t Schema::mask_of(std::size_t bytes) {
  return bytes >= 8 ? ~std::uint64_t{0}
                    : (std::uint64_t{1} << (bytes * 8)) -
                          1;  // little-endian: the first bytes are the low ones
}

// Of the size, the first and the last eight bytes: keys of up to 16 bytes never share one before it
// is multiplied.
inline std::uint64_t Schema::fingerprint(Key key, std::uint64_t multiplier) {
  const std::uint64_t head = load(key.data) & mask_of(key.size);
  const std::uint64_t tail = key.size > 8 ? load(key.data + key.size - 8) : 0;
  return (head ^ head >> 29 ^ key.size << 59 ^ std::rotl(tail, 23)) * multiplier;
}

inline bool Schema::is(const Node& node, Key key) {
  if (key.size != node.name.size()) return false;
  const std::uint64_t difference = ((load(key.data) ^ node.words[0]) & node.masks[0]) |
                                   ((load(key.data + 8) ^ node.words[1]) & node.masks[1]);
  return difference == 0 && (key.size <= 16 || key.text() == node.name);
}

}  // namespace stuffwatch::ingest::json
