// `stuffwatch corpus check`: which lists hold an account, and in which lines.
#include <cstdio>
#include <iostream>
#include <limits>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "daemon/commands/command.h"
#include "daemon/commands/corpus_options.h"
#include "daemon/commands/render.h"
#include "daemon/json_writer.h"

namespace stuffwatch::daemon {
namespace {

constexpr std::size_t kAtOnce = 4096;

struct CheckOptions {
  CorpusOptions corpus;
  std::vector<std::string> accounts;
};

class Checker {
 public:
  Checker(const corpus::Corpus& corpus, const corpus::AccountHasher& hasher, bool json)
      : corpus_(corpus), hasher_(hasher), json_(json) {}

  config::Result<void> check(const std::vector<std::string>& accounts) {
    keys_.clear();
    for (const std::string& account : accounts) keys_.push_back(hasher_(account, scratch_));
    corpus_.resolve(keys_, hits_, std::numeric_limits<std::size_t>::max());
    if (!corpus_.intact()) return config::failed("a segment was cut short while it was read");
    for (std::size_t i = 0; i < accounts.size(); ++i) tell(accounts[i], hits_.of(i));
    return {};
  }

 private:
  void tell(const std::string& account, std::span<const corpus::ListHit> hits) const {
    if (json_) {
      JsonWriter json;
      json.begin_object().field("account", account).key("lists").begin_array();
      for (const corpus::ListHit& hit : hits) {
        json.begin_object().field("name", corpus_.lists()[hit.list].name);
        if (hit.position != 0) json.field("line", hit.position);
        json.end_object();
      }
      fmt::print("{}\n", json.end_array().end_object().take());
      return;
    }
    std::string text;
    for (const corpus::ListHit& hit : hits) {
      text += text.empty() ? "" : ", ";
      text += config::one_line(corpus_.lists()[hit.list].name);
      if (hit.position != 0) text += fmt::format(" line {}", grouped(hit.position));
    }
    fmt::print("{}: {}\n", config::one_line(account), text.empty() ? "in no list" : text);
  }

  const corpus::Corpus& corpus_;
  const corpus::AccountHasher& hasher_;
  bool json_;
  std::vector<corpus::AccountKey> keys_;
  corpus::Hits hits_;
  std::string scratch_;
};

config::Result<int> check(const CheckOptions& options) {
  const auto hasher = options.corpus.hasher();
  if (!hasher) return std::unexpected(hasher.error());
  const auto corpus = options.corpus.open(corpus::Residence::kMapped);
  if (!corpus) return std::unexpected(corpus.error());
  Checker checker(*corpus, *hasher, options.corpus.json);
  if (options.accounts != std::vector<std::string>{"-"}) {
    if (auto checked = checker.check(options.accounts); !checked)
      return std::unexpected(checked.error());
    return 0;
  }
  std::vector<std::string> batch;
  for (std::string line; std::getline(std::cin, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    batch.push_back(std::move(line));
    if (batch.size() < kAtOnce) continue;
    if (auto checked = checker.check(batch); !checked) return std::unexpected(checked.error());
    batch.clear();
  }
  if (auto checked = checker.check(batch); !checked) return std::unexpected(checked.error());
  if (std::cin.bad()) return config::failed("standard input cannot be read");
  return 0;
}

}  // namespace

void add_corpus_check(CLI::App& corpus, int& exit_code) {
  auto* const command =
      corpus.add_subcommand("check", "Which lists hold an account, and in which lines");
  const auto options = std::make_shared<CheckOptions>();
  options->corpus.add_folder(*command);
  options->corpus.add_key_file(*command);
  options->corpus.add_json(*command);
  command
      ->add_option("ACCOUNT", options->accounts,
                   "Addresses or user names; - reads them from standard input, one a line")
      ->required();
  command->callback([options, &exit_code] {
    const auto done = check(*options);
    exit_code = done ? *done : report(done.error());
  });
}

}  // namespace stuffwatch::daemon
