// First contacts of (key, account) pairs, in the order in which they happened: who has been counted for a key, what became of it, and what
// is still to mature.
//
// A ring of 24-byte contacts and an index over it. When the ring is full the oldest contact is forgotten, whatever its key: an attacker who
// floods it only shortens the memory, the same for everyone and everywhere.
// Memory: capacity * 32..40 bytes. Cost: O(1). Threads: none.
#pragma once

#include <bit>
#include <cstdint>

#include "detectors/event.h"
#include "detectors/state/lazy_array.h"
#include "detectors/state/mix.h"

namespace stuffwatch::detectors {

enum class ContactClass : std::uint8_t {
  kOk,
  kBad,
  kUnknown,
  kFamiliar
};  // what the first contact has come to

struct Contact {
  static constexpr std::uint32_t kNobody = 0xffffffff;

  std::uint64_t account = 0;
  std::uint64_t packed = 0;       // time << 8 | flags << 2 | class
  std::uint32_t owner = kNobody;  // record number in the slab of keys
  std::uint16_t generation =
      0;                       // of that record: a reused record disowns its predecessor's contacts
  std::uint16_t attempts = 0;  // retries included; saturates

  static constexpr std::uint64_t kStranger = 4, kMatured = 8;
  static Contact make(AccountKey account, EventTime time, ContactClass first, bool stranger,
                      std::uint32_t owner, std::uint16_t generation) {
    const auto ms = static_cast<std::uint64_t>(time.time_since_epoch().count());
    return {value_of(account),
            ms << 8 | (stranger ? kStranger : 0) | static_cast<std::uint64_t>(first), owner,
            generation, 1};
  }
  [[nodiscard]] ContactClass contact_class() const { return static_cast<ContactClass>(packed & 3); }
  void set_class(ContactClass value) {
    packed = (packed & ~std::uint64_t{3}) | static_cast<std::uint64_t>(value);
  }
  [[nodiscard]] bool stranger() const { return (packed & kStranger) != 0; }
  [[nodiscard]] bool matured() const { return (packed & kMatured) != 0; }
  [[nodiscard]] EventTime time() const {
    return EventTime{std::chrono::milliseconds{static_cast<std::int64_t>(packed) >> 8}};
  }
};
static_assert(sizeof(Contact) == 24);

class ContactLog {
 public:
  ContactLog(std::uint32_t capacity, std::uint64_t seed)
      : capacity_(std::bit_ceil(capacity)),
        mask_(std::size_t{capacity_} * 2 - 1),
        seed_(seed),
        ring_(capacity_),
        index_(mask_ + 1) {}

  [[nodiscard]] std::uint64_t hash(std::uint32_t owner, std::uint16_t generation,
                                   AccountKey account) const {
    return mix(std::uint64_t{owner} << 16 | generation, value_of(account), seed_);
  }
  void prefetch(std::uint64_t hash) const { __builtin_prefetch(&index_[hash & mask_]); }

  // After prefetch() has arrived: fetches the contact that the hash most likely stands for.
  void prefetch_contact(std::uint64_t hash) const {
    if (const std::uint32_t slot = index_[hash & mask_]; slot != 0)
      __builtin_prefetch(&ring_[slot - 1]);
  }

  // The newest contact of that account with that owner, or nullptr.
  [[nodiscard]] Contact* find(std::uint32_t owner, std::uint16_t generation, AccountKey account) {
    std::size_t at = hash(owner, generation, account) & mask_;
    for (; index_[at] != 0; at = (at + 1) & mask_)
      if (same(ring_[index_[at] - 1], owner, generation, value_of(account)))
        return &ring_[index_[at] - 1];
    return nullptr;
  }

  // Appends; supersedes an earlier contact of the same account and owner. `on_forget(contact)` sees the one that makes room, if any.
  template <class OnForget>
  Contact& append(const Contact& contact, OnForget&& on_forget) {
    if (end_ - begin_ == capacity_) {
      on_forget(ring_[begin_ & (capacity_ - 1)]);
      unindex(begin_);
      if (cursor_ == begin_) ++cursor_;
      ++begin_;
    }
    const auto slot = static_cast<std::uint32_t>(end_++ & (capacity_ - 1));
    ring_[slot] = contact;
    std::size_t at = hash_of(contact) & mask_;
    while (index_[at] != 0 &&
           !same(ring_[index_[at] - 1], contact.owner, contact.generation, contact.account))
      at = (at + 1) & mask_;
    index_[at] = slot + 1;
    return ring_[slot];
  }

  // The oldest contact that has not matured; nullptr when none is left. mature_next() moves past it.
  [[nodiscard]] Contact* next_to_mature() {
    return cursor_ == end_ ? nullptr : &ring_[cursor_ & (capacity_ - 1)];
  }
  void mature_next() { ring_[cursor_++ & (capacity_ - 1)].packed |= Contact::kMatured; }

  template <class Visit>  // oldest first
  void for_each(Visit&& visit) const {
    for (std::uint64_t i = begin_; i != end_; ++i) visit(ring_[i & (capacity_ - 1)]);
  }
  // Newest first; stops when visit returns false.
  template <class Visit>
  void for_each_newest(Visit&& visit) const {
    for (std::uint64_t i = end_; i != begin_; --i)
      if (!visit(ring_[(i - 1) & (capacity_ - 1)])) return;
  }
  [[nodiscard]] std::uint64_t size() const { return end_ - begin_; }
  [[nodiscard]] std::uint64_t bytes() const {
    return size() * sizeof(Contact) + (mask_ + 1) * sizeof(std::uint32_t);
  }

 private:
  static bool same(const Contact& c, std::uint32_t owner, std::uint16_t generation,
                   std::uint64_t account) {
    return c.account == account && c.owner == owner && c.generation == generation;
  }
  std::uint64_t hash_of(const Contact& c) const {
    return hash(c.owner, c.generation, AccountKey{c.account});
  }

  // Takes the contact at `position` out of the index, unless a later one has superseded it; closes the gap (Knuth 6.4, algorithm R).
  void unindex(std::uint64_t position) {
    const auto wanted = static_cast<std::uint32_t>(position & (capacity_ - 1)) + 1;
    std::size_t gap = hash_of(ring_[wanted - 1]) & mask_;
    for (; index_[gap] != wanted; gap = (gap + 1) & mask_)
      if (index_[gap] == 0) return;
    for (std::size_t at = (gap + 1) & mask_; index_[at] != 0; at = (at + 1) & mask_) {
      const std::size_t home = hash_of(ring_[index_[at] - 1]) & mask_;
      if (((at - home) & mask_) >= ((at - gap) & mask_)) index_[gap] = index_[at], gap = at;
    }
    index_[gap] = 0;
  }

  std::uint32_t capacity_;
  std::size_t mask_;
  std::uint64_t seed_;
  std::uint64_t begin_ = 0, cursor_ = 0, end_ = 0;  // forgotten < begin_; matured < cursor_
  LazyArray<Contact> ring_;
  LazyArray<std::uint32_t> index_;
};

}  // namespace stuffwatch::detectors
