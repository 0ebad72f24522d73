// What the `stuffwatch corpus` subcommands have in common.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "config/result.h"
#include "corpus/corpus.h"

namespace CLI {
class App;
}

namespace stuffwatch::daemon {

struct CorpusOptions {
  std::filesystem::path folder, key_file;
  bool json = false;

  void add_folder(CLI::App& command);
  void add_key_file(CLI::App& command);
  void add_json(CLI::App& command);
  // For questions. Loaded: all of it in memory, its checksums verified on the way.
  [[nodiscard]] config::Result<corpus::Corpus> open(corpus::Residence residence) const;
  [[nodiscard]] config::Result<corpus::AccountHasher> hasher() const;
  // For changes.
  [[nodiscard]] config::Result<corpus::CorpusFolder> open_for_changes() const {
    return corpus::CorpusFolder::open(folder, key_file);
  }
};

// One line on standard error that is written over on a terminal; JSON lines with --progress json; nothing else.
class CorpusProgress {
 public:
  explicit CorpusProgress(std::string_view form);
  ~CorpusProgress();
  CorpusProgress(const CorpusProgress&) = delete;
  CorpusProgress& operator=(const CorpusProgress&) = delete;

  void show(const corpus::ListProgress& progress);
  // `share` of what this stage has to do, when that is known.
  void show(std::string_view stage, std::uint64_t lines, std::optional<double> share);

 private:
  using Clock = std::chrono::steady_clock;
  bool json_, terminal_;
  std::string stage_;
  Clock::time_point begin_ = Clock::now(), shown_{};
};

// What --memory says; 256M as well as 256MiB, 16 MiB at least. Errors: kConfiguration.
[[nodiscard]] config::Result<std::uint64_t> parse_memory_option(std::string text);

// yyyymmdd from 2012, 2012-05 or 2012-05-17. Errors: kConfiguration.
[[nodiscard]] config::Result<std::uint32_t> parse_list_date(std::string_view text);
[[nodiscard]] std::string list_date_text(std::uint32_t date);  // "" when unknown

void add_corpus_add(CLI::App& corpus, int& exit_code);
void add_corpus_check(CLI::App& corpus, int& exit_code);
void add_corpus_triage(CLI::App& corpus, int& exit_code);

}  // namespace stuffwatch::daemon
