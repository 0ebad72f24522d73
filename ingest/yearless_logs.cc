#include "ingest/yearless_logs.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <vector>

#include "ingest/syslog_line.h"
#include "ingest/year_resolver.h"

namespace stuffwatch::ingest {
namespace {

using std::string_view;

constexpr string_view kDigits = "0123456789", kDateParts = "0123456789-";
constexpr std::chrono::days kDisorder{
    1};  // by which a first line may stand before that of the file in front

// What files of one rotation have in common, and where this one stands: the least is the oldest.
struct Place {
  std::string stem, date = "~";  // without a date: behind all dates
  int newness = 0;               // minus the number
  auto operator<=>(const Place&) const = default;
};

bool take_end(string_view& text, string_view end) {
  if (!text.ends_with(end)) return false;
  text.remove_suffix(end.size());
  return true;
}

// 20261231 or 2026-12-31, and finer, at the end of `text`; empty: none.
string_view date_at_end(string_view text) {
  const auto before = text.find_last_not_of(kDateParts);
  string_view date = text.substr(before == string_view::npos ? 0 : before + 1);
  date.remove_prefix(std::min(date.find_first_of(kDigits), date.size()));
  const auto digits = std::ranges::count_if(date, [](char c) { return c != '-'; });
  const bool century = date.starts_with("20") || date.starts_with("19");
  return digits >= 8 && century && date.size() < text.size() ? date : string_view{};
}

Place place_of(string_view name) {
  for (const string_view packed : {".gz", ".zst", ".xz", ".bz2"})
    if (take_end(name, packed)) break;
  const auto dot = name.rfind('.');
  const string_view end = dot == string_view::npos ? string_view{} : name.substr(dot + 1);
  // 192.0.2.7 is a host, not a rotation.
  const bool numbered = !end.empty() && end.size() <= 4 && dot > 0 &&
                        end.find_first_not_of(kDigits) == string_view::npos &&
                        kDigits.find(name[dot - 1]) == string_view::npos;
  if (numbered)
    return {.stem = std::string(name.substr(0, dot)),
            .newness = -std::atoi(std::string(end).c_str())};
  for (const string_view extension : {string_view{}, name.substr(std::min(dot, name.size()))}) {
    const string_view body = name.substr(0, name.size() - extension.size());
    const string_view date = date_at_end(body);
    if (date.empty()) continue;
    const string_view stem = body.substr(0, body.size() - date.size() - 1);
    return {.stem = std::string(stem).append(extension), .date = std::string(date)};
  }
  return {.stem = std::string(name)};
}

// In the first year in which `stamp` is not before `floor`.
EventTime not_before(EventTime stamp, EventTime floor) {
  for (int year = year_of(floor);; ++year)
    if (const EventTime there = in_year(stamp, year); there >= floor) return there;
}

void move_years(std::span<YearlessLog* const> logs, int by) {
  for (YearlessLog* log : logs) log->first = in_year(*log->first, year_of(*log->first) + by);
}

}  // namespace

std::optional<EventTime> first_yearless_stamp(string_view text) {
  while (!text.empty()) {
    SyslogLine line;
    const auto end = std::min(text.find('\n'), text.size());
    if (parse_syslog(text.substr(0, end), line) == Reject::kNone)
      return line.yearless ? std::optional(line.time) : std::nullopt;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

void count_years(std::span<YearlessLog> logs) {
  std::map<std::string, std::map<std::pair<Place, std::size_t>, YearlessLog*>> rotations;
  for (std::size_t i = 0; i < logs.size(); ++i) {
    if (!logs[i].first) continue;
    Place place = place_of(logs[i].path);
    rotations[place.stem][{std::move(place), i}] = &logs[i];
  }
  std::vector<YearlessLog*> all;
  std::optional<EventTime> newest;  // of the first rotation
  for (const auto& [stem, files] : rotations) {
    const std::size_t begin = all.size();
    for (const auto& [place, log] : files) {
      if (all.size() > begin) log->first = not_before(*log->first, *all.back()->first - kDisorder);
      all.push_back(log);
    }
    const EventTime last = *all.back()->first;
    if (!newest) newest = last;
    move_years(std::span(all).subspan(begin), nearest_year(last, *newest) - year_of(last));
  }
  if (all.empty()) return;
  const auto oldest = std::ranges::min(all, {}, [](const YearlessLog* log) { return log->first; });
  move_years(all, kYearOfTheYearless - year_of(*oldest->first));
}

}  // namespace stuffwatch::ingest
