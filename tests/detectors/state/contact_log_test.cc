#include "detectors/state/contact_log.h"

#include <deque>
#include <vector>

#include <gtest/gtest.h>

#include "tests/detectors/streams.h"

namespace stuffwatch::detectors {
namespace {

constexpr std::uint32_t kCapacity = 16;

struct Entry {
  std::uint64_t account, serial;
  std::uint32_t owner;
  std::uint16_t generation, suffix;
  Scope scope;
  bool matured = false;
};

LoginEvent event_of(std::uint64_t account, EventTime time) {
  LoginEvent event;
  event.account = AccountKey{account}, event.time = time;
  return event;
}
EventTime time_of(std::uint64_t serial) { return kStart + std::chrono::milliseconds{serial}; }

// Two owners share a prefix's hash, so that contacts of the same account lie in one run.
ContactOwner owner_of(std::uint32_t record, std::uint16_t generation) {
  return ContactOwner::of(record, generation, 0xf00000fULL + record / 2);
}
ContactOwner owner_of(const Entry& entry) { return owner_of(entry.owner, entry.generation); }

// The same log, told plainly: the newest kCapacity contacts, oldest first.
struct Model {
  std::deque<Entry> entries;
  const Entry* find(const Entry& like, Scope one) const {
    for (auto e = entries.rbegin(); e != entries.rend(); ++e)
      if (e->owner == like.owner && e->generation == like.generation &&
          e->account == like.account && covers(e->scope, one) &&
          (one == Scope::kPrefix || e->suffix == like.suffix))
        return &*e;
    return nullptr;
  }
  Entry* next_to_mature() {
    for (Entry& e : entries)
      if (!e.matured) return &e;
    return nullptr;
  }
};

void expect_is(const Contact& contact, const Entry& entry) {
  ASSERT_EQ(contact.account, entry.account);
  ASSERT_EQ(contact.record, entry.owner);
  ASSERT_EQ(contact.generation, entry.generation);
  ASSERT_EQ(contact.suffix, entry.suffix);
  ASSERT_EQ(contact.counts_for(Scope::kPrefix), covers(entry.scope, Scope::kPrefix));
  ASSERT_EQ(contact.counts_for(Scope::kAddress), covers(entry.scope, Scope::kAddress));
  ASSERT_EQ(contact.time(), time_of(entry.serial));
  ASSERT_EQ(contact.matured, entry.matured);
}

// As the detector looks for the newest of an address: the prefix's, or else one filed for the address alone.
Contact* of_address(ContactLog& log, const Entry& like) {
  Contact* known = log.find(owner_of(like), AccountKey{like.account});
  Contact* alone = log.find(owner_of(like), like.suffix, AccountKey{like.account});
  const bool here = known != nullptr && known->of_address && known->suffix == like.suffix;
  if (!here) return alone;
  return alone != nullptr && alone->time() > known->time() ? alone : known;
}

void expect_same(ContactLog& log, Model& model) {
  ASSERT_EQ(log.size(), model.entries.size());
  std::size_t at = 0;
  log.for_each(3, [&](const Contact& c, const Contact* later) {
    ASSERT_NO_FATAL_FAILURE(expect_is(c, model.entries[at++]));
    ASSERT_EQ(later != nullptr, at + 2 < model.entries.size());
    if (later == nullptr) return;
    ASSERT_NO_FATAL_FAILURE(expect_is(*later, model.entries[at + 2]));
  });
  log.for_each_newest([&](const Contact& c) {
    expect_is(c, model.entries[--at]);
    return at != 0;
  });
  EXPECT_EQ(at, 0U);
  for (std::uint32_t owner = 0; owner < 3; ++owner)
    for (std::uint16_t generation = 0; generation < 2; ++generation)
      for (std::uint64_t account = 0; account < 4; ++account)
        for (std::uint16_t suffix = 0; suffix < 3; ++suffix) {
          const Entry like{account, 0, owner, generation, suffix, Scope::kBoth};
          for (const Scope one : {Scope::kPrefix, Scope::kAddress}) {
            const Contact* found = one == Scope::kPrefix
                                       ? log.find(owner_of(like), AccountKey{account})
                                       : of_address(log, like);
            const Entry* wanted = model.find(like, one);
            ASSERT_EQ(found != nullptr, wanted != nullptr)
                << owner << ' ' << generation << ' ' << account << ' ' << suffix;
            if (found != nullptr) {
              ASSERT_NO_FATAL_FAILURE(expect_is(*found, *wanted));
            }
          }
        }
  Contact* next = log.next_to_mature();
  ASSERT_EQ(next == nullptr, model.next_to_mature() == nullptr);
  if (next != nullptr) expect_is(*next, *model.next_to_mature());
}

TEST(ContactLog, AgreesWithAPlainList) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    ContactLog log(kCapacity, seed);
    Model model;
    Random random(seed);
    std::uint64_t forgotten = 0;
    for (std::uint64_t step = 0; step < 3000; ++step) {
      if (random.chance(seed % 2 == 0
                            ? .5
                            : .2)) {  // odd seeds: the ring forgets contacts that never matured
        if (Entry* next = model.next_to_mature(); next != nullptr)
          next->matured = true, log.mature_next();
      } else {
        const Entry entry{random.below(4),
                          step,
                          static_cast<std::uint32_t>(random.below(3)),
                          static_cast<std::uint16_t>(random.below(2)),
                          static_cast<std::uint16_t>(random.below(3)),
                          static_cast<Scope>(1 + random.below(3))};
        const Contact contact =
            Contact::make(event_of(entry.account, time_of(step)), ContactClass::kBad, entry.scope,
                          owner_of(entry), entry.suffix);
        std::vector<Contact> gone;
        const Contact& kept = log.append(contact, [&](const Contact& c) { gone.push_back(c); });
        ASSERT_NO_FATAL_FAILURE(expect_is(kept, entry));
        ASSERT_EQ(gone.size(), model.entries.size() == kCapacity ? 1U : 0U);
        if (!gone.empty()) {
          ASSERT_NO_FATAL_FAILURE(expect_is(gone.front(), model.entries.front()));
          model.entries.pop_front();
          ++forgotten;
        }
        model.entries.push_back(entry);
      }
      ASSERT_NO_FATAL_FAILURE(expect_same(log, model)) << "seed " << seed << " step " << step;
    }
    EXPECT_GT(forgotten, 1000U);
  }
}

TEST(ContactLog, CapacityIsRoundedUpToAPowerOfTwo) {
  ContactLog log(5, 1);
  int forgotten = 0;
  for (std::uint64_t i = 0; i < 9; ++i)
    log.append(
        Contact::make(event_of(i, kStart), ContactClass::kOk, Scope::kBoth, owner_of(0, 0), 0),
        [&](const Contact& c) {
          ++forgotten;
          EXPECT_EQ(c.account, 0U);
        });
  EXPECT_EQ(log.size(), 8U);
  EXPECT_EQ(forgotten, 1);
}

TEST(Contact, KeepsTimeLagClassAndStrangerApart) {
  const EventTime times[] = {EventTime{}, kStart, EventTime{std::chrono::milliseconds{-1}},
                             EventTime{std::chrono::sys_days{std::chrono::year{2199} / 12 / 31}}};
  for (const EventTime time : times)
    for (const ContactClass first :
         {ContactClass::kOk, ContactClass::kBad, ContactClass::kUnknown, ContactClass::kFamiliar})
      for (const bool stranger : {false, true})
        for (const std::chrono::milliseconds lag : {0ms, 1ms, 600'001ms, 86'400'000ms}) {
          LoginEvent event = event_of(1, time);
          event.stranger = stranger, event.lag = lag;
          Contact c = Contact::make(event, first, Scope::kBoth, owner_of(2, 3), 0xfedc);
          EXPECT_EQ(c.time(), time);
          EXPECT_EQ(c.order_time(), time + lag);
          EXPECT_EQ(c.contact_class(Scope::kPrefix), first);
          EXPECT_EQ(c.contact_class(Scope::kAddress), first);
          EXPECT_EQ(c.stranger, stranger);
          EXPECT_FALSE(c.matured);
          EXPECT_EQ(c.attempts(Scope::kPrefix), 1U);
          EXPECT_EQ(c.suffix, 0xfedcU);
          c.set_ok(Scope::kAddress);
          c.matured = 1;
          EXPECT_EQ(c.time(), time);
          EXPECT_EQ(c.contact_class(Scope::kAddress), ContactClass::kOk);
          EXPECT_EQ(c.contact_class(Scope::kPrefix), first);
          EXPECT_EQ(c.stranger, stranger);
        }
}

TEST(Contact, CountsAttemptsUpToItsLimitAndTouchesNothingElse) {
  Contact c =
      Contact::make(event_of(1, kStart), ContactClass::kUnknown, Scope::kBoth, owner_of(2, 3), 7);
  for (int i = 0; i < 70'000; ++i) c.count_attempt(Scope::kPrefix);
  EXPECT_EQ(c.attempts(Scope::kPrefix), 65'535U);
  EXPECT_EQ(c.attempts(Scope::kAddress), 1U);
  c.count_attempt(Scope::kBoth);
  EXPECT_EQ(c.attempts(Scope::kPrefix), 65'535U);
  EXPECT_EQ(c.attempts(Scope::kAddress), 2U);
  EXPECT_EQ(c.time(), kStart);
  EXPECT_EQ(c.contact_class(Scope::kPrefix), ContactClass::kUnknown);
}

TEST(Contact, ATimeBeyondItsRangeIsTheLastOne) {
  const EventTime far{std::chrono::sys_days{std::chrono::year{9999} / 12 / 31}};
  const Contact c =
      Contact::make(event_of(1, far), ContactClass::kOk, Scope::kBoth, owner_of(2, 3), 0);
  EXPECT_GT(c.time(), EventTime{std::chrono::sys_days{std::chrono::year{2248} / 1 / 1}});
  EXPECT_LT(c.time(), far);
  EXPECT_EQ(c.attempts(Scope::kBoth), 1U);
}

}  // namespace
}  // namespace stuffwatch::detectors
