#include "ingest/simulation/simulated_source.h"

#include <algorithm>
#include <cstring>

#include "ingest/simulation/benign_streams.h"

namespace stuffwatch::ingest::simulation {
namespace {

constexpr std::size_t kMostRecords = 4'096, kMostBytes = (std::size_t{1} << 20) - 1'024;

// A visit is a little more than one event: second tries.
std::uint64_t visits_per_1000_s(std::uint32_t events_per_s) {
  return std::max<std::uint64_t>(1, events_per_s * std::uint64_t{920});
}

}  // namespace

SimulatedSource::SimulatedSource(LiveConfig config, Clock now)
    : config_(std::move(config)),
      now_(std::move(now)),
      world_(std::make_shared<const World>(site(config_.seed, Scale{}))),
      list_(leaked_lists(world_->config(), Scale{}).front()) {
  config_.rate = std::clamp<std::uint32_t>(config_.rate, 1, 1'000'000);
  config_.history_rate = std::clamp<std::uint32_t>(config_.history_rate, 1, config_.rate);
}

std::vector<InputChange> SimulatedSource::service() {
  if (std::exchange(announced_, true)) return {};
  return {{InputChange::Kind::kAssigned, config_.input}};
}

config::Result<void> SimulatedSource::seek(InputId /*id*/, std::int64_t offset) {
  if (json_)
    return config::failed("input {}: cannot go to offset {} after the first read", config_.name,
                          offset);
  number_ = static_cast<std::uint64_t>(std::max<std::int64_t>(0, offset));
  resumed_ = number_ > 0;
  return {};
}

std::vector<InputStatus> SimulatedSource::status() const {
  return {{.id = config_.input, .name = config_.name, .problem = {}, .lag = {}}};
}

void SimulatedSource::begin(EventTime now) {
  // Ids differ from those of every other start.
  const std::uint64_t run =
      mix(config_.seed, 0x6c697665, static_cast<std::uint64_t>(now.time_since_epoch().count()));
  json_.emplace(*world_, run);
  next_attack_ = now + config_.first_attack;
  TrafficConfig traffic{.begin = now,
                        .end = EventTime::max(),
                        .visits_per_1000_s = visits_per_1000_s(config_.rate),
                        .by_hour = false};
  stream_.add(std::make_unique<MemberTraffic>(world_, traffic, mix(run, 1)));
  if (resumed_) return;
  traffic = {.begin = now - config_.history,
             .end = now,
             .visits_per_1000_s = visits_per_1000_s(config_.history_rate),
             .by_hour = false};
  stream_.add(std::make_unique<MemberTraffic>(world_, traffic, mix(run, 2)));
}

void SimulatedSource::add_attacks(EventTime until) {
  for (; next_attack_ <= until; next_attack_ += config_.attack_every, ++attacks_) {
    const std::uint64_t seed =
        mix(config_.seed, 0x61747461636b,
            static_cast<std::uint64_t>(next_attack_.time_since_epoch().count()));
    ListWalkConfig walk = attacks_ % 2 == 0
                              ? burst_from_one_address(next_attack_, 240, *world_, seed)
                              : spread_over_prefixes(next_attack_, 480, *world_, seed);
    if (attacks_ % 2 == 1) walk.mean_pause = milliseconds(6'000);
    walk.first_line = reduce(mix(seed, 7), list_->lines());
    stream_.add(std::make_unique<ListWalk>(world_, list_, std::move(walk), mix(seed, 8)));
  }
}

ReadStatus SimulatedSource::read(InputId /*id*/, RawChunk& out) {
  const EventTime now = now_();
  if (!json_) begin(now);
  add_attacks(now);
  std::string text;
  std::vector<std::size_t> ends;
  out.records.clear();
  out.memory.clear();
  out.input = config_.input;
  while (ends.size() < kMostRecords && text.size() < kMostBytes) {
    const auto time = stream_.next_time();
    if (!time || *time > now) break;
    json_->append(text, stream_.take(), number_ + ends.size());
    ends.push_back(text.size());
    out.records.push_back(
        {.bytes = {}, .offset = 0, .timestamp_ms = time->time_since_epoch().count()});
  }
  if (ends.empty()) return ReadStatus::kAtEnd;

  auto& memory =
      out.memory.emplace_back(std::make_unique<char[]>(text.size() + RawChunk::kPadding));
  std::memcpy(memory.get(), text.data(), text.size());
  for (std::size_t i = 0, start = 0; i < ends.size(); start = ends[i++]) {
    out.records[i].bytes = {memory.get() + start, ends[i] - start};
    out.records[i].offset = static_cast<std::int64_t>(number_ + i);
  }
  number_ += ends.size();
  out.next_offset = static_cast<std::int64_t>(number_);
  return ReadStatus::kChunk;
}

}  // namespace stuffwatch::ingest::simulation
