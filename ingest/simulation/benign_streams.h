// What honest people and machines do at the login page: visits with mistakes and second tries,
// stale clients, an office, a monitor.
//
// Threads: none. Memory: what is pending, at most some minutes of traffic.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "ingest/simulation/attempt.h"
#include "ingest/simulation/prng.h"
#include "ingest/simulation/world.h"

namespace stuffwatch::ingest::simulation {

// Plays one visit to its end: the first try, the mistakes, the second tries, the new password.
class VisitScript {
 public:
  VisitScript(const World& world, std::uint64_t seed) : world_(world), prng_(seed) {}

  // `first` is a successful attempt at the time of the visit; adds it as it really went.
  void play(const Attempt& first, PendingAttempts& out);
  // A password that has expired: old ones are tried first, most people have a new one some minutes
  // later.
  void play_expired(const Attempt& first, PendingAttempts& out);
  Prng& prng() { return prng_; }

 private:
  void fail(Attempt& attempt, FailureReason reason, PendingAttempts& out,
            std::uint32_t mean_seconds);
  void play_forgotten(Attempt attempt, PendingAttempts& out);

  const World& world_;
  Prng prng_;
};

struct TrafficConfig {
  EventTime begin{}, end{};
  std::uint64_t visits_per_1000_s = 1'200;
  bool by_hour = true;  // fewer visits at night; off: the same rate all day
  bool everyone =
      false;  // half of the visits sweep over all members, so that each comes at least once
};

// The members' visits.
class MemberTraffic final : public AttemptStream {
 public:
  MemberTraffic(std::shared_ptr<const World> world, const TrafficConfig& config,
                std::uint64_t seed);
  [[nodiscard]] std::optional<EventTime> next_time() override;
  Attempt take() override { return pending_.take(); }
  // From here on another rate.
  void set_rate(std::uint64_t visits_per_1000_s) { config_.visits_per_1000_s = visits_per_1000_s; }

 private:
  void schedule();
  [[nodiscard]] PersonId pick(EventTime time);

  std::shared_ptr<const World> world_;
  TrafficConfig config_;
  VisitScript script_;
  PendingAttempts pending_;
  Permutation sweep_;
  EventTime arrival_;
  std::uint64_t carry_us_ = 0, visits_ = 0;
};

// Devices that go on with an old password, or for a deleted account, until somebody notices.
class StaleClients final : public AttemptStream {
 public:
  StaleClients(std::shared_ptr<const World> world, EventTime begin, EventTime end,
               std::uint32_t clients, std::uint64_t seed);
  [[nodiscard]] std::optional<EventTime> next_time() override { return pending_.next_time(); }
  Attempt take() override;

 private:
  std::shared_ptr<const World> world_;
  EventTime end_;
  Prng prng_;
  PendingAttempts pending_;
};

struct OfficeConfig {
  EventTime opens{};
  std::uint32_t office = 0, employees = 1'000;
  std::uint32_t expired = 380'000;  // per million: password expired over the weekend
};

// One address, everybody within two hours.
class OfficeMorning final : public AttemptStream {
 public:
  OfficeMorning(std::shared_ptr<const World> world, const OfficeConfig& config, std::uint64_t seed);
  [[nodiscard]] std::optional<EventTime> next_time() override { return pending_.next_time(); }
  Attempt take() override { return pending_.take(); }

 private:
  std::shared_ptr<const World> world_;
  PendingAttempts pending_;
};

// A phone app that keeps trying an old password while its owner travels through one network after
// the other.
class TravellingRetries final : public AttemptStream {
 public:
  TravellingRetries(std::shared_ptr<const World> world, EventTime begin, EventTime end,
                    std::uint32_t travellers, std::uint64_t seed);
  [[nodiscard]] std::optional<EventTime> next_time() override { return pending_.next_time(); }
  Attempt take() override { return pending_.take(); }

 private:
  std::shared_ptr<const World> world_;
  PendingAttempts pending_;
};

// The site's own check that logging in works, once a minute.
class Monitor final : public AttemptStream {
 public:
  Monitor(std::shared_ptr<const World> world, EventTime begin, EventTime end);
  [[nodiscard]] std::optional<EventTime> next_time() override {
    return time_ < end_ ? std::optional(time_) : std::nullopt;
  }
  Attempt take() override;

 private:
  std::shared_ptr<const World> world_;
  EventTime time_, end_;
};

}  // namespace stuffwatch::ingest::simulation
