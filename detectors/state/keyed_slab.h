// A bounded table of fixed records, addressed by a key, in the order in which they were last touched.
//
// Records live in one slab that never moves or grows past its size at construction; an open-addressing index of 4-byte slots
// (24 bits of record number, 8 bits of hash) points into it. A general hash map doubles resident memory while it grows; this never rehashes.
// When full, the record that was touched longest ago goes: the order is that of the events, so eviction is the same everywhere.
//
// Record: trivially copyable, with `Key key() const`, `void reset(const Key&)` and a member `SlabLinks links`. hash(key) is the caller's.
// Memory: max_records * (sizeof(Record) + 8..16) bytes, touched only as it fills. Cost: one index line and one record line per access; prefetch both.
// Threads: none. Pointers stay valid until the record is evicted or erased.
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "detectors/state/lazy_array.h"

namespace stuffwatch::detectors {

struct SlabLinks {
  std::uint32_t older = 0, newer = 0;  // record number + 1; 0 = none
};

template <class Record>
class KeyedSlab {
 public:
  using Key = decltype(std::declval<const Record&>().key());
  static constexpr std::uint32_t kMaxRecords = (1u << 24) - 2;

  // `hash_of` recomputes a key's hash when the index closes a gap. More than kMaxRecords is taken as that.
  using HashOf = std::uint64_t (*)(const Key& key, std::uint64_t seed);

  KeyedSlab(std::uint32_t max_records, std::uint64_t seed, HashOf hash_of)
      : max_(std::min(max_records, kMaxRecords)),
        mask_(std::bit_ceil(std::size_t{max_} * 2 + 2) - 1),
        seed_(seed),
        hash_of_(hash_of),
        records_(max_),
        index_(mask_ + 1) {
    assert(max_records >= 1);
  }

  [[nodiscard]] std::uint64_t hash(const Key& key) const { return hash_of_(key, seed_); }
  void prefetch_index(std::uint64_t hash) const { __builtin_prefetch(&index_[hash & mask_]); }
  // After prefetch_index has arrived: fetches the record that the key most likely has.
  void prefetch_record(std::uint64_t hash) const {
    const std::uint32_t slot = index_[hash & mask_];
    if (slot != 0) prefetch(records_[number(slot)]);
  }

  [[nodiscard]] Record* find(const Key& key, std::uint64_t hash) {
    return const_cast<Record*>(std::as_const(*this).find(key, hash));
  }
  [[nodiscard]] const Record* find(const Key& key, std::uint64_t hash) const {
    const std::size_t at = locate(key, hash);
    return index_[at] == 0 ? nullptr : &records_[number(index_[at])];
  }

  // The record of `key`, newest from now on. `on_evict(Record&)` is called for the oldest when there is no room.
  template <class OnEvict>
  Record& touch(const Key& key, std::uint64_t hash, bool& inserted, OnEvict&& on_evict) {
    std::size_t at = locate(key, hash);
    inserted = index_[at] == 0;
    if (!inserted) {
      const std::uint32_t n = number(index_[at]);
      if (newest_ != n + 1) unlink(n), link_newest(n);
      return records_[n];
    }
    std::uint32_t n;
    if (free_ != 0) {
      n = free_ - 1, free_ = records_[n].links.newer;
    } else if (used_ < max_) {
      n = used_++;
      records_[n] = Record{};
    } else {
      n = oldest_ - 1;
      on_evict(records_[n]);
      remove(n);
      ++evictions_;
      at = locate(key, hash);  // the gap may have moved our slot
    }
    Record& record = records_[n];
    record.reset(key);
    index_[at] = slot_of(n, hash);
    link_newest(n);
    ++size_;
    return record;
  }

  void erase(Record& record) {
    const std::uint32_t n = number_of(record);
    remove(n);
    record.links.newer = free_, free_ = n + 1;
  }

  [[nodiscard]] std::uint32_t number_of(const Record& record) const {
    return static_cast<std::uint32_t>(&record - records_.get());
  }
  [[nodiscard]] Record& at(std::uint32_t record_number) { return records_[record_number]; }
  [[nodiscard]] const Record& at(std::uint32_t record_number) const {
    return records_[record_number];
  }

  // Oldest first: the order in which a checkpoint writes them, so that reading it back restores the order of eviction.
  template <class Visit>
  void for_each(Visit&& visit) const {
    constexpr std::size_t kAhead = 16;  // records under way from memory
    const std::vector<std::uint32_t> order = oldest_first();
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i + kAhead < order.size()) prefetch(records_[order[i + kAhead]]);
      visit(records_[order[i]]);
    }
  }
  [[nodiscard]] Record* oldest() { return oldest_ == 0 ? nullptr : &records_[oldest_ - 1]; }
  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::uint32_t max_size() const { return max_; }
  [[nodiscard]] std::uint64_t evictions() const { return evictions_; }
  [[nodiscard]] std::uint64_t bytes() const {
    return std::uint64_t{used_} * sizeof(Record) + (mask_ + 1) * sizeof(std::uint32_t);
  }

 private:
  static void prefetch(const Record& record) {
    const char* bytes = reinterpret_cast<const char*>(&record);
    __builtin_prefetch(bytes);
    __builtin_prefetch(bytes + sizeof(Record) - 1);
  }

  // Record numbers. Walks the list from both ends, so that two chains of cache misses overlap: a checkpoint waits for little else.
  std::vector<std::uint32_t> oldest_first() const {
    std::vector<std::uint32_t> order(size_);
    std::uint32_t older = oldest_, newer = newest_;
    for (std::size_t begin = 0, end = size_; begin < end;) {
      order[begin++] = older - 1, older = records_[older - 1].links.newer;
      if (begin < end) order[--end] = newer - 1, newer = records_[newer - 1].links.older;
    }
    return order;
  }

  static std::uint32_t slot_of(std::uint32_t n, std::uint64_t hash) {
    return (n + 1) | static_cast<std::uint32_t>(hash >> 56 << 24);
  }
  static std::uint32_t number(std::uint32_t slot) { return (slot & 0xffffff) - 1; }

  std::size_t locate(const Key& key, std::uint64_t hash) const {
    std::size_t at = hash & mask_;
    for (;; at = (at + 1) & mask_) {
      const std::uint32_t slot = index_[at];
      if (slot == 0) return at;
      if (slot >> 24 == hash >> 56 && records_[number(slot)].key() == key) return at;
    }
  }

  // Takes record n out of index and order; closes the gap by moving later entries of the run back (Knuth 6.4, algorithm R).
  void remove(std::uint32_t n) {
    const Key key = records_[n].key();
    std::size_t gap = locate(key, hash(key));
    for (std::size_t at = (gap + 1) & mask_; index_[at] != 0; at = (at + 1) & mask_) {
      const std::size_t home = hash(records_[number(index_[at])].key()) & mask_;
      if (((at - home) & mask_) >= ((at - gap) & mask_)) index_[gap] = index_[at], gap = at;
    }
    index_[gap] = 0;
    unlink(n);
    --size_;
  }

  void unlink(std::uint32_t n) {
    const SlabLinks links = records_[n].links;
    (links.older == 0 ? oldest_ : records_[links.older - 1].links.newer) = links.newer;
    (links.newer == 0 ? newest_ : records_[links.newer - 1].links.older) = links.older;
  }
  void link_newest(std::uint32_t n) {
    records_[n].links = {newest_, 0};
    (newest_ == 0 ? oldest_ : records_[newest_ - 1].links.newer) = n + 1;
    newest_ = n + 1;
  }

  std::uint32_t max_, used_ = 0, size_ = 0, free_ = 0, oldest_ = 0, newest_ = 0;
  std::size_t mask_;
  std::uint64_t seed_, evictions_ = 0;
  HashOf hash_of_;
  LazyArray<Record> records_;
  LazyArray<std::uint32_t> index_;
};

}  // namespace stuffwatch::detectors
