// A consumer site and the people who use it: what stays the same about each of them, from a seed
// and a number.
//
// People 0 .. members-1 have an account; the rest of the population does not, but stands in leaked
// lists all the same.
// Threads: immutable; const members may be called from any. Memory: kilobytes, whatever the number
// of people.
#pragma once

#include <cstdint>

#include "ingest/simulation/attempt.h"
#include "ingest/simulation/clients.h"
#include "ingest/simulation/names.h"
#include "ingest/simulation/networks.h"
#include "ingest/simulation/prng.h"

namespace stuffwatch::ingest::simulation {

// How people get it wrong; chances per million visits.
struct Mistakes {
  std::uint32_t mistyped_password = 26'000;  // the next try is right, mostly
  std::uint32_t forgotten_password = 9'000;  // several tries, then a new password or nothing
  std::uint32_t mistyped_name = 6'000;       // an account that does not exist, then the right one
  std::uint32_t no_account = 2'500;          // somebody who never had an account here
  std::uint32_t locked = 400, disabled = 200, mfa_failed = 900, site_error = 300;
};

struct WorldConfig {
  std::uint64_t seed = 1;
  std::uint32_t members = 20'000;
  std::uint32_t population = 400'000;    // <= Names::kMostPeople
  std::uint32_t phone_visits = 700'000;  // per million: by phone rather than by desktop
  std::uint32_t app_visits = 750'000;    // per million phone visits: with the site's own app
  std::uint32_t away_visits =
      450'000;  // per million phone visits: over a carrier rather than the home's wireless
  std::uint32_t shared_homes = 60'000;     // per million homes: behind their provider's CGNAT
  std::uint32_t members_per_egress = 400;  // how large a shared address is
  milliseconds keeps_address =
      std::chrono::minutes(90);    // how long a carrier leaves a phone on one address
  std::uint32_t roaming = 10'000;  // per million members: on another carrier every time
  Mistakes mistakes;
};

enum class DeviceKind : std::uint8_t { kDesktop, kPhone, kApp };

class World {
 public:
  explicit World(const WorldConfig& config);

  [[nodiscard]] const WorldConfig& config() const { return config_; }
  [[nodiscard]] const Names& names() const { return names_; }
  [[nodiscard]] const Clients& clients() const { return clients_; }
  [[nodiscard]] bool is_member(PersonId person) const { return person < config_.members; }

  // A random number that belongs to this property of this person.
  [[nodiscard]] std::uint64_t property(PersonId person, std::uint64_t which) const {
    return mix(config_.seed, which, person);
  }

  // An attempt of this person from home on this device, successful so far. Fills everything but the
  // time of day's effects.
  [[nodiscard]] Attempt at_home(PersonId person, DeviceKind device, EventTime time) const;
  // The same over a mobile carrier: the address changes every `keeps_address`, and is shared with
  // many.
  [[nodiscard]] Attempt on_the_move(PersonId person, DeviceKind device, EventTime time) const;
  // Whether a person would be awake and here at this hour; `dice` is a fresh random number.
  [[nodiscard]] bool fits_habits(PersonId person, EventTime time, std::uint64_t dice) const;

 private:
  [[nodiscard]] Attempt with_device(PersonId person, DeviceKind device, EventTime time) const;

  WorldConfig config_;
  Names names_;
  Clients clients_;
  std::uint32_t homes_, egresses_;
  Permutation home_place_;
};

}  // namespace stuffwatch::ingest::simulation
