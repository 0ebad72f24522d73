#include "config/rfc3339.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace stuffwatch::config {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kMsPerMinute = 60'000;
constexpr std::int64_t kMsPerDay = 86'400'000;
constexpr std::size_t kSecondsEnd = 19;  // YYYY-MM-DDThh:mm:ss

// Days since 1970-01-01 of a valid date with year >= 0; Howard Hinnant, "chrono-compatible
// low-level date algorithms".
constexpr std::int64_t days_from_civil(std::uint32_t year, std::uint32_t month, std::uint32_t day) {
  const std::uint32_t shifted =
      year + 400 - (month <= 2 ? 1 : 0);  // + one era, so that nothing is negative
  const std::uint32_t era = shifted / 400;
  const std::uint32_t year_of_era = shifted - era * 400;
  const std::uint32_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const std::uint32_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return std::int64_t{era} * 146'097 + day_of_era - 719'468 - 146'097;
}

struct CivilDay {
  std::uint32_t year, month, day;
};
constexpr CivilDay civil_from_days(std::int64_t days) {
  const auto shifted = static_cast<std::uint32_t>(days + 719'468 + 146'097);
  const std::uint32_t era = shifted / 146'097;
  const std::uint32_t day_of_era = shifted - era * 146'097;
  const std::uint32_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::uint32_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::uint32_t month_shifted = (5 * day_of_year + 2) / 153;
  const std::uint32_t day = day_of_year - (153 * month_shifted + 2) / 5 + 1;
  const std::uint32_t month = month_shifted < 10 ? month_shifted + 3 : month_shifted - 9;
  return {year_of_era + era * 400 - 400 + (month <= 2 ? 1 : 0), month, day};
}

constexpr std::int64_t kFirst = days_from_civil(1, 1, 1) * kMsPerDay;
constexpr std::int64_t kLast = (days_from_civil(9999, 12, 31) + 1) * kMsPerDay - 1;

constexpr std::uint32_t days_in_month(std::uint32_t year, std::uint32_t month) {
  if (month == 2) return (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) ? 29 : 28;
  constexpr std::uint32_t kThirty = (1U << 4U) | (1U << 6U) | (1U << 9U) | (1U << 11U);
  return ((kThirty >> month) & 1U) != 0 ? 30 : 31;
}

constexpr std::uint32_t digit(char c) {
  return static_cast<std::uint32_t>(static_cast<unsigned char>(c)) - '0';
}

// Two digits at p; anything else gives a number above every limit it is compared with.
constexpr std::uint32_t two_digits(const char* p) {
  const std::uint32_t tens = digit(p[0]);
  const std::uint32_t ones = digit(p[1]);
  return (tens <= 9 && ones <= 9) ? tens * 10 + ones : 1'000;
}

// Reads [.digits]; true when well formed. p moves behind it.
bool read_fraction(const char*& p, const char* end, std::uint32_t& ms) {
  if (p == end || *p != '.') return true;
  const char* const first = ++p;
  std::uint32_t scale = 100;
  for (; p != end && digit(*p) <= 9; ++p) {
    ms += digit(*p) * scale;
    scale /= 10;
  }
  return p != first;
}

// Reads the zone, which must end the text; minutes east of UTC.
std::optional<std::int64_t> read_zone(const char* p, const char* end) {
  if (end - p == 1 && (*p == 'Z' || *p == 'z')) return 0;
  if (end - p != 6 || (*p != '+' && *p != '-') || p[3] != ':') return std::nullopt;
  const std::uint32_t hours = two_digits(p + 1);
  const std::uint32_t minutes = two_digits(p + 4);
  if (hours > 23 || minutes > 59) return std::nullopt;
  const std::int64_t east = hours * 60 + minutes;
  return *p == '-' ? -east : east;
}

void put_two(char* p, std::uint32_t n) {
  p[0] = static_cast<char>('0' + n / 10);
  p[1] = static_cast<char>('0' + n % 10);
}

std::array<char, 24> to_text(TimeMs time) {
  const std::int64_t ms = std::clamp(time.time_since_epoch().count(), kFirst, kLast);
  const std::int64_t days =
      (ms - kFirst) / kMsPerDay + kFirst / kMsPerDay;  // floor: ms - kFirst is never negative
  const auto in_day = static_cast<std::uint32_t>(ms - days * kMsPerDay);
  const CivilDay date = civil_from_days(days);
  std::array<char, 24> text = {'Y', 'Y', 'Y', 'Y', '-', 'M', 'M', '-', 'D', 'D', 'T', 'h',
                               'h', ':', 'm', 'm', ':', 's', 's', '.', 'f', 'f', 'f', 'Z'};
  put_two(text.data(), date.year / 100);
  put_two(text.data() + 2, date.year % 100);
  put_two(text.data() + 5, date.month);
  put_two(text.data() + 8, date.day);
  put_two(text.data() + 11, in_day / 3'600'000);
  put_two(text.data() + 14, in_day / 60'000 % 60);
  put_two(text.data() + 17, in_day / 1'000 % 60);
  const std::uint32_t fraction = in_day % 1'000;
  text[20] = static_cast<char>('0' + fraction / 100);
  put_two(text.data() + 21, fraction % 100);
  return text;
}

}  // namespace

std::optional<TimeMs> parse_rfc3339(std::string_view text) {
  if (text.size() < kSecondsEnd + 1) return std::nullopt;
  const char* p = text.data();
  const char* const end = p + text.size();
  const std::uint32_t century = two_digits(p);
  const std::uint32_t year_in_century = two_digits(p + 2);
  const std::uint32_t month = two_digits(p + 5);
  const std::uint32_t day = two_digits(p + 8);
  const std::uint32_t hour = two_digits(p + 11);
  const std::uint32_t minute = two_digits(p + 14);
  std::uint32_t second = two_digits(p + 17);
  if (century > 99 || year_in_century > 99 || month - 1 > 11 || hour > 23 || minute > 59 ||
      second > 60)
    return std::nullopt;
  if (p[4] != '-' || p[7] != '-' || p[13] != ':' || p[16] != ':') return std::nullopt;
  if (p[10] != 'T' && p[10] != 't' && p[10] != ' ') return std::nullopt;
  const std::uint32_t year = century * 100 + year_in_century;
  if (year == 0 || day - 1 >= days_in_month(year, month)) return std::nullopt;

  p += kSecondsEnd;
  std::uint32_t ms = 0;
  if (!read_fraction(p, end, ms)) return std::nullopt;
  const std::optional<std::int64_t> zone = read_zone(p, end);
  if (!zone) return std::nullopt;
  const bool leap = second == 60;
  if (leap) {
    second = 59;
    ms = 999;
  }
  const std::int64_t minutes =
      days_from_civil(year, month, day) * 1'440 + hour * 60 + minute - *zone;
  if (leap && ((minutes % 1'440) + 1'440) % 1'440 != 1'439) return std::nullopt;
  const std::int64_t total = minutes * kMsPerMinute + second * 1'000 + ms;
  if (total < kFirst || total > kLast) return std::nullopt;
  return TimeMs{milliseconds{total}};
}

std::string format_rfc3339(TimeMs time) {
  const auto text = to_text(time);
  return {text.data(), text.size()};
}

void append_rfc3339(std::string& out, TimeMs time) {
  const auto text = to_text(time);
  out.append(text.data(), text.size());
}

}  // namespace stuffwatch::config
