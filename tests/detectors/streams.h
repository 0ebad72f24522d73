// What the tests of this folder share: a generator of numbers, login attempts by the line, and a listener that writes down what detectors say.
#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "config/yaml_reader.h"
#include "detectors/detector.h"

namespace stuffwatch::detectors {

using namespace std::chrono_literals;

// SplitMix64 (Steele, Lea, Flood 2014): the same numbers from a seed with every library.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
  }
  std::uint64_t below(std::uint64_t n) { return next() % n; }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  bool chance(double p) { return unit() < p; }

 private:
  std::uint64_t state_;
};

inline constexpr EventTime kStart{std::chrono::sys_days{std::chrono::year{2024} / 3 / 5} + 8h};

inline IpAddress ip_of(std::string_view text) {
  IpAddress ip;
  EXPECT_TRUE(parse_ip(text, ip)) << text;
  return ip;
}

// Attempts in order of seq and time; addresses stay valid while more are added.
struct Stream {
  std::deque<LoginEvent> events{};
  EventText text{};

  LoginEvent& add(EventTime time, std::uint64_t account, const IpAddress& ip, Outcome outcome,
                  FailureReason reason = FailureReason::kNone) {
    LoginEvent& e = events.emplace_back();
    e.seq = events.size(), e.time = time, e.account = AccountKey{account}, e.source_ip = ip,
    e.outcome = outcome, e.reason = reason, e.text = &text;
    return e;
  }
  LoginEvent& unknown(EventTime time, std::uint64_t account, const IpAddress& ip) {
    return add(time, account, ip, Outcome::kFailure, FailureReason::kUnknownAccount);
  }
  LoginEvent& bad(EventTime time, std::uint64_t account, const IpAddress& ip) {
    return add(time, account, ip, Outcome::kFailure, FailureReason::kBadPassword);
  }
  LoginEvent& success(EventTime time, std::uint64_t account, const IpAddress& ip) {
    return add(time, account, ip, Outcome::kSuccess);
  }
};

// Keeps findings and activity, and their full text, doubles to the bit: equal logs mean equal results.
class Recorder final : public FindingCollector {
 public:
  struct Active {
    std::uint64_t seq;
    Entity key;
  };
  std::vector<Finding> findings;
  std::vector<Active> activities;

  // In the order in which campaigns take them: by seq, ticks first; of one event in the order in which they were said.
  [[nodiscard]] std::string log() const {
    std::vector<Entry> sorted = entries_;
    std::ranges::stable_sort(sorted, {}, &Entry::place);
    std::string all;
    for (const Entry& entry : sorted) all += entry.text;
    return all;
  }

  void finding(Finding&& f) override {
    entries_.push_back({{f.seq, !f.at_tick}, {}});
    line({"finding", f.at_tick ? "tick" : "event", to_string(f.key), f.factor.statistic,
          f.factor.detector, f.factor.null_model, f.factor.window});
    line({f.seq, ms(f.time), f.detector, f.key.tenant, static_cast<std::uint64_t>(f.attack),
          std::bit_cast<std::uint64_t>(f.factor.value),
          std::bit_cast<std::uint64_t>(f.factor.threshold),
          std::bit_cast<std::uint64_t>(f.starts_per_10m)});
    const Evidence& e = f.evidence;
    line({ms(e.start), ms(e.end), e.attempts, e.failures, e.successes, e.accounts, e.list.size()});
    for (const EvidenceAccount& a : e.list)
      line({value_of(a.account), ms(a.time), a.attempts, a.success ? 1u : 0u});
    findings.push_back(std::move(f));
  }
  void activity(const LoginEvent& event, const Entity& key) override {
    entries_.push_back({{event.seq, true}, {}});
    line({"activity", to_string(key)});
    line({event.seq, key.tenant});
    activities.push_back({event.seq, key});
  }
  [[nodiscard]] std::size_t on(Entity::Kind kind) const {
    return static_cast<std::size_t>(
        std::ranges::count(findings, kind, [](const Finding& f) { return f.key.kind; }));
  }

 private:
  static std::uint64_t ms(EventTime time) {
    return static_cast<std::uint64_t>(time.time_since_epoch().count());
  }
  void line(std::initializer_list<std::string_view> words) {
    for (const std::string_view w : words) (entries_.back().text += w) += '|';
  }
  void line(std::initializer_list<std::uint64_t> numbers) {
    for (const std::uint64_t n : numbers) (entries_.back().text += std::to_string(n)) += ' ';
    entries_.back().text += '\n';
  }

  struct Entry {
    std::pair<std::uint64_t, bool> place;
    std::string text;
  };
  std::vector<Entry> entries_;
};

// `yaml` holds the keys below detectors.<name>.
inline std::unique_ptr<DetectorKind> kind_named(std::string_view name, std::string_view yaml = "") {
  for (auto& kind : make_detector_kinds()) {
    if (kind->info().name != name) continue;
    const auto read = config::read_yaml(yaml, "test.yaml", {}, *kind);
    EXPECT_TRUE(read.has_value()) << (read ? "" : read.error().message);
    return std::move(kind);
  }
  ADD_FAILURE() << "no detector is called " << name;
  return nullptr;
}
inline constexpr DetectorContext kContext{.id = 3, .table_seed = 0x5eed};
inline std::unique_ptr<Detector> detector_named(std::string_view name, std::string_view yaml = "") {
  return kind_named(name, yaml)->make(kContext);
}

// Ticks at the time of each event, then shows it.
inline void feed(Detector& detector, const LoginEvent& event, FindingCollector& out) {
  const LoginEvent* const one = &event;
  detector.advance(event.time, event.seq, out);
  detector.observe(std::span(&one, 1), out);
}
inline Recorder run(Detector& detector, const Stream& stream) {
  Recorder recorder;
  for (const LoginEvent& event : stream.events) feed(detector, event, recorder);
  return recorder;
}

}  // namespace stuffwatch::detectors
