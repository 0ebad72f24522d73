#include "ingest/syslog_line.h"

#include <array>
#include <chrono>

namespace stuffwatch::ingest {
namespace {

namespace chrono = std::chrono;

constexpr int kYearOfTheYearless = 2000;  // a leap year, so that Feb 29 exists

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Eats the line from the front; every member says whether the expected thing stood there.
struct Cursor {
  std::string_view rest;

  bool literal(char c) {
    if (rest.empty() || rest.front() != c) return false;
    rest.remove_prefix(1);
    return true;
  }

  // Between `least` and `most` digits, greedy.
  bool number(std::size_t least, std::size_t most, int& out) {
    std::size_t n = 0;
    int value = 0;
    while (n < most && n < rest.size() && is_digit(rest[n])) value = value * 10 + (rest[n++] - '0');
    if (n < least) return false;
    rest.remove_prefix(n);
    out = value;
    return true;
  }

  // Up to the next space, which is eaten too; false at the end of the line.
  bool token(std::string_view& out) {
    if (rest.empty()) return false;
    const auto end = rest.find(' ');
    out = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return true;
  }
};

struct Stamp {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, millisecond = 0,
      zone_minutes = 0;
};

// "13:06:56", and a fraction of any length, cut to milliseconds.
bool clock_time(Cursor& at, Stamp& out) {
  if (!at.number(2, 2, out.hour) || !at.literal(':') || !at.number(2, 2, out.minute) ||
      !at.literal(':') || !at.number(2, 2, out.second))
    return false;
  if (at.rest.size() < 2 || (at.rest[0] != '.' && at.rest[0] != ',') || !is_digit(at.rest[1]))
    return true;
  at.rest.remove_prefix(1);
  int scale = 100;
  while (!at.rest.empty() && is_digit(at.rest.front())) {
    out.millisecond += (at.rest.front() - '0') * scale;
    scale /= 10;
    at.rest.remove_prefix(1);
  }
  return true;
}

bool valid_time(const Stamp& s, EventTime& out) {
  const chrono::year_month_day date{chrono::year{s.year},
                                    chrono::month{static_cast<unsigned>(s.month)},
                                    chrono::day{static_cast<unsigned>(s.day)}};
  if (!date.ok() || s.year < 1970 || s.hour > 23 || s.minute > 59 || s.second > 60) return false;
  out = chrono::sys_days{date} + chrono::hours{s.hour} +
        chrono::minutes{s.minute - s.zone_minutes} + chrono::seconds{s.second} +
        chrono::milliseconds{s.millisecond};
  if (s.second == 60) out -= chrono::milliseconds{s.millisecond + 1};  // a leap second: 59.999
  return true;
}

int month_of(std::string_view name) {
  static constexpr std::array<std::string_view, 12> kMonths = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (kMonths[i] == name) return static_cast<int>(i) + 1;
  }
  return 0;
}

// "Mar 27 13:06:56 ", "Mar  7 13:06:56 ", "Mar 7 2026 13:06:56 "
Reject classic_stamp(Cursor& at, SyslogLine& out) {
  Stamp stamp;
  stamp.month = month_of(at.rest.substr(0, 3));
  if (stamp.month == 0) return Reject::kNotThisFormat;
  at.rest.remove_prefix(3);
  if (!at.literal(' ')) return Reject::kNotThisFormat;
  at.literal(' ');
  if (!at.number(1, 2, stamp.day) || !at.literal(' ')) return Reject::kNotThisFormat;
  const bool dated = at.number(4, 4, stamp.year);
  if (dated && !at.literal(' ')) return Reject::kNotThisFormat;
  if (!clock_time(at, stamp) || !(at.rest.empty() || at.literal(' ')))
    return Reject::kNotThisFormat;
  if (!dated) stamp.year = kYearOfTheYearless;
  out.yearless = !dated;
  out.zoneless = dated;
  return valid_time(stamp, out.time) ? Reject::kNone : Reject::kBadTime;
}

// "Z", "+01:00", "+0100", or nothing.
bool zone(Cursor& at, Stamp& stamp, bool& present) {
  present = true;
  if (at.literal('Z') || at.literal('z')) return true;
  const bool east = at.literal('+');
  if (!east && !at.literal('-')) {
    present = false;
    return true;
  }
  int hours = 0, minutes = 0;
  if (!at.number(2, 2, hours)) return false;
  at.literal(':');
  if (!at.number(2, 2, minutes)) return false;
  if (hours > 23 || minutes > 59) stamp.month = 0;  // no such zone: not a date either
  stamp.zone_minutes = (hours * 60 + minutes) * (east ? 1 : -1);
  return true;
}

Reject iso_stamp(Cursor& at, SyslogLine& out) {
  Stamp stamp;
  if (!at.number(4, 4, stamp.year) || !at.literal('-') || !at.number(2, 2, stamp.month) ||
      !at.literal('-') || !at.number(2, 2, stamp.day))
    return Reject::kNotThisFormat;
  if (!at.literal('T') && !at.literal('t') && !at.literal(' ')) return Reject::kNotThisFormat;
  bool has_zone = false;
  if (!clock_time(at, stamp) || !zone(at, stamp, has_zone) || !(at.rest.empty() || at.literal(' ')))
    return Reject::kNotThisFormat;
  out.zoneless = !has_zone;
  return valid_time(stamp, out.time) ? Reject::kNone : Reject::kBadTime;
}

// "sshd[123]" without the colon
void split_tag(std::string_view tag, SyslogLine& out) {
  out.program = tag;
  const auto open = tag.find('[');
  if (open == std::string_view::npos || !tag.ends_with(']')) return;
  out.program = tag.substr(0, open);
  out.pid = tag.substr(open + 1, tag.size() - open - 2);
}

bool is_priority_name(std::string_view token) {  // busybox: "auth.info"
  const auto dot = token.find('.');
  return dot != 0 && dot != std::string_view::npos &&
         token.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.") == std::string_view::npos;
}

// What follows the stamp: [host] [facility.level] program[pid]: message. The tag is looked for no
// further, so that no free text can pose as one.
void tag_and_message(Cursor at, SyslogLine& out) {
  const std::string_view all = at.rest;
  std::string_view token, before;
  for (int i = 0; i < 3 && at.token(token); ++i) {
    if (token.size() > 1 && token.back() == ':') {
      if (i == 2 && !is_priority_name(before)) break;
      split_tag(token.substr(0, token.size() - 1), out);
      out.message = at.rest;
      return;
    }
    before = token;
  }
  out.message = all;
}

// "-" or "[id name="value"...]..."; quoted values escape ", \ and ] with a backslash.
bool structured_data(Cursor& at) {
  if (at.literal('-')) return true;
  if (at.rest.empty() || at.rest.front() != '[') return false;
  while (at.literal('[')) {
    bool quoted = false;
    for (;;) {
      if (at.rest.empty()) return false;
      const char c = at.rest.front();
      at.rest.remove_prefix(1);
      if (quoted && c == '\\' && !at.rest.empty()) {
        at.rest.remove_prefix(1);
      } else if (c == '"') {
        quoted = !quoted;
      } else if (c == ']' && !quoted) {
        break;
      }
    }
  }
  return true;
}

// After "<PRI>1 ".
Reject rfc5424(Cursor at, SyslogLine& out) {
  std::string_view stamp, host, message_id;
  const auto end = at.rest.find(' ');
  if (end == std::string_view::npos) return Reject::kNotThisFormat;
  const bool timeless = at.rest.substr(0, end) == "-";
  Reject verdict = Reject::kMissingTime;
  if (timeless) {
    at.token(stamp);
  } else if (verdict = iso_stamp(at, out); verdict == Reject::kNotThisFormat) {
    return verdict;
  }
  if (!at.token(host) || !at.token(out.program) || !at.token(out.pid) || !at.token(message_id) ||
      !structured_data(at))
    return Reject::kNotThisFormat;
  if (!at.rest.empty() && !at.literal(' ')) return Reject::kNotThisFormat;
  if (at.rest.starts_with("\xEF\xBB\xBF")) at.rest.remove_prefix(3);
  if (out.program == "-") out.program = {};
  if (out.pid == "-") out.pid = {};
  out.message = at.rest;
  return verdict;
}

}  // namespace

Reject parse_syslog(std::string_view line, SyslogLine& out) {
  out = {};
  Cursor at{line};
  if (at.literal('<')) {
    int priority = 0;
    if (!at.number(1, 3, priority) || !at.literal('>')) return Reject::kNotThisFormat;
    if (at.rest.starts_with("1 ")) {
      at.rest.remove_prefix(2);
      return rfc5424(at, out);
    }
  }
  const bool iso = !at.rest.empty() && is_digit(at.rest.front());
  const Reject verdict = iso ? iso_stamp(at, out) : classic_stamp(at, out);
  if (verdict != Reject::kNone) return verdict;
  tag_and_message(at, out);
  return Reject::kNone;
}

}  // namespace stuffwatch::ingest
