// `stuffwatch status`: is the daemon seeing and delivering everything, and if not, what to do.
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "daemon/commands/command.h"
#include "daemon/commands/daemon_link.h"
#include "daemon/commands/live_view.h"
#include "daemon/commands/render_parts.h"

namespace stuffwatch::daemon {
namespace {

constexpr int kDegraded = 4, kBlind = 5;

struct StatusOptions {
  DaemonLink link;
  bool json = false, watch = false;
};

int exit_code_of(const std::string& status) {
  simdjson::dom::parser parser;
  JsonElement document;
  if (parser.parse(status).get(document) != simdjson::SUCCESS) return 1;
  const std::string_view state = text_of(document, "state");
  return state == "full" || state == "standby" ? 0 : state == "degraded" ? kDegraded : kBlind;
}

// Until Ctrl-C, or until the terminal is gone.
int watch_status(const DaemonLink& link) {
  if (const auto terminal = Terminal::check(); !terminal) return report(terminal.error());
  sigset_t ends;
  ::sigemptyset(&ends);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&ends, signal);
  ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  const LiveView view([&link](std::string_view target) { return link.fetch(target); });
  int signal = 0;
  ::sigwait(&ends, &signal);
  return 0;
}

int show_status(const StatusOptions& options) {
  const auto answer = options.link.ask("/api/v1/status");
  if (!answer) return report(answer.error());
  if (answer->status == 503) {
    fmt::print(
        "{}",
        options.json
            ? answer->body
            : "starting: the daemon runs, but has not begun to read yet; ask again in a moment\n");
    return kBlind;
  }
  if (answer->status != 200)
    return report(
        {config::Error::Kind::kFailed, fmt::format("the daemon answers {}", answer->status)});
  if (options.json) {
    fmt::print("{}", answer->body);
    return exit_code_of(answer->body);
  }
  const auto text = render_status(answer->body, style_of_stdout());
  if (!text) return report(text.error());
  fmt::print("{}", *text);
  return exit_code_of(answer->body);
}

std::string facts(JsonElement status) {
  std::string out =
      fmt::format("open campaigns       {}\n", grouped(count_of(status, "open_campaigns")));
  out += fmt::format("compromised accounts {} open\n",
                     grouped(count_of(status, "open_compromised_accounts")));
  const auto line = [&](std::string_view label, std::string_view text) {
    if (!text.empty()) out += fmt::format("{:<20} {}\n", label, one_line(text));
  };
  line("watermark", text_of(status, "watermark"));
  line("account names", text_of(status, "privacy_mode"));
  line("configuration", text_of(status, "config_sha256"));
  line("http", text_of(status, "http"));
  line("dead letters", dead_letter_text(status));
  if (const auto checkpoint = member_of(status, "checkpoint")) {
    const std::string_view last = text_of(*checkpoint, "last");
    line("last checkpoint", last.empty() ? "none yet" : last);
    line("checkpoint problem", text_of(*checkpoint, "problem"));
  }
  if (const auto outbox = member_of(status, "outbox"))
    line("outbox",
         fmt::format("{} revisions, {} bytes, {:.0f} % of its cap",
                     grouped(count_of(*outbox, "records")), grouped(count_of(*outbox, "bytes")),
                     100 * number_of(*outbox, "used_ratio").value_or(0)));
  return out + '\n';
}

std::vector<std::string> input_row(JsonElement input) {
  const auto behind = number_of(input, "seconds_behind");
  const bool lag = member_of(input, "lag_records").has_value();
  return {one_line(text_of(input, "name")),
          one_line(text_of(input, "state")),
          short_number(number_of(input, "events_per_second").value_or(0)),
          behind ? fmt::format("{:.1f} s", *behind) : "-",
          lag ? grouped(count_of(input, "lag_records")) : "-",
          grouped(count_of(input, "rejected")),
          short_time(text_of(input, "last_event"), true),
          one_line(text_of(input, "problem"))};
}

Table detectors_table(JsonElement status) {
  Table table{{"DETECTOR", "WARM", "KEYS", "OF", "EVICTED", "MEMORY"},
              {false, false, true, true, true, true},
              {}};
  for (const JsonElement detector : list_of(status, "detectors")) {
    const std::string_view at = text_of(detector, "warm_at");
    const std::string warm = flag_of(detector, "warm") ? "yes"
                             : at.empty()              ? "no"
                                                       : fmt::format("at {}", one_line(at));
    table.rows.push_back(
        {one_line(text_of(detector, "name")), warm, grouped(count_of(detector, "keys")),
         grouped(count_of(detector, "max_keys")), grouped(count_of(detector, "evictions")),
         fmt::format("{:.1f} MiB", static_cast<double>(count_of(detector, "bytes")) / 1048576.0)});
  }
  return table;
}

}  // namespace

std::string state_lines(JsonElement status, const TextStyle& style) {
  const std::string state = one_line(text_of(status, "state"));
  std::string out = fmt::format("{}  stuffwatch {}", painted(state, state, style),
                                one_line(text_of(status, "version")));
  if (const auto site = text_of(status, "site"); !site.empty())
    out += fmt::format(", site {}", one_line(site));
  out += fmt::format(", running since {}\n", one_line(text_of(status, "started")));
  for (const JsonElement reason : list_of(status, "reasons"))
    out += fmt::format("  {}: {}\n", one_line(text_of(reason, "code")),
                       one_line(text_of(reason, "text")));
  return out;
}

std::string dead_letter_text(JsonElement status) {
  const auto dead_letter = member_of(status, "dead_letter");
  if (!dead_letter) return {};
  const std::string records = grouped(count_of(*dead_letter, "records"));
  const std::string_view to = text_of(*dead_letter, "to");
  return to.empty() ? records + " since the start; none is kept (dead_letter.mode is off)"
                    : fmt::format("{} since the start, as {} in {}", records,
                                  text_of(*dead_letter, "mode"), to);
}

Table inputs_table(JsonElement status) {
  Table table{{"INPUT", "STATE", "EVENTS/S", "BEHIND", "LAG", "REJECTED", "LAST EVENT", "PROBLEM"},
              {false, false, true, true, true, true, false, false},
              {}};
  for (const bool well : {false, true})  // those with a problem first
    for (const JsonElement input : list_of(status, "inputs"))
      if (text_of(input, "problem").empty() == well) table.rows.push_back(input_row(input));
  return table;
}

Table sinks_table(JsonElement status) {
  Table table{{"SINK", "UP", "DELIVERED", "FAILED", "WAITING", "PROBLEM"},
              {false, false, true, true, true, false},
              {}};
  for (const JsonElement sink : list_of(status, "sinks"))
    table.rows.push_back({one_line(text_of(sink, "name")), flag_of(sink, "up") ? "yes" : "no",
                          grouped(count_of(sink, "delivered")), grouped(count_of(sink, "failed")),
                          grouped(count_of(sink, "lag_revisions")),
                          one_line(text_of(sink, "problem"))});
  return table;
}

config::Result<std::string> render_status(std::string_view status_json, const TextStyle& style) {
  simdjson::dom::parser parser;
  JsonElement status;
  if (parser.parse(status_json).get(status) != simdjson::SUCCESS || !status.is_object())
    return config::failed(
        "the daemon's answer is no JSON object; is it a stuffwatch of another version?");
  std::string out = state_lines(status, style) + '\n' + facts(status);
  for (const Table& table : {inputs_table(status), detectors_table(status), sinks_table(status)})
    if (!table.rows.empty()) out += table.text(style) + '\n';
  out.pop_back();
  return out;
}

void add_status(CLI::App& app, int& exit_code) {
  auto* const command = app.add_subcommand("status",
                                           "Is the daemon seeing and delivering everything? Exit: "
                                           "0 full or standby, 4 degraded, 5 blind, 1 no answer");
  const auto options = std::make_shared<StatusOptions>();
  options->link.add_options(*command);
  auto* const json = command->add_flag("--json", options->json, "The daemon's answer as it is");
  command
      ->add_flag("--watch", options->watch,
                 "Draw it on this terminal with the campaigns, once a second; Ctrl-C ends that")
      ->excludes(json);
  command->callback([options, &exit_code] {
    exit_code = options->watch ? watch_status(options->link) : show_status(*options);
  });
}

}  // namespace stuffwatch::daemon
