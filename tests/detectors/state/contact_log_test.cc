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
  std::uint16_t generation;
  bool matured = false;
};

EventTime time_of(std::uint64_t serial) { return kStart + std::chrono::milliseconds{serial}; }

// The same log, told plainly: the newest kCapacity contacts, oldest first.
struct Model {
  std::deque<Entry> entries;
  const Entry* find(std::uint32_t owner, std::uint16_t generation, std::uint64_t account) const {
    for (auto e = entries.rbegin(); e != entries.rend(); ++e)
      if (e->owner == owner && e->generation == generation && e->account == account) return &*e;
    return nullptr;
  }
  Entry* next_to_mature() {
    for (Entry& e : entries)
      if (!e.matured) return &e;
    return nullptr;
  }
};

// Two owners share a key's hash, so that contacts of the same account lie in one run.
ContactOwner owner_of(std::uint32_t record, std::uint16_t generation) {
  return ContactOwner::of(record, generation, 0xf00000fULL + record / 2);
}
ContactOwner owner_of(const Entry& entry) { return owner_of(entry.owner, entry.generation); }

void expect_is(const Contact& contact, const Entry& entry) {
  ASSERT_EQ(contact.account, entry.account);
  ASSERT_EQ(contact.owner, owner_of(entry));
  ASSERT_EQ(contact.time(), time_of(entry.serial));
  ASSERT_EQ(contact.matured(), entry.matured);
}

void expect_same(ContactLog& log, Model& model) {
  ASSERT_EQ(log.size(), model.entries.size());
  std::size_t at = 0;
  log.for_each(
      [&](const Contact& c) { ASSERT_NO_FATAL_FAILURE(expect_is(c, model.entries[at++])); });
  log.for_each_newest([&](const Contact& c) {
    expect_is(c, model.entries[--at]);
    return at != 0;
  });
  EXPECT_EQ(at, 0U);
  for (std::uint32_t owner = 0; owner < 3; ++owner)
    for (std::uint16_t generation = 0; generation < 2; ++generation)
      for (std::uint64_t account = 0; account < 8; ++account) {
        const Contact* found = log.find(owner_of(owner, generation), AccountKey{account});
        const Entry* wanted = model.find(owner, generation, account);
        ASSERT_EQ(found != nullptr, wanted != nullptr)
            << owner << ' ' << generation << ' ' << account;
        if (found != nullptr) {
          ASSERT_NO_FATAL_FAILURE(expect_is(*found, *wanted));
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
        const Entry entry{random.below(8), step, static_cast<std::uint32_t>(random.below(3)),
                          static_cast<std::uint16_t>(random.below(2))};
        const Contact contact = Contact::make(AccountKey{entry.account}, time_of(step),
                                              ContactClass::kBad, true, owner_of(entry));
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
    log.append(Contact::make(AccountKey{i}, kStart, ContactClass::kOk, true, owner_of(0, 0)),
               [&](const Contact& c) {
                 ++forgotten;
                 EXPECT_EQ(c.account, 0U);
               });
  EXPECT_EQ(log.size(), 8U);
  EXPECT_EQ(forgotten, 1);
}

TEST(Contact, KeepsTimeClassAndStrangerApart) {
  const EventTime times[] = {EventTime{}, kStart, EventTime{std::chrono::milliseconds{-1}},
                             EventTime{std::chrono::sys_days{std::chrono::year{2199} / 12 / 31}}};
  for (const EventTime time : times)
    for (const ContactClass first :
         {ContactClass::kOk, ContactClass::kBad, ContactClass::kUnknown, ContactClass::kFamiliar})
      for (const bool stranger : {false, true}) {
        Contact c = Contact::make(AccountKey{1}, time, first, stranger, owner_of(2, 3));
        EXPECT_EQ(c.time(), time);
        EXPECT_EQ(c.contact_class(), first);
        EXPECT_EQ(c.stranger(), stranger);
        EXPECT_FALSE(c.matured());
        EXPECT_EQ(c.attempts(), 1);
        c.set_class(ContactClass::kOk);
        c.packed |= Contact::kMatured;
        EXPECT_EQ(c.time(), time);
        EXPECT_EQ(c.contact_class(), ContactClass::kOk);
        EXPECT_EQ(c.stranger(), stranger);
        EXPECT_TRUE(c.matured());
      }
}

TEST(Contact, CountsAttemptsUpToItsLimitAndTouchesNothingElse) {
  Contact c = Contact::make(AccountKey{1}, kStart, ContactClass::kUnknown, true, owner_of(2, 3));
  for (int i = 0; i < 70'000; ++i) c.count_attempt();
  EXPECT_EQ(c.attempts(), 65'535);
  EXPECT_EQ(c.time(), kStart);
  EXPECT_EQ(c.contact_class(), ContactClass::kUnknown);
  EXPECT_FALSE(c.matured());
}

TEST(Contact, ATimeBeyondItsRangeIsTheLastOne) {
  const EventTime far{std::chrono::sys_days{std::chrono::year{9999} / 12 / 31}};
  const Contact c = Contact::make(AccountKey{1}, far, ContactClass::kOk, true, owner_of(2, 3));
  EXPECT_GT(c.time(), EventTime{std::chrono::sys_days{std::chrono::year{2248} / 1 / 1}});
  EXPECT_LT(c.time(), far);
  EXPECT_EQ(c.attempts(), 1);
}

}  // namespace
}  // namespace stuffwatch::detectors
