// Attackers: tools that walk a leaked list, and guessing at a few accounts from everywhere.
//
// Threads: none. Memory: a few bytes a worker or host of the attacker.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ingest/simulation/attempt.h"
#include "ingest/simulation/prng.h"
#include "ingest/simulation/world.h"

namespace stuffwatch::ingest::simulation {

// A leaked list: people of the whole population in an order that means nothing, some of them
// members of the site.
class BreachList {
 public:
  BreachList(const WorldConfig& world, std::string name, std::uint32_t lines);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint32_t lines() const { return lines_; }
  [[nodiscard]] PersonId person(std::uint32_t line) const {
    return static_cast<PersonId>(order_(line % lines_));
  }  // from 0

 private:
  std::string name_;
  std::uint32_t lines_;
  Permutation order_;
};

struct ListWalkConfig {
  std::uint16_t campaign = 0;
  EventTime begin{};
  std::uint32_t attempts = 600, first_line = 0;
  std::uint32_t workers = 4;  // concurrent requests; lines arrive out of order by about as many
  milliseconds mean_pause{1'500};  // between two attempts of one worker
  std::vector<Address> hosts;      // used one after the other
  std::uint32_t fewest_uses = 0,
                most_uses =
                    0;  // attempts a host before the next one is taken; 0 = one host for good
  std::vector<ClientId> clients;  // one a host
  std::uint32_t reused_passwords =
      150'000;  // per million listed members; at most 1 % of the attempts get in, at least .5 %
};

// One tool with several workers on one list, line by line.
class ListWalk final : public AttemptStream {
 public:
  ListWalk(std::shared_ptr<const World> world, std::shared_ptr<const BreachList> list,
           ListWalkConfig config, std::uint64_t seed);
  [[nodiscard]] std::optional<EventTime> next_time() override;
  Attempt take() override;

 private:
  struct Worker {
    EventTime next;
    std::uint32_t line = 0, host = 0, uses_left = 0;
  };
  void next_host(Worker& worker);
  void next_line(Worker& worker);
  void decide(Attempt& attempt);

  std::shared_ptr<const World> world_;
  std::shared_ptr<const BreachList> list_;
  ListWalkConfig config_;
  Prng prng_;
  std::vector<Worker> workers_;
  std::uint32_t lines_taken_ = 0, attempts_ = 0, successes_ = 0, hosts_used_ = 0;
  std::size_t turn_ = 0;
};

struct GuessingConfig {
  std::uint16_t campaign = 0;
  EventTime begin{};
  std::vector<PersonId> targets;
  std::uint32_t attempts_per_target = 60;
  milliseconds mean_pause{40'000};
};

// Passwords for a few accounts, every one from another home of somebody else; the first target
// falls in the end.
class Guessing final : public AttemptStream {
 public:
  Guessing(std::shared_ptr<const World> world, GuessingConfig config, std::uint64_t seed);
  [[nodiscard]] std::optional<EventTime> next_time() override;
  Attempt take() override;

 private:
  std::shared_ptr<const World> world_;
  GuessingConfig config_;
  Prng prng_;
  EventTime time_;
  std::uint32_t attempts_ = 0, total_;
};

}  // namespace stuffwatch::ingest::simulation
