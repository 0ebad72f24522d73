// The embedded demonstration: a live login stream in native JSON, with attacks in it that come back
// every few minutes.
//
// Time:    events happen at the time `now` says, never later. The first read also brings the hour
//          before, so that the site's members are known when the first attack begins.
// Offsets: events are numbered from 0. A seek (restart from a checkpoint) goes on counting there,
//          with the people of the same seed, from the present on and without the hour before: what
//          happened in between was not recorded anywhere.
// Threads: as Source. Memory: some hundred kilobytes. Errors: none.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "ingest/simulation/attempt.h"
#include "ingest/simulation/native_json.h"
#include "ingest/simulation/scenarios.h"
#include "ingest/source.h"

namespace stuffwatch::ingest::simulation {

struct LiveConfig {
  std::uint64_t seed = 1;
  std::uint32_t rate = 50;                 // events a second, 1 .. 1,000,000
  std::chrono::seconds history{3600};      // how far back the first read begins
  std::uint32_t history_rate = 25;         // events a second of that time; never more than `rate`
  std::chrono::seconds first_attack{10};   // after the start
  std::chrono::seconds attack_every{180};  // one address and a few prefixes take turns
  InputId input{};
  std::string name = "simulated";
};

class SimulatedSource final : public Source {
 public:
  using Clock = std::function<EventTime()>;
  SimulatedSource(LiveConfig config, Clock now);

  [[nodiscard]] std::vector<InputChange> service() override;
  [[nodiscard]] ReadStatus read(InputId id, RawChunk& out) override;
  [[nodiscard]] config::Result<void> seek(InputId id, std::int64_t offset) override;
  [[nodiscard]] std::vector<InputStatus> status() const override;
  void commit(InputId, std::int64_t) override {}
  void release(InputId) override {}

 private:
  void begin(EventTime now);
  void add_attacks(EventTime until);

  LiveConfig config_;
  Clock now_;
  std::shared_ptr<const World> world_;
  std::shared_ptr<const BreachList> list_;
  std::optional<NativeJson> json_;  // set by begin()
  MergedStream stream_;
  EventTime next_attack_{};
  std::uint64_t number_ = 0, attacks_ = 0;
  bool announced_ = false, resumed_ = false;
};

}  // namespace stuffwatch::ingest::simulation
