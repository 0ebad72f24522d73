#include "ingest/kafka_election.h"

#include <algorithm>

#include <fmt/core.h>

namespace stuffwatch::ingest {

std::chrono::milliseconds KafkaElection::between(int low_ms, int high_ms) {
  return std::chrono::milliseconds(std::uniform_int_distribution<int>(low_ms, high_ms)(random_));
}

bool KafkaElection::should_look(Clock::time_point now) {
  // A member looks only while it shares the partitions with somebody, to be able to name it.
  if (looking_ || (state_ != State::kOutside && state_ != State::kContested) || now < next_look_)
    return false;
  looking_ = true;
  return true;
}

void KafkaElection::note_others(const KafkaGroupAnswer& seen) {
  words_.clear();
  for (const KafkaGroupMember& member : seen.members) {
    if (!words_.empty()) words_ += ", ";
    words_ +=
        fmt::format("{} at {}", member.client.empty() ? member.id : member.client, member.host);
  }
}

// The coordinator names a static member after its group.instance.id, a dash and a UUID.
bool KafkaElection::predecessor(const KafkaGroupMember& member) const {
  constexpr std::size_t kUuid = 36;
  return !instance_.empty() && member.id.size() == instance_.size() + 1 + kUuid &&
         member.id.starts_with(instance_ + "-");
}

KafkaElection::Step KafkaElection::on_group(const KafkaGroupAnswer& seen, Clock::time_point now) {
  looking_ = false;
  next_look_ = now + between(1000, 2000);
  if (!seen.error.empty()) {  // not knowing is no reason to join, but one to look again soon
    next_look_ = now + between(200, 400);
    return Step::kNone;
  }
  note_others(seen);
  if (state_ != State::kOutside) return Step::kNone;
  others_ =
      !std::ranges::all_of(seen.members, [&](const auto& member) { return predecessor(member); });
  if (others_) return Step::kNone;
  state_ = State::kJoining;
  return Step::kJoin;
}

KafkaElection::Step KafkaElection::on_assignment(bool complete, Clock::time_point now) {
  if (complete) {
    state_ = State::kOwner;
    others_ = false;
    words_.clear();
    return Step::kNone;
  }
  if (state_ == State::kOwner || state_ == State::kContested) {
    state_ = State::kContested;  // the newcomer leaves; we stay
    return Step::kNone;
  }
  state_ = State::kOutside;
  others_ = true;
  looking_ = false;
  next_look_ = now + between(300, 3000);
  return Step::kLeave;
}

void KafkaElection::on_lost(Clock::time_point now) {
  state_ = State::kOutside;
  looking_ = false;
  next_look_ = now + between(200, 600);
}

}  // namespace stuffwatch::ingest
