#include "detectors/state/keyed_slab.h"

#include <algorithm>
#include <list>
#include <map>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "detectors/state/mix.h"
#include "tests/detectors/streams.h"

namespace stuffwatch::detectors {
namespace {

struct Item {
  std::uint64_t id = 0, value = 0;
  std::uint32_t resets = 0;
  bool touched = false;
  [[nodiscard]] std::uint64_t key() const { return id; }
  void reset(const std::uint64_t& key) { id = key, value = 0, touched = false, ++resets; }
};
using Slab = KeyedSlab<Item>;

// The same table, told plainly: keys as the hand will meet them. It comes round by moving to the end whom it spares.
class Model {
 public:
  explicit Model(std::size_t max) : max_(max) {}
  [[nodiscard]] bool holds(std::uint64_t key) const { return values.contains(key); }
  std::vector<std::uint64_t> touch(std::uint64_t key,
                                   std::uint64_t value) {  // returns what was evicted
    std::vector<std::uint64_t> evicted;
    if (holds(key)) {
      spared.insert(key);
    } else {
      if (values.size() == max_) evicted.push_back(evict());
      order.push_back(key);
    }
    values[key] = value;
    return evicted;
  }
  std::map<std::uint64_t, std::uint64_t> values;
  std::list<std::uint64_t> order;

 private:
  std::uint64_t evict() {
    for (; spared.erase(order.front()) != 0; order.pop_front()) order.push_back(order.front());
    const std::uint64_t gone = order.front();
    order.pop_front(), values.erase(gone);
    return gone;
  }
  std::size_t max_;
  std::set<std::uint64_t> spared;
};

std::uint64_t good_hash(const std::uint64_t& key, std::uint64_t seed) { return mix(key, seed); }
// Three places at the end of the index, so that runs wrap around, and two tags: everything collides.
std::uint64_t poor_hash(const std::uint64_t& key, std::uint64_t) {
  return (0xffffffffull - key % 3) | (key % 2) << 60;
}
std::uint64_t same_hash(const std::uint64_t&, std::uint64_t) { return 5; }

void expect_same(Slab& slab, const Model& model, std::uint64_t keys) {
  ASSERT_EQ(slab.size(), model.values.size());
  std::vector<std::uint64_t> order;
  slab.for_each([&](const Item& item) { order.push_back(item.id); });
  ASSERT_TRUE(std::ranges::equal(order, model.order));
  for (std::uint64_t key = 0; key < keys; ++key) {
    const Item* item = slab.find(key, slab.hash(key));
    ASSERT_EQ(item != nullptr, model.holds(key)) << key;
    if (item != nullptr) {
      ASSERT_EQ(item->value, model.values.at(key)) << key;
    }
  }
}

void compare(std::uint32_t max, std::uint64_t keys, Slab::HashOf hash_of, std::uint64_t seed) {
  Slab slab(max, seed, hash_of);
  Model model(max);
  Random random(seed);
  std::uint64_t evictions = 0;
  for (std::uint64_t step = 1; step <= 3000; ++step) {
    const std::uint64_t key = random.below(keys);
    bool inserted = false;
    const bool known = model.holds(key);
    Item& item = slab.touch(key, slab.hash(key), inserted);
    ASSERT_EQ(inserted, !known);
    ASSERT_EQ(item.id, key);
    if (inserted) {
      ASSERT_EQ(item.value, 0U);
    }
    item.value = step;
    ASSERT_EQ(&slab.at(slab.number_of(item)), &item);
    for (const std::uint64_t gone : model.touch(key, step)) {
      ++evictions;
      ASSERT_EQ(slab.find(gone, slab.hash(gone)), nullptr);
    }
    if (step % 7 == 0 || step < 50) {
      ASSERT_NO_FATAL_FAILURE(expect_same(slab, model, keys)) << "step " << step;
    }
  }
  EXPECT_EQ(slab.evictions(), evictions);
  EXPECT_EQ(evictions != 0, keys > max);
  EXPECT_EQ(slab.max_size(), max);
}

TEST(KeyedSlab, AgreesWithAPlainListWhenItOverflows) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed)
    ASSERT_NO_FATAL_FAILURE(compare(37, 80, good_hash, seed));
}
TEST(KeyedSlab, AgreesWhenThereIsRoomForAll) { compare(64, 64, good_hash, 9); }
TEST(KeyedSlab, AgreesWhenHashesCollideAndRunsWrapAround) {
  compare(37, 80, poor_hash, 1);
  compare(37, 80, same_hash, 2);
}
TEST(KeyedSlab, AgreesWithOneRecord) { compare(1, 5, good_hash, 3); }

TEST(KeyedSlab, AFloodOfNewKeysSparesTheOnesSeenAgain) {
  Slab slab(100, 1, good_hash);
  bool inserted = false;
  const auto touch = [&](std::uint64_t key) { slab.touch(key, slab.hash(key), inserted); };
  for (std::uint64_t flood = 0; flood < 10'000; ++flood) {
    if (flood % 50 == 0)
      for (std::uint64_t regular = 1'000'000; regular < 1'000'020; ++regular) {
        touch(regular);
        ASSERT_EQ(inserted, flood == 0) << regular;
      }
    touch(flood);
  }
}

TEST(KeyedSlab, ASparedRecordStaysWhoeverElseGoes) {
  Slab slab(2, 1, good_hash);
  bool inserted = false;
  const Item& spared = slab.touch(1, slab.hash(1), inserted);
  for (std::uint64_t key = 2; key < 50; ++key) {
    slab.touch(key, slab.hash(key), inserted, slab.number_of(spared));
    ASSERT_TRUE(inserted);
    ASSERT_EQ(slab.find(1, slab.hash(1)), &spared);
    ASSERT_NE(slab.find(key, slab.hash(key)), nullptr);
  }
  EXPECT_EQ(slab.evictions(), 47U);
}

TEST(KeyedSlab, AReusedRecordIsOfAnotherGeneration) {
  Slab slab(1, 0, good_hash);
  bool inserted = false;
  slab.touch(7, slab.hash(7), inserted);
  const Item& second = slab.touch(8, slab.hash(8), inserted);
  EXPECT_EQ(slab.number_of(second), 0U);
  EXPECT_EQ(second.resets, 2U);  // of the record, not of the key
  EXPECT_EQ(slab.evictions(), 1U);
}

}  // namespace
}  // namespace stuffwatch::detectors
