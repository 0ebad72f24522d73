#include "ingest/simulation/world.h"

#include <algorithm>
#include <array>

namespace stuffwatch::ingest::simulation {
namespace {

enum Property : std::uint64_t {
  kHome = 1,
  kHabits,
  kDesktopClient,
  kPhoneClient,
  kAppClient,
  kCarrier,
  kPool,
  kDevice,
  kMfa,
  kSharedHome,
  kVersion6
};

constexpr std::uint32_t kPeoplePerHome = 2;

// Members live near each other: eight places for a home that exists, so that a /24 holds some
// thirty of them.
std::uint32_t places(std::uint32_t homes) { return std::min<std::uint32_t>(kMostHomes, homes * 8); }

// How likely a visit is at each hour, in percent of the busiest one, for people of the day, of the
// evening, of the night shift.
constexpr std::array<std::array<std::uint8_t, 24>, 3> kHours = {{
    {6, 4, 3, 3, 5, 12, 30, 55, 80, 95, 100, 95, 90, 85, 80, 78, 76, 74, 70, 60, 48, 35, 22, 12},
    {14, 8, 5, 3, 3, 5, 12, 25, 38, 45, 50, 55, 58, 55, 52, 55, 62, 74, 88, 97, 100, 92, 65, 32},
    {80, 85, 75, 65, 60, 55, 50, 40, 25, 15, 10, 8, 8, 10, 15, 25, 35, 45, 55, 60, 70, 80, 90, 100},
}};

std::uint64_t hours_since_epoch(EventTime time) {
  return static_cast<std::uint64_t>(
      std::chrono::floor<std::chrono::hours>(time).time_since_epoch().count());
}

}  // namespace

World::World(const WorldConfig& config)
    : config_(config),
      names_(config.seed),
      homes_(std::min<std::uint32_t>((config.members + kPeoplePerHome - 1) / kPeoplePerHome,
                                     kMostHomes)),
      egresses_(
          std::max<std::uint32_t>(2, config.members / (config.members_per_egress * kCarriers))),
      home_place_(places(homes_), mix(config.seed, 0x686f6d65)) {}

Attempt World::with_device(PersonId person, DeviceKind device, EventTime time) const {
  Attempt attempt;
  attempt.time = time;
  attempt.person = person;
  attempt.device = property(person, kDevice + (static_cast<std::uint64_t>(device) << 8));
  attempt.mfa = property(person, kMfa) % 8 == 0 ? Mfa::kPassed : Mfa::kNone;
  switch (device) {
    case DeviceKind::kDesktop:
      attempt.client = clients_.desktop(property(person, kDesktopClient));
      break;
    case DeviceKind::kPhone: attempt.client = clients_.phone(property(person, kPhoneClient)); break;
    case DeviceKind::kApp:
      attempt.client = clients_.app(property(person, kAppClient));
      attempt.app = App::kMobile;
      break;
  }
  return attempt;
}

Attempt World::at_home(PersonId person, DeviceKind device, EventTime time) const {
  Attempt attempt = with_device(person, device, time);
  const std::uint32_t home = person / kPeoplePerHome % homes_;
  const auto place = static_cast<std::uint32_t>(home_place_(home));
  if (reduce(property(home, kSharedHome), kMillion) < config_.shared_homes) {
    const std::uint64_t where = property(home, kCarrier);
    const auto egress = static_cast<std::uint32_t>((where >> 8) % egresses_);
    attempt.address =
        carrier_address(static_cast<std::uint32_t>(where % kCarriers), egress / 64, egress % 64);
  } else if (property(home, kVersion6) % 4 == 0) {
    const std::uint64_t day = hours_since_epoch(time) / 24;
    attempt.address = home_v6(place, home, mix(attempt.device, day));
  } else {
    attempt.address = home_v4(place);
  }
  return attempt;
}

Attempt World::on_the_move(PersonId person, DeviceKind device, EventTime time) const {
  Attempt attempt = with_device(person, device, time);
  const std::uint64_t period =
      static_cast<std::uint64_t>(time.time_since_epoch() / config_.keeps_address);
  // Not everybody changes at the same minute.
  const std::uint64_t slot = period + property(person, kPool) % 2;
  const bool roams = reduce(property(person, kCarrier), kMillion) < config_.roaming;
  const std::uint64_t carrier =
      roams ? mix(property(person, kCarrier), slot) : property(person, kCarrier) >> 3;
  const auto egress = static_cast<std::uint32_t>(mix(property(person, kPool), slot) % egresses_);
  // Two regions of the carrier for each person, 32 addresses in use of every /24.
  const std::uint32_t region =
      static_cast<std::uint32_t>(property(person, kPool) >> 8) + egress % 2;
  const std::uint32_t pools = std::max<std::uint32_t>(1, egresses_ / 32);
  attempt.address =
      carrier_address(static_cast<std::uint32_t>(carrier % kCarriers),
                      region % kCarrierSlash16s + kCarrierSlash16s * (egress % pools), egress % 32);
  return attempt;
}

bool World::fits_habits(PersonId person, EventTime time, std::uint64_t dice) const {
  const std::uint64_t kind = property(person, kHabits) % 16;
  const auto& hours = kHours[kind < 9 ? 0 : kind < 15 ? 1 : 2];
  return reduce(dice, 100) < hours[hours_since_epoch(time) % 24];
}

}  // namespace stuffwatch::ingest::simulation
