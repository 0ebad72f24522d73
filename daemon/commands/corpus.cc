// `stuffwatch corpus`: known breach lists, kept as keyed hashes with their lines.
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "config/bytes.h"
#include "corpus/raw_file.h"
#include "daemon/commands/command.h"
#include "daemon/commands/corpus_options.h"
#include "daemon/commands/interruption.h"
#include "daemon/commands/render.h"
#include "daemon/json_writer.h"

namespace stuffwatch::daemon {
namespace {

using Options = std::shared_ptr<CorpusOptions>;

config::Result<int> init(const CorpusOptions& options) {
  if (auto made = corpus::CorpusFolder::init(options.folder); !made)
    return std::unexpected(made.error());
  if (options.json) {
    const std::string key = (options.folder / "key").string();
    fmt::print("{}\n", JsonWriter().begin_object().field("key_file", key).end_object().take());
    return 0;
  }
  fmt::print(
      "{} is a corpus now. Its key is {}: keep a copy elsewhere, because without it the "
      "lists find nobody, and with it anybody can ask who is in them.\n",
      options.folder.string(), (options.folder / "key").string());
  return 0;
}

std::string list_json(const corpus::Corpus& corpus, const corpus::ListInfo& list) {
  const corpus::SegmentList& facts = list.facts;
  JsonWriter json;
  json.begin_object().field("name", list.name).text_field("date", list_date_text(facts.date));
  json.field("lines", facts.lines).field("valid", facts.valid).field("accounts", facts.accounts);
  json.field("duplicates", facts.duplicates);
  json.field("positions", facts.has_positions());
  for (const corpus::ListInfo& other : corpus.lists())
    if (facts.ordering_of == other.facts.id) json.field("ordering_of", other.name);
  json.key("invalid").begin_object();
  corpus::for_each_reject(facts.rejected, [&](std::string_view reason, std::uint64_t lines) {
    json.field(reason, lines);
  });
  return json.end_object().field("sha256", corpus::hex(facts.sha256)).end_object().take();
}

config::Result<int> list(const CorpusOptions& options) {
  const auto corpus = options.open(corpus::Residence::kMapped);
  if (!corpus) return std::unexpected(corpus.error());
  if (options.json) {
    JsonWriter json;
    json.begin_object().field("entries", corpus->entries()).field("bytes", corpus->bytes());
    json.field("segments", corpus->segments().size());
    json.field("forgotten", corpus->manifest().forgotten.size());
    json.field("digest", corpus->digest()).key("lists").begin_array();
    for (const corpus::ListInfo& l : corpus->lists()) json.raw(list_json(*corpus, l));
    fmt::print("{}\n", json.end_array().end_object().take());
    return 0;
  }
  Table table{{"LIST", "DATE", "ACCOUNTS", "LINES", "TWICE", "INVALID", "ORDER"},
              {false, false, true, true, true, true, false},
              {}};
  for (const corpus::ListInfo& l : corpus->lists()) {
    const corpus::SegmentList& facts = l.facts;
    const bool positions = facts.has_positions();
    table.rows.push_back({config::one_line(l.name), list_date_text(facts.date),
                          grouped(facts.accounts), grouped(facts.lines), grouped(facts.duplicates),
                          grouped(facts.lines - facts.valid), positions ? "lines" : "none"});
  }
  if (table.rows.empty())
    fmt::print("No lists yet: stuffwatch corpus add {} --name NAME FILE\n",
               options.folder.string());
  else
    fmt::print("{}\n{} accounts in lists, {} bytes in {} segment{}{}\n",
               table.text(style_of_stdout()), grouped(corpus->entries()), grouped(corpus->bytes()),
               corpus->segments().size(), corpus->segments().size() == 1 ? "" : "s",
               corpus->manifest().forgotten.empty()
                   ? ""
                   : fmt::format("; forgotten accounts: {}", corpus->manifest().forgotten.size()));
  return 0;
}

config::Result<int> verify(const CorpusOptions& options) {
  const auto corpus = options.open(corpus::Residence::kMapped);
  if (!corpus) return std::unexpected(corpus.error());
  for (const corpus::Segment& segment : corpus->segments()) {
    if (auto sound = segment.verify(); !sound) return std::unexpected(sound.error());
    if (!options.json)
      fmt::print("{}: whole, {} entries\n", segment.file().string(),
                 grouped(segment.header().entries));
  }
  if (options.json)
    fmt::print("{}\n", JsonWriter()
                           .begin_object()
                           .field("whole", true)
                           .field("segments", corpus->segments().size())
                           .field("entries", corpus->entries())
                           .end_object()
                           .take());
  return 0;
}

config::Result<int> compact(const CorpusOptions& options) {
  auto folder = options.open_for_changes();
  if (!folder) return std::unexpected(folder.error());
  const std::size_t before = folder->manifest().segments.size();
  const Interruption interruption;
  using Compacted = corpus::CorpusFolder::Compacted;
  config::Result<Compacted> done;
  {
    CorpusProgress progress("auto");
    done = folder->compact([&](double share) {
      progress.show("merging", 0, share);
      return !interruption.wanted();
    });
  }
  if (!done) return std::unexpected(done.error());
  if (*done == Compacted::kStopped) {
    fmt::print(stderr, "stuffwatch: stopped; nothing was changed\n");
    return 130;
  }
  if (options.json)
    fmt::print("{{\"segments_before\":{},\"segments\":{}}}\n", before,
               folder->manifest().segments.size());
  else
    fmt::print("{}\n",
               *done == Compacted::kNothing
                   ? "nothing to do: there is one segment at most"
                   : fmt::format("done: {} segment{} before, {} now", before,
                                 before == 1 ? "" : "s", folder->manifest().segments.size()));
  return 0;
}

config::Result<int> remove(const CorpusOptions& options, const std::string& name) {
  auto folder = options.open_for_changes();
  if (!folder) return std::unexpected(folder.error());
  if (auto removed = folder->remove(name); !removed) return std::unexpected(removed.error());
  options.json
      ? fmt::print("{}\n", JsonWriter().begin_object().field("removed", name).end_object().take())
      : fmt::print("{} is removed\n", config::one_line(name));
  return 0;
}

// All of standard input or none.
config::Result<int> forget(const CorpusOptions& options, const std::string& account) {
  auto folder = options.open_for_changes();
  if (!folder) return std::unexpected(folder.error());
  std::vector<corpus::AccountKey> accounts;
  std::string scratch;
  const auto add = [&](std::string_view name) {
    if (name.find_first_not_of(" \t\r") != std::string_view::npos)
      accounts.push_back(folder->hasher()(name, scratch));
  };
  if (account != "-") add(account);
  for (std::string line; account == "-" && std::getline(std::cin, line);) add(line);
  if (accounts.empty()) return config::misconfigured("no account is named");
  if (auto done = folder->forget(accounts); !done) return std::unexpected(done.error());
  options.json
      ? fmt::print("{{\"forgotten\":{}}}\n", accounts.size())
      : fmt::print(
            "{} forgotten: in no list any more. stuffwatch corpus compact {} takes them out of "
            "the files as well; a list that is added after that may bring them back\n",
            accounts.size(), options.folder.string());
  return 0;
}

template <class Work>
CLI::App* subcommand(CLI::App& corpus, int& exit_code, const char* name, const char* what,
                     const Options& options, const Work& work) {
  auto* const command = corpus.add_subcommand(name, what);
  options->add_folder(*command);
  command->callback([options, &exit_code, work] {
    const auto done = work(*options);
    exit_code = done ? *done : report(done.error());
  });
  return command;
}

}  // namespace

void add_corpus(CLI::App& app, int& exit_code) {
  auto* const corpus = app.add_subcommand(
      "corpus", "Known breach lists: who is in which, and where; kept as keyed hashes");
  corpus->require_subcommand(1);
  const auto made = [] { return std::make_shared<CorpusOptions>(); };
  const Options fresh = made();
  fresh->add_json(
      *subcommand(*corpus, exit_code, "init", "Make an empty corpus with a key", fresh, init));
  add_corpus_add(*corpus, exit_code);
  const auto asking = [&](const char* name, const char* what, const Options& options,
                          const auto& work) {
    auto* const command = subcommand(*corpus, exit_code, name, what, options, work);
    options->add_key_file(*command), options->add_json(*command);
    return command;
  };
  asking("list", "The lists, with what is known of them", made(), list);
  add_corpus_check(*corpus, exit_code);
  add_corpus_triage(*corpus, exit_code);
  asking("verify", "Read everything and compare it with its checksums", made(), verify);
  asking("compact", "One segment of many, without what was forgotten: faster answers", made(),
         compact);
  const auto name = std::make_shared<std::string>();
  asking("remove", "Take a list out", made(),
         [name](const CorpusOptions& options) { return remove(options, *name); })
      ->add_option("LIST", *name, "Its name")
      ->required();
  const auto account = std::make_shared<std::string>();
  asking("forget", "Take an account out of every list", made(),
         [account](const CorpusOptions& options) { return forget(options, *account); })
      ->add_option("ACCOUNT", *account, "Its name; - reads it from standard input")
      ->required();
}

}  // namespace stuffwatch::daemon
