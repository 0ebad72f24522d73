// A pipeline over inputs in memory, and logins with an attack in them to turn it on.
#pragma once

#include <chrono>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "config/rfc3339.h"
#include "daemon/pipeline/pipeline.h"
#include "tests/daemon/pipeline/memory_source.h"

namespace stuffwatch::daemon::pipeline {

using namespace std::chrono_literals;

inline constexpr EventTime kStart{std::chrono::milliseconds{1'790'000'000'000}};

inline std::string line(std::chrono::milliseconds at, const std::string& account,
                        const std::string& ip, bool success, const std::string& id = {}) {
  std::string text = R"({"time":")" + config::format_rfc3339(kStart + at) + R"(","account":")" +
                     account + R"(","ip":")" + ip + R"(","outcome":")";
  text += success ? "success\"" : "failure\",\"reason\":\"unknown_account\"";
  if (!id.empty()) text += ",\"event_id\":\"" + id + "\"";
  return text + ",\"user_agent\":\"agent " + std::to_string(account.size() % 3) + "\"}";
}

// Honest logins and, from the second minute on, one address that walks unknown accounts.
inline std::vector<std::vector<std::string>> traffic(std::size_t inputs, unsigned seed,
                                                     int seconds = 240) {
  std::minstd_rand dice(seed);
  std::vector<std::vector<std::string>> out(inputs);
  for (int i = 0; i < seconds * 10; ++i) {
    const auto at = std::chrono::milliseconds{i * 100};
    const std::string user = "user" + std::to_string(dice() % 300) + "@example.com";
    out[dice() % inputs].push_back(line(
        at, user, "10.0." + std::to_string(dice() % 40) + "." + std::to_string(dice() % 200 + 1),
        dice() % 20 != 0));
    if (i > 600 && i % 6 == 0)
      out[dice() % inputs].push_back(line(at + 7ms, "listed" + std::to_string(i) + "@example.org",
                                          "203.0.113.9", dice() % 50 == 0));
  }
  return out;
}

struct Rig {
  std::vector<std::unique_ptr<detectors::DetectorKind>> kinds = detectors::make_detector_kinds();
  corpus::AccountHasher hasher = corpus::AccountHasher::public_key();
  std::vector<InputSettings> settings{
      {.name = "memory", .decoder = ingest::find_decoder("native"), .decode = {}, .year = {}}};
  std::vector<std::string> bodies;
  std::vector<Merge::Notice> notices;
  std::vector<EventTime> order;
  PipelineConfig config{};

  Rig() { config.engine.stranger_pairs = 100'000; }

  std::unique_ptr<Pipeline> make(Pipeline::Hooks hooks = {}) {
    hooks.on_revisions = [this](std::vector<Revision>&& said) {
      for (Revision& r : said) bodies.push_back(std::move(r.body));
    };
    hooks.on_left_out = [this](const Merge::Notice& notice) { notices.push_back(notice); };
    hooks.on_step = [this](std::span<LoginEvent* const> events) {
      for (const LoginEvent* e : events) order.push_back(e->time);
    };
    return std::make_unique<Pipeline>(config, kinds,
                                      detectors::AlertOrigin{.site = "test",
                                                             .version = "1",
                                                             .config_sha256 = {},
                                                             .corpus_digest = {},
                                                             .console_url = {}},
                                      hasher, std::move(hooks));
  }
  static void turn(Pipeline& pipeline, Monotonic now = {}) {
    for (auto progress = pipeline.run_once(now); progress != Pipeline::Progress::kFinished;
         progress = pipeline.run_once(now))
      if (progress == Pipeline::Progress::kWaiting) pipeline.wait(1ms);
    pipeline.finish();
  }
};

}  // namespace stuffwatch::daemon::pipeline
