#include "daemon/readiness.h"

#include <gtest/gtest.h>

namespace stuffwatch::daemon {
namespace {

DaemonStatus fine() {
  DaemonStatus s;
  s.inputs.resize(2), s.sinks.resize(1), s.detectors.resize(1);
  s.inputs[0].name = "web", s.inputs[1].name = "mail";
  for (InputHealth& input : s.inputs) input.state = "reading";
  s.sinks[0].name = "alerts", s.detectors[0].name = "source_fanout", s.detectors[0].warm = true;
  return s;
}

// "full", "degraded: sink_down outbox"
std::string judged(DaemonStatus status, const Circumstances& now = {}) {
  judge(now, status);
  std::string out(name_of(status.state));
  for (const StatusReason& reason : status.reasons) {
    EXPECT_NE(reason.text, "");
    out += (out.contains(':') ? " " : ": ") + reason.code;
  }
  return out;
}

TEST(Readiness, IsFullWhileNothingIsWrong) {
  EXPECT_EQ(judged(fine()), "full");
  DaemonStatus young = fine();
  young.detectors[0].warm = false;
  EXPECT_EQ(judged(young, {.partial = true, .rereading = true}),
            "full: warming view_partial warming_up")
      << "nothing that anybody could mend";
}

TEST(Readiness, NamesTheInputThatIsNotSeen) {
  DaemonStatus s = fine();
  s.inputs[0].state = "left_out";
  EXPECT_EQ(judged(s), "degraded: input_left_out");
  s.inputs[1].state = "unreachable", s.inputs[1].problem = "the broker does not answer";
  EXPECT_EQ(judged(s), "blind: input_left_out input_unreachable");
  s.inputs.pop_back(), s.inputs[0].state = "failed", s.inputs[0].problem = "torn";
  EXPECT_EQ(judged(s), "blind: input_failed");
  s.inputs.clear();
  EXPECT_EQ(judged(s), "blind: no_input");
  EXPECT_EQ(judged(s, {.standby = true}), "standby: standby");
}

TEST(Readiness, NamesWhatIsNotDelivered) {
  DaemonStatus s = fine();
  s.sinks[0].up = false, s.sinks[0].problem = "the disk is full";
  s.dead_letter.problem = "d", s.checkpoint.problem = "c";
  EXPECT_EQ(judged(s, {.kafka = "k", .outbox = "o", .silent_inputs = {"mail: no record"}}),
            "degraded: input_silent kafka sink_down outbox dead_letter checkpoint");
  judge({}, s);
  EXPECT_EQ(s.reasons.at(0).text, "alerts: the disk is full");
  EXPECT_EQ(judged(fine(), {.held = "no room"}), "blind: held") << "nothing goes on";
}

}  // namespace
}  // namespace stuffwatch::daemon
