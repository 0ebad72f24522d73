#include "daemon/commands/render.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "config/utf8.h"

namespace stuffwatch::daemon {
namespace {

constexpr std::string_view kPlain = "\x1b[0m";

// The colour that a text begins with, if it does: no columns of its own.
std::size_t colour_length(std::string_view text) {
  return text.starts_with('\x1b') ? text.find('m') + 1 : 0;
}

// Bytes of the first `width` columns: one a code point. Good enough for names and numbers; wide
// scripts may be off.
std::size_t bytes_of(std::string_view text, std::size_t width) {
  std::size_t bytes = 0;
  while (bytes < text.size()) {
    const std::string_view rest = text.substr(bytes);
    if (const std::size_t colour = colour_length(rest); colour != 0) {
      bytes += colour;
    } else if (width-- > 0) {
      bytes += std::max<std::size_t>(config::utf8_length(rest), 1);
    } else {
      break;
    }
  }
  return bytes;
}

std::size_t columns(std::string_view text) {
  std::size_t n = 0;
  for (std::size_t bytes = 0; bytes < text.size(); ++n) bytes += bytes_of(text.substr(bytes), 1);
  return n;
}

std::string_view colour_of(std::string_view word) {
  if (word == "critical" || word == "blind") return "\x1b[1;31m";
  if (word == "high" || word == "degraded") return "\x1b[31m";
  if (word == "medium" || word == "standby") return "\x1b[33m";
  if (word == "full") return "\x1b[32m";
  return {};
}

}  // namespace

TextStyle style_of_stdout() {
  if (::isatty(STDOUT_FILENO) == 0) return {};
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  const char* const no_colour = std::getenv("NO_COLOR");
  return {no_colour == nullptr || *no_colour == '\0', known ? size.ws_col : std::size_t{0},
          known ? size.ws_row : std::size_t{0}};
}

std::string cut(std::string_view text, std::size_t width) {
  if (bytes_of(text, width) == text.size()) return std::string(text);
  const std::string_view kept = text.substr(0, bytes_of(text, std::max<std::size_t>(width, 1) - 1));
  return fmt::format("{}…{}", kept, kept.contains('\x1b') ? kPlain : "");
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  constexpr std::string_view kIndent = "    ";
  std::vector<std::string> lines;
  std::string_view indent;
  while (width > 2 * kIndent.size() && bytes_of(text, width - indent.size()) < text.size()) {
    const std::size_t fits = bytes_of(text, width - indent.size());
    const std::size_t blank = text.substr(0, fits + 1).rfind(' ');
    const bool in_word = blank == std::string_view::npos || blank < fits / 2;
    const std::size_t end = in_word ? fits : blank;
    lines.push_back(fmt::format("{}{}", indent, text.substr(0, end)));
    text.remove_prefix(in_word ? end : end + 1);
    indent = kIndent;
  }
  lines.push_back(fmt::format("{}{}", indent, text));
  return lines;
}

std::string short_time(std::string_view time, bool seconds) {
  if (time.size() != 24) return one_line(time);
  return one_line(fmt::format("{} {}Z", time.substr(0, 10), time.substr(11, seconds ? 8 : 5)));
}

std::string grouped(std::uint64_t number) {
  std::string out = std::to_string(number);
  for (std::size_t at = out.size(); at > 3; at -= 3) out.insert(at - 3, 1, ',');
  return out;
}

std::string short_number(double number) {
  std::string out = fmt::format("{:.4g}", number);
  if (const std::size_t e = out.find("e+0"); e != std::string::npos) out.erase(e + 1, 2);
  if (const std::size_t e = out.find("e+"); e != std::string::npos) out.erase(e + 1, 1);
  return out;
}

std::string painted(std::string_view text, std::string_view word, const TextStyle& style) {
  const std::string_view colour = style.colour ? colour_of(word) : std::string_view();
  return colour.empty() ? std::string(text) : fmt::format("{}{}\x1b[0m", colour, text);
}

std::string heading(std::string_view text, const TextStyle& style) {
  return style.colour ? fmt::format("\x1b[1m{}\x1b[0m\n", text) : fmt::format("{}\n", text);
}

std::string Table::text(const TextStyle& style, std::string_view indent) const {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < head.size(); ++column) {
    widths.push_back(columns(head[column]));
    for (const auto& row : rows) widths.back() = std::max(widths.back(), columns(row[column]));
  }
  std::string out;
  const auto line = [&](const std::vector<std::string>& row, bool is_head) {
    out += indent;
    std::size_t used = indent.size();
    for (std::size_t column = 0; column < head.size(); ++column) {
      const bool last = column + 1 == head.size();
      std::string cell = row[column];
      if (last && style.width > used) cell = cut(cell, style.width - used);
      const std::string fill(widths[column] - std::min(widths[column], columns(cell)), ' ');
      const std::string shown =
          paint_first && column == 0 && !is_head ? painted(cell, cell, style) : cell;
      out += right[column] ? fill + shown : last ? shown : shown + fill;
      if (!last) out += "  ";
      used += widths[column] + 2;
    }
    while (out.ends_with(' ')) out.pop_back();
    out += '\n';
  };
  line(head, true);
  for (const auto& row : rows) line(row, false);
  return out;
}

}  // namespace stuffwatch::daemon
