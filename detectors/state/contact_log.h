// First contacts of (key, account) pairs, in the order in which they happened: who has been counted for a key, what became of it, and what
// is still to mature.
//
// A ring of 24-byte contacts and an index over it, by the hash of the key and the account: a contact can be fetched before it is known which record the
// key has, or that it has none. When the ring is full the oldest contact is forgotten, whatever its key: an attacker who floods it only shortens the
// memory, the same for everyone and everywhere.
// Memory: capacity * 32..40 bytes. Cost: O(1). Threads: none.
#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
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

// Whose contact it is: a record in the slab of keys, in one of its lives (a reused record disowns its predecessor's contacts), and what of the key's hash
// finds it in the index.
struct ContactOwner {
  std::uint64_t record : 24, generation : 16, key_hash : 24;

  static ContactOwner of(std::uint32_t record, std::uint16_t generation, std::uint64_t key_hash) {
    return {record & kLow24, generation, key_hash & kLow24};
  }
  static constexpr std::uint32_t kLow24 = 0xffffff;
  bool operator==(const ContactOwner&) const = default;
};
static_assert(sizeof(ContactOwner) == 8);

struct Contact {
  static constexpr std::uint32_t kNobody = ContactOwner::kLow24;

  std::uint64_t account = 0;
  std::uint64_t packed = 0;  // time << 20 | attempts << 4 | flags << 2 | class
  ContactOwner owner{kNobody, 0, 0};

  static constexpr std::uint64_t kStranger = 4, kMatured = 8;
  static Contact make(AccountKey account, EventTime time, ContactClass first, bool stranger,
                      ContactOwner owner) {
    const auto ms = std::clamp(time.time_since_epoch().count(), kFirstMs, kLastMs);
    return {value_of(account),
            static_cast<std::uint64_t>(ms) << 20 | kOneAttempt | (stranger ? kStranger : 0) |
                static_cast<std::uint64_t>(first),
            owner};
  }
  [[nodiscard]] bool owned() const { return owner.record != kNobody; }
  [[nodiscard]] ContactClass contact_class() const { return static_cast<ContactClass>(packed & 3); }
  void set_class(ContactClass value) {
    packed = (packed & ~std::uint64_t{3}) | static_cast<std::uint64_t>(value);
  }
  [[nodiscard]] bool stranger() const { return (packed & kStranger) != 0; }
  [[nodiscard]] bool matured() const { return (packed & kMatured) != 0; }
  [[nodiscard]] EventTime time() const {
    return EventTime{std::chrono::milliseconds{static_cast<std::int64_t>(packed) >> 20}};
  }
  // Retries included; saturates.
  [[nodiscard]] std::uint16_t attempts() const { return static_cast<std::uint16_t>(packed >> 4); }
  void count_attempt() {
    if (attempts() != UINT16_MAX) packed += kOneAttempt;
  }

 private:
  static constexpr std::uint64_t kOneAttempt = 16;
  static constexpr std::int64_t kLastMs = (std::int64_t{1} << 43) - 1,
                                kFirstMs = -kLastMs - 1;  // the years 1691 to 2248
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

  // `key_hash` is the whole hash of the key; contacts keep a part of it.
  [[nodiscard]] std::uint64_t hash(std::uint64_t key_hash, AccountKey account) const {
    return mix(key_hash & ContactOwner::kLow24, value_of(account), seed_);
  }
  void prefetch(std::uint64_t hash) const { __builtin_prefetch(&index_[hash & mask_]); }

  // After prefetch() has arrived: fetches the contact that the hash most likely stands for.
  void prefetch_contact(std::uint64_t hash) const {
    if (const std::uint32_t slot = index_[hash & mask_]; slot != 0)
      __builtin_prefetch(&ring_[slot - 1]);
  }

  // The newest contact of that account with that owner, or nullptr.
  [[nodiscard]] Contact* find(const ContactOwner& owner, AccountKey account) {
    const std::uint32_t slot = index_[locate(owner, account)];
    return slot == 0 ? nullptr : &ring_[slot - 1];
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
    const std::size_t at = locate(contact.owner, AccountKey{contact.account});
    const auto place = static_cast<std::uint32_t>(end_++ & (capacity_ - 1));
    index_[at] = place + 1;
    return ring_[place] = contact;
  }

  // The oldest contact that has not matured; nullptr when none is left. mature_next() moves past it.
  [[nodiscard]] Contact* next_to_mature() {
    return cursor_ == end_ ? nullptr : &ring_[cursor_ & (capacity_ - 1)];
  }
  [[nodiscard]] const Contact* to_mature_after(std::uint32_t others) const {
    return end_ - cursor_ <= others ? nullptr : &ring_[(cursor_ + others) & (capacity_ - 1)];
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
  [[nodiscard]] std::uint64_t hash_of(const Contact& c) const {
    return hash(c.owner.key_hash, AccountKey{c.account});
  }

  // Where the index has that contact, or the gap where it would be.
  [[nodiscard]] std::size_t locate(const ContactOwner& owner, AccountKey account) const {
    std::size_t at = hash(owner.key_hash, account) & mask_;
    for (; index_[at] != 0; at = (at + 1) & mask_) {
      const Contact& contact = ring_[index_[at] - 1];
      if (contact.account == value_of(account) && contact.owner == owner) break;
    }
    return at;
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
