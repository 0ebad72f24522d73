// First contacts of networks and accounts, in the order in which they happened: who has been counted, what became of it, and what is still to mature.
//
// One contact serves an address and the prefix that holds it: most accounts are new to both at once. A ring of 32-byte contacts and an index over it. A
// contact is filed by (prefix, account), so that it can be fetched before it is known which record the prefix has; one that is new to its address alone
// is filed by (prefix, address, account). When the ring is full the oldest contact is forgotten, whatever its key: an attacker who floods it only
// shortens the memory, the same for everyone and everywhere.
// Memory: capacity * 40..48 bytes. Cost: O(1). Threads: none.
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

// For which networks something counts.
enum class Scope : std::uint8_t { kPrefix = 1, kAddress = 2, kBoth = 3 };
[[nodiscard]] constexpr bool covers(Scope scope, Scope one) {
  return (static_cast<unsigned>(scope) & static_cast<unsigned>(one)) != 0;
}

// Whose contact it is: a prefix's record in the slab, in one of its lives (a reused record disowns its predecessor's contacts), and what of the prefix's
// hash finds the contact in the index.
struct ContactOwner {
  std::uint32_t record = kNobody;
  std::uint16_t generation = 0;
  std::uint32_t key_hash = 0;

  static constexpr std::uint32_t kNobody = 0xffffff, kHashMask = 0xfffff;
  static ContactOwner of(std::uint32_t record, std::uint16_t generation, std::uint64_t hash) {
    return {record, generation, static_cast<std::uint32_t>(hash & kHashMask)};
  }
};

struct Contact {
  std::uint64_t account = 0;
  std::uint64_t time_ms : 44 = 0;  // event time, since 1691 and until 2248
  std::uint64_t key_hash : 20 = 0;
  std::uint64_t record : 24 = ContactOwner::kNobody, generation : 16 = 0;
  std::uint64_t suffix : 16 = 0;  // which address of the prefix
  std::uint64_t prefix_class : 2 = 0, address_class : 2 = 0;
  std::uint64_t of_prefix : 1 = 0, of_address : 1 = 0;  // whose first contact it is
  std::uint64_t stranger : 1 = 0, matured : 1 = 0;
  std::uint64_t lag_ms : 27 = 0;  // of order time behind event time, at most 37 hours
  std::uint64_t prefix_attempts : 16 = 0,
                                  address_attempts : 16 = 0;  // retries included; they saturate
  std::uint64_t filed_by_address : 1 = 0;                     // the log's own

  static Contact make(const LoginEvent& event, ContactClass first, Scope scope,
                      const ContactOwner& owner, std::uint16_t suffix) {
    const auto klass = static_cast<unsigned>(first);
    Contact c;
    c.account = value_of(event.account);
    c.time_ms = limited(event.time.time_since_epoch().count() - kFirstMs, kMaxTime) & kMaxTime;
    c.lag_ms = limited(event.lag.count(), kMaxLag) & kMaxLag;
    c.key_hash = owner.key_hash & ContactOwner::kHashMask;
    c.record = owner.record & ContactOwner::kNobody, c.generation = owner.generation;
    c.suffix = suffix, c.stranger = event.stranger;
    c.prefix_class = klass & 3, c.address_class = klass & 3;
    c.of_prefix = covers(scope, Scope::kPrefix), c.of_address = covers(scope, Scope::kAddress);
    c.prefix_attempts = c.of_prefix, c.address_attempts = c.of_address;
    return c;
  }
  [[nodiscard]] bool owned() const { return record != ContactOwner::kNobody; }
  [[nodiscard]] bool counts_for(Scope one) const {
    return one == Scope::kAddress ? of_address : of_prefix;
  }
  [[nodiscard]] ContactClass contact_class(Scope one) const {
    return static_cast<ContactClass>(one == Scope::kAddress ? address_class : prefix_class);
  }
  [[nodiscard]] std::uint32_t attempts(Scope one) const {
    return one == Scope::kAddress ? address_attempts : prefix_attempts;
  }
  void count_attempt(Scope scope) {
    if (covers(scope, Scope::kPrefix) && prefix_attempts != UINT16_MAX) ++prefix_attempts;
    if (covers(scope, Scope::kAddress) && address_attempts != UINT16_MAX) ++address_attempts;
  }
  void set_ok(Scope scope) {
    if (covers(scope, Scope::kPrefix)) prefix_class = 0;
    if (covers(scope, Scope::kAddress)) address_class = 0;
  }
  [[nodiscard]] EventTime time() const {
    return EventTime{std::chrono::milliseconds{kFirstMs + static_cast<std::int64_t>(time_ms)}};
  }
  [[nodiscard]] EventTime order_time() const { return time() + std::chrono::milliseconds{lag_ms}; }

 private:
  static constexpr std::int64_t kFirstMs = -(std::int64_t{1} << 43);
  static constexpr std::uint64_t kMaxTime = (std::uint64_t{1} << 44) - 1,
                                 kMaxLag = (std::uint64_t{1} << 27) - 1;
  static std::uint64_t limited(std::int64_t value, std::uint64_t most) {
    return value < 0 ? 0 : std::min(static_cast<std::uint64_t>(value), most);
  }
};
static_assert(sizeof(Contact) == 32 && static_cast<int>(ContactClass::kOk) == 0);

class ContactLog {
 public:
  ContactLog(std::uint32_t capacity, std::uint64_t seed)
      : capacity_(std::bit_ceil(capacity)),
        mask_(std::size_t{capacity_} * 2 - 1),
        seed_(seed),
        ring_(capacity_),
        index_(mask_ + 1) {}

  // Where a contact of that account with the prefix of that hash is filed: for prefetch.
  [[nodiscard]] std::uint64_t hash(std::uint64_t prefix_hash, AccountKey account) const {
    return mix(prefix_hash & ContactOwner::kHashMask, value_of(account), seed_);
  }
  void prefetch(std::uint64_t hash) const { __builtin_prefetch(&index_[hash & mask_]); }

  // After prefetch() has arrived: fetches the contact that the hash most likely stands for.
  void prefetch_contact(std::uint64_t hash) const {
    if (const std::uint32_t slot = index_[hash & mask_]; slot != 0)
      __builtin_prefetch(&ring_[slot - 1]);
  }

  // The newest first contact of that account with the prefix, or nullptr.
  [[nodiscard]] Contact* find(const ContactOwner& owner, AccountKey account) {
    return at(locate(filing(owner, account)));
  }
  // The newest that is filed for one address of the prefix alone, or nullptr.
  [[nodiscard]] Contact* find(const ContactOwner& owner, std::uint16_t suffix, AccountKey account) {
    return at(locate(filing(owner, account, suffix)));
  }

  // Appends; supersedes an earlier contact that is filed alike. `on_forget(contact)` sees the one that makes room, if any.
  template <class OnForget>
  Contact& append(const Contact& contact, OnForget&& on_forget) {
    if (end_ - begin_ == capacity_) {
      on_forget(ring_[begin_ & (capacity_ - 1)]);
      unindex(begin_);
      if (cursor_ == begin_) ++cursor_;
      ++begin_;
    }
    const auto place = static_cast<std::uint32_t>(end_++ & (capacity_ - 1));
    Contact& added = ring_[place] = contact;
    added.filed_by_address = !contact.of_prefix;
    const std::size_t where = locate(added);
    const std::uint32_t earlier = index_[where];
    index_[where] = place + 1;
    if (earlier != 0 && !added.filed_by_address) keep_for_address(earlier, added);
    return added;
  }

  // The oldest contact that has not matured; nullptr when none is left. mature_next() moves past it.
  [[nodiscard]] Contact* next_to_mature() {
    return cursor_ == end_ ? nullptr : &ring_[cursor_ & (capacity_ - 1)];
  }
  [[nodiscard]] const Contact* to_mature_after(std::uint32_t others) const {
    return end_ - cursor_ <= others ? nullptr : &ring_[(cursor_ + others) & (capacity_ - 1)];
  }
  void mature_next() { ring_[cursor_++ & (capacity_ - 1)].matured = 1; }

  // Oldest first, each with the one that comes `ahead` places later (nullptr at the end), so that what it refers to can be fetched.
  template <class Visit>
  void for_each(std::uint32_t ahead, Visit&& visit) const {
    for (std::uint64_t i = begin_; i != end_; ++i)
      visit(ring_[i & (capacity_ - 1)],
            end_ - i <= ahead ? nullptr : &ring_[(i + ahead) & (capacity_ - 1)]);
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
  // What two contacts that are filed alike have in common.
  static Contact filing(const ContactOwner& owner, AccountKey account) {
    Contact c;
    c.account = value_of(account), c.key_hash = owner.key_hash & ContactOwner::kHashMask;
    c.record = owner.record & ContactOwner::kNobody, c.generation = owner.generation;
    return c;
  }
  static Contact filing(const ContactOwner& owner, AccountKey account, std::uint16_t suffix) {
    Contact c = filing(owner, account);
    c.filed_by_address = 1, c.suffix = suffix;
    return c;
  }
  static bool filed_alike(const Contact& a, const Contact& b) {
    return a.account == b.account && a.record == b.record && a.generation == b.generation &&
           a.filed_by_address == b.filed_by_address &&
           (!a.filed_by_address || a.suffix == b.suffix);
  }
  [[nodiscard]] std::uint64_t hash_of(const Contact& c) const {
    const std::uint64_t address = c.filed_by_address ? std::uint64_t{c.suffix} + 1 : 0;
    return mix(c.key_hash | address << 20, c.account, seed_);
  }
  [[nodiscard]] Contact* at(std::size_t where) {
    const std::uint32_t slot = index_[where];
    return slot == 0 ? nullptr : &ring_[slot - 1];
  }

  // Where the index has what is filed like `wanted`, or the gap where it would be.
  [[nodiscard]] std::size_t locate(const Contact& wanted) const {
    std::size_t where = hash_of(wanted) & mask_;
    for (; index_[where] != 0; where = (where + 1) & mask_)
      if (filed_alike(ring_[index_[where] - 1], wanted)) break;
    return where;
  }

  // A prefix counts the account once more, while the address of its earlier contact need not: that one is filed for the address from now on.
  void keep_for_address(std::uint32_t slot, const Contact& added) {
    Contact& earlier = ring_[slot - 1];
    if (!earlier.of_address || (added.of_address && earlier.suffix == added.suffix)) return;
    earlier.filed_by_address = 1;
    const std::size_t where = locate(earlier);
    const auto age = [&](std::uint32_t s) { return (end_ - s) & (capacity_ - 1); };
    if (index_[where] == 0 || age(index_[where]) > age(slot)) index_[where] = slot;
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
