// The commands that talk to a daemon, from the command line to what is printed, against a real
// server.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include <gmock/gmock.h>
#include <unistd.h>

#include "daemon/commands/render.h"
#include "daemon/http/routes.h"
#include "daemon/http/server.h"
#include "tests/daemon/commands/run_command.h"

namespace stuffwatch::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kAlert =
    R"({"schema":"stuffwatch.alert/1","alert_id":"00000000000000aa/3","id":"00000000000000aa","revision":3,"status":"updated","reason":"first_success",)"
    R"("site":"shop-eu","apps":["web","app"],"time":"2026-01-02T03:20:00.000Z","start_time":"2026-01-02T03:04:05.678Z","end_time":"2026-01-02T03:19:00.000Z",)"
    R"("attack":"credential_stuffing","techniques":["T1110.004"],"severity":"high","urgency":"ticket","confidence":0.97,)"
    R"("summary":"192.0.2.7 tried 1,234 accounts in 15 minutes","detectors":["source_fanout"],)"
    R"("factors":[{"detector":"source_fanout","statistic":"odds","value":1.2e9,"threshold":1e8,"null":"a shared address","window":"10m"}],)"
    R"("counts":{"attempts":1300,"failures":1298,"successes":2,"accounts":1234,"sources":1,"networks":1,"as_numbers":1,"compromised":2},"approximate":["accounts"],)"
    R"("sources":[{"network":"192.0.2.7/32","attempts":1300,"accounts":1234,"successes":2,"as_number":64500,"country":"NL","class":"hosting"}],)"
    "\"clients\":[{\"user_agent\":\"evil\\u001b[2Jagent\\u202e\",\"ja4\":\"t13d\",\"attempts\":"
    "1300}],"
    R"("compromised":[{"account":"acct:0123456789abcdef","tier":"verify","time":"2026-01-02T03:10:00.000Z","source_ip":"192.0.2.7"}],)"
    R"("truncated":{"compromised":{"shown":1,"total":2}},"recommended_actions":[{"code":"force_reset","target":"compromised","count":2,"text":"Reset the passwords."},{"code":"step_up","count":2,"text":"Ask again."}],)"
    R"("data_quality":{"partial":true,"warming":["account_fanin"]}})";
constexpr std::string_view kClosed =
    R"({"id":"00000000000000bb","status":"closed","severity":"critical","urgency":"page","attack":"password_spraying","summary":"older","counts":{"attempts":5}})";
constexpr std::string_view kPage =
    R"({"id":"00000000000000cc","status":"open","severity":"medium","urgency":"page","attack":"credential_stuffing","summary":"pages","counts":{"attempts":9}})";

class Commands : public testing::Test {
 protected:
  Commands() : socket_(testing::TempDir() + "commands_" + std::to_string(::getpid()) + ".sock") {
    http::RouteSources sources;
    sources.metrics_text = [] { return ""; };
    sources.status = [this] { return board_.get(); };
    sources.campaigns = [this](const http::CampaignQuery& query) {
      std::vector<std::string> out;
      if (empty_) return out;
      out = {std::string(kPage), std::string(kAlert)};
      if (query.closed_too) out.emplace_back(kClosed);
      return out;
    };
    sources.campaign = [](std::string_view id) {
      return id == "00000000000000aa" ? std::optional(std::string(kAlert)) : std::nullopt;
    };
    http::ServerOptions options;
    options.http.listen = "127.0.0.1:0";
    options.control_socket = socket_;
    options.routes = http::standard_routes(std::move(sources));
    server_ = std::move(*http::Server::start(std::move(options)));
    url_ = "http://" + server_->address();
  }
  void publish(ServiceState state) {
    DaemonStatus status;
    status.version = "0.1.0";
    status.state = state;
    status.reasons = {{"view_partial", "an input is left out; declare its delay"}};
    status.inputs = {{"logins[0]", "reading", 12345, 0.5, 1000.25, ""}};
    status.sinks = {{"alerts", "jsonl", false, 5, 1, 2, "disk full"}};
    status.dead_letter = {"reference", "dead_letters.jsonl", 4, ""};
    status.detectors = {{"source_fanout", true, {}, 10, 1000000, 0, 1U << 20U}};
    board_.publish(std::move(status));
  }

  std::string socket_, url_;
  bool empty_ = false;
  StatusBoard board_;
  std::unique_ptr<http::Server> server_;
};

TEST_F(Commands, StatusExitsByState) {
  const std::pair<ServiceState, int> expected[] = {{ServiceState::kFull, 0},
                                                   {ServiceState::kStandby, 0},
                                                   {ServiceState::kDegraded, 4},
                                                   {ServiceState::kBlind, 5}};
  EXPECT_EQ(run({"status", "--socket", socket_}).exit_code, 5) << "still starting";
  for (const auto& [state, exit_code] : expected) {
    publish(state);
    const Ran text = run({"status", "--socket", socket_}),
              json = run({"status", "--json", "--url", url_});
    EXPECT_EQ(text.exit_code, exit_code) << name_of(state);
    EXPECT_EQ(json.exit_code, exit_code) << name_of(state);
    EXPECT_TRUE(text.out.starts_with(name_of(state))) << text.out;
    EXPECT_EQ(json.out, status_json(*board_.get()) + "\n");
  }
}

TEST_F(Commands, StatusIsAPageForPeople) {
  publish(ServiceState::kDegraded);
  const Ran ran = run({"status", "--socket", socket_});
  EXPECT_THAT(ran.out, HasSubstr("view_partial: an input is left out; declare its delay\n"));
  EXPECT_THAT(ran.out, HasSubstr("logins[0]  reading      1000   0.5 s  12,345         0\n"));
  EXPECT_THAT(ran.out, HasSubstr("dead letters         4 since the start, as reference in "
                                 "dead_letters.jsonl\n"));
  EXPECT_THAT(ran.out, HasSubstr("alerts  no          5       1        2  disk full\n"));
  EXPECT_THAT(ran.out, HasSubstr("source_fanout  yes     10  1,000,000        0  1.0 MiB\n"));
  EXPECT_EQ(ran.out.find('\x1b'), std::string::npos) << "no colours in a pipe";
}

TEST_F(Commands, WatchingTakesATerminal) {
  for (const Ran& ran : {run({"status", "--watch", "--socket", socket_.c_str()}),
                         run({"run", "--watch", "--config", "absent.yaml"})}) {
    EXPECT_EQ(ran.exit_code, 2);
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, AllOf(HasSubstr("standard output is none"), HasSubstr("leave --watch out"),
                               HasSubstr("stuffwatch status")));
  }
}

TEST_F(Commands, NoDaemonIsAnErrorWithTheRemedy) {
  server_.reset();
  const Ran socket = run({"status", "--socket", socket_});
  EXPECT_EQ(socket.exit_code, 1);
  EXPECT_THAT(socket.err, AllOf(HasSubstr("no daemon answers"), HasSubstr(socket_),
                                HasSubstr("stuffwatch run")));
  const Ran url = run({"campaigns", "--url", url_});
  EXPECT_EQ(url.exit_code, 1);
  EXPECT_THAT(url.err, HasSubstr("no daemon answers at " + url_));
  EXPECT_EQ(run({"show", "x", "--url", "https://stuffwatch.example"}).exit_code, 2);
}

TEST_F(Commands, TheSocketCanComeFromTheEnvironmentOrTheConfiguration) {
  publish(ServiceState::kFull);
  const std::string file = socket_ + ".yaml";
  std::ofstream(file) << "control: {socket: " << socket_ << "}\n";
  EXPECT_EQ(run({"status", "--config", file}).exit_code, 0);
  ::setenv("STUFFWATCH_SOCKET", socket_.c_str(), 1);
  EXPECT_EQ(run({"status"}).exit_code, 0);
  std::ofstream(file) << "site: shop\n";
  const Ran none = run({"status", "--config", file});
  ::unsetenv("STUFFWATCH_SOCKET");
  std::filesystem::remove(file);
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("set state.path or control.socket"));
}

TEST_F(Commands, CampaignsStandInTheDaemonsOrder) {
  const Ran ran = run({"campaigns", "--all", "--socket", socket_});
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(ran.out, HasSubstr("SEVERITY  URGENCY  STATUS"));
  EXPECT_THAT(ran.out,
              HasSubstr("high      ticket   updated  credential_stuffing  2026-01-02 03:04Z     "
                        "1,300    ~1,234            2         1  "
                        "00000000000000aa  192.0.2.7 tried 1,234 accounts in 15 minutes\n"));
  EXPECT_LT(ran.out.find("cc"), ran.out.find("aa"));
  EXPECT_LT(ran.out.find("aa"), ran.out.find("bb"));
  EXPECT_THAT(run({"campaigns", "--socket", socket_}).out, Not(HasSubstr("00000000000000bb")));
}

TEST_F(Commands, CampaignsAsJsonAreTheDaemonsOwn) {
  EXPECT_EQ(run({"campaigns", "--json", "--socket", socket_}).out,
            "{\"campaigns\":[" + std::string(kPage) + "," + std::string(kAlert) + "]}\n");
}

TEST_F(Commands, NoCampaignPointsToTheStatus) {
  empty_ = true;
  EXPECT_THAT(run({"campaigns", "--socket", socket_}).out, HasSubstr("stuffwatch status"));
}

TEST_F(Commands, ShowIsReadableFromTopToBottom) {
  const Ran ran = run({"show", "00000000000000aa", "--socket", socket_});
  EXPECT_EQ(ran.exit_code, 0);
  std::size_t at = 0;
  for (const char* const part :
       {"high  ticket  credential_stuffing  updated  00000000000000aa, revision 3 "
        "(first_success)\n192.0.2.7 tried 1,234 accounts",
        "apps        web, app", "Likely compromised accounts\n",
        "acct:0123456789abcdef  verify            -  2026-01-02T03:10:00.000Z  192.0.2.7\n",
        "shown 1 of 2\n",
        "1,300 attempts (1,298 failures, 2 successes) on 1,234 accounts, from 1 address in 1 "
        "network "
        "of 1 operator\n",
        "source_fanout: odds is 1.2e9, the alarm starts at 1e8 (10m)\n",
        "measured against: a shared address\n",
        "192.0.2.7/32     1,300     1,234          2  64500  NL       hosting\n",
        "evil?[2Jagent?\n", "the view was partial", "account_fanin",
        "What to do\n  1. compromised: Reset the passwords.\n  2. Ask again.\n"}) {
    const std::size_t found = ran.out.find(part, at);
    ASSERT_NE(found, std::string::npos) << part << "\nafter\n" << ran.out.substr(at);
    at = found;
  }
  EXPECT_EQ(ran.out.find('\x1b'), std::string::npos)
      << "an attacker's user agent must not reach the terminal";
  EXPECT_EQ(run({"show", "00000000000000aa/3", "--json", "--socket", socket_}).out,
            std::string(kAlert) + "\n");
}

TEST_F(Commands, ShowOfAnUnknownIdFails) {
  const Ran ran = run({"show", "no such/id", "--socket", socket_});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.err, HasSubstr("there is no campaign of this id"));
}

TEST(CommandLine, UsageErrorsExitWith2) {
  EXPECT_EQ(run({}).exit_code, 2);
  EXPECT_EQ(run({"--nonsense"}).exit_code, 2);
  EXPECT_EQ(run({"show"}).exit_code, 2);
  EXPECT_EQ(run({"campaigns", "--limit", "0"}).exit_code, 2);
  EXPECT_EQ(run({"status", "--socket", "a", "--url", "b"}).exit_code, 2);
  const Ran typo = run({"statsu"});
  EXPECT_EQ(typo.exit_code, 2);
  EXPECT_THAT(typo.err, HasSubstr("there is no command \"statsu\", did you mean \"status\"?"));
  EXPECT_THAT(run({"frobnicate"}).err, Not(HasSubstr("did you mean")));
}

TEST(CommandLine, HelpAndVersionGoToStandardOutput) {
  const Ran help = run({"--help"}), version = run({"--version"}), sub = run({"status", "--help"});
  for (const Ran* const ran : {&help, &version, &sub}) {
    EXPECT_EQ(ran->exit_code, 0);
    EXPECT_EQ(ran->err, "");
  }
  for (const Command& command : commands())
    EXPECT_THAT(help.out, HasSubstr(std::string(command.name)));
  EXPECT_THAT(version.out, testing::StartsWith("stuffwatch 0."));
  EXPECT_THAT(sub.out, HasSubstr("0 full or standby, 4 degraded"));
}

TEST(Render, PaintsOnlyOnATerminal) {
  const std::string list = "{\"campaigns\":[" + std::string(kAlert) + "]}";
  EXPECT_THAT(*render_campaigns(list, {true, 0}), HasSubstr("\x1b[31mhigh\x1b[0m"));
  EXPECT_THAT(*render_campaigns(list, {}), Not(HasSubstr("\x1b")));
  const std::string narrow = *render_campaigns(list, {false, 150});
  EXPECT_THAT(narrow, HasSubstr("…\n"));
}

TEST(Render, RefusesWhatIsNoAnswerOfOurs) {
  for (const char* const text : {"", "[]", "{}", "{\"campaigns\"", "<html>"}) {
    EXPECT_FALSE(render_campaigns(text, {})) << text;
    EXPECT_FALSE(render_alert(text, {})) << text;
  }
  EXPECT_FALSE(render_status("[]", {}));
  EXPECT_TRUE(render_status("{}", {}));  // an older daemon says less
  EXPECT_TRUE(render_alert(R"({"id":"a","counts":7,"sources":{"x":1},"new":[1]})",
                           {}));  // and a newer one more
}

TEST(Render, CutsAndWrapsByWhatIsSeen) {
  EXPECT_EQ(cut("abcdef", 6), "abcdef");
  EXPECT_EQ(cut("äbcdef", 4), "äbc…");
  EXPECT_EQ(cut("\x1b[31mabc\x1b[0mdef", 6), "\x1b[31mabc\x1b[0mdef");
  EXPECT_EQ(cut("\x1b[31mabc\x1b[0mdef", 3), "\x1b[31mab…\x1b[0m");
  EXPECT_EQ(cut("abc", 0), "…");
  using testing::ElementsAre;
  EXPECT_THAT(wrapped("all of it", 0), ElementsAre("all of it"));
  EXPECT_THAT(wrapped("  one two three four", 10),
              ElementsAre("  one two", "    three", "    four"));
  EXPECT_THAT(wrapped("longerthanaline", 10), ElementsAre("longerthan", "    aline"));
}

TEST(Render, TimesAreShort) {
  EXPECT_EQ(short_time("2026-01-02T03:04:05.678Z"), "2026-01-02 03:04Z");
  EXPECT_EQ(short_time("2026-01-02T03:04:05.678Z", true), "2026-01-02 03:04:05Z");
  EXPECT_EQ(short_time("soon\x1b"), "soon?");
}

TEST(Render, NumbersAreForPeople) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(short_number(1.2e9), "1.2e9");
  EXPECT_EQ(short_number(1e15), "1e15");
  EXPECT_EQ(short_number(600), "600");
  EXPECT_EQ(short_number(0.93), "0.93");
  EXPECT_EQ(short_number(1e-9), "1e-09");
}

}  // namespace
}  // namespace stuffwatch::daemon
