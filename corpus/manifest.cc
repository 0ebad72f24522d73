#include "corpus/manifest.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <charconv>

#include "config/durable_file.h"

namespace stuffwatch::corpus {
namespace {

constexpr std::string_view kFirstLine = "stuffwatch corpus 1", kLastWord = "xxh3 ";

std::string last_line(std::string_view before) {
  return fmt::format("{}{:016x}\n", kLastWord, ::XXH3_64bits(before.data(), before.size()));
}

std::string_view word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view found = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return found;
}

template <class T>
bool number(std::string_view text, int base, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc{} && end == text.data() + text.size();
}

// How often what there must be once has been there.
struct Seen {
  int key_check = 0, next_list = 0;
};

bool parse_line(std::string_view line, Manifest& m, Seen& seen) {
  const std::string_view what = word(line);
  if (what == "key_check")
    return seen.key_check++ == 0 && number(word(line), 16, m.key_check) && line.empty();
  if (what == "next_list")
    return seen.next_list++ == 0 && number(word(line), 10, m.next_list) && line.empty();
  if (what == "forgotten")
    return number(word(line), 16, m.forgotten.emplace_back()) && line.empty();
  if (what != "segment") return false;
  Manifest::Entry& entry = m.segments.emplace_back();
  entry.file = word(line);
  return Manifest::is_segment_name(entry.file) &&  // it must not lead out of the folder
         number(word(line), 10, entry.bytes) && number(word(line), 16, entry.header_xxh3) &&
         line.empty();
}

}  // namespace

bool Manifest::is_segment_name(std::string_view name) {
  return name.ends_with(".bcs") && name.size() > 4 &&
         std::ranges::all_of(name.substr(0, name.size() - 4),
                             [](char c) { return c >= '0' && c <= '9'; });
}

std::string Manifest::text() const {
  std::string out =
      fmt::format("{}\nkey_check {:016x}\nnext_list {}\n", kFirstLine, key_check, next_list);
  for (const Entry& s : segments)
    out += fmt::format("segment {} {} {:016x}\n", s.file, s.bytes, s.header_xxh3);
  for (const std::uint64_t account : forgotten) out += fmt::format("forgotten {:016x}\n", account);
  return out + last_line(out);
}

config::Result<Manifest> Manifest::parse(std::string_view text, const std::filesystem::path& file) {
  Manifest m;
  if (text.empty()) return config::failed("{} is empty", file.string());
  const std::string_view all = text;
  Seen seen;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (end == std::string_view::npos)
      return config::failed("{}:{}: the last line is cut short", file.string(), number);
    const std::string_view before = all.substr(0, all.size() - text.size());
    text.remove_prefix(end + 1);
    if (text.empty() && number != 1 && line.starts_with(kLastWord)) {
      if (all.substr(before.size()) != last_line(before) || seen.next_list == 0 ||
          seen.key_check == 0)
        return config::failed("{} is damaged: bring back a copy of it", file.string());
      std::ranges::sort(m.forgotten);
      return m;
    }
    if (number == 1 ? line != kFirstLine : !parse_line(line, m, seen))
      return config::failed("{}:{}: not a line of a corpus manifest of this version", file.string(),
                            number);
  }
  return config::failed("{} is damaged: its end is missing; bring back a copy of it",
                        file.string());
}

config::Result<Manifest> Manifest::read(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / kFileName;
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    for (const auto& other : std::filesystem::directory_iterator(folder, error))
      if (is_segment_name(other.path().filename().native()))
        return config::misconfigured(
            "{} is gone, and segments stand beside where it was: bring back a copy of it, or move "
            "them away and begin anew",
            file.string());
    return config::misconfigured("{} is no corpus: make one with stuffwatch corpus init {}",
                                 folder.string(), folder.string());
  }
  const auto text = config::read_file(file);
  if (!text) return std::unexpected(text.error());
  return parse(*text, file);
}

}  // namespace stuffwatch::corpus
