#include "daemon/pipeline/engine.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "detectors/state/mix.h"

namespace stuffwatch::daemon::pipeline {

using detectors::Activity;
using detectors::Detector;
using detectors::Entity;
using detectors::Finding;
using detectors::PartitionBy;
using detectors::StrangerFilter;

namespace {

constexpr std::size_t kSmallStep = 256;  // below it threads cost more than they save

std::vector<std::string> names_of(
    const std::vector<std::unique_ptr<detectors::DetectorKind>>& kinds) {
  std::vector<std::string> names;
  for (const auto& kind : kinds) names.emplace_back(kind->info().name);
  return names;
}

}  // namespace

struct Engine::Collector final : detectors::FindingCollector {
  std::vector<Finding> findings;
  std::vector<Activity> activities;
  void finding(Finding&& finding) override { findings.push_back(std::move(finding)); }
  void activity(const LoginEvent& event, const Entity& key) override {
    activities.push_back({&event, key});
  }
  [[nodiscard]] bool empty() const { return findings.empty() && activities.empty(); }
};

// The events of a step sorted by partition, in order of seq inside each: a counting sort.
struct Engine::Partitioned {
  std::vector<const LoginEvent*> events;
  std::vector<std::uint32_t> begin, part;
  std::vector<std::uint32_t> used;  // partitions that have events, in order

  template <class PartOf>
  void sort(std::span<LoginEvent* const> step, std::uint32_t partitions, PartOf&& part_of) {
    begin.assign(partitions + 1, 0), part.resize(step.size()), events.resize(step.size());
    for (std::size_t i = 0; i < step.size(); ++i) part[i] = part_of(*step[i]), ++begin[part[i] + 1];
    used.clear();
    for (std::uint32_t p = 0; p < partitions; ++p) {
      if (begin[p + 1] != 0) used.push_back(p);
      begin[p + 1] += begin[p];
    }
    std::vector<std::uint32_t> next(begin.begin(), begin.end() - 1);
    for (std::size_t i = 0; i < step.size(); ++i) events[next[part[i]]++] = step[i];
  }
  // Those of used[] that lie in [from, to).
  [[nodiscard]] std::span<const std::uint32_t> used_in(std::size_t from, std::size_t to) const {
    const auto first = std::ranges::lower_bound(used, from),
               last = std::ranges::lower_bound(used, to);
    return {first, last};
  }
  [[nodiscard]] std::span<const LoginEvent* const> of(std::size_t partition) const {
    return std::span(events).subspan(begin[partition], begin[partition + 1] - begin[partition]);
  }
};

Engine::Engine(const EngineConfig& config,
               const std::vector<std::unique_ptr<detectors::DetectorKind>>& kinds,
               detectors::AlertOrigin origin, std::uint64_t table_seed, WorkerPool& pool,
               ListProbe& lists)
    : config_(config),
      seed_(table_seed),
      pool_(pool),
      lists_(lists),
      by_account_(std::make_unique<Partitioned>()),
      by_network_(std::make_unique<Partitioned>()),
      campaigns_(config.campaign, std::move(origin), names_of(kinds), config.show_names),
      findings_(kinds.size()) {
  for (std::uint32_t p = 0; p < config.partitions; ++p)
    strangers_.emplace_back(config.stranger_pairs / config.partitions + 1, seed_);
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    kinds_.push_back(kinds[k].get());
    by_account_key_.push_back(kinds[k]->info().partition_by == PartitionBy::kAccount);
    auto& instances = detectors_.emplace_back();
    for (std::uint32_t p = 0; p < config.partitions; ++p) {
      instances.push_back(
          kinds[k]->make({static_cast<detectors::DetectorId>(k), p, config.partitions, seed_}));
      collectors_.push_back(std::make_unique<Collector>());
    }
  }
}
Engine::~Engine() = default;

void Engine::tick(EventTime front, std::uint64_t seq) {
  if (!started_) first_ = front, started_ = true;
  const EventTime watermark = front - config_.allowed_lateness;
  for (StrangerFilter& filter : strangers_) filter.advance(watermark);
  for (std::size_t k = 0; k < kinds_.size(); ++k)
    for (std::size_t p = 0; p < config_.partitions; ++p)
      detectors_[k][p]->advance(watermark, seq, *collectors_[k * config_.partitions + p]);
  detectors::AlertQuality quality;
  quality.partial = partial_, quality.warming = warming(front);
  quality.corpus = lists_.directory()->state;
  campaigns_.set_quality(std::move(quality));
  collect({});
  campaigns_.tick(front, revisions_);
}

std::vector<std::string> Engine::warming(EventTime now) const {
  std::vector<std::string> names;
  for (const auto* kind : kinds_)
    if (!started_ || now - first_ < kind->info().warm_up) names.emplace_back(kind->info().name);
  return names;
}

void Engine::step(std::span<LoginEvent* const> events) {
  if (events.empty()) return;
  pairs_.resize(std::max(pairs_.size(), events.size()));
  const auto part_of = [&](std::uint64_t hash) {
    return static_cast<std::uint32_t>((hash >> 32) * config_.partitions >> 32);
  };
  by_account_->sort(events, config_.partitions, [&](const LoginEvent& e) {
    return part_of(detectors::mix(e.tenant, value_of(e.account), seed_));
  });
  by_network_->sort(events, config_.partitions, [&](const LoginEvent& e) {
    return part_of(Entity::prefix(e.tenant, e.source_ip).hash(seed_));
  });
  // Stage by stage over a range of partitions, so that accesses to main memory overlap across them.
  const auto work_on = [&](std::size_t from, std::size_t to) {
    const auto each = [&](const auto& call) {
      for (std::size_t k = 0; k < kinds_.size(); ++k) {
        const Partitioned& order = by_account_key_[k] ? *by_account_ : *by_network_;
        for (const std::uint32_t p : order.used_in(from, to))
          call(*detectors_[k][p], order.of(p), *collectors_[k * config_.partitions + p]);
      }
    };
    for (unsigned stage = 0; stage < Detector::kPrefetchStages; ++stage)
      each([&](Detector& detector, auto mine, Collector&) { detector.prefetch(mine, stage); });
    each([](Detector& detector, auto mine, Collector& out) { detector.observe(mine, out); });
  };
  if (events.size() < kSmallStep || pool_.workers() <= 2) {  // of two, the other one merges
    mark_strangers(0, config_.partitions);
    work_on(0, config_.partitions);
  } else {
    const std::size_t shares =
        std::min<std::size_t>(config_.partitions, pool_.workers() * std::size_t{4});
    const auto in_shares = [&](const auto& work) {
      pool_.parallel_for(shares, [&](std::size_t share, unsigned) {
        work(share * config_.partitions / shares, (share + 1) * config_.partitions / shares);
      });
    };
    in_shares([&](std::size_t from, std::size_t to) { mark_strangers(from, to); });
    in_shares(work_on);
  }
  collect(events);
}

// Asks before it learns, event by event. A success on a key under attack is not learned: an attacker's own must not make it familiar.
void Engine::mark_strangers(std::size_t from, std::size_t to) {
  for (const std::uint32_t p : by_account_->used_in(from, to))
    for (std::size_t i = by_account_->begin[p]; i < by_account_->begin[p + 1]; ++i)
      strangers_[p].prefetch(pairs_[i] = strangers_[p].pairs_of(*by_account_->events[i]));
  for (const std::uint32_t p : by_account_->used_in(from, to)) {
    for (std::size_t i = by_account_->begin[p]; i < by_account_->begin[p + 1]; ++i) {
      auto& event = const_cast<LoginEvent&>(
          *by_account_->events[i]);  // the step's own: it came in as LoginEvent*
      event.stranger = strangers_[p].is_stranger(pairs_[i]);
      if (event.outcome != detectors::Outcome::kSuccess) continue;
      if (!event.stranger || !campaigns_.is_attacked(event)) strangers_[p].learn(pairs_[i]);
    }
  }
}

// What campaigns learn of event s, then its findings, then its activity; what a tick found stands before the first event at or past it.
void Engine::collect(std::span<LoginEvent* const> events) {
  std::vector<Finding> findings;
  std::vector<std::tuple<std::uint64_t, std::size_t, Activity>> activity;
  for (std::size_t c = 0; c < collectors_.size(); ++c) {
    if (collectors_[c]->empty()) continue;
    std::ranges::move(collectors_[c]->findings, std::back_inserter(findings));
    for (const Activity& a : collectors_[c]->activities)
      activity.emplace_back(a.event->seq, c / config_.partitions, a);
    collectors_[c]->findings.clear(), collectors_[c]->activities.clear();
  }
  const auto place = [](const Finding& f) {
    return std::tuple(f.seq, !f.at_tick, f.detector, f.key);
  };
  std::ranges::stable_sort(findings, {}, place);
  std::ranges::stable_sort(activity, {}, [](const auto& a) {
    return std::tuple(std::get<0>(a), std::get<1>(a), std::get<2>(a).key);
  });
  lists_.mark(findings);
  auto unlearned = events.begin();
  const auto learn_to = [&](std::uint64_t seq) {
    for (; unlearned != events.end() && (*unlearned)->seq <= seq; ++unlearned)
      campaigns_.learn(**unlearned);
  };
  auto next = activity.begin();
  const auto observe_below = [&](std::uint64_t seq) {
    for (; next != activity.end() && std::get<0>(*next) < seq; ++next) {
      learn_to(std::get<0>(*next));
      campaigns_.observe(std::get<2>(*next), revisions_);
    }
  };
  for (const Finding& finding : findings) {
    observe_below(finding.seq);
    learn_to(finding.seq);
    ++findings_[finding.detector];
    const auto cause = std::ranges::lower_bound(events, finding.seq, {},
                                                [](const LoginEvent* e) { return e->seq; });
    campaigns_.find(finding, cause == events.end() || finding.at_tick ? nullptr : *cause,
                    revisions_);
  }
  observe_below(~std::uint64_t{0});
  learn_to(~std::uint64_t{0});
}

std::vector<detectors::StateUsage> Engine::usage() const {
  std::vector<detectors::StateUsage> all;
  for (const auto& instances : detectors_) {
    detectors::StateUsage& sum = all.emplace_back();
    for (const auto& instance : instances) {
      const detectors::StateUsage u = instance->usage();
      sum.keys += u.keys, sum.max_keys += u.max_keys, sum.evictions += u.evictions,
          sum.bytes += u.bytes, sum.saved += u.saved, sum.lives += u.lives;
      for (std::size_t i = 0; i < 3; ++i) sum.reached[i] += u.reached[i];
    }
  }
  return all;
}

// Section 0: campaigns and what the engine itself knows. Then the stranger filters, then every detector instance.
std::size_t Engine::sections() const { return 1 + config_.partitions * (1 + kinds_.size()); }

std::pair<std::size_t, std::size_t> Engine::room_of(std::size_t section) const {
  return {(section - 1) / config_.partitions, (section - 1) % config_.partitions};
}

std::uint64_t Engine::section_bytes(std::size_t section) const {
  if (section == 0) return 0;  // campaigns: small
  const auto [room, p] = room_of(section);
  return room == 0 ? strangers_[p].state_bytes() : detectors_[room - 1][p]->usage().saved;
}

void Engine::save_section(std::size_t section, std::string& out) const {
  detectors::StateWriter writer(out);
  if (section == 0) {
    writer.put(config_.partitions), writer.put(first_), writer.put(started_);
    writer.put_all(std::span<const std::uint64_t>(findings_));
    for (const auto* kind : kinds_) writer.text(kind->info().name);
    campaigns_.save(writer);
    return;
  }
  const auto [room, p] = room_of(section);
  room == 0 ? strangers_[p].save(writer) : detectors_[room - 1][p]->save(writer);
}

config::Result<void> Engine::load_section(std::size_t section, std::string_view in) {
  detectors::StateReader reader(in);
  if (section != 0) {
    const auto [room, p] = room_of(section);
    return room == 0 ? strangers_[p].load(reader) : detectors_[room - 1][p]->load(reader);
  }
  if (reader.get<std::uint32_t>() != config_.partitions)
    return config::failed("the saved state has another number of partitions");
  first_ = reader.get<EventTime>(), started_ = reader.get<bool>();
  reader.get_all(findings_);
  for (const auto* kind : kinds_)
    if (reader.text() != kind->info().name)
      return config::failed("the saved state is of other detectors");
  if (findings_.size() != kinds_.size())
    return config::failed("the saved state is of other detectors");
  return campaigns_.load(reader);
}

}  // namespace stuffwatch::daemon::pipeline
