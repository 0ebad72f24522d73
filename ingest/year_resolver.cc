#include "ingest/year_resolver.h"

#include <algorithm>

namespace stuffwatch::ingest {
namespace {

namespace chrono = std::chrono;

constexpr chrono::days kTurnOfTheYear{300};

int year_after(EventTime local, EventTime newest) {
  const int year = year_of(newest);
  const auto step = in_year(local, year) - newest;
  if (step < -kTurnOfTheYear) return year + 1;
  return step > kTurnOfTheYear ? year - 1 : year;
}

}  // namespace

int year_of(EventTime time) {
  return static_cast<int>(chrono::year_month_day{chrono::floor<chrono::days>(time)}.year());
}

EventTime in_year(EventTime local, int year) {
  const auto day = chrono::floor<chrono::days>(local);
  const chrono::year_month_day date{day};
  return chrono::sys_days{chrono::year{year} / date.month() / date.day()} +
         (local - day);  // an impossible day counts on into March
}

int nearest_year(EventTime local, EventTime to) {
  const int middle = year_of(to);
  int best = middle;
  for (const int year : {middle - 1, middle + 1}) {
    if (chrono::abs(in_year(local, year) - to) < chrono::abs(in_year(local, best) - to))
      best = year;
  }
  return best;
}

config::Result<chrono::minutes> parse_zone(std::string_view text) {
  if (text == "UTC" || text == "Z") return chrono::minutes{0};
  std::string digits;
  for (const char c : text.substr(std::min<std::size_t>(1, text.size()))) {
    if (c != ':') digits.push_back(c);
  }
  const bool shaped = (text.size() == 5 || (text.size() == 6 && text[3] == ':')) &&
                      (text[0] == '+' || text[0] == '-') && digits.size() == 4 &&
                      digits.find_first_not_of("0123456789") == std::string::npos;
  const int hours = shaped ? (digits[0] - '0') * 10 + digits[1] - '0' : 99;
  const int minutes = shaped ? (digits[2] - '0') * 10 + digits[3] - '0' : 99;
  if (hours > 14 || minutes > 59) {
    return config::misconfigured(
        "'{}' is not a zone: write UTC or a fixed offset such as +02:00; a named zone changes its "
        "offset in summer, so split the input there",
        text);
  }
  return chrono::minutes{(hours * 60 + minutes) * (text[0] == '-' ? -1 : 1)};
}

std::optional<EventTime> YearResolver::resolve(EventTime time, bool yearless, bool zoneless,
                                               std::int64_t record_timestamp_ms) {
  if (!yearless && !zoneless) return time;
  const chrono::minutes zone = options_.zone.value_or(chrono::minutes{0});
  if (!yearless) return time - zone;
  const auto year = year_for(time, record_timestamp_ms);
  if (!year) return std::nullopt;
  first_year_ = std::min(first_year_.value_or(*year), *year);
  last_year_ = std::max(last_year_.value_or(*year), *year);
  return in_year(time, *year) - zone;
}

// `local` stands in the year 2000; years are compared in local time, so that midnight of New Year
// falls where the writer saw it.
std::optional<int> YearResolver::year_for(EventTime local, std::int64_t record_timestamp_ms) {
  const chrono::minutes zone = options_.zone.value_or(chrono::minutes{0});
  if (!options_.year && record_timestamp_ms >= 0)
    return nearest_year(local, EventTime{chrono::milliseconds{record_timestamp_ms}} + zone);
  if (newest_ || before_) return year_after(local, (newest_ ? *newest_ : *before_) + zone);
  if (!options_.year && !options_.year_2000) return std::nullopt;
  assumed_ = !options_.year;
  const int oldest = options_.year.value_or(kYearOfTheYearless);
  if (!first_) return oldest;
  return year_after(local, in_year(*first_, oldest + year_of(*first_) - kYearOfTheYearless));
}

}  // namespace stuffwatch::ingest
