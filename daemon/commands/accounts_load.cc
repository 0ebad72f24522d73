// `stuffwatch accounts load`: an export of the site's directory becomes the register.
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "corpus/account_loader.h"
#include "daemon/commands/accounts_options.h"
#include "daemon/commands/command.h"
#include "daemon/commands/interruption.h"
#include "daemon/commands/render.h"
#include "daemon/json_writer.h"

namespace stuffwatch::daemon {
namespace {

using corpus::AccountReject;
using Role = corpus::AccountColumns::Role;

struct LoadOptions {
  AccountsOptions accounts;
  std::string file, columns, progress = "auto";
};

struct NamedRole {
  Role role;
  std::string_view name;
};
constexpr NamedRole kRoles[] = {{Role::kAccount, "account"},
                                {Role::kId, "id"},
                                {Role::kCreated, "created"},
                                {Role::kClosed, "closed"},
                                {Role::kClass, "class"}};

template <class Visit>
void for_each_reject(const corpus::LoadedAccounts& loaded, Visit visit) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(AccountReject::kCount); ++i)
    if (loaded.source.rejected[i] != 0)
      visit(corpus::name_of(static_cast<AccountReject>(i)), loaded.source.rejected[i],
            loaded.first_place[i]);
}

void print_json(const corpus::LoadedAccounts& loaded, std::uint64_t accounts) {
  JsonWriter json;
  json.begin_object().field("accounts", accounts).field("rows", loaded.source.rows);
  json.field("duplicates", loaded.source.duplicates).key("columns").begin_object();
  for (const auto& [role, name] : kRoles) json.text_field(name, loaded.columns.word(role));
  json.end_object().key("secret_columns").begin_array();
  for (const std::string& column : loaded.columns.secrets()) json.value(column);
  json.end_array().key("invalid").begin_object();
  for_each_reject(loaded, [&](std::string_view name, std::uint64_t rows, const std::string& first) {
    json.key(name).begin_object().field("rows", rows).field("first", first).end_object();
  });
  fmt::print("{}\n", json.end_object().end_object().take());
}

void print_text(const corpus::LoadedAccounts& loaded, std::uint64_t accounts) {
  std::string columns;
  for (const auto& [role, name] : kRoles)
    if (const std::string& word = loaded.columns.word(role); !word.empty())
      columns += fmt::format("{}{}", columns.empty() ? "" : ", ", word);
  fmt::print("{} accounts in {} rows, from the column{} {}; {} rows were replaced by a later one\n",
             grouped(accounts), grouped(loaded.source.rows),
             columns.find(',') == std::string::npos ? "" : "s", columns,
             grouped(loaded.source.duplicates));
  Table table{{"WHY NOT TAKEN", "ROWS", "FIRST"}, {false, true, false}, {}};
  for_each_reject(loaded, [&](std::string_view name, std::uint64_t rows, const std::string& first) {
    table.rows.push_back({std::string(name), grouped(rows), first});
  });
  if (!table.rows.empty()) fmt::print("\n{}", table.text(style_of_stdout()));
}

// Also with --json: on standard error.
void warn(const corpus::LoadedAccounts& loaded) {
  for (const std::string& column : loaded.columns.secrets())
    fmt::print(stderr,
               "stuffwatch: the column {} was not read: it sounds like a password, and should not "
               "be in an export\n",
               column);
  if (loaded.rejected() > loaded.source.rows / 2)
    fmt::print(stderr,
               "stuffwatch: more than half of the rows hold no account; if the columns are other "
               "ones, name them with --columns and load again\n");
}

config::Result<int> load(const LoadOptions& options) {
  std::optional<corpus::AccountColumns> columns;
  if (!options.columns.empty()) {
    auto parsed = corpus::AccountColumns::parse(options.columns);
    if (!parsed) return config::misconfigured("--columns: {}", parsed.error().message);
    columns = std::move(*parsed);
  }
  const auto hasher = options.accounts.hasher();
  if (!hasher) return std::unexpected(hasher.error());
  auto input = corpus::ListInput::open({options.file});
  if (!input) return std::unexpected(input.error());
  const auto total = (*input)->bytes_total();
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const Interruption interruption;
  config::Result<corpus::LoadedAccounts> loaded;
  {
    CorpusProgress progress(options.progress);
    loaded = corpus::load_accounts(
        **input, *hasher, columns, now, options.accounts.folder,
        [&](std::uint64_t rows, std::uint64_t bytes) {
          progress.show({.lines = rows, .bytes = bytes, .bytes_total = total});
          return !interruption.wanted();
        });
  }
  if (!loaded) return std::unexpected(loaded.error());
  if (loaded->stopped) {
    fmt::print(stderr, "stuffwatch: stopped; the register is as it was\n");
    return Interruption::kExitStatus;
  }
  const std::uint64_t accounts =
      loaded->source.rows - loaded->source.duplicates - loaded->rejected();
  options.accounts.corpus.json ? print_json(*loaded, accounts) : print_text(*loaded, accounts);
  warn(*loaded);
  return 0;
}

}  // namespace

void add_accounts_load(CLI::App& accounts, int& exit_code) {
  auto* const command = accounts.add_subcommand(
      "load", "An export of the site's directory becomes the register, in place of the one before");
  const auto options = std::make_shared<LoadOptions>();
  options->accounts.add_to(*command);
  command->add_option("--columns", options->columns,
                      "What stands where when no header says so: account;skip;created");
  command->add_option("--progress", options->progress, "auto, json or none")
      ->check(CLI::IsMember({"auto", "json", "none"}));
  command
      ->add_option(
          "FILE", options->file,
          "CSV with a header, or one name a line; - for standard input; plain, gzip, zstd, "
          "xz, bzip2, zip, 7z or tar")
      ->required();
  command->callback([options, &exit_code] {
    const auto done = load(*options);
    exit_code = done ? *done : report(done.error());
  });
}

}  // namespace stuffwatch::daemon
