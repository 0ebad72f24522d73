#include "daemon/readiness.h"

#include <utility>

namespace stuffwatch::daemon {
namespace {

StatusReason reason_of(const InputHealth& bad) {
  const bool named = bad.state == "left_out" || bad.state == "failed";
  return {"input_" + (named ? bad.state : std::string("unreachable")),
          bad.name + ": " +
              (bad.problem.empty() ? "it is not waited for; see the log for the delay to declare"
                                   : bad.problem)};
}

}  // namespace

void judge(const Circumstances& now, DaemonStatus& s) {
  const auto say = [&](std::string code, std::string text) {
    s.reasons.push_back({std::move(code), std::move(text)});
  };
  bool sees = false;
  for (const InputHealth& input : s.inputs) {
    sees = sees || input.up();
    if (!input.up()) s.reasons.push_back(reason_of(input));
  }
  for (const std::string& silent : now.silent_inputs) say("input_silent", silent);
  if (!now.kafka.empty()) say("kafka", now.kafka);
  for (const SinkHealth& sink : s.sinks)
    if (!sink.up) say("sink_down", sink.name + ": " + sink.problem);
  if (!now.outbox.empty()) say("outbox", now.outbox);
  if (!s.dead_letter.problem.empty()) say("dead_letter", s.dead_letter.problem);
  if (!now.held.empty()) say("held", "everything waits: " + now.held), sees = false;
  if (!s.corpus.problem.empty()) say("corpus", s.corpus.problem);
  if (!s.corpus.accounts_problem.empty()) say("accounts", s.corpus.accounts_problem);
  if (!s.checkpoint.problem.empty()) say("checkpoint", s.checkpoint.problem);
  const bool degraded = !s.reasons.empty();  // what follows is as it should be
  for (const DetectorHealth& d : s.detectors)
    if (!d.warm)
      say("warming", d.name + " is younger than its warm-up; it works, and says so on its alerts");
  if (now.partial)
    say("view_partial", "some events of the last day were not seen here; alerts say so");
  if (now.rereading)
    say("warming_up",
        "reading again what was dealt with before the last stop; nothing is said twice");
  if (now.standby)
    say("standby", "another process owns the inputs; this one takes over when it goes");
  if (s.inputs.empty() && !now.standby) say("no_input", "no input is assigned yet");
  s.state = now.standby ? ServiceState::kStandby
            : !sees     ? ServiceState::kBlind
            : degraded  ? ServiceState::kDegraded
                        : ServiceState::kFull;
}

}  // namespace stuffwatch::daemon
