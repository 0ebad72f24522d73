// What the `stuffwatch accounts` subcommands have in common.
#pragma once

#include <filesystem>

#include "config/result.h"
#include "corpus/account_key.h"
#include "daemon/commands/corpus_options.h"

namespace CLI {
class App;
}

namespace stuffwatch::daemon {

struct AccountsOptions {
  std::filesystem::path folder;
  CorpusOptions corpus;  // its folder may be empty: no corpus is asked

  void add_to(CLI::App& command);
  // Of the corpus, else the key file, else <folder>/key. Never a new one: it would be nobody else's. Errors: kConfiguration with the remedy.
  [[nodiscard]] config::Result<corpus::AccountHasher> hasher() const;
};

void add_accounts_load(CLI::App& accounts, int& exit_code);

}  // namespace stuffwatch::daemon
