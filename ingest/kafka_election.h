// Who of several processes reads, when kafka.ownership is exclusive: the rule alone, without a
// broker (docs/adr/0004). A process joins the group only when nobody is in it. The one that got
// every partition owns them and stays for as long as it is a member; one that joined and did not
// get them all leaves at once and tries again later.
// Time: monotonic, handed in. Threads: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <string>

#include "ingest/kafka_answers.h"

namespace stuffwatch::ingest {

class KafkaElection {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Step : std::uint8_t { kNone, kJoin, kLeave };

  // `instance`: group.instance.id, or "". `seed` spreads the waiting times of processes started
  // together.
  KafkaElection(std::string instance, std::uint64_t seed)
      : instance_(std::move(instance)), random_(seed) {}

  // While outside the group: whether to look at its members now.
  [[nodiscard]] bool should_look(Clock::time_point now);
  // What was seen. kJoin when the group is empty, or holds only our own predecessor (same
  // group.instance.id).
  [[nodiscard]] Step on_group(const KafkaGroupAnswer& seen, Clock::time_point now);
  // The group gave us partitions. kLeave: give them back and leave the group.
  [[nodiscard]] Step on_assignment(bool complete, Clock::time_point now);
  // We are no longer a member.
  void on_lost(Clock::time_point now);

  [[nodiscard]] bool member() const { return state_ != State::kOutside; }
  [[nodiscard]] bool owner() const { return state_ == State::kOwner; }
  // Another process is (or may be) the owner, as far as we know.
  [[nodiscard]] bool standby() const {
    return (state_ == State::kOutside && others_) || state_ == State::kContested;
  }
  // Who stands in the way, for people; "" when nobody does.
  [[nodiscard]] const std::string& others() const { return words_; }

 private:
  enum class State : std::uint8_t { kOutside, kJoining, kOwner, kContested };
  [[nodiscard]] std::chrono::milliseconds between(int low_ms, int high_ms);
  void note_others(const KafkaGroupAnswer& seen);
  [[nodiscard]] bool predecessor(const KafkaGroupMember& member) const;

  State state_ = State::kOutside;
  std::string instance_;
  std::minstd_rand random_;
  Clock::time_point next_look_{};
  bool looking_ = false;
  bool others_ = false;
  std::string words_;
};

}  // namespace stuffwatch::ingest
