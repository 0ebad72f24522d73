// What people read on a terminal, made from the daemon's JSON. Everything that stems from a login
// attempt (user agents, names, apps) is made harmless first: no escape sequence of an attacker's
// reaches the terminal. Errors: kFailed when the text is no JSON of the expected kind. Cost: for a
// person's patience.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"
#include "config/utf8.h"

namespace stuffwatch::daemon {

using config::one_line;

struct TextStyle {
  bool colour = false;
  std::size_t width = 0;   // columns; 0 = lines are not cut
  std::size_t height = 0;  // lines; 0 = no limit
  bool operator==(const TextStyle&) const = default;
};
// Of standard output: colours on a terminal unless NO_COLOR is set, its size there.
[[nodiscard]] TextStyle style_of_stdout();

[[nodiscard]] config::Result<std::string> render_status(std::string_view status_json,
                                                        const TextStyle& style);
[[nodiscard]] config::Result<std::string> render_campaigns(std::string_view campaigns_json,
                                                           const TextStyle& style);
[[nodiscard]] config::Result<std::string> render_alert(std::string_view alert_json,
                                                       const TextStyle& style);

// To `width` columns, with an ellipsis where something is missing. Our own colours take no room.
[[nodiscard]] std::string cut(std::string_view text, std::size_t width);
// In lines of `width` columns, broken at blanks; all but the first are indented.
[[nodiscard]] std::vector<std::string> wrapped(std::string_view text, std::size_t width);
// 2026-01-02T03:04:05.678Z -> "2026-01-02 03:04Z", with `seconds` "2026-01-02 03:04:05Z"; what is
// no such time is only made harmless.
[[nodiscard]] std::string short_time(std::string_view time, bool seconds = false);
// 1234567 -> "1,234,567"
[[nodiscard]] std::string grouped(std::uint64_t number);
// 0.93 -> "0.93", 1.2e+09 -> "1.2e9", 600 -> "600"
[[nodiscard]] std::string short_number(double number);
// Colour of a severity or a service state, when the style has colours.
[[nodiscard]] std::string painted(std::string_view text, std::string_view word,
                                  const TextStyle& style);
[[nodiscard]] std::string heading(std::string_view text, const TextStyle& style);

// Rows of cells under a head, aligned by columns: numbers (see `right`) to the right; the last
// column is cut at the style's width.
struct Table {
  std::vector<std::string> head;
  std::vector<bool> right;  // as many as head
  std::vector<std::vector<std::string>> rows;
  bool paint_first = false;  // the first cell is a severity or a state: in its colour
  [[nodiscard]] std::string text(const TextStyle& style, std::string_view indent = {}) const;
};

}  // namespace stuffwatch::daemon
