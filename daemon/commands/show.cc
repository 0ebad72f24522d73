// `stuffwatch show ID`: one campaign as a page: what happened, who was hurt, how we know, what to
// do.
#include <memory>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "daemon/commands/command.h"
#include "daemon/commands/daemon_link.h"
#include "daemon/commands/render.h"
#include "daemon/json_view.h"

namespace stuffwatch::daemon {
namespace {

struct ShowOptions {
  DaemonLink link;
  std::string id;
  bool json = false;
};

int show_campaign(const ShowOptions& options) {
  const std::string id = options.id.substr(
      0, options.id.find('/'));  // an alert_id or an account's id names its campaign too
  const auto answer = options.link.fetch("/api/v1/campaigns/" + control::escaped_segment(id));
  if (!answer) return report(answer.error());
  if (options.json) {
    fmt::print("{}", *answer);
    return 0;
  }
  const auto text = render_alert(*answer, style_of_stdout());
  if (!text) return report(text.error());
  fmt::print("{}", *text);
  return 0;
}

std::string safe(JsonElement object, std::string_view key) {
  return one_line(text_of(object, key));
}

// "web, mobile"
std::string joined(JsonElement object, std::string_view key) {
  std::string out;
  for (const JsonElement element : list_of(object, key)) {
    std::string_view text;
    if (element.get(text) != simdjson::SUCCESS) continue;
    if (!out.empty()) out += ", ";
    out += one_line(text);
  }
  return out;
}

// "  shown 500 of 40,123\n" when the alert says that a list was cut.
std::string truncation(JsonElement alert, std::string_view list) {
  const auto truncated = member_of(alert, "truncated");
  const auto entry = truncated ? member_of(*truncated, list) : std::nullopt;
  return entry ? fmt::format("  shown {} of {}\n", grouped(count_of(*entry, "shown")),
                             grouped(count_of(*entry, "total")))
               : "";
}

std::string head_of(JsonElement alert, const TextStyle& style) {
  const std::string severity = safe(alert, "severity");
  std::string out =
      fmt::format("{}  {}  {}  {}  {}, revision {} ({})\n", painted(severity, severity, style),
                  safe(alert, "urgency"), safe(alert, "attack"), safe(alert, "status"),
                  safe(alert, "id"), count_of(alert, "revision"), safe(alert, "reason"));
  out += safe(alert, "summary") + "\n\n";
  out += fmt::format("when        {} to {}\n", safe(alert, "start_time"), safe(alert, "end_time"));
  const auto line = [&](std::string_view label, const std::string& text) {
    if (!text.empty()) out += fmt::format("{:<11} {}\n", label, text);
  };
  line("site", safe(alert, "site"));
  line("tenant", safe(alert, "tenant"));
  line("apps", joined(alert, "apps"));
  line("techniques", joined(alert, "techniques"));
  if (const auto confidence = number_of(alert, "confidence"))
    line("confidence", short_number(*confidence));
  line("closed", safe(alert, "close_reason"));
  line("merged into", safe(alert, "merged_into"));
  line("continues", safe(alert, "continues"));
  line("console", safe(alert, "console_url"));
  return out + '\n';
}

std::string victims_of(JsonElement alert, const TextStyle& style) {
  Table table{
      {"ACCOUNT", "TIER", "PROBABILITY", "TIME", "FROM"}, {false, false, true, false, false}, {}};
  for (const JsonElement victim : list_of(alert, "compromised")) {
    const auto probability = number_of(victim, "probability");
    table.rows.push_back({safe(victim, "account"), safe(victim, "tier"),
                          probability ? short_number(*probability) : "-", safe(victim, "time"),
                          safe(victim, "source_ip")});
  }
  std::string out = heading("Likely compromised accounts", style);
  if (table.rows.empty()) return out + "  none seen\n\n";
  return out + table.text(style, "  ") + truncation(alert, "compromised") + '\n';
}

std::string counts_of(JsonElement alert, const TextStyle& style) {
  const auto counts = member_of(alert, "counts");
  if (!counts) return {};
  const auto n = [&](std::string_view key, std::string_view one, std::string_view many) {
    const std::uint64_t count = count_of(*counts, key);
    return fmt::format("{} {}", grouped(count), count == 1 ? one : many);
  };
  std::string out = heading("How much", style);
  out += fmt::format("  {} ({}, {}) on {}, from {} in {} of {}\n",
                     n("attempts", "attempt", "attempts"), n("failures", "failure", "failures"),
                     n("successes", "success", "successes"), n("accounts", "account", "accounts"),
                     n("sources", "address", "addresses"), n("networks", "network", "networks"),
                     n("as_numbers", "operator", "operators"));
  if (const std::string estimates = joined(alert, "approximate"); !estimates.empty())
    out += fmt::format("  estimates: {}\n", estimates);
  return out + '\n';
}

std::string factors_of(JsonElement alert, const TextStyle& style) {
  std::string out;
  for (const JsonElement factor : list_of(alert, "factors")) {
    out +=
        fmt::format("  {}: {} is {}, the alarm starts at {}", safe(factor, "detector"),
                    safe(factor, "statistic"), short_number(number_of(factor, "value").value_or(0)),
                    short_number(number_of(factor, "threshold").value_or(0)));
    if (const std::string window = safe(factor, "window"); !window.empty())
      out += fmt::format(" ({})", window);
    out += '\n';
    if (const std::string null_model = safe(factor, "null"); !null_model.empty())
      out += fmt::format("    measured against: {}\n", null_model);
  }
  return out.empty() ? out : heading("How we know", style) + out + '\n';
}

std::string lists_of(JsonElement alert, const TextStyle& style) {
  Table table{{"LIST", "ACCOUNTS", "SHARE", "EXPECTED"}, {false, true, true, true}, {}};
  for (const JsonElement list : list_of(alert, "lists"))
    table.rows.push_back({safe(list, "name"), grouped(count_of(list, "accounts")),
                          short_number(number_of(list, "share").value_or(0)),
                          short_number(number_of(list, "expected_share").value_or(0))});
  return table.rows.empty() ? "" : heading("Breach lists", style) + table.text(style, "  ") + '\n';
}

std::string sources_of(JsonElement alert, const TextStyle& style) {
  Table table{{"NETWORK", "ATTEMPTS", "ACCOUNTS", "SUCCESSES", "AS", "COUNTRY", "CLASS"},
              {false, true, true, true, true, false, false},
              {}};
  for (const JsonElement source : list_of(alert, "sources")) {
    const std::uint64_t as_number = count_of(source, "as_number");
    table.rows.push_back({safe(source, "network"), grouped(count_of(source, "attempts")),
                          grouped(count_of(source, "accounts")),
                          grouped(count_of(source, "successes")),
                          as_number == 0 ? "-" : std::to_string(as_number), safe(source, "country"),
                          safe(source, "class")});
  }
  return table.rows.empty() ? ""
                            : heading("Networks", style) + table.text(style, "  ") +
                                  truncation(alert, "sources") + '\n';
}

std::string clients_of(JsonElement alert, const TextStyle& style) {
  Table table{{"ATTEMPTS", "JA4", "USER AGENT"}, {true, false, false}, {}};
  for (const JsonElement client : list_of(alert, "clients"))
    table.rows.push_back(
        {grouped(count_of(client, "attempts")), safe(client, "ja4"), safe(client, "user_agent")});
  return table.rows.empty() ? ""
                            : heading("Clients", style) + table.text(style, "  ") +
                                  truncation(alert, "clients") + '\n';
}

std::string actions_of(JsonElement alert, const TextStyle& style) {
  std::string out;
  int number = 0;
  for (const JsonElement action : list_of(alert, "recommended_actions")) {
    const std::string text = safe(action, "text"), target = safe(action, "target");
    out += fmt::format("  {}. {}{}\n", ++number, target.empty() ? "" : target + ": ",
                       text.empty() ? safe(action, "code") : text);
  }
  return out.empty() ? out : heading("What to do", style) + out + '\n';
}

std::string quality_of(JsonElement alert, const TextStyle& style) {
  const auto quality = member_of(alert, "data_quality");
  if (!quality) return {};
  std::string out;
  if (flag_of(*quality, "partial"))
    out +=
        "  the view was partial: some inputs were missing, so counts are too low (stuffwatch "
        "status says which)\n";
  if (const std::string warming = joined(*quality, "warming"); !warming.empty())
    out += fmt::format("  still warming, so less sure than usual: {}\n", warming);
  return out.empty() ? out : heading("Mind", style) + out + '\n';
}

}  // namespace

config::Result<std::string> render_alert(std::string_view alert_json, const TextStyle& style) {
  simdjson::dom::parser parser;
  JsonElement alert;
  if (parser.parse(alert_json).get(alert) != simdjson::SUCCESS || text_of(alert, "id").empty())
    return config::failed(
        "the daemon's answer is no alert; is it a stuffwatch of another version?");
  std::string out = head_of(alert, style) + victims_of(alert, style) + counts_of(alert, style) +
                    factors_of(alert, style);
  out += lists_of(alert, style) + sources_of(alert, style) + clients_of(alert, style) +
         quality_of(alert, style) + actions_of(alert, style);
  out.pop_back();
  return out;
}

void add_show(CLI::App& app, int& exit_code) {
  auto* const command = app.add_subcommand(
      "show", "Show one campaign: what happened, who was hurt, how we know, what to do");
  const auto options = std::make_shared<ShowOptions>();
  options->link.add_options(*command);
  command
      ->add_option("id", options->id,
                   "The campaign's id, as `stuffwatch campaigns` and every alert give it")
      ->type_name("ID")
      ->required();
  command->add_flag("--json", options->json, "The alert as it was delivered");
  command->callback([options, &exit_code] { exit_code = show_campaign(*options); });
}

}  // namespace stuffwatch::daemon
