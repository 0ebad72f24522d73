#include "daemon/commands/watch.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <ranges>

#include "daemon/status.h"

namespace stuffwatch::daemon {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr StatusTime kNow(1'767'323'045'678ms);  // 2026-01-02T03:04:05.678Z
constexpr std::string_view kNothing = R"({"campaigns":[]})";
constexpr std::string_view kTwo =
    R"({"campaigns":[{"id":"00000000000000bb","status":"updated","severity":"high","urgency":"page","attack":"credential_stuffing",)"
    R"("summary":"Credential stuffing from 192.0.2.7/32: 1,300 attempts on 1,234 accounts in 15 min; 2 accounts to check: a stranger got in.",)"
    R"("start_time":"2026-01-02T03:00:00.000Z","counts":{"attempts":1300,"accounts":1234,"compromised":2},"approximate":["accounts"]},)"
    R"({"id":"00000000000000aa","status":"open","severity":"medium","urgency":"ticket","attack":"password_guessing",)"
    R"("summary":"Password guessing on acct:0000000000000001 from 9 networks: 30 attempts on 1 account in 2 h, none got in.",)"
    R"("start_time":"2026-01-02T01:00:00.000Z","counts":{"attempts":30,"accounts":1,"compromised":0}}]})";

DaemonStatus healthy() {
  DaemonStatus s;
  s.version = "0.1.0", s.site = "shop-eu", s.state = ServiceState::kFull;
  s.started = kNow - 1h, s.published = kNow, s.watermark = kNow - 30s;
  s.inputs = {{.name = "logins",
               .state = "reading",
               .lag_records = 12,
               .seconds_behind = 0.5,
               .events_per_second = 50.25,
               .rejected = 3,
               .last_event = kNow}};
  s.sinks = {{.name = "alerts", .type = "jsonl", .delivered = 5, .lag_revisions = 2}};
  s.dead_letter = {"reference", "/var/lib/stuffwatch/state/dead_letters.jsonl", 3, ""};
  s.open_campaigns = 2, s.open_compromised_accounts = 2;
  return s;
}

std::vector<std::string> drawn(const DaemonStatus& status, std::string_view campaigns,
                               const TextStyle& style = {}, const LoginHistory& logins = {},
                               std::vector<std::string> log = {}, StatusTime now = kNow) {
  const std::string json = status_json(status);
  const auto page = render_watch({json, campaigns, logins, std::move(log), now}, style);
  if (!page) throw std::runtime_error(page.error().message);
  std::vector<std::string> lines;
  for (const auto line : std::views::split(*page, '\n'))
    lines.emplace_back(line.begin(), line.end());
  lines.pop_back();
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + '\n';
  return out;
}

std::size_t columns(std::string_view line) {
  return static_cast<std::size_t>(std::ranges::count_if(
      line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string without_colours(std::string line) {
  for (const std::string_view ours : {"\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m"})
    for (auto at = line.find(ours); at != std::string::npos; at = line.find(ours))
      line.erase(at, ours.size());
  return line;
}

// A second after the other, from `start` on: as many of each outcome in each of them.
void pass(LoginHistory& history, StatusTime start, int seconds, std::uint64_t successes,
          std::uint64_t failures, LoginCounts& logins) {
  for (int i = 0; i < seconds; ++i) {
    DaemonStatus status;
    status.published = start + i * 1s;
    logins.success += successes, logins.failure += failures;
    status.logins = logins;
    history.add(status_json(status));
  }
}

TEST(LoginHistory, GivesRatesOfFiveSecondsEach) {
  LoginHistory history;
  LoginCounts logins{1000, 1000, 0};
  EXPECT_THAT(history.rates(LoginOutcome::kSuccess, 60), IsEmpty());
  pass(history, kNow, 1, 0, 0, logins);
  pass(history, kNow + 1s, 10, 4, 0, logins);
  pass(history, kNow + 11s, 3, 0, 30, logins);
  EXPECT_THAT(history.rates(LoginOutcome::kSuccess, 60), ElementsAre(4, 4, 0));
  EXPECT_THAT(history.rates(LoginOutcome::kFailure, 60), ElementsAre(0, 0, 30));
  EXPECT_THAT(history.rates(LoginOutcome::kFailure, 2), ElementsAre(0, 30));
  EXPECT_THAT(history.rates(LoginOutcome::kUnknown, 60), ElementsAre(0, 0, 0));
}

TEST(LoginHistory, RemembersFiveMinutesAndBeginsAgainWithTheDaemon) {
  LoginHistory history;
  LoginCounts logins;
  pass(history, kNow, 1000, 1, 0, logins);
  EXPECT_THAT(history.rates(LoginOutcome::kSuccess, 1000),
              AllOf(SizeIs(LoginHistory::kSteps), Each(1)));
  logins = {};
  pass(history, kNow + 1000s, 2, 7, 0, logins);
  EXPECT_THAT(history.rates(LoginOutcome::kSuccess, 60), ElementsAre(7));
  pass(history, kNow, 1, 0, 0, logins);  // the clock was set back
  history.add("no JSON"), history.add("[]"), history.add("{}");
  EXPECT_THAT(history.rates(LoginOutcome::kSuccess, 60), ElementsAre(7));
}

TEST(Watch, IsOnePageFromHealthToLog) {
  LoginHistory logins;
  LoginCounts counts;
  pass(logins, kNow - 30s, 16, 40, 0, counts);
  pass(logins, kNow - 14s, 10, 40, 5, counts);
  pass(logins, kNow - 4s, 5, 40, 10, counts);
  EXPECT_EQ(joined(drawn(healthy(), kTwo, {}, logins, {"a line of the log", "another"})),
            R"(full  stuffwatch 0.1.0, site shop-eu, running since 2026-01-02T02:04:05.678Z
2026-01-02 03:04:05Z, everything before 2026-01-02 03:03:35Z is dealt with

INPUT   STATE    EVENTS/S  BEHIND  LAG  REJECTED  LAST EVENT            PROBLEM
logins  reading     50.25   0.5 s   12         3  2026-01-02 03:04:05Z

LOGINS/S   NOW  PEAK  LAST 5 MINUTES
success   40.0  40.0  ██████
failure   10.0  10.0  ···▄▄█

CAMPAIGNS: 2 open; accounts to check: 2
SEVERITY  URGENCY  ATTACK               SINCE              ATTEMPTS  ACCOUNTS  COMPROMISED  ID
high      page     credential_stuffing  2026-01-02 03:00Z     1,300    ~1,234            2  00000000000000bb
  Credential stuffing from 192.0.2.7/32: 1,300 attempts on 1,234 accounts in 15 min; 2 accounts to check: a stranger got in.
medium    ticket   password_guessing    2026-01-02 01:00Z        30         1            0  00000000000000aa
  Password guessing on acct:0000000000000001 from 9 networks: 30 attempts on 1 account in 2 h, none got in.

SINK    UP   DELIVERED  FAILED  WAITING  PROBLEM
alerts  yes          5       0        2
dead letters: 3 since the start, as reference in /var/lib/stuffwatch/state/dead_letters.jsonl

a line of the log
another
)");
}

TEST(Watch, ABacklogDoesNotFlattenWhatFollows) {
  LoginHistory logins;
  LoginCounts counts;
  pass(logins, kNow - 40s, 6, 10'000, 0, counts);
  pass(logins, kNow - 34s, 10, 80, 0, counts);
  pass(logins, kNow - 24s, 10, 40, 0, counts);
  EXPECT_THAT(joined(drawn(healthy(), kTwo, {}, logins)),
              HasSubstr("\nsuccess   40.0  10000.0  █▁▁▁▁\n"));
}

TEST(Watch, FitsASmallWindow) {
  EXPECT_EQ(joined(drawn(healthy(), kTwo, {.width = 60, .height = 24}, {}, {"1", "2", "3", "4"})),
            R"(full  stuffwatch 0.1.0, site shop-eu, running since
    2026-01-02T02:04:05.678Z
2026-01-02 03:04:05Z, everything before 2026-01-02 03:03:35Z
    is dealt with

INPUT   STATE    EVENTS/S  BEHIND  LAG  REJECTED  LAST EVEN…
logins  reading     50.25   0.5 s   12         3  2026-01-0…

LOGINS/S  NOW  PEAK  LAST 5 MINUTES
success     -   0.0
failure     -   0.0

CAMPAIGNS: 2 open; accounts to check: 2
SEVERITY  URGENCY  ATTACK               SINCE              …
high      page     credential_stuffing  2026-01-02 03:00Z  …
  Credential stuffing from 192.0.2.7/32: 1,300 attempts on
    1,234 accounts in 15 min; 2 accounts to check: a
    stranger got in.
medium    ticket   password_guessing    2026-01-02 01:00Z  …
  … 2 more lines

SINK    UP   DELIVERED  FAILED  WAITING  PROBLEM
alerts  yes          5       0        2
dead letters: 3 since the start, as reference in /var/lib/s…
)");
}

TEST(Watch, TheLogTakesWhatIsLeft) {
  const std::vector<std::string> log = {"1", "2", "3", "4"};
  const auto end_of = [&](std::size_t height) {
    const auto lines = drawn(healthy(), kNothing, {.height = height}, {}, log);
    return std::vector(lines.end() - 3, lines.end());
  };
  EXPECT_THAT(end_of(24), ElementsAre("2", "3", "4"));
  EXPECT_THAT(end_of(18), ElementsAre(testing::StartsWith("dead letters: 3"), "", "4"));
  EXPECT_THAT(end_of(16), ElementsAre("SINK    UP   DELIVERED  FAILED  WAITING  PROBLEM",
                                      "alerts  yes          5       0        2",
                                      testing::StartsWith("dead letters: 3")));
}

TEST(Watch, NeverOutgrowsTheWindow) {
  DaemonStatus status = healthy();
  status.reasons.assign(20, {"input_unreachable", "the broker does not answer at all"});
  status.inputs.assign(50, status.inputs[0]);
  const std::vector<std::string> log(50, std::string(300, 'x'));
  for (std::size_t height = 1; height < 60; ++height)
    for (const std::size_t width : {1UZ, 9UZ, 40UZ, 200UZ}) {
      const auto lines = drawn(status, kTwo, {.width = width, .height = height}, {}, log);
      EXPECT_EQ(lines.size(), height);
      for (const std::string& line : lines) EXPECT_LE(columns(line), width) << line;
    }
}

TEST(Watch, ADeadFeedIsNotCalm) {
  DaemonStatus status = healthy();
  EXPECT_THAT(joined(drawn(status, kNothing)), HasSubstr("\nNo campaign.\n"));
  status.inputs[0].seconds_silent = 42;
  const std::string silent = joined(drawn(status, kNothing));
  EXPECT_THAT(silent, HasSubstr("\nNo record for 42 s: this is what was known then.\n"));
  EXPECT_THAT(silent, HasSubstr("\nNo campaign is known, but not everything is seen.\n"));
  status.inputs.push_back({.name = "other", .state = "reading"});
  EXPECT_THAT(joined(drawn(status, kNothing)), HasSubstr("\nNo campaign.\n"))
      << "an input of several may be quiet; the daemon says when it was for too long";
  status.state = ServiceState::kDegraded;
  status.reasons = {{"input_silent", "logins: no record for 1h"}};
  const std::string degraded = joined(drawn(status, kNothing));
  EXPECT_THAT(degraded, testing::StartsWith("degraded  stuffwatch"));
  EXPECT_THAT(degraded, HasSubstr("\n  input_silent: logins: no record for 1h\n"));
  EXPECT_THAT(degraded, HasSubstr("\nNo campaign is known, but not everything is seen.\n"));
}

TEST(Watch, AStatusThatIsOldIsSaidToBe) {
  EXPECT_THAT(drawn(healthy(), kTwo, {}, {}, {}, kNow + 5s)[0], HasSubstr("full"));
  EXPECT_EQ(drawn(healthy(), kTwo, {}, {}, {}, kNow + 12s)[0],
            "stale: the daemon has not said how it is for 12 s");
  EXPECT_EQ(render_no_answer("no daemon answers at x\x1b[2J; start it", {.width = 30}),
            "blind  no daemon answers at\n    x?[2J; start it\n");
}

TEST(Watch, InputsWithAProblemStandFirst) {
  DaemonStatus status = healthy();
  status.inputs.push_back({.name = "audit", .state = "unreachable", .problem = "no broker"});
  const auto lines = drawn(status, kTwo);
  EXPECT_THAT(lines[4], testing::StartsWith("audit   unreachable"));
  EXPECT_THAT(lines[5], testing::StartsWith("logins  reading"));
}

TEST(Watch, TextOfAttackersIsHarmless) {
  constexpr std::string_view kEvil =
      "\x1b]0;owned\x07\x1b[2J\r\n\xC2\x9B"
      "31m\u202Eabc";
  DaemonStatus status = healthy();
  status.site = status.version = status.dead_letter.to = kEvil;
  status.inputs[0].name = status.inputs[0].problem = status.sinks[0].name = kEvil;
  status.reasons = {{std::string(kEvil), std::string(kEvil)}};
  std::string campaigns(kTwo);
  for (const std::string_view word : {"high", "page", "credential_stuffing", "00000000000000bb",
                                      "2026-01-02T03:00:00.000Z", "a stranger got in"})
    campaigns.replace(campaigns.find(word), word.size(), R"(x\u001b[2J\u009b1m\r\n\u202e)");
  for (const bool colour : {false, true}) {
    const auto lines = drawn(status, campaigns, {.colour = colour, .width = 100, .height = 40}, {},
                             {std::string(kEvil)});
    EXPECT_THAT(lines, SizeIs(40));
    for (const std::string& painted : lines) {
      const std::string line = colour ? without_colours(painted) : painted;
      EXPECT_THAT(line, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\x07")), Not(HasSubstr("\r")),
                              Not(HasSubstr("\xC2\x9B")), Not(HasSubstr("\u202E"))));
    }
  }
}

TEST(Watch, PaintsStateAndSeverityWhereThereAreColours) {
  const std::string page = joined(drawn(healthy(), kTwo, {.colour = true}));
  EXPECT_THAT(page, testing::StartsWith("\x1b[32mfull\x1b[0m  stuffwatch"));
  EXPECT_THAT(page, HasSubstr("\n\x1b[31mhigh\x1b[0m      page"));
  EXPECT_THAT(joined(drawn(healthy(), kTwo)), Not(HasSubstr("\x1b")));
}

TEST(Watch, RefusesWhatIsNoAnswerOfOurs) {
  for (const std::string_view text : {"", "[]", "<html>"})
    EXPECT_FALSE(render_watch({text, kTwo, {}, {}, kNow}, {})) << text;
  EXPECT_FALSE(render_watch({"{}", "<html>", {}, {}, kNow}, {}));
  EXPECT_TRUE(render_watch({"{}", "{}", {}, {}, kNow}, {}));  // an older daemon says less
}

}  // namespace
}  // namespace stuffwatch::daemon
