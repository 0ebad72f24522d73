// `stuffwatch accounts`: the register of the site's own accounts, kept as keyed hashes.
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "corpus/register_index.h"
#include "daemon/commands/accounts_options.h"
#include "daemon/commands/command.h"
#include "daemon/commands/render.h"
#include "daemon/json_writer.h"

namespace stuffwatch::daemon {
namespace {

using corpus::RegisterIndex;
using Counts = RegisterIndex::Counts;

// What one pass over the register finds.
struct Summary {
  std::uint64_t with_id = 0;
  std::vector<Counts> classes;    // number 0 first: none
  std::map<int, Counts> created;  // by year; 0: not said

  explicit Summary(const corpus::AccountRegister& accounts)
      : classes(accounts.classes().size() + 1) {
    const auto count = [](Counts& counts, bool open) { ++counts.accounts, counts.open += open; };
    for (const corpus::RegisteredAccount& account : accounts.accounts()) {
      const bool open = accounts.is_open(account);
      with_id += account.id != 0;
      count(classes[account.class_number], open);
      const std::chrono::year_month_day date(
          std::chrono::sys_days(std::chrono::days(account.created)));
      count(created[account.created == 0 ? 0 : static_cast<int>(date.year())], open);
    }
  }
};

// The lists of a corpus, and who of the register is in them.
struct Lists {
  corpus::Corpus corpus;
  RegisterIndex index;
};

config::Result<Lists> lists_of(const AccountsOptions& options,
                               const corpus::AccountRegister& accounts) {
  auto corpus = options.corpus.open(corpus::Residence::kMapped);
  if (!corpus) return std::unexpected(corpus.error());
  CorpusProgress progress("auto");
  auto index = RegisterIndex::of(accounts, *corpus,
                                 [&](double share) { progress.show("asking", 0, share); });
  if (!index) return std::unexpected(index.error());
  return Lists{std::move(*corpus), std::move(*index)};
}

void write_counts(JsonWriter& json, const Counts& counts) {
  json.field("accounts", counts.accounts).field("open", counts.open);
}

void write_lists(JsonWriter& json, const Lists& lists) {
  json.field("corpus_digest", lists.corpus.digest()).key("in_lists").begin_object();
  write_counts(json, lists.index.known());
  json.end_object().key("lists").begin_array();
  for (std::uint32_t i = 0; i < lists.corpus.lists().size(); ++i) {
    json.begin_object().field("name", lists.corpus.lists()[i].name);
    write_counts(json, lists.index.counts(i));
    json.field("base_rate", lists.index.base_rate(i)).end_object();
  }
  json.end_array();
}

std::string json_of(const corpus::AccountRegister& accounts, const Summary& summary,
                    const std::optional<Lists>& lists) {
  const corpus::RegisterSource& source = accounts.source();
  JsonWriter json;
  json.begin_object();
  write_counts(json, {accounts.accounts().size(), accounts.open_accounts()});
  json.field("closed", accounts.accounts().size() - accounts.open_accounts());
  json.field("with_id", summary.with_id);
  json.field("loaded", config::format_rfc3339(accounts.loaded()));
  json.field("rows", source.rows).field("duplicates", source.duplicates);
  json.key("invalid").begin_object();
  for (std::size_t i = 0; i < static_cast<std::size_t>(corpus::AccountReject::kCount); ++i)
    if (source.rejected[i] != 0)
      json.field(corpus::name_of(static_cast<corpus::AccountReject>(i)), source.rejected[i]);
  json.end_object().key("classes").begin_array();
  for (std::size_t i = 1; i < summary.classes.size(); ++i) {
    json.begin_object().field("name", accounts.classes()[i - 1]);
    write_counts(json, summary.classes[i]);
    json.end_object();
  }
  json.end_array().key("created").begin_array();
  for (const auto& [year, counts] : summary.created) {
    json.begin_object();
    if (year != 0) json.field("year", year);
    write_counts(json, counts);
    json.end_object();
  }
  json.end_array();
  if (lists) write_lists(json, *lists);
  return json.end_object().take();
}

void add_row(Table& table, std::string name, const Counts& counts) {
  table.rows.push_back({std::move(name), grouped(counts.accounts), grouped(counts.open)});
}

void print(const Table& table) { fmt::print("\n{}", table.text(style_of_stdout())); }

void print_text(const corpus::AccountRegister& accounts, const Summary& summary,
                const std::optional<Lists>& lists) {
  const std::uint64_t all = accounts.accounts().size(), open = accounts.open_accounts();
  fmt::print("{} accounts: {} open, {} closed, {} with the provider's id; loaded {} from {} rows\n",
             grouped(all), grouped(open), grouped(all - open), grouped(summary.with_id),
             short_time(config::format_rfc3339(accounts.loaded())),
             grouped(accounts.source().rows));
  const auto table = [](std::string what) {
    return Table{{std::move(what), "ACCOUNTS", "OPEN"}, {false, true, true}, {}};
  };
  if (summary.classes.size() > 1) {
    Table classes = table("CLASS");
    for (std::size_t i = 1; i < summary.classes.size(); ++i)
      add_row(classes, config::one_line(accounts.classes()[i - 1]), summary.classes[i]);
    if (summary.classes[0].accounts != 0) add_row(classes, "(none)", summary.classes[0]);
    print(classes);
  }
  if (summary.created.size() > 1 || !summary.created.contains(0)) {
    Table created = table("CREATED");
    for (const auto& [year, counts] : summary.created)
      add_row(created, year == 0 ? "(not said)" : std::to_string(year), counts);
    print(created);
  }
  if (!lists) return;
  Table in_lists = table("LIST");
  in_lists.head.emplace_back("OF THE OPEN"), in_lists.right.push_back(true);
  const auto add = [&](std::string name, const Counts& counts) {
    add_row(in_lists, std::move(name), counts);
    in_lists.rows.back().push_back(
        open == 0 ? ""
                  : fmt::format("{:.2f} %", 100.0 * static_cast<double>(counts.open) /
                                                static_cast<double>(open)));
  };
  for (std::uint32_t i = 0; i < lists->corpus.lists().size(); ++i)
    add(config::one_line(lists->corpus.lists()[i].name), lists->index.counts(i));
  add("(any list)", lists->index.known());
  print(in_lists);
}

config::Result<int> list(const AccountsOptions& options) {
  std::optional<std::uint64_t> key_check;
  if (!options.corpus.folder.empty() || !options.corpus.key_file.empty()) {
    const auto hasher = options.hasher();
    if (!hasher) return std::unexpected(hasher.error());
    key_check = hasher->check_value();
  }
  const auto accounts = corpus::AccountRegister::open(options.folder, key_check);
  if (!accounts) return std::unexpected(accounts.error());
  std::optional<Lists> lists;
  if (!options.corpus.folder.empty()) {
    auto asked = lists_of(options, *accounts);
    if (!asked) return std::unexpected(asked.error());
    lists = std::move(*asked);
  }
  const Summary summary(*accounts);
  if (options.corpus.json)
    fmt::print("{}\n", json_of(*accounts, summary, lists));
  else
    print_text(*accounts, summary, lists);
  return 0;
}

}  // namespace

void AccountsOptions::add_to(CLI::App& command) {
  command.add_option("DIR", folder, "The folder of the register")->required();
  command.add_option("--corpus", corpus.folder, "The folder of the corpus, whose key it shares");
  command.add_option("--key-file", corpus.key_file,
                     "The key, when it is neither in the corpus nor DIR/key");
  corpus.add_json(command);
}

config::Result<corpus::AccountHasher> AccountsOptions::hasher() const {
  if (!corpus.folder.empty()) {
    auto key = corpus.hasher();
    const auto manifest = corpus::Manifest::read(corpus.folder);
    if (key && manifest && key->check_value() != manifest->key_check)
      return config::misconfigured("{} was made with another key: name that one with --key-file",
                                   corpus.folder.string());
    return key;
  }
  if (!corpus.key_file.empty()) return corpus::AccountHasher::from_file(corpus.key_file);
  if (std::error_code error; std::filesystem::exists(folder / "key", error))
    return corpus::AccountHasher::from_file(folder / "key");
  return config::misconfigured(
      "{} holds no key, and accounts need that of the breach lists and of the daemon: name the "
      "corpus with --corpus DIR, or the key with --key-file FILE",
      folder.string());
}

void add_accounts(CLI::App& app, int& exit_code) {
  auto* const accounts = app.add_subcommand(
      "accounts", "The site's own accounts: who exists, kept as keyed hashes without a name");
  accounts->require_subcommand(1);
  add_accounts_load(*accounts, exit_code);
  auto* const command =
      accounts->add_subcommand("list", "How many there are, and with --corpus in which lists");
  const auto options = std::make_shared<AccountsOptions>();
  options->add_to(*command);
  command->callback([options, &exit_code] {
    const auto done = list(*options);
    exit_code = done ? *done : report(done.error());
  });
}

}  // namespace stuffwatch::daemon
