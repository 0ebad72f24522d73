// `stuffwatch corpus add`: a breach list into the corpus.
#include <sys/statvfs.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "config/bytes.h"
#include "daemon/commands/command.h"
#include "daemon/commands/corpus_options.h"
#include "daemon/commands/interruption.h"
#include "daemon/commands/render.h"
#include "daemon/json_writer.h"

namespace stuffwatch::daemon {
namespace {

struct AddOptions {
  CorpusOptions corpus;
  std::string name, date, format, memory = "256MiB", ordering_of, progress = "auto";
  bool no_positions = false, again = false;
  unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1U, 8U);
  std::vector<std::string> files;
};

// A line becomes 13 bytes on the way and some 9 in the end, which is about what it had; packed inputs have more lines than their size says.
config::Result<void> check_room(const std::filesystem::path& folder,
                                std::optional<std::uint64_t> input_bytes) {
  struct statvfs disk{};
  if (!input_bytes || ::statvfs(folder.c_str(), &disk) != 0) return {};
  const std::uint64_t free = disk.f_bavail * disk.f_frsize;
  if (free >= *input_bytes) return {};
  return config::failed(
      "{} has {} free, and this list needs about {}: make room, or add it in parts",
      folder.string(), config::format_bytes({free >> 20U << 20U}),
      config::format_bytes({((*input_bytes >> 20U) + 1) << 20U}));
}

config::Result<corpus::BuildOptions> build_options(const AddOptions& options,
                                                   const corpus::Corpus& corpus) {
  corpus::BuildOptions build;
  build.list.name = options.name;
  if (options.name.empty() || options.name != config::one_line(options.name) ||
      options.name.size() > 200)
    return config::misconfigured("--name: a list needs a name of one line, at most 200 bytes");
  if (!options.date.empty()) {
    const auto date = parse_list_date(options.date);
    if (!date) return config::misconfigured("--date: {}", date.error().message);
    build.list.facts.date = *date;
  }
  if (!options.format.empty() && options.format != "auto") {
    auto format = corpus::ListFormat::parse(options.format);
    if (!format) return std::unexpected(format.error());
    build.format = *format;
  }
  if (options.no_positions) build.list.facts.flags |= corpus::SegmentList::kNoPositions;
  if (!options.ordering_of.empty()) {
    const auto of = std::ranges::find(corpus.lists(), options.ordering_of, &corpus::ListInfo::name);
    if (of == corpus.lists().end())
      return config::misconfigured("--ordering-of: there is no list called {}",
                                   options.ordering_of);
    build.list.facts.ordering_of = of->facts.id;
  }
  const auto memory = parse_memory_option(options.memory);
  if (!memory) return std::unexpected(memory.error());
  build.memory = *memory, build.threads = options.threads;
  return build;
}

void print(const AddOptions& options, const corpus::Built& built) {
  const corpus::SegmentList& facts = built.list.facts;
  JsonWriter json;
  json.begin_object().field("name", built.list.name).field("format", built.format);
  json.field("lines", facts.lines).field("valid", facts.valid).field("accounts", facts.accounts);
  json.field("duplicates", facts.duplicates).key("invalid").begin_object();
  Table table{{"WHY NOT TAKEN", "LINES"}, {false, true}, {}};
  corpus::for_each_reject(facts.rejected, [&](std::string_view reason, std::uint64_t lines) {
    json.field(reason, lines);
    table.rows.push_back({std::string(reason), grouped(lines)});
  });
  json.end_object().end_object();
  if (options.corpus.json) {
    fmt::print("{}\n", json.take());
    return;
  }
  fmt::print("{}: {} accounts in {} lines read as {}; {} stand there more than once\n",
             built.list.name, grouped(facts.accounts), grouped(facts.lines), built.format,
             grouped(facts.duplicates));
  if (!table.rows.empty()) fmt::print("\n{}", table.text(style_of_stdout()));
  if (facts.valid < facts.lines / 2)
    fmt::print(
        stderr,
        "stuffwatch: more than half of the lines hold no account; if {} is not their format, "
        "remove the list and name it with --format\n",
        built.format);
}

config::Result<int> add(const AddOptions& options) {
  const auto corpus = options.corpus.open(corpus::Residence::kMapped);
  if (!corpus) return std::unexpected(corpus.error());
  const auto build = build_options(options, *corpus);
  if (!build) return std::unexpected(build.error());
  auto folder = options.corpus.open_for_changes();
  if (!folder) return std::unexpected(folder.error());
  auto input = corpus::ListInput::open(options.files);
  if (!input) return std::unexpected(input.error());
  const auto total = (*input)->bytes_total();
  if (auto room = check_room(options.corpus.folder, total); !room)
    return std::unexpected(room.error());
  const Interruption interruption;
  config::Result<corpus::Built> built;
  {
    CorpusProgress progress(options.progress);
    built = folder->add(**input, *build, options.again, [&](const corpus::BuildProgress& p) {
      progress.show(p);
      return !interruption.wanted();
    });
  }
  if (!built) return std::unexpected(built.error());
  if (built->stopped) {
    fmt::print(stderr, "stuffwatch: stopped; nothing was added\n");
    return Interruption::kExitStatus;
  }
  print(options, *built);
  return 0;
}

}  // namespace

void add_corpus_add(CLI::App& corpus, int& exit_code) {
  auto* const command = corpus.add_subcommand(
      "add", "A breach list into the corpus: accounts and their lines, never passwords");
  const auto options = std::make_shared<AddOptions>();
  options->corpus.add_folder(*command);
  command->add_option("--name", options->name, "What the list is called, e.g. linkedin2012")
      ->required();
  command->add_option("--date", options->date, "When the breach was: 2012, 2012-05 or 2012-05-17");
  command->add_option("--format", options->format,
                      "email:pass, user|pass, url:login:pass, id,name,email, ...; default: found "
                      "out from the first lines");
  command->add_option("--memory", options->memory, "What it may use; more is not faster by much")
      ->capture_default_str();
  command->add_flag("--no-positions", options->no_positions,
                    "Only who is in it: the order of the lines means nothing");
  command->add_option("--ordering-of", options->ordering_of,
                      "The list that this one has in another order; shares count it once");
  command->add_flag("--again", options->again, "Even if the same input was added before");
  command->add_option("--threads", options->threads, "That parse and hash")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_option("--progress", options->progress, "auto, json or none")
      ->check(CLI::IsMember({"auto", "json", "none"}));
  options->corpus.add_key_file(*command);
  options->corpus.add_json(*command);
  command
      ->add_option("FILE", options->files,
                   "Files, folders or - for standard input; plain, gzip, zstd, xz, bzip2, zip, 7z "
                   "or tar")
      ->required();
  command->callback([options, &exit_code] {
    const auto done = add(*options);
    exit_code = done ? *done : report(done.error());
  });
}

}  // namespace stuffwatch::daemon
