#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <set>

#include "ingest/kafka_election.h"

namespace stuffwatch::ingest {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Step = KafkaElection::Step;
using Clock = KafkaElection::Clock;

constexpr Clock::time_point kStart{};

KafkaGroupAnswer nobody() { return {}; }
KafkaGroupAnswer somebody(const std::string& id = "stuffwatch-1") {
  return {{}, {{id, "stuffwatch", "/192.0.2.7"}}};
}
KafkaGroupAnswer silence() { return {"timed out", {}}; }

KafkaElection owner() {
  KafkaElection election("", 1);
  EXPECT_EQ(election.on_group(nobody(), kStart), Step::kJoin);
  EXPECT_EQ(election.on_assignment(true, kStart), Step::kNone);
  EXPECT_TRUE(election.owner());
  return election;
}

TEST(KafkaElection, JoinsAnEmptyGroupAndOwnsWhatItGetsWhole) {
  KafkaElection election("", 1);
  EXPECT_TRUE(election.should_look(kStart));
  EXPECT_FALSE(election.should_look(kStart)) << "one question at a time";
  EXPECT_FALSE(election.standby()) << "nobody else was seen";
  EXPECT_EQ(election.on_group(nobody(), kStart), Step::kJoin);
  EXPECT_TRUE(election.member());
  EXPECT_EQ(election.on_assignment(true, kStart), Step::kNone);
  EXPECT_TRUE(election.owner());
  EXPECT_FALSE(election.standby());
}

TEST(KafkaElection, StandsByForSomebodyAndNamesIt) {
  KafkaElection election("", 1);
  EXPECT_EQ(election.on_group(somebody(), kStart), Step::kNone);
  EXPECT_TRUE(election.standby());
  EXPECT_THAT(election.others(), HasSubstr("stuffwatch at /192.0.2.7"));
  EXPECT_FALSE(election.should_look(kStart + 900ms));
  EXPECT_TRUE(election.should_look(kStart + 2s));
  EXPECT_EQ(election.on_group(nobody(), kStart + 2s), Step::kJoin);
}

TEST(KafkaElection, NotKnowingIsNoReasonToJoin) {
  KafkaElection election("", 1);
  EXPECT_EQ(election.on_group(silence(), kStart), Step::kNone);
  EXPECT_FALSE(election.member());
  EXPECT_EQ(election.on_group(somebody(), kStart), Step::kNone);
  EXPECT_EQ(election.on_group(silence(), kStart), Step::kNone);
  EXPECT_TRUE(election.standby()) << "what was known stays known";
}

TEST(KafkaElection, NewcomerThatGetsLessLeavesAndComesBackLater) {
  KafkaElection election("", 1);
  EXPECT_EQ(election.on_group(nobody(), kStart), Step::kJoin);
  EXPECT_EQ(election.on_assignment(false, kStart), Step::kLeave);
  EXPECT_FALSE(election.member());
  EXPECT_TRUE(election.standby());
  EXPECT_FALSE(election.should_look(kStart + 200ms));
  EXPECT_TRUE(election.should_look(kStart + 3s));
}

TEST(KafkaElection, OwnerStaysWhenSomebodyJoinsAndOwnsAgainAfterwards) {
  KafkaElection election = owner();
  EXPECT_EQ(election.on_assignment(false, kStart), Step::kNone);
  EXPECT_TRUE(election.member());
  EXPECT_TRUE(election.standby()) << "it holds still";
  EXPECT_FALSE(election.owner());
  EXPECT_EQ(election.on_assignment(false, kStart), Step::kNone) << "still the one that stays";
  EXPECT_EQ(election.on_assignment(true, kStart), Step::kNone);
  EXPECT_TRUE(election.owner());
}

TEST(KafkaElection, OwnerDoesNotLookUnlessItIsContested) {
  KafkaElection election = owner();
  EXPECT_FALSE(election.should_look(kStart + 1h));
  EXPECT_EQ(election.on_assignment(false, kStart), Step::kNone);
  EXPECT_TRUE(election.should_look(kStart + 1h));
  EXPECT_EQ(election.on_group(nobody(), kStart + 1h), Step::kNone) << "it is a member already";
}

TEST(KafkaElection, LosingTheMembershipEndsTheOwnership) {
  KafkaElection election = owner();
  election.on_lost(kStart);
  EXPECT_FALSE(election.member());
  EXPECT_EQ(election.on_group(somebody(), kStart + 1s), Step::kNone);
  EXPECT_TRUE(election.standby());
  EXPECT_EQ(election.on_group(nobody(), kStart + 3s), Step::kJoin);
  EXPECT_EQ(election.on_assignment(false, kStart + 3s), Step::kLeave)
      << "it has no older right any more";
}

TEST(KafkaElection, TakesTheSeatOfItsPredecessorOnly) {
  const std::string uuid = "-0b2a6a0e-6b7e-4b1c-9d2f-0a1b2c3d4e5f";
  KafkaElection election("blue", 1);
  EXPECT_EQ(election.on_group(somebody("blue2" + uuid), kStart), Step::kNone);
  EXPECT_EQ(election.on_group(somebody("blue-2" + uuid), kStart), Step::kNone);
  EXPECT_EQ(election.on_group(somebody("blue" + uuid), kStart), Step::kJoin);
  KafkaElection dynamic("", 1);
  EXPECT_EQ(dynamic.on_group(somebody(uuid), kStart), Step::kNone)
      << "without an instance there is no predecessor";
}

// A group with a range assignor, and processes that join, die and are started again: at every
// moment at most one owns the partitions, and some time after the last disturbance exactly one
// does.
class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {
    for (std::uint64_t i = 0; i < 4; ++i) processes_.emplace_back(std::in_place, "", seed * 10 + i);
  }

  void step() {
    now_ += 50ms;
    bool changed = false;
    for (std::size_t i = 0; i < processes_.size(); ++i) {
      if (!processes_[i] || !processes_[i]->should_look(now_)) continue;
      // The answer is as old as the round trip: up to one step of the others.
      if (processes_[i]->on_group(seen_, now_) == Step::kJoin) changed |= members_.insert(i).second;
    }
    seen_ = {};
    for (const std::size_t i : members_)
      seen_.members.push_back({std::to_string(i), "stuffwatch", "host"});
    if (changed) rebalance();
    EXPECT_LE(owners(), 1U);
  }

  void kill_owner() {
    for (std::size_t i = 0; i < processes_.size(); ++i) {
      if (!processes_[i] || !processes_[i]->owner()) continue;
      processes_[i].reset();
      members_.erase(i);  // after its session timed out
      rebalance();
      processes_[i].emplace("", random_());
      return;
    }
  }

  std::size_t owners() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(processes_, [](const auto& p) { return p && p->owner(); }));
  }

 private:
  void rebalance() {
    for (bool again = true; again;) {
      again = false;
      const bool whole = members_.size() == 1;
      const std::set<std::size_t> members = members_;
      for (const std::size_t i : members) {
        if (processes_[i]->on_assignment(whole, now_) != Step::kLeave) continue;
        members_.erase(i);
        again = true;
      }
    }
  }

  std::minstd_rand random_;
  Clock::time_point now_{};
  std::deque<std::optional<KafkaElection>> processes_;
  std::set<std::size_t> members_;
  KafkaGroupAnswer seen_;
};

TEST(KafkaElection, OneOwnerWhateverHappens) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    World world(seed);
    for (int death = 0; death < 5; ++death) {
      for (int i = 0; i < 600; ++i) world.step();  // 30 s
      ASSERT_EQ(world.owners(), 1U) << "seed " << seed << ", after " << death << " deaths";
      world.kill_owner();
    }
  }
}

}  // namespace
}  // namespace stuffwatch::ingest
