// A bounded table of fixed records, addressed by a key; what has not been seen for long goes first.
//
// Records live in one slab that never moves or grows past its size at construction; an open-addressing index of 4-byte slots
// (24 bits of record number, 8 bits of hash) points into it. A general hash map doubles resident memory while it grows; this never rehashes.
// When full, a hand goes round the slab and evicts the first record that was not touched since it last came by (CLOCK; Corbato 1968): near enough to the
// one longest unseen, and a touch writes to no other record. All follows from the order of the events alone, so eviction is the same everywhere.
//
// Record: trivially copyable, with `Key key() const`, `void reset(const Key&)` (all anew) and a member `touched`, false at first. hash(key) is the caller's.
// Memory: max_records * (sizeof(Record) + 8..16) bytes, touched only as it fills. Cost: one index line and one record per access, prefetch both; O(1)
// amortised. Threads: none. Pointers stay valid until the record is evicted.
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "detectors/state/lazy_array.h"

namespace stuffwatch::detectors {

inline constexpr std::uint32_t kMaxKeys = (1u << 24) - 2;  // what a slot of the index can number

template <class Record>
class KeyedSlab {
 public:
  using Key = decltype(std::declval<const Record&>().key());

  // `hash_of` recomputes a key's hash when the index closes a gap. More than kMaxKeys is taken as that.
  using HashOf = std::uint64_t (*)(const Key& key, std::uint64_t seed);

  KeyedSlab(std::uint32_t max_records, std::uint64_t seed, HashOf hash_of)
      : max_(std::min(max_records, kMaxKeys)),
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
    if (const std::uint32_t slot = index_[hash & mask_]; slot != 0) prefetch_at(number(slot));
  }
  void prefetch_at(std::uint32_t record_number) const {
    const char* record = reinterpret_cast<const char*>(&records_[record_number]);
    __builtin_prefetch(record);
    __builtin_prefetch(record + sizeof(Record) - 1);
  }

  [[nodiscard]] Record* find(const Key& key, std::uint64_t hash) {
    return const_cast<Record*>(std::as_const(*this).find(key, hash));
  }
  [[nodiscard]] const Record* find(const Key& key, std::uint64_t hash) const {
    const std::size_t at = locate(key, hash);
    return index_[at] == 0 ? nullptr : &records_[number(index_[at])];
  }

  // The record of `key`, touched. Another one makes room for a new key, but never record number `spared`: pointers to it stay valid.
  Record& touch(const Key& key, std::uint64_t hash, bool& inserted,
                std::uint32_t spared = kMaxKeys) {
    std::size_t at = locate(key, hash);
    inserted = index_[at] == 0;
    if (!inserted) {
      Record& known = records_[number(index_[at])];
      known.touched = true;
      return known;
    }
    std::uint32_t n = used_;
    if (used_ < max_) {
      records_[used_++] = Record{};
    } else {
      n = next_victim(spared);
      remove_from_index(n);
      ++evictions_;
      at = locate(key, hash);  // the gap may have moved our slot
    }
    records_[n].reset(key);
    index_[at] = slot_of(n, hash);
    return records_[n];
  }

  [[nodiscard]] std::uint32_t number_of(const Record& record) const {
    return static_cast<std::uint32_t>(&record - records_.get());
  }
  [[nodiscard]] Record& at(std::uint32_t record_number) { return records_[record_number]; }
  [[nodiscard]] const Record& at(std::uint32_t record_number) const {
    return records_[record_number];
  }

  // As the hand will meet them: the order in which a checkpoint writes them, so that reading it back restores the order of eviction.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::uint32_t n = hand_; n < used_; ++n) visit(records_[n]);
    for (std::uint32_t n = 0; n < hand_; ++n) visit(records_[n]);
  }
  [[nodiscard]] std::uint32_t size() const { return used_; }
  [[nodiscard]] std::uint32_t max_size() const { return max_; }
  [[nodiscard]] std::uint64_t evictions() const { return evictions_; }
  [[nodiscard]] std::uint64_t bytes() const {
    return std::uint64_t{used_} * sizeof(Record) + (mask_ + 1) * sizeof(std::uint32_t);
  }

 private:
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

  // The hand moves on past the one it evicts, which is the last to be met again.
  std::uint32_t next_victim(std::uint32_t spared) {
    for (;;) {
      const std::uint32_t n = std::exchange(hand_, hand_ + 1 == max_ ? 0 : hand_ + 1);
      if (!records_[n].touched && n != spared) return n;
      records_[n].touched = false;
    }
  }

  // Closes the gap by moving later entries of the run back (Knuth 6.4, algorithm R).
  void remove_from_index(std::uint32_t n) {
    const Key key = records_[n].key();
    std::size_t gap = locate(key, hash(key));
    for (std::size_t at = (gap + 1) & mask_; index_[at] != 0; at = (at + 1) & mask_) {
      const std::size_t home = hash(records_[number(index_[at])].key()) & mask_;
      if (((at - home) & mask_) >= ((at - gap) & mask_)) index_[gap] = index_[at], gap = at;
    }
    index_[gap] = 0;
  }

  std::uint32_t max_, used_ = 0, hand_ = 0;
  std::size_t mask_;
  std::uint64_t seed_, evictions_ = 0;
  HashOf hash_of_;
  LazyArray<Record> records_;
  LazyArray<std::uint32_t> index_;
};

}  // namespace stuffwatch::detectors
