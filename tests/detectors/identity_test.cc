// The same events and ticks give the same findings: whatever the size of batches, and across checkpoints.
#include <string>

#include <gtest/gtest.h>

#include "tests/detectors/streams.h"

namespace stuffwatch::detectors {
namespace {

constexpr int kEvents = 16'000;

// A site of some hundred sources and accounts; attacks from one address, spread over prefixes, and on single accounts; hours of silence.
Stream busy_site(std::uint64_t seed) {
  Random random(seed);
  Stream stream;
  EventTime time = kStart;
  std::uint64_t attacker = 0, fresh = 1'000'000;
  for (int n = 0; n < kEvents; ++n) {
    const std::uint64_t pause = random.below(1000);
    time += std::chrono::milliseconds{pause < 900   ? random.below(40)
                                      : pause < 998 ? random.below(20'000)
                                                    : random.below(14'400'000)};
    if (random.chance(.002)) {
      attacker = random.below(4);
    }
    const IpAddress home =
        IpAddress::v4(static_cast<std::uint32_t>(0x0a000000 + random.below(400) * 256 + 7));
    LoginEvent* e = nullptr;
    if (random.chance(.5)) {
      const std::uint64_t account = random.below(500);
      e = random.chance(.85) ? &stream.success(time, account, home)
                             : &stream.bad(time, account, home);
      e->stranger = random.chance(.2);
    } else if (attacker == 0) {
      e = &stream.unknown(time, ++fresh, ip_of("192.0.2.7"));
    } else if (attacker == 1) {
      e = &stream.bad(time, ++fresh,
                      IpAddress::v4(static_cast<std::uint32_t>(0xc6336400 + random.below(20))));
    } else if (attacker == 2) {
      e = &stream.bad(
          time, 7 + random.below(3),
          IpAddress::v4(static_cast<std::uint32_t>(0x0a000000 + (random.below(200) << 16))));
    } else {
      IpAddress ip = ip_of("2001:db8:5::");
      ip.bytes[7] = static_cast<std::uint8_t>(random.next());
      e = random.chance(.02) ? &stream.success(time, ++fresh, ip)
                             : &stream.unknown(time, ++fresh, ip);
    }
    if (e->outcome == Outcome::kFailure && random.chance(.01)) {
      e->reason = random.chance(.5) ? FailureReason::kMfaFailed : FailureReason::kInternalError;
    }
    e->tenant = random.chance(.9) ? 1 : 2;
  }
  return stream;
}

struct Plan {
  std::size_t batch;
  int checkpoint_every;  // events; 0 = never
};

// A tick at every whole second that an event reaches, as the daemon has it.
std::string log_of(const DetectorKind& kind, const Stream& stream, const Plan& plan,
                   StateUsage& usage) {
  auto detector = kind.make(kContext);
  Recorder recorder;
  std::vector<const LoginEvent*> batch;
  const auto flush = [&] { detector->observe(batch, recorder), batch.clear(); };
  EventTime tick{};
  int seen = 0;
  std::uint64_t evictions = 0;
  for (const LoginEvent& e : stream.events) {
    if (const EventTime second = std::chrono::floor<std::chrono::seconds>(e.time); second > tick) {
      flush();
      detector->advance(tick = second, e.seq, recorder);
    }
    batch.push_back(&e);
    if (batch.size() == plan.batch) {
      flush();
    }
    if (plan.checkpoint_every == 0 || ++seen % plan.checkpoint_every != 0) continue;
    flush();
    std::string state;
    StateWriter writer(state);
    detector->save(writer);
    StateReader reader(state);
    evictions += detector->usage().evictions;
    detector = kind.make(kContext);
    const auto loaded = detector->load(reader);
    EXPECT_TRUE(loaded.has_value()) << (loaded ? "" : loaded.error().message);
  }
  flush();
  usage = detector->usage();
  usage.evictions += evictions;
  return recorder.log();
}

class Identity : public testing::TestWithParam<std::size_t> {};

TEST_P(Identity, BatchesAndCheckpointsDoNotChangeWhatIsSaid) {
  const auto kinds = make_detector_kinds();
  DetectorKind& kind = *kinds[GetParam()];
  for (const std::string_view yaml : {"max_keys: 64", "max_keys: 100000"}) {
    ASSERT_TRUE(config::read_yaml(yaml, "test.yaml", {}, kind).has_value());
    // What else a kind bounds, small: not every kind has it.
    if (yaml == "max_keys: 64") {
      (void)config::read_yaml("max_contacts: 1024", "test.yaml", {}, kind);
    }
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
      const Stream stream = busy_site(seed);
      StateUsage usage;
      const std::string whole = log_of(kind, stream, {4096, 0}, usage);
      EXPECT_NE(whole.find("finding|"), std::string::npos) << "nothing to compare";
      EXPECT_NE(whole.find("activity|"), std::string::npos) << "nothing to compare";
      if (yaml == "max_keys: 64") {
        EXPECT_GT(usage.evictions, 500U);
      }
      for (const Plan& plan :
           {Plan{1, 0}, Plan{7, 0}, Plan{1, 1000}, Plan{4096, 1000}, Plan{4096, 333}}) {
        StateUsage other;
        const std::string log = log_of(kind, stream, plan, other);
        const std::size_t differs =
            static_cast<std::size_t>(std::ranges::mismatch(log, whole).in1 - log.begin());
        ASSERT_TRUE(log == whole) << log.substr(differs > 200 ? differs - 200 : 0, 400)
                                  << " instead of "
                                  << whole.substr(differs > 200 ? differs - 200 : 0, 400) << yaml
                                  << ", seed " << seed << ", batches of " << plan.batch
                                  << ", checkpoints every " << plan.checkpoint_every;
        EXPECT_EQ(other.keys, usage.keys);
        EXPECT_EQ(other.lives, usage.lives);
        for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(other.reached[i], usage.reached[i]);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryDetector, Identity,
                         testing::Range(std::size_t{0}, make_detector_kinds().size()),
                         [](const auto& tested) {
                           return std::string(make_detector_kinds()[tested.param]->info().name);
                         });

}  // namespace
}  // namespace stuffwatch::detectors
