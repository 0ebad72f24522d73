// The keys seen most often, with what is known of them (Space-Saving: Metwally, Agrawal, El Abbadi 2005): bounded, deterministic (the smallest count goes,
// ties by key). Memory: kCapacity entries. Cost: one hash probe for a known key, a scan of the entries for a new one when full. Threads: none.
#pragma once

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <vector>

namespace stuffwatch::detectors {

template <class Value>
class TopCounts {
 public:
  static constexpr std::size_t kCapacity = 128;
  struct Entry {
    std::uint64_t key = 0, count = 0;
    Value value{};
  };

  // Counts one more of `key`; `value` is fresh when the key is new.
  Value& add(std::uint64_t key, std::uint64_t times = 1) {
    if (const auto known = index_.find(key); known != index_.end()) {
      Entry& entry = entries_[known->second];
      entry.count += times;
      return entry.value;
    }
    if (entries_.size() < kCapacity) {
      index_.emplace(key, static_cast<std::uint32_t>(entries_.size()));
      return entries_.emplace_back(Entry{key, times, {}}).value;
    }
    Entry& smallest = *std::ranges::min_element(entries_, [](const Entry& a, const Entry& b) {
      return a.count != b.count ? a.count < b.count : a.key < b.key;
    });
    index_.erase(smallest.key);
    index_.emplace(key, static_cast<std::uint32_t>(&smallest - entries_.data()));
    smallest = {key, smallest.count + times, {}};
    return smallest.value;
  }
  [[nodiscard]] const Entry* find(std::uint64_t key) const {
    const auto known = index_.find(key);
    return known == index_.end() ? nullptr : &entries_[known->second];
  }
  // Most frequent first, ties by key.
  [[nodiscard]] std::vector<Entry> sorted() const {
    std::vector<Entry> all = entries_;
    std::ranges::sort(all, [](const Entry& a, const Entry& b) {
      return a.count != b.count ? a.count > b.count : a.key < b.key;
    });
    return all;
  }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  void restore(std::vector<Entry> entries) {
    entries_ = std::move(entries), index_.clear();
    for (std::uint32_t i = 0; i < entries_.size(); ++i) index_.emplace(entries_[i].key, i);
  }

 private:
  std::vector<Entry> entries_;
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> index_;
};

}  // namespace stuffwatch::detectors
