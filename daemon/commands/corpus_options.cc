#include "daemon/commands/corpus_options.h"

#include <unistd.h>

#include <charconv>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "config/bytes.h"
#include "daemon/commands/render.h"

namespace stuffwatch::daemon {

using namespace std::chrono_literals;

void CorpusOptions::add_folder(CLI::App& command) {
  command.add_option("DIR", folder, "The folder of the corpus")->required();
}
void CorpusOptions::add_key_file(CLI::App& command) {
  command.add_option("--key-file", key_file, "The key of the corpus; default: DIR/key");
}
void CorpusOptions::add_json(CLI::App& command) {
  command.add_flag("--json", json, "JSON instead of text");
}

config::Result<corpus::AccountHasher> CorpusOptions::hasher() const {
  // Before the key: a folder that is no corpus has none, and that is what should be said.
  if (auto manifest = corpus::Manifest::read(folder); !manifest)
    return std::unexpected(manifest.error());
  return corpus::AccountHasher::from_file(key_file.empty() ? folder / "key" : key_file);
}

config::Result<corpus::Corpus> CorpusOptions::open(corpus::Residence residence) const {
  auto key = hasher();
  if (!key) return std::unexpected(key.error());
  return corpus::Corpus::open(folder, *key, residence);
}

CorpusProgress::CorpusProgress(std::string_view form)
    : json_(form == "json"), terminal_(form != "none" && !json_ && ::isatty(STDERR_FILENO) == 1) {}
CorpusProgress::~CorpusProgress() {
  if (terminal_ && shown_ != Clock::time_point{}) fmt::print(stderr, "\r\x1b[K");
}

void CorpusProgress::show(const corpus::ListProgress& p) {
  std::optional<double> share;
  if (p.sorting)
    share = p.sorted;
  else if (p.bytes_total && *p.bytes_total != 0)
    share = static_cast<double>(p.bytes) / static_cast<double>(*p.bytes_total);
  show(p.sorting ? "sorting" : "reading", p.lines, share);
}

void CorpusProgress::show(std::string_view stage, std::uint64_t lines,
                          std::optional<double> share) {
  const auto now = Clock::now();
  if (stage != stage_) stage_ = stage, begin_ = now, shown_ = {};
  if ((!json_ && !terminal_) || now - shown_ < 250ms) return;
  shown_ = now;
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  const double rate = seconds > 0 ? static_cast<double>(lines) / seconds : 0;
  const double left = share && *share > 0 ? seconds / *share - seconds : 0;
  if (json_) {
    fmt::print(stderr,
               R"({{"stage":"{}","lines":{},"lines_per_second":{:.0f}{}}})"
               "\n",
               stage, lines, rate,
               share ? fmt::format(R"(,"share":{:.4f},"seconds_left":{:.0f})", *share, left) : "");
  } else {
    constexpr std::size_t kBar = 24;
    const auto full = static_cast<std::size_t>(share.value_or(0) * kBar);
    const std::string bar = share ? fmt::format(" [{:=<{}}{: <{}}] {:3.0f} %  {:.0f} s left", "",
                                                full, "", kBar - full, *share * 100, left)
                                  : "";
    fmt::print(stderr, "\r\x1b[K{:<8} {:>15} lines  {:>10.0f} lines/s{}", stage, grouped(lines),
               rate, bar);
  }
  std::fflush(stderr);
}

config::Result<std::uint64_t> parse_memory_option(std::string text) {
  if (!text.empty() && std::string_view("KMGT").find(text.back()) != std::string_view::npos)
    text += "iB";
  const auto bytes = config::parse_bytes(text);
  if (!bytes) return config::misconfigured("--memory: {}", bytes.error().message);
  constexpr std::uint64_t kLeast = std::uint64_t{16} << 20;
  if (bytes->count < kLeast) return config::misconfigured("--memory: at least 16MiB");
  return bytes->count;
}

config::Result<std::uint32_t> parse_list_date(std::string_view text) {
  std::uint32_t parts[3] = {};
  const char *at = text.data(), *const end = text.data() + text.size();
  std::size_t count = 0;
  for (; count < 3; ++count) {
    const auto [next, error] = std::from_chars(at, end, parts[count]);
    const bool sized = next - at == (count == 0 ? 4 : 2);
    if (error != std::errc{} || !sized || (next != end && *next != '-')) break;
    at = next == end ? end : next + 1;
    if (next == end) {
      const bool month = count == 0 || (parts[1] >= 1 && parts[1] <= 12),
                 day = count < 2 || (parts[2] >= 1 && parts[2] <= 31);
      if (parts[0] == 0 || !month || !day) break;
      return parts[0] * 10'000 + parts[1] * 100 + parts[2];
    }
  }
  return config::misconfigured("{} is no date: write 2012, 2012-05 or 2012-05-17", text);
}

std::string list_date_text(std::uint32_t date) {
  const std::uint32_t year = date / 10'000, month = date / 100 % 100, day = date % 100;
  if (date == 0) return {};
  if (month == 0) return fmt::format("{:04}", year);
  return day == 0 ? fmt::format("{:04}-{:02}", year, month)
                  : fmt::format("{:04}-{:02}-{:02}", year, month, day);
}

}  // namespace stuffwatch::daemon
