// `stuffwatch campaigns`: what is going on, worst first.
#include <memory>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "daemon/commands/command.h"
#include "daemon/commands/daemon_link.h"
#include "daemon/commands/render_parts.h"

namespace stuffwatch::daemon {
namespace {

struct CampaignsOptions {
  DaemonLink link;
  bool all = false, json = false;
  unsigned limit = 100;
};

int list_campaigns(const CampaignsOptions& options) {
  const auto answer = options.link.fetch(
      fmt::format("/api/v1/campaigns?limit={}{}", options.limit, options.all ? "&all=1" : ""));
  if (!answer) return report(answer.error());
  if (options.json) {
    fmt::print("{}", *answer);
    return 0;
  }
  const auto text = render_campaigns(*answer, style_of_stdout());
  if (!text) return report(text.error());
  fmt::print("{}", *text);
  return 0;
}

}  // namespace

std::string counted(JsonElement alert, std::string_view name) {
  const auto counts = member_of(alert, "counts");
  bool estimate = false;
  for (const JsonElement approximate : list_of(alert, "approximate")) {
    std::string_view which;
    estimate |= approximate.get(which) == simdjson::SUCCESS && which == name;
  }
  return fmt::format("{}{}", estimate ? "~" : "", grouped(counts ? count_of(*counts, name) : 0));
}

config::Result<std::string> render_campaigns(std::string_view campaigns_json,
                                             const TextStyle& style) {
  simdjson::dom::parser parser;
  JsonElement document;
  if (parser.parse(campaigns_json).get(document) != simdjson::SUCCESS ||
      !member_of(document, "campaigns"))
    return config::failed(
        "the daemon's answer is no list of campaigns; is it a stuffwatch of another version?");
  Table table{{"SEVERITY", "URGENCY", "STATUS", "ATTACK", "SINCE", "ATTEMPTS", "ACCOUNTS",
               "COMPROMISED", "NETWORKS", "ID", "SUMMARY"},
              {false, false, false, false, false, true, true, true, true, false, false},
              {},
              true};
  for (const JsonElement alert : list_of(document, "campaigns")) {
    const auto text = [&](std::string_view key) { return one_line(text_of(alert, key)); };
    table.rows.push_back({text("severity"), text("urgency"), text("status"), text("attack"),
                          short_time(text_of(alert, "start_time")), counted(alert, "attempts"),
                          counted(alert, "accounts"), counted(alert, "compromised"),
                          counted(alert, "networks"), text("id"), text("summary")});
  }
  if (table.rows.empty()) return "No campaign. Whether everything is seen: stuffwatch status.\n";
  return table.text(style);
}

void add_campaigns(CLI::App& app, int& exit_code) {
  auto* const command = app.add_subcommand("campaigns", "List the open campaigns, worst first");
  const auto options = std::make_shared<CampaignsOptions>();
  options->link.add_options(*command);
  command->add_flag("--all", options->all, "Closed ones too");
  command->add_option("--limit", options->limit, "At most this many, the worst")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  command->add_flag("--json", options->json,
                    "The daemon's answer as it is: {\"campaigns\":[alert, ...]}");
  command->callback([options, &exit_code] { exit_code = list_campaigns(*options); });
}

}  // namespace stuffwatch::daemon
