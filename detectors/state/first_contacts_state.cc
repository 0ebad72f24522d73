// FirstContacts on disk: records in the order of eviction, so that reading them back restores it; contacts and addresses refer to prefixes by rank.
// Contacts that can no longer matter keep their place in the ring (what is forgotten next depends on it) but not their content.
#include <algorithm>
#include <bit>
#include <chrono>
#include <utility>
#include <vector>

#include "detectors/state/first_contacts.h"

namespace stuffwatch::detectors {
namespace {

constexpr std::uint32_t kFetchAhead = 16;  // contacts whose record is fetched meanwhile

// Without what the record of its prefix knows too. What is rare follows in words of its own.
struct StoredContact {
  static constexpr std::uint64_t kManySkipped = (1 << 11) - 1, kManyAttempts = 1 << 12;

  std::uint64_t account = 0;
  std::uint64_t time_ms : 44 = 0;
  std::uint64_t skipped : 11 =
      0;  // contacts before it that no longer matter; kManySkipped: 8 bytes follow
  std::uint64_t more : 1 = 0;  // 8 bytes follow: lag and attempts
  std::uint64_t prefix_class : 2 = 0, address_class : 2 = 0;
  std::uint64_t of_prefix : 1 = 0, of_address : 1 = 0, stranger : 1 = 0, matured : 1 = 0;
  std::uint64_t record : 24 = 0, suffix : 16 = 0;
  std::uint64_t prefix_attempts : 12 = 0, address_attempts : 12 = 0;
};
static_assert(sizeof(StoredContact) == 24);

struct Rare {
  std::uint64_t lag_ms : 27 = 0, prefix_attempts : 16 = 0, address_attempts : 16 = 0;
};

void put(StateWriter& out, std::uint64_t skipped, const Contact& c, std::uint32_t rank) {
  StoredContact s;
  s.account = c.account, s.time_ms = c.time_ms;
  s.skipped = std::min(skipped, StoredContact::kManySkipped) & StoredContact::kManySkipped;
  s.prefix_class = c.prefix_class, s.address_class = c.address_class;
  s.of_prefix = c.of_prefix, s.of_address = c.of_address;
  s.stranger = c.stranger, s.matured = c.matured;
  s.record = rank & ContactOwner::kNobody, s.suffix = c.suffix;
  s.more = c.lag_ms != 0 || c.prefix_attempts >= StoredContact::kManyAttempts ||
           c.address_attempts >= StoredContact::kManyAttempts;
  if (!s.more) {
    s.prefix_attempts = c.prefix_attempts & (StoredContact::kManyAttempts - 1);
    s.address_attempts = c.address_attempts & (StoredContact::kManyAttempts - 1);
  }
  out.put(s);
  if (s.skipped == StoredContact::kManySkipped) out.put(skipped);
  if (s.more) out.put(Rare{c.lag_ms, c.prefix_attempts, c.address_attempts});
}

struct Got {
  std::uint64_t skipped = 0;
  Contact contact;  // but for what its record knows
};
Got get(StateReader& in) {
  const auto s = in.get<StoredContact>();
  Got got{s.skipped == StoredContact::kManySkipped ? in.get<std::uint64_t>() : s.skipped, {}};
  const Rare rare = s.more ? in.get<Rare>() : Rare{0, s.prefix_attempts, s.address_attempts};
  Contact& c = got.contact;
  c.account = s.account, c.time_ms = s.time_ms;
  c.prefix_class = s.prefix_class, c.address_class = s.address_class;
  c.of_prefix = s.of_prefix, c.of_address = s.of_address;
  c.stranger = s.stranger, c.matured = s.matured;
  c.record = s.record, c.suffix = s.suffix, c.lag_ms = rare.lag_ms;
  c.prefix_attempts = rare.prefix_attempts, c.address_attempts = rare.address_attempts;
  return got;
}

}  // namespace

// Whether a later event may still ask for it: to count its account, or as evidence, which may have begun before the life.
bool FirstContacts::may_matter(const Contact& contact) const {
  if (!is_live(contact)) return false;
  const auto from_ms = [](std::int64_t ms) { return EventTime{std::chrono::milliseconds{ms}}; };
  const auto to = [&](const Record& record) {
    const auto since = [&](std::int32_t ms) {
      return ms != kNone && contact.time() >= from_ms(record.life_start_ms + ms);
    };
    return !of_earlier_life(record, contact) || since(record.matured_since_ms) ||
           since(record.at_once_since_ms);
  };
  const Record& prefix = slab_.at(static_cast<std::uint32_t>(contact.record));
  if (contact.of_prefix && to(prefix)) return true;
  const Record* address = contact.of_address ? find_address(prefix, contact.suffix) : nullptr;
  return address != nullptr && to(*address);
}

std::uint64_t FirstContacts::state_bytes() const {
  return slab_.size() * sizeof(Record) + contacts_.size() * sizeof(StoredContact) + 128;
}

void FirstContacts::save(StateWriter& out) const {
  out.expect(state_bytes());
  std::vector<std::uint32_t> rank(slab_.max_size(), ContactOwner::kNobody);
  out.put(slab_.size());
  std::uint32_t next = 0;
  slab_.for_each([&](const Record& record) { rank[slab_.number_of(record)] = next++; });
  slab_.for_each([&](const Record& record) {
    Record saved = record;
    if (saved.address) saved.prefix = rank[saved.prefix];
    out.put(saved);
  });
  out.put(contacts_.size());
  std::uint64_t skipped = 0;
  contacts_.for_each(kFetchAhead, [&](const Contact& c, const Contact* later) {
    if (later != nullptr && later->owned())
      slab_.prefetch_at(static_cast<std::uint32_t>(later->record));
    if (may_matter(c))
      put(out, std::exchange(skipped, 0), c, rank[c.record]);
    else
      ++skipped;
  });
  if (skipped != 0) put(out, skipped, {}, 0);  // the end: no contact of its own
  out.put(lives_), out.put(forgotten_);
}

void FirstContacts::load(StateReader& in) {
  const auto keys = in.get<std::uint32_t>();
  if (keys > slab_.max_size()) return in.fail();
  for (std::uint32_t i = 0; i < keys && !in.failed(); ++i) {
    const auto saved = in.get<Record>();
    bool inserted = false;
    Record& record = slab_.touch(saved.key(), slab_.hash(saved.key()), inserted);
    if (!inserted || (saved.address && saved.prefix >= keys)) return in.fail();
    record = saved;
  }
  const auto total = in.get<std::uint64_t>();
  if (total > std::bit_ceil(settings_.max_contacts)) return in.fail();
  const auto add = [&](const Contact& c) {
    const Contact& last = contacts_.append(c, [](const Contact&) {});
    if (c.matured && contacts_.next_to_mature() == &last)
      contacts_.mature_next();  // not past one that is still pending
  };
  Contact blank;
  blank.matured = 1;
  while (contacts_.size() != total && !in.failed()) {
    Got got = get(in);
    if (got.skipped > total - contacts_.size()) return in.fail();
    for (; got.skipped != 0; --got.skipped) add(blank);
    if (contacts_.size() == total) break;
    if (got.contact.record >= keys) return in.fail();
    const Record& prefix = slab_.at(static_cast<std::uint32_t>(got.contact.record));
    got.contact.generation = prefix.generation;
    got.contact.key_hash = slab_.hash(prefix.key()) & ContactOwner::kHashMask;
    add(got.contact);
  }
  lives_ = in.get<EvidenceLives>(), forgotten_ = in.get<std::uint64_t>();
}

}  // namespace stuffwatch::detectors
