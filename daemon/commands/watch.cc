#include "daemon/commands/watch.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "daemon/commands/render_parts.h"

namespace stuffwatch::daemon {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

// The daemon says how it is once a second; a checkpoint or a rebalance may hold it up for a few.
constexpr auto kStale = 5s;
constexpr double kSilentSeconds = 30;
constexpr std::size_t kLeastCampaignLines = 8;  // the worst with its sentence, if there are more
constexpr std::size_t kMostLogLines = 8;

Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

Lines at_most(Lines lines, std::size_t most) {
  if (lines.size() <= most) return lines;
  const std::size_t left_out = lines.size() + 1 - most;
  lines.resize(most);
  if (most != 0) lines.back() = fmt::format("  … {} more lines", left_out);
  return lines;
}

Lines wrapped_lines(std::string_view text, const TextStyle& style) {
  Lines out;
  for (const std::string& line : lines_of(text))
    std::ranges::move(wrapped(line, style.width), std::back_inserter(out));
  return out;
}

// What the tallest bar stands for. While a backlog is read thousands come in a second: that must not
// flatten everything else for as long as it is remembered.
double ceiling_of(const std::vector<double>& rates) {
  std::vector<double> sorted = rates;
  std::erase(sorted, 0);
  if (sorted.empty()) return 1;
  std::ranges::sort(sorted);
  return std::min(sorted.back(), 8 * sorted[sorted.size() / 2]);
}

// "▁▂▃": each bar in eighths of the tallest, a dot for none at all.
std::string sparkline(const std::vector<double>& rates) {
  static constexpr std::array<std::string_view, 9> kBars = {"·", "▁", "▂", "▃", "▄",
                                                            "▅", "▆", "▇", "█"};
  const double ceiling = ceiling_of(rates);
  std::string out;
  for (const double rate : rates)
    out += kBars[static_cast<std::size_t>(std::ceil(8 * std::min(1.0, rate / ceiling)))];
  return out;
}

Lines health_lines(JsonElement status, config::TimeMs now, const TextStyle& style) {
  std::string out;
  const auto said = config::parse_rfc3339(text_of(status, "time"));
  if (said && now - *said > kStale)
    out += painted(fmt::format("stale: the daemon has not said how it is for {} s",
                               std::chrono::floor<std::chrono::seconds>(now - *said).count()),
                   "blind", style) +
           '\n';
  out += state_lines(status, style);
  out += short_time(config::format_rfc3339(now), true);
  if (const std::string_view watermark = text_of(status, "watermark"); !watermark.empty())
    out += fmt::format(", everything before {} is dealt with", short_time(watermark, true));
  return wrapped_lines(out, style);
}

Lines section(const Table& table, const TextStyle& style) {
  return table.rows.empty() ? Lines{} : lines_of('\n' + table.text(style));
}

Lines login_lines(const LoginHistory& logins, const TextStyle& style) {
  constexpr std::size_t kOtherColumns = 30;
  const std::size_t room =
      style.width == 0 ? LoginHistory::kSteps : style.width - std::min(style.width, kOtherColumns);
  const std::size_t steps = std::min(LoginHistory::kSteps, room);
  Table table{{"LOGINS/S", "NOW", "PEAK", "LAST 5 MINUTES"}, {false, true, true, false}, {}};
  for (std::size_t outcome = 0; outcome < kLoginOutcomes.size(); ++outcome) {
    const auto rates = logins.rates(static_cast<LoginOutcome>(outcome), steps);
    const double peak = rates.empty() ? 0 : std::ranges::max(rates);
    if (peak <= 0 && static_cast<LoginOutcome>(outcome) == LoginOutcome::kUnknown) continue;
    table.rows.push_back({std::string(kLoginOutcomes[outcome]),
                          rates.empty() ? "-" : fmt::format("{:.1f}", rates.back()),
                          fmt::format("{:.1f}", peak), sparkline(rates)});
  }
  return section(table, style);
}

// Seconds since the last record of any input from which more is to come.
double silence_of(JsonElement status) {
  double least = std::numeric_limits<double>::infinity();
  for (const JsonElement input : list_of(status, "inputs"))
    if (text_of(input, "state") != "finished")
      least = std::min(least, number_of(input, "seconds_silent").value_or(0));
  return std::isinf(least) ? 0 : least;
}

// A row of the table and its sentence, campaign by campaign; the daemon gives the worst first.
Lines campaign_rows(JsonElement campaigns, const TextStyle& style) {
  Table table{
      {"SEVERITY", "URGENCY", "ATTACK", "SINCE", "ATTEMPTS", "ACCOUNTS", "COMPROMISED", "ID"},
      {false, false, false, false, true, true, true, false},
      {},
      true};
  Lines sentences;
  for (const JsonElement alert : list_of(campaigns, "campaigns")) {
    const auto text = [&](std::string_view key) { return one_line(text_of(alert, key)); };
    table.rows.push_back({text("severity"), text("urgency"), text("attack"),
                          short_time(text_of(alert, "start_time")), counted(alert, "attempts"),
                          counted(alert, "accounts"), counted(alert, "compromised"), text("id")});
    sentences.push_back("  " + text("summary"));
  }
  if (sentences.empty()) return {};
  const Lines rows = lines_of(table.text(style));
  Lines out = {rows.front()};
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    out.push_back(rows[i + 1]);
    std::ranges::move(wrapped(sentences[i], style.width), std::back_inserter(out));
  }
  return out;
}

Lines campaign_lines(JsonElement status, JsonElement campaigns, const TextStyle& style) {
  Lines lines = {"", heading(fmt::format("CAMPAIGNS: {} open; accounts to check: {}",
                                         grouped(count_of(status, "open_campaigns")),
                                         grouped(count_of(status, "open_compromised_accounts"))),
                             style)};
  lines.back().pop_back();  // the line end
  const double silence = silence_of(status);
  const bool silent = silence >= kSilentSeconds;
  if (silent)
    lines.push_back(
        painted(fmt::format("No record for {:.0f} s: this is what was known then.", silence),
                "degraded", style));
  Lines rows = campaign_rows(campaigns, style);
  if (rows.empty())
    rows.emplace_back(silent || text_of(status, "state") != "full"
                          ? "No campaign is known, but not everything is seen."
                          : "No campaign.");
  std::ranges::move(rows, std::back_inserter(lines));
  return lines;
}

Lines sink_lines(JsonElement status, const TextStyle& style) {
  Lines lines = section(sinks_table(status), style);
  if (const std::string text = dead_letter_text(status); !text.empty())
    lines.push_back("dead letters: " + one_line(text));
  return lines;
}

Lines log_lines(const std::vector<std::string>& log, std::size_t room) {
  if (log.empty() || room < 2) return {};
  Lines lines(1);
  for (std::size_t i = log.size() - std::min(log.size(), room - 1); i < log.size(); ++i)
    lines.push_back(one_line(log[i]));
  return lines;
}

std::string page_of(JsonElement status, JsonElement campaigns, const Watched& seen,
                    const TextStyle& style) {
  const std::size_t height =
      style.height == 0 ? std::numeric_limits<std::size_t>::max() : style.height;
  Lines health = at_most(health_lines(status, seen.now, style),
                         std::min(height, std::max<std::size_t>(height / 3, 2)));
  Lines inputs = at_most(section(inputs_table(status), style), height / 3);
  Lines logins = login_lines(seen.logins, style);
  Lines sinks = at_most(sink_lines(status, style), height / 4);
  Lines worst = campaign_lines(status, campaigns, style);
  const std::size_t least = std::min(worst.size(), kLeastCampaignLines);
  const auto used = [&] { return health.size() + inputs.size() + logins.size() + sinks.size(); };
  for (Lines* const section : {&sinks, &logins, &inputs})
    if (used() + least > height) section->clear();
  const std::size_t spare = height - std::min(height, used() + least);
  Lines log = log_lines(seen.log, std::min({spare, height / 8 + 1, kMostLogLines + 1}));
  const std::size_t room = height - used() - log.size();
  worst = at_most(std::move(worst), room);
  if (style.height != 0) worst.resize(room);  // what follows stays where it is
  std::string page;
  for (const Lines* const part : {&health, &inputs, &logins, &worst, &sinks, &log})
    for (const std::string& line : *part)
      page += (style.width == 0 ? line : cut(line, style.width)) + '\n';
  return page;
}

}  // namespace

void LoginHistory::add(std::string_view status_json) {
  simdjson::dom::parser parser;
  JsonElement status;
  if (parser.parse(status_json).get(status) != simdjson::SUCCESS) return;
  const auto time = config::parse_rfc3339(text_of(status, "time"));
  const auto logins = member_of(status, "logins");
  if (!time || !logins) return;
  Sample sample{*time, {}};
  for (std::size_t i = 0; i < kLoginOutcomes.size(); ++i)
    sample.logins[i] = count_of(*logins, kLoginOutcomes[i]);
  const auto fell = [&](const Sample& before) {
    return !std::ranges::equal(before.logins, sample.logins, std::ranges::less_equal{});
  };
  if (!samples_.empty() && fell(samples_.back())) samples_.clear();  // another process answers now
  if (!samples_.empty() && sample.time <= samples_.back().time) return;
  const bool under_way =
      samples_.size() >= 2 && samples_.back().time - std::prev(samples_.end(), 2)->time < kStep;
  if (under_way)
    samples_.back() = sample;
  else
    samples_.push_back(sample);
  if (samples_.size() > kSteps + 1) samples_.pop_front();
}

std::vector<double> LoginHistory::rates(LoginOutcome outcome, std::size_t steps) const {
  const auto of = static_cast<std::size_t>(outcome);
  std::vector<double> rates;
  const std::size_t known = samples_.empty() ? 0 : samples_.size() - 1;
  for (std::size_t i = known - std::min(known, steps); i < known; ++i) {
    const Sample &from = samples_[i], &to = samples_[i + 1];
    rates.push_back(static_cast<double>(to.logins[of] - from.logins[of]) /
                    std::chrono::duration<double>(to.time - from.time).count());
  }
  return rates;
}

std::string render_no_answer(std::string_view why, const TextStyle& style) {
  std::string page;
  for (const std::string& line :
       wrapped_lines(painted("blind", "blind", style) + "  " + one_line(why), style))
    page += line + '\n';
  return page;
}

config::Result<std::string> render_watch(const Watched& seen, const TextStyle& style) {
  simdjson::dom::parser status_parser, campaigns_parser;
  JsonElement status, campaigns;
  if (status_parser.parse(seen.status).get(status) != simdjson::SUCCESS || !status.is_object() ||
      campaigns_parser.parse(seen.campaigns).get(campaigns) != simdjson::SUCCESS)
    return config::failed(
        "the daemon's answer is not JSON; is it a stuffwatch of another version?");
  return page_of(status, campaigns, seen, style);
}

}  // namespace stuffwatch::daemon
