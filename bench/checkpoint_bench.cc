// What a checkpoint costs with 300,000 addresses and accounts in memory, last seen in any order. The time is the pause: for how long the
// pipeline stands still. `total` is until the file is durable; `first` is the pause of the first one.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include "config/rfc3339.h"
#include "corpus/account_key.h"
#include "daemon/pipeline/checkpoint.h"
#include "daemon/pipeline/pipeline.h"
#include "detectors/detector.h"

namespace {

using namespace stuffwatch;
using namespace std::chrono_literals;
using daemon::pipeline::CheckpointStore;
using daemon::pipeline::InputSettings;
using daemon::pipeline::Pipeline;
using Seconds = std::chrono::duration<double>;

constexpr unsigned kPeople = 300'000, kEvents = 2 * kPeople;
constexpr config::TimeMs kStart{std::chrono::milliseconds{1'790'000'000'000}};

// Everybody logs in from an address of their own, 200 a second, one in eight in vain; then again, in another order.
class Crowd final : public ingest::Source {
 public:
  std::vector<ingest::InputChange> service() override {
    if (std::exchange(announced_, true)) return {};
    return {{ingest::InputChange::Kind::kAssigned, {0, 0}}};
  }
  ingest::ReadStatus read(ingest::InputId id, ingest::RawChunk& out) override {
    if (next_ == kEvents) return ingest::ReadStatus::kFinished;
    out.input = id;
    for (unsigned i = 0; i < 256 && next_ != kEvents; ++i) add(next_++, out);
    out.next_offset = next_;
    return ingest::ReadStatus::kChunk;
  }
  config::Result<void> seek(ingest::InputId, std::int64_t) override { return {}; }
  std::vector<ingest::InputStatus> status() const override { return {{{0, 0}, "crowd", "", 0}}; }
  void commit(ingest::InputId, std::int64_t) override {}
  void release(ingest::InputId) override {}

 private:
  static void add(unsigned i, ingest::RawChunk& out) {
    const unsigned who = i < kPeople ? i : static_cast<unsigned>(i * std::uint64_t{7919} % kPeople);
    const unsigned place = who * 2'654'435'761U;  // spreads addresses over networks
    const std::string line =
        fmt::format(R"({{"time":"{}","account":"user{}@example.com","ip":"{}.{}.{}.{}",{}}})",
                    config::format_rfc3339(kStart + i * 5ms), who, 1 + (place >> 24) % 200,
                    place >> 16 & 255, place >> 8 & 255, place & 255,
                    who % 8 == 0 ? R"("outcome":"failure","reason":"unknown_account")"
                                 : R"("outcome":"success")");
    auto memory = std::make_unique<char[]>(line.size() + ingest::RawChunk::kPadding);
    std::memcpy(memory.get(), line.data(), line.size());
    out.records.push_back({{memory.get(), line.size()}, static_cast<std::int64_t>(i), -1});
    out.memory.push_back(std::move(memory));
  }
  unsigned next_ = 0;
  bool announced_ = false;
};

void checkpoint(benchmark::State& state) {
  const auto kinds = detectors::make_detector_kinds();
  const auto hasher = corpus::AccountHasher::public_key();
  const std::vector<InputSettings> settings{
      {.name = "crowd", .decoder = ingest::find_decoder("native"), .decode = {}, .year = {}}};
  daemon::pipeline::PipelineConfig config;
  config.workers = static_cast<std::uint32_t>(state.range(0));
  Pipeline pipeline(config, kinds, {}, hasher, {});
  pipeline.add_source(std::make_unique<Crowd>(), settings);
  while (pipeline.run_once({}) != Pipeline::Progress::kFinished) {}

  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("checkpoint-bench-{}", ::getpid());
  CheckpointStore store(folder, {});
  double first = 0, total = 0, bytes = 0;
  for (auto _ : state) {
    while (store.busy() || !store.has_room(pipeline)) std::this_thread::yield();
    const auto begin = std::chrono::steady_clock::now();
    store.write(pipeline, [](const std::stop_token&) { return config::Result<void>{}; });
    const auto done = store.finish(1h);
    if (!done->problem.empty()) state.SkipWithError(done->problem.c_str());
    if (first == 0) first = done->pause_seconds;
    bytes = static_cast<double>(done->bytes);
    total += Seconds(std::chrono::steady_clock::now() - begin).count();
    state.SetIterationTime(done->pause_seconds);
  }
  state.counters["MB"] = bytes / 1e6;
  state.counters["first_ms"] = first * 1e3;
  state.counters["total_ms"] = {total * 1e3, benchmark::Counter::kAvgIterations};
  std::filesystem::remove_all(folder);
}
BENCHMARK(checkpoint)
    ->ArgName("workers")
    ->Arg(1)
    ->Arg(2)
    ->UseManualTime()
    ->Iterations(20)
    ->Unit(benchmark::kMillisecond);

}  // namespace
