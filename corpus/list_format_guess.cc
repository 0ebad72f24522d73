// What the first lines show. Every candidate is tried by what it finds, as a reader of the list would.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "corpus/list_fields.h"
#include "corpus/list_format.h"

namespace stuffwatch::corpus {
namespace {

using Lines = std::span<const std::string_view>;

constexpr std::string_view kDelimiters[] = {":", ";", "|", ",", "\t", "----", " "};
constexpr std::size_t kColumns = 8;

// skip:skip:email:pass
std::string spelled(std::size_t columns_before, std::string_view delimiter,
                    std::string_view account) {
  std::string out;
  for (std::size_t i = 0; i < columns_before; ++i) out.append("skip").append(delimiter);
  return out.append(account).append(delimiter).append("pass");
}

std::size_t accounts(const ListFormat& format, Lines lines) {
  std::string scratch;
  return static_cast<std::size_t>(std::ranges::count_if(lines, [&](std::string_view line) {
    return format.account_of(line, scratch).reject == LineReject::kNone;
  }));
}

// The candidate that finds most accounts, the first of equals.
struct Best {
  ListFormat format;
  std::size_t found = 0;

  void consider(std::string_view candidate, Lines lines, std::size_t margin = 0) {
    const auto parsed = ListFormat::parse(candidate);
    const std::size_t accounts_found = parsed ? accounts(*parsed, lines) : 0;
    if (accounts_found > found + margin) *this = {*parsed, accounts_found};
  }
};

// The words of the first line, when they name an account and another column.
bool from_header(std::string_view line, ListFormat& out) {
  std::string scratch;
  line = without_line_end(line);
  for (const std::string_view delimiter : kDelimiters) {
    std::string names;
    std::size_t known = 0;
    for (std::string_view rest = line;;) {
      const std::size_t end = std::min(rest.find(delimiter), rest.size());
      const auto field = list_field(unquoted(rest.substr(0, end), false, scratch));
      if (field) ++known;
      names.append(names.empty() ? "" : delimiter)
          .append(field ? kListFields[*field].name : "skip");
      if (end == rest.size()) break;
      rest.remove_prefix(end + delimiter.size());
    }
    const auto parsed = ListFormat::parse(names);
    if (known < 2 || !parsed) continue;
    out = *parsed;
    return true;
  }
  return false;
}

// What programs that steal passwords write: most lines begin with a URL.
Best of_urls(Lines lines) {
  const auto urls =
      std::ranges::count_if(lines, [](std::string_view line) { return end_of_url(line, {}) > 0; });
  Best best;
  if (static_cast<std::size_t>(urls) * 2 < lines.size()) return best;
  for (const std::string_view d : kDelimiters)
    best.consider(std::string("url").append(d).append("login").append(d).append("pass"), lines);
  return best;
}

Best of_addresses(Lines lines) {
  Best best;
  best.consider("email", lines);
  for (const std::string_view d : kDelimiters) best.consider(spelled(0, d, "email"), lines);
  for (std::size_t column = 0; column < kColumns; ++column)
    best.consider("(" + spelled(column, ",", "email") + ")", lines);
  for (const std::string_view d : kDelimiters)
    best.consider(std::string("pass").append(d).append("email"), lines);
  for (const std::string_view d : kDelimiters)
    for (std::size_t column = 1; column < kColumns; ++column)
      best.consider(spelled(column, d, "email"), lines);
  best.consider("mixed", lines, best.found / 50);
  return best;
}

// Names in front of the delimiter that cuts most lines, and three in four at least, into the same number
// of fields.
Best of_names(Lines lines) {
  constexpr std::size_t kMostFields = 24;
  Best best;
  std::size_t most = lines.size() - lines.size() / 4 - 1;
  for (const std::string_view d : kDelimiters) {
    std::array<std::size_t, kMostFields> cut{};
    for (const std::string_view line : lines) {
      std::size_t count = 0;
      for (std::size_t i = 0; (i = line.find(d, i)) != std::string_view::npos; i += d.size())
        ++count;
      ++cut[std::min(count, kMostFields - 1)];
    }
    const std::size_t same = *std::max_element(cut.begin() + 1, cut.end());
    if (same <= most) continue;
    most = same;
    best = {};
    best.consider(spelled(0, d, "user"), lines);
  }
  return best;
}

}  // namespace

ListFormat ListFormat::guess(Lines first_lines) {
  std::vector<std::string_view> lines;
  for (const std::string_view line : first_lines.first(std::min(first_lines.size(), kGuessLines)))
    if (!trimmed(line, is_blank).empty()) lines.push_back(line);
  ListFormat header;
  if (lines.empty() || from_header(lines[0], header)) return header;
  if (const Best urls = of_urls(lines); urls.found > 0) return urls.format;
  const Best best = of_addresses(lines);
  // Log-ins that are addresses or names, as everybody likes, are names.
  const bool first_column = best.format.account_ == 0 && !best.format.from_right_;
  const std::size_t quarters = first_column ? 3 : 2;
  if (best.found * 4 >= lines.size() * quarters) return best.format;
  const Best names = of_names(lines);
  return names.found > best.found ? names.format : best.format;
}

}  // namespace stuffwatch::corpus
