#include "ingest/simulation/scenarios.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "ingest/simulation/benign_streams.h"

namespace stuffwatch::ingest::simulation {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr EventTime kMonday = std::chrono::sys_days(std::chrono::year(2026) / 3 / 2);
constexpr std::array<std::string_view, 2> kStuffing = {"T1110.004", "OAT-008"};
constexpr std::array<std::string_view, 2> kGuessing = {"T1110.001", "OAT-007"};

// A plan with the site's ordinary traffic in it: visits, stale clients, the monitor.
Plan ordinary(const WorldConfig& config, EventTime begin, hours length,
              std::uint64_t visits_per_1000_s, Scale scale) {
  Plan plan;
  plan.world = std::make_shared<const World>(config);
  plan.end = begin + length;
  const TrafficConfig traffic{
      .begin = begin, .end = plan.end, .visits_per_1000_s = visits_per_1000_s};
  plan.stream.add(std::make_unique<MemberTraffic>(plan.world, traffic, mix(config.seed, 1)));
  plan.stream.add(std::make_unique<StaleClients>(plan.world, begin, plan.end, scale.of(40),
                                                 mix(config.seed, 2)));
  plan.stream.add(std::make_unique<Monitor>(plan.world, begin, plan.end));
  plan.lists = leaked_lists(config, scale);
  return plan;
}

std::uint64_t rate(std::uint32_t visits_per_1000_s, Scale scale) {
  return scale.of(visits_per_1000_s);
}

void add_walk(Plan& plan, const char* id, std::size_t list, ListWalkConfig config,
              std::uint64_t seed) {
  config.campaign = static_cast<std::uint16_t>(plan.campaigns.size());
  plan.campaigns.push_back(
      {id, {kStuffing.begin(), kStuffing.end()}, plan.lists[list]->name(), true});
  plan.stream.add(
      std::make_unique<ListWalk>(plan.world, plan.lists[list], std::move(config), seed));
}

Plan attack_burst_one_address(std::uint64_t seed, Scale scale) {
  const EventTime begin = kMonday + hours(8);
  Plan plan = ordinary(site(seed, scale), begin, hours(6), rate(1'500, scale), scale);
  add_walk(
      plan, "burst", 0,
      burst_from_one_address(begin + minutes(130), scale.of(600, 300), *plan.world, mix(seed, 10)),
      mix(seed, 11));
  return plan;
}

Plan attack_spread_prefixes(std::uint64_t seed, Scale scale) {
  const EventTime begin = kMonday + hours(8);
  Plan plan = ordinary(site(seed, scale), begin, hours(6), rate(1'500, scale), scale);
  add_walk(
      plan, "spread", 1,
      spread_over_prefixes(begin + minutes(95), scale.of(1'400, 480), *plan.world, mix(seed, 20)),
      mix(seed, 21));
  return plan;
}

Plan attack_guessing_fanin(std::uint64_t seed, Scale scale) {
  const EventTime begin = kMonday + hours(8);
  Plan plan = ordinary(site(seed, scale), begin, hours(6), rate(1'500, scale), scale);
  GuessingConfig config{.campaign = 0,
                        .begin = begin + minutes(70),
                        .targets = {},
                        .attempts_per_target = 60,
                        .mean_pause = milliseconds(36'000)};
  Prng prng(mix(seed, 30));
  while (config.targets.size() < 5) {
    const PersonId target = prng.below(plan.world->config().members);
    if (std::ranges::find(config.targets, target) == config.targets.end())
      config.targets.push_back(target);
  }
  plan.campaigns.push_back({"guessing", {kGuessing.begin(), kGuessing.end()}, {}, false});
  plan.stream.add(std::make_unique<Guessing>(plan.world, std::move(config), mix(seed, 31)));
  return plan;
}

Plan quiet_day(std::uint64_t seed, Scale scale) {
  return ordinary(site(seed, scale), kMonday + hours(24), hours(24), rate(1'100, scale), scale);
}

Plan cgnat_crowd(std::uint64_t seed, Scale scale) {
  WorldConfig config = site(seed, scale);
  config.shared_homes = 700'000;
  config.members_per_egress = 2'500;
  const EventTime begin = kMonday + hours(5);
  Plan plan = ordinary(config, begin, hours(9), rate(1'800, scale), scale);
  for (const auto& [office, employees, opens] :
       {std::tuple(1u, 1'500u, 90), {2u, 250u, 150}, {3u, 60u, 175}}) {
    const OfficeConfig morning{
        .opens = begin + minutes(opens), .office = office, .employees = scale.of(employees, 20)};
    plan.stream.add(std::make_unique<OfficeMorning>(plan.world, morning, mix(seed, 40 + office)));
  }
  return plan;
}

Plan mobile_roaming(std::uint64_t seed, Scale scale) {
  WorldConfig config = site(seed, scale);
  config.phone_visits = 920'000;
  config.away_visits = 850'000;
  config.roaming = 80'000;
  config.keeps_address = minutes(20);
  const EventTime begin = kMonday + hours(100);
  Plan plan = ordinary(config, begin, hours(12), rate(1'300, scale), scale);
  plan.stream.add(std::make_unique<TravellingRetries>(plan.world, begin, plan.end, scale.of(300),
                                                      mix(seed, 50)));
  return plan;
}

// 5 million events: a million addresses, two million accounts, one event in eight a failure.
Plan bench(std::uint64_t seed, Scale scale) {
  WorldConfig config;
  config.seed = seed;
  config.members = std::min(scale.of(2'000'000), Names::kMostPeople / 2);
  config.population = std::min(scale.of(6'000'000), Names::kMostPeople);
  config.away_visits = config.shared_homes = config.roaming = 0;
  config.mistakes = {.mistyped_password = 80'000,
                     .forgotten_password = 4'000,
                     .mistyped_name = 9'000,
                     .no_account = 4'000};
  Plan plan;
  plan.world = std::make_shared<const World>(config);
  plan.most_events = scale.of(5'000'000);
  // A little more than a day would bring, so that the number of events ends it.
  plan.end = kMonday + hours(25);
  const TrafficConfig traffic{.begin = kMonday,
                              .end = plan.end,
                              .visits_per_1000_s = scale.of(50'700),
                              .by_hour = false,
                              .everyone = true};
  plan.stream.add(std::make_unique<MemberTraffic>(plan.world, traffic, mix(seed, 1)));
  plan.lists.push_back(std::make_shared<const BreachList>(config, "bench2020", scale.of(200'000)));
  add_walk(plan, "burst", 0,
           burst_from_one_address(kMonday + hours(3), scale.of(20'000), *plan.world, mix(seed, 10)),
           mix(seed, 11));
  add_walk(plan, "spread", 0,
           spread_over_prefixes(kMonday + hours(9), scale.of(20'000), *plan.world, mix(seed, 20)),
           mix(seed, 21));
  return plan;
}

constexpr std::array<ScenarioInfo, 7> kScenarios = {{
    {"attack_burst_one_address",
     "one address tries hundreds of lines of a leaked list within minutes", ScenarioKind::kAttack,
     kStuffing, true, attack_burst_one_address},
    {"attack_spread_prefixes",
     "a leaked list from some hundred addresses of four /24s, a few attempts each",
     ScenarioKind::kAttack, kStuffing, true, attack_spread_prefixes},
    {"attack_guessing_fanin",
     "passwords of five existing accounts guessed from hundreds of networks", ScenarioKind::kAttack,
     kGuessing, true, attack_guessing_fanin},
    {"quiet_day",
     "a Tuesday: visits, typing errors, forgotten passwords, stale clients",
     ScenarioKind::kBenign,
     {},
     true,
     quiet_day},
    {"cgnat_crowd",
     "large shared addresses, and three offices whose passwords expired over the weekend",
     ScenarioKind::kBenign,
     {},
     true,
     cgnat_crowd},
    {"mobile_roaming",
     "phones that change networks all day, some of them with an old password",
     ScenarioKind::kBenign,
     {},
     true,
     mobile_roaming},
    {"bench",
     "5 million events for benchmarks: a million addresses, two million accounts, 12.5 % failures",
     ScenarioKind::kAttack, kStuffing, false, bench},
}};

}  // namespace

WorldConfig site(std::uint64_t seed, Scale scale) {
  WorldConfig config;
  config.seed = seed;
  config.members = scale.of(20'000);
  config.population = std::min(scale.of(400'000), Names::kMostPeople);
  return config;
}

std::vector<std::shared_ptr<const BreachList>> leaked_lists(const WorldConfig& site, Scale scale) {
  std::vector<std::shared_ptr<const BreachList>> lists;
  for (const auto& [name, lines] :
       {std::pair("forum2019", 60'000u), {"shop2021", 30'000u}, {"social2016", 100'000u}})
    lists.push_back(std::make_shared<const BreachList>(site, name, scale.of(lines)));
  return lists;
}

std::uint32_t Scale::of(std::uint32_t count, std::uint32_t at_least) const {
  const std::uint64_t scaled = std::uint64_t{count} * thousandths / 1'000;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(scaled, at_least, 0xffffffff));
}

config::Result<Scale> parse_scale(std::string_view text) {
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view decimals =
      point == text.npos ? std::string_view() : text.substr(point + 1);
  std::uint64_t value = 0;
  const std::string digits = std::string(whole) + std::string(decimals) +
                             std::string(3 - std::min<std::size_t>(3, decimals.size()), '0');
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool number =
      error == std::errc() && end == digits.data() + digits.size() && decimals.size() <= 3;
  if (!number || value < Scale::kMin || value > Scale::kMax)
    return config::misconfigured(
        "--scale {}: expected a number from 0.01 to 20 with at most three decimals, such as 0.25",
        text);
  return Scale{static_cast<std::uint32_t>(value)};
}

std::span<const ScenarioInfo> scenarios() { return kScenarios; }

const ScenarioInfo* find_scenario(std::string_view name) {
  const auto found = std::ranges::find(kScenarios, name, &ScenarioInfo::name);
  return found == kScenarios.end() ? nullptr : found;
}

ListWalkConfig burst_from_one_address(EventTime begin, std::uint32_t attempts, const World& world,
                                      std::uint64_t seed) {
  ListWalkConfig config;
  config.begin = begin;
  config.attempts = attempts;
  config.first_line = reduce(mix(seed, 1), 2'000);
  config.workers = 6;
  config.mean_pause = milliseconds(1'500);
  config.hosts = {hosting_address(reduce(mix(seed, 2), 1'280), reduce(mix(seed, 3), 254))};
  config.clients = {world.clients().tool(mix(seed, 4))};
  return config;
}

ListWalkConfig spread_over_prefixes(EventTime begin, std::uint32_t attempts, const World& world,
                                    std::uint64_t seed) {
  ListWalkConfig config;
  config.begin = begin;
  config.attempts = attempts;
  config.first_line = reduce(mix(seed, 1), 2'000);
  config.workers = 24;
  config.mean_pause = milliseconds(60'000);
  config.fewest_uses = 3;
  config.most_uses = 8;
  std::array<std::uint32_t, 4> prefixes{};
  for (std::uint32_t i = 0; i < prefixes.size(); ++i)
    prefixes[i] = (reduce(mix(seed, 5), 1'280) + i * 301) % 1'280;
  for (std::uint32_t host = 0; host < attempts / 5 + 24; ++host) {
    config.hosts.push_back(hosting_address(prefixes[host % 4], 1 + host / 4));
    config.clients.push_back(world.clients().desktop(mix(seed, 6, host)));
  }
  return config;
}

}  // namespace stuffwatch::ingest::simulation
