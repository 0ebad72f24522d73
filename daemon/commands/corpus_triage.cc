// `stuffwatch corpus triage`: what an alleged dump has in common with the lists of a corpus.
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "config/bytes.h"
#include "config/output_file.h"
#include "config/rfc3339.h"
#include "corpus/triage.h"
#include "daemon/commands/command.h"
#include "daemon/commands/corpus_options.h"
#include "daemon/commands/interruption.h"
#include "daemon/commands/site_counts.h"
#include "daemon/commands/triage_page.h"
#include "daemon/commands/triage_report.h"
#include "daemon/config.h"

namespace stuffwatch::daemon {
namespace {

namespace fs = std::filesystem;

struct TriageCommand {
  CorpusOptions corpus;
  std::string format, memory = "256MiB", progress = "auto", html;
  fs::path temporary;
  unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1U, 8U);
  double population = 8e9;
  std::vector<std::string> dumps, alerts;
  fs::path accounts;
};

std::uint64_t free_bytes(const fs::path& folder) {
  struct statvfs disk{};
  return ::statvfs(folder.c_str(), &disk) == 0 ? disk.f_bavail * disk.f_frsize : 0;
}

// Where what is in no list is sorted: a line becomes 13 bytes, and seldom has less than 20.
config::Result<fs::path> temporary_folder(const TriageCommand& command,
                                          std::optional<std::uint64_t> dump_bytes) {
  const std::uint64_t needed = dump_bytes.value_or(0) / 3 * 2;
  std::error_code none;
  std::vector<fs::path> folders{command.temporary};
  if (command.temporary.empty())
    folders = {command.corpus.folder, fs::temp_directory_path(none), "/tmp"};
  for (const fs::path& folder : folders)
    if (::access(folder.c_str(), W_OK | X_OK) == 0 && free_bytes(folder) >= needed) return folder;
  return config::failed(
      "{} cannot be written, or has less than the {} free that this dump may need for a while: "
      "name "
      "a folder with --temp",
      folders.front().string(), config::format_bytes({((needed >> 20U) + 1) << 20U}));
}

// Long dumps touch all of a corpus: it is faster read at once, when half of the memory holds it. Of a short one's answers only some pages are needed.
config::Result<corpus::Residence> residence_of(const fs::path& folder,
                                               std::optional<std::uint64_t> dump_bytes) {
  const auto manifest = corpus::Manifest::read(folder);
  if (!manifest) return std::unexpected(manifest.error());
  std::uint64_t bytes = 0;
  for (const corpus::Manifest::Entry& segment : manifest->segments) bytes += segment.bytes;
  const bool is_long = !dump_bytes || *dump_bytes > bytes / 16;
  return is_long && bytes <= half_of_memory() ? corpus::Residence::kLoaded
                                              : corpus::Residence::kMapped;
}

// The one that was named, or the one beside the lists.
fs::path register_of(const TriageCommand& command) {
  std::error_code none;
  if (!command.accounts.empty()) return command.accounts;
  const bool beside = fs::exists(command.corpus.folder / corpus::AccountRegister::kFileName, none);
  return beside ? command.corpus.folder : fs::path{};
}

config::Result<void> check(const TriageCommand& command) {
  if (!command.alerts.empty() && register_of(command).empty())
    return config::misconfigured(
        "--alerts says which of your accounts were attacked: name their register with --accounts");
  if (command.html.empty()) return {};
  if (command.html == "-" && command.corpus.json)
    return config::misconfigured("--html - and --json both write to standard output: name a file");
  std::error_code none;
  const auto page = config::identity_of(command.html, STDOUT_FILENO);
  // What is read, and what the key and the lists are in.
  const auto folder = fs::weakly_canonical(command.html, none).parent_path();
  for (const fs::path& kept : {command.corpus.folder, register_of(command)})
    if (command.html != "-" && !kept.empty() && folder == fs::weakly_canonical(kept, none))
      return config::misconfigured("--html {} is inside of {}: give the page a place of its own",
                                   command.html, kept.string());
  for (const std::string& file : command.alerts)
    if (page && page == config::identity_of(file, STDIN_FILENO))
      return config::misconfigured("--html {} is a file of alerts", command.html);
  for (const std::string& dump : command.dumps)
    if (page && page == config::identity_of(dump, STDIN_FILENO))
      return config::misconfigured("--html {} is the dump: give the page a file of its own",
                                   command.html);
  return {};
}

config::Result<corpus::Triage> read_dump(const TriageCommand& command, corpus::ListInput& input,
                                         const corpus::Corpus& corpus, SiteCounter* site,
                                         const Interruption& interruption) {
  corpus::TriageOptions options;
  if (!command.format.empty() && command.format != "auto") {
    auto format = corpus::ListFormat::parse(command.format);
    if (!format) return std::unexpected(format.error());
    options.format = *format;
  }
  const auto memory = parse_memory_option(command.memory);
  if (!memory) return std::unexpected(memory.error());
  options.memory = *memory, options.threads = command.threads;
  auto temporary = temporary_folder(command, input.bytes_total());
  if (!temporary) return std::unexpected(temporary.error());
  options.temporary = std::move(*temporary);
  const auto hasher = command.corpus.hasher();
  if (!hasher) return std::unexpected(hasher.error());
  if (site != nullptr)
    options.on_account = [site](corpus::AccountKey account) { site->add(account); };
  CorpusProgress progress(command.progress);
  return corpus::triage(input, corpus, *hasher, options, [&](const corpus::ListProgress& p) {
    progress.show(p);
    return !interruption.wanted();
  });
}

config::Result<void> print(const TriageCommand& command, const TriageReport& report,
                           config::OutputFile& page) {
  page.write(triage_page(report));
  if (auto written = page.finish(); !written) return written;
  if (command.html == "-") return {};
  auto out = config::OutputFile::open("-");
  if (!out) return std::unexpected(out.error());
  out->write(command.corpus.json ? triage_json(report) + '\n'
                                 : triage_text(report, style_of_stdout()));
  return out->finish();
}

std::string dump_name(const TriageCommand& command) {
  if (command.dumps == std::vector<std::string>{"-"}) return "standard input";
  return fmt::format("{}", fmt::join(command.dumps, ", "));
}

config::Result<int> triage(const TriageCommand& command) {
  if (auto sound = check(command); !sound) return std::unexpected(sound.error());
  auto input = corpus::ListInput::open(command.dumps);
  if (!input) return std::unexpected(input.error());
  const auto residence = residence_of(command.corpus.folder, (*input)->bytes_total());
  if (!residence) return std::unexpected(residence.error());
  const auto corpus = command.corpus.open(*residence);
  if (!corpus) return std::unexpected(corpus.error());
  const Interruption interruption;
  config::OutputFile page;
  if (!command.html.empty()) {
    auto opened = config::OutputFile::open(command.html);
    if (!opened) return std::unexpected(opened.error());
    page = std::move(*opened);
  }
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  std::optional<SiteCounter> site;
  if (const fs::path accounts = register_of(command); !accounts.empty()) {
    auto opened = SiteCounter::open(accounts, corpus->manifest().key_check, command.alerts, now);
    if (!opened) return std::unexpected(opened.error());
    site.emplace(std::move(*opened));
  }
  auto result = read_dump(command, **input, *corpus, site ? &*site : nullptr, interruption);
  if (!result) return std::unexpected(result.error());
  if (result->stopped) {
    fmt::print(stderr, "stuffwatch: stopped; nothing is said of a part of the dump\n");
    return Interruption::kExitStatus;
  }
  TriageReport report{std::move(*result), dump_name(command), config::format_rfc3339(now),
                      corpus->digest(), command.population};
  if (site) report.site = site->counts();
  if (auto printed = print(command, report, page); !printed)
    return std::unexpected(printed.error());
  return 0;
}

}  // namespace

void add_corpus_triage(CLI::App& corpus, int& exit_code) {
  auto* const command = corpus.add_subcommand(
      "triage", "An alleged dump: how much of it is in which lists, in whose order, what is new");
  const auto options = std::make_shared<TriageCommand>();
  options->corpus.add_folder(*command);
  command->add_option("--format", options->format,
                      "email:pass, user|pass, url:login:pass, ...; default: found out from the "
                      "first lines");
  command->add_option("--html", options->html, "The report as a page of its own; - prints only it");
  command->add_option("--accounts", options->accounts,
                      "Folder of the register of your own accounts (stuffwatch accounts load): how "
                      "many of them are in it; default: DIR, if it holds one");
  command
      ->add_option("--alerts", options->alerts,
                   "alerts.jsonl and accounts.jsonl of the daemon: how many of them were "
                   "attacked in the last 30 days")
      ->take_all()
      ->allow_extra_args(false);
  command
      ->add_option("--population", options->population,
                   "Mailboxes of the world: what a list's share by chance is taken of")
      ->check(CLI::Range(1.0, 1e15))
      ->capture_default_str();
  command->add_option("--temp", options->temporary,
                      "A folder for what is in no list, while it is sorted; default: DIR, else the "
                      "system's");
  command->add_option("--memory", options->memory, "What it may use beside the corpus")
      ->capture_default_str();
  command->add_option("--threads", options->threads, "That parse, hash and ask")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_option("--progress", options->progress, "auto, json or none")
      ->check(CLI::IsMember({"auto", "json", "none"}));
  options->corpus.add_key_file(*command);
  options->corpus.add_json(*command);
  command
      ->add_option("DUMP", options->dumps,
                   "Files, folders or - for standard input; plain, gzip, zstd, xz, bzip2, zip, 7z "
                   "or tar")
      ->required();
  command->callback([options, &exit_code] {
    const auto done = triage(*options);
    exit_code = done ? *done : report(done.error());
  });
}

}  // namespace stuffwatch::daemon
