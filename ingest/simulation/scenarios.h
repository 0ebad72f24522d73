// The scenarios of `stuffwatch simulate`: one line each in a table, one function each that says who
// does what.
//
// All scenarios of a seed and a scale play at the same site with the same leaked lists; only the
// traffic differs.
// Threads: any. Memory: kilobytes; the traffic is made while it is read.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"
#include "ingest/simulation/attack_streams.h"
#include "ingest/simulation/attempt.h"
#include "ingest/simulation/world.h"

namespace stuffwatch::ingest::simulation {

enum class ScenarioKind : std::uint8_t { kBenign, kAttack };

// How large: in thousandths of the usual size of site, traffic and attack.
struct Scale {
  static constexpr std::uint32_t kMin = 10, kMax = 20'000;
  std::uint32_t thousandths = 1'000;

  [[nodiscard]] std::uint32_t of(std::uint32_t count, std::uint32_t at_least = 1) const;
};
// "1", "0.25", "3": between 0.01 and 20, at most three decimals. Errors: kConfiguration.
[[nodiscard]] config::Result<Scale> parse_scale(std::string_view text);

// What is true about an attack, whatever a detector makes of it.
struct Campaign {
  std::string id;
  std::vector<std::string_view> techniques;
  std::string list;  // empty: no list is used
  bool ordered = false;
};

struct Plan {
  std::shared_ptr<const World> world;
  MergedStream stream;
  EventTime end{};  // nothing at or after it is written
  std::uint64_t most_events = ~std::uint64_t{0};
  std::vector<Campaign> campaigns;  // index = Attempt::campaign
  std::vector<std::shared_ptr<const BreachList>> lists;
};

struct ScenarioInfo {
  std::string_view name, summary;
  ScenarioKind kind;
  std::span<const std::string_view> techniques;
  bool in_all;  // part of --scenario all
  Plan (*plan)(std::uint64_t seed, Scale scale);
};

[[nodiscard]] std::span<const ScenarioInfo> scenarios();
[[nodiscard]] const ScenarioInfo* find_scenario(std::string_view name);

// The site that scenarios and the live stream play at, and the lists that were leaked elsewhere and
// hold some of its members.
[[nodiscard]] WorldConfig site(std::uint64_t seed, Scale scale);
[[nodiscard]] std::vector<std::shared_ptr<const BreachList>> leaked_lists(const WorldConfig& site,
                                                                          Scale scale);

// Attacks that the live stream repeats too; `campaign` is the index they are marked with.
[[nodiscard]] ListWalkConfig burst_from_one_address(EventTime begin, std::uint32_t attempts,
                                                    const World& world, std::uint64_t seed);
[[nodiscard]] ListWalkConfig spread_over_prefixes(EventTime begin, std::uint32_t attempts,
                                                  const World& world, std::uint64_t seed);

}  // namespace stuffwatch::ingest::simulation
