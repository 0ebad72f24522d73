// stuffwatch replay: the detector on recorded logs. Byte-identical for the same input, configuration, key and corpus, whatever the threads.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/files.h"
#include "corpus/raw_file.h"
#include "corpus/register_index.h"
#include "daemon/commands/attribution_log.h"
#include "daemon/commands/command.h"
#include "daemon/commands/interruption.h"
#include "daemon/commands/replay_counts.h"
#include "daemon/commands/replay_outputs.h"
#include "daemon/config.h"
#include "daemon/pipeline/pipeline.h"
#include "detectors/campaigns/json_writer.h"
#include "ingest/file_source.h"
#include "ingest/kafka_range_source.h"

namespace stuffwatch::daemon {
namespace {

using pipeline::Pipeline;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

struct ReplayOptions {
  std::string config, corpus, format, expect, progress = "auto";
  std::uint32_t threads = 0;
  std::vector<std::string> overrides, inputs;
  ReplayOutputs outputs;
};

bool is_topic(std::string_view input) { return input.starts_with("kafka:"); }

// An alert without who made it: version and configuration may differ where the alerts do not.
std::string without_producer(std::string_view alert) {
  constexpr std::string_view kKey = "\"producer\":{";
  const auto begin = alert.find(kKey), end = alert.find('}', begin);
  if (begin == std::string_view::npos || end == std::string_view::npos) return std::string(alert);
  return std::string(alert.substr(0, begin + kKey.size())).append(alert.substr(end));
}

// Progress on standard error: a line that is rewritten on a terminal, JSON lines with --progress json, nothing else.
class Progress {
 public:
  explicit Progress(const std::string& mode)
      : json_(mode == "json"), terminal_(mode != "none" && !json_ && ::isatty(2) != 0) {}
  void show(std::uint64_t events, bool last = false) {
    const auto now = Clock::now();
    if ((!json_ && !terminal_) || (!last && now - shown_ < 250ms)) return;
    shown_ = now;
    const double seconds = std::chrono::duration<double>(now - begin_).count();
    const double rate = seconds > 0 ? static_cast<double>(events) / seconds : 0;
    if (json_)
      fmt::print(stderr, "{{\"events\":{},\"seconds\":{:.2f},\"events_per_second\":{:.0f}}}\n",
                 events, seconds, rate);
    else
      fmt::print(stderr, "\r{:>12} events  {:>10.0f} events/s {}", events, rate, last ? "\n" : "");
    std::fflush(stderr);
  }

 private:
  bool json_, terminal_;
  Clock::time_point begin_ = Clock::now(), shown_{};
};

class Replay {
 public:
  explicit Replay(ReplayOptions options)
      : options_(std::move(options)), progress_(options_.progress) {}

  config::Result<int> run() {
    auto exit_code = replay();
    if (interruption_ && interruption_->wanted())
      return 1;  // for nobody: the signal ends the process
    return exit_code;
  }

 private:
  config::Result<int> replay() {
    auto config = load_config(options_.config, options_.overrides);
    if (!config) return std::unexpected(config.error());
    config_ = std::move(*config);
    if (!options_.corpus.empty()) config_->corpus.path = options_.corpus;
    if (auto checked = check_files(); !checked) return std::unexpected(checked.error());
    const bool own_key = !config_->privacy.key_file.empty() || !config_->corpus.path.empty();
    config_->state.path.clear();  // of the daemon; nothing of it is read or made here
    auto hasher = own_key ? account_hasher(*config_, true) : corpus::AccountHasher::public_key();
    if (!hasher) return std::unexpected(hasher.error());
    if (!own_key)
      fmt::print(stderr,
                 "replay: no privacy.key_file and no corpus: accounts are hashed with the public "
                 "key, which "
                 "anybody can undo\n");
    if (auto opened = open_corpus(*hasher); !opened) return std::unexpected(opened.error());
    auto sources = open_sources();
    if (!sources) return std::unexpected(sources.error());
    auto settings = settings_of_inputs(sources->size());
    if (!settings) return std::unexpected(settings.error());
    interruption_.emplace();
    if (auto opened = options_.outputs.open(); !opened) return std::unexpected(opened.error());
    if (auto turned = turn(*hasher, *settings, std::move(*sources)); !turned)
      return std::unexpected(turned.error());
    return interruption_->wanted() ? 1 : finish(*hasher);
  }

  // Without the lists that were asked for alerts would be others: that is no replay.
  config::Result<void> open_corpus(const corpus::AccountHasher& hasher) {
    if (config_->corpus.path.empty()) return {};
    auto opened = corpus::Corpus::open(config_->corpus.path, hasher,
                                       corpus::Placement{corpus_memory(*config_)});
    if (!opened) return std::unexpected(opened.error());
    corpus_ = std::make_shared<const corpus::Corpus>(std::move(*opened));
    directory_ = corpus_->directory();
    if (config_->accounts.path.empty()) return {};
    auto accounts = corpus::AccountRegister::open(config_->accounts.path, hasher.check_value());
    if (!accounts) return std::unexpected(accounts.error());
    auto exact = corpus::directory_of(*corpus_, *accounts);
    if (!exact) return std::unexpected(exact.error());
    directory_ = std::move(*exact);
    return {};
  }

  // Everything that can be known to be wrong before anything is read.
  config::Result<void> check_files() {
    std::vector<std::string> read, files = input_files();
    if (!files.empty()) {
      auto expanded = ingest::expand_paths(files);
      if (!expanded) return std::unexpected(expanded.error());
      read = std::move(*expanded);
    }
    for (const std::string* named : {&options_.config, &options_.expect})
      if (!named->empty()) read.push_back(*named);
    if (auto distinct = options_.outputs.check(read); !distinct) return distinct;
    if (options_.expect.empty()) return {};
    auto text = config::read_text_file(options_.expect, std::size_t{1} << 30);
    if (!text) return std::unexpected(text.error());
    expected_ = std::move(*text);
    return {};
  }

  [[nodiscard]] std::vector<std::string> input_files() const {
    std::vector<std::string> files = options_.inputs;
    std::erase_if(files, is_topic);
    return files;
  }

  // Files first, as one source; then one for each stretch of a topic.
  config::Result<std::vector<std::unique_ptr<ingest::Source>>> open_sources() {
    std::vector<std::unique_ptr<ingest::Source>> sources;
    if (const auto files = input_files(); !files.empty()) {
      auto source = ingest::open_files(0, files, {}, ingest::Rest::kRecord);
      if (!source) return std::unexpected(source.error());
      sources.push_back(std::move(*source));
    }
    for (const std::string& url : options_.inputs) {
      if (!is_topic(url)) continue;
      auto range = ingest::KafkaRange::parse(url);
      if (!range) return std::unexpected(range.error());
      ingest::KafkaRangeOptions how;
      how.log = [](ingest::KafkaLogLevel level, std::string_view text) {
        if (level == ingest::KafkaLogLevel::kError) fmt::print(stderr, "replay: {}\n", text);
      };
      how.now = [] {
        return std::chrono::time_point_cast<std::chrono::milliseconds>(
            std::chrono::system_clock::now());
      };
      auto source = ingest::KafkaRangeSource::open(config_->kafka, *range,
                                                   static_cast<std::uint32_t>(sources.size()), how);
      if (!source) return std::unexpected(source.error());
      sources.push_back(std::move(*source));
    }
    return sources;
  }

  config::Result<std::vector<pipeline::InputSettings>> settings_of_inputs(std::size_t count) {
    InputSection section;
    if (!config_->inputs.empty())
      section = config_->inputs.front();  // delay, zone, app of the configuration
    section.name = "replay", section.topic.clear(), section.file = "files";
    if (!options_.format.empty()) section.format = options_.format;
    if (section.format != "auto" && ingest::find_decoder(section.format) == nullptr) {
      std::string known = "auto";
      for (const auto& decoder : ingest::decoders()) known += fmt::format(", {}", decoder.name);
      return config::misconfigured("--format {}: there is no such format; there are {}",
                                   section.format, known);
    }
    return input_settings(*config_, std::vector<InputSection>(count, section));
  }

  config::Result<void> turn(const corpus::AccountHasher& hasher,
                            const std::vector<pipeline::InputSettings>& settings,
                            std::vector<std::unique_ptr<ingest::Source>> sources) {
    pipeline::PipelineConfig pipeline_settings = pipeline_config(*config_);
    if (options_.threads != 0) pipeline_settings.workers = options_.threads;
    Pipeline::Hooks hooks;
    hooks.on_revisions = [this](std::vector<detectors::Revision>&& said) { told(std::move(said)); };
    if (options_.outputs.attributions.file)
      hooks.on_step = [this](std::span<detectors::LoginEvent* const> events) { log_.add(events); };
    pipeline_ = std::make_unique<Pipeline>(pipeline_settings, config_->detectors.kinds,
                                           alert_origin(*config_), hasher, std::move(hooks));
    if (corpus_ != nullptr)
      pipeline_->lists().use(corpus_, std::make_shared<const corpus::ListDirectory>(directory_));
    for (auto& source : sources) pipeline_->add_source(std::move(source), settings);
    for (;;) {
      pipeline_->service();
      const auto progress = pipeline_->run_once(Clock::now());
      progress_.show(pipeline_->counts().events);
      if (progress == Pipeline::Progress::kFinished || interruption_->wanted()) break;
      if (progress != Pipeline::Progress::kWaiting) continue;
      if (nobody_answers()) break;
      pipeline_->wait(5ms);
    }
    pipeline_->finish();
    progress_.show(pipeline_->counts().events, true);
    return {};
  }

  // All that is left are partitions whose broker has not answered for so long that the merge went on without them.
  bool nobody_answers() const {
    bool nobody = true;
    pipeline_->merge().for_each([&](const pipeline::InputQueue& input, bool left_out, bool) {
      const bool silent = left_out && input.status() == ingest::ReadStatus::kUnreachable;
      nobody = nobody && (silent || input.finished());
    });
    return nobody;
  }

  // Of inputs that could not be read to their end; what came before has been processed.
  std::string problems_of_sources() const {
    std::string problems;
    for (const auto& source : pipeline_->sources())
      for (const auto& status : source->status())
        if (!status.problem.empty())
          problems += fmt::format("{}{}", problems.empty() ? "" : "; ", status.problem);
    return problems;
  }

  void told(std::vector<detectors::Revision>&& said) {
    for (detectors::Revision& revision : said) {
      if (revision.feed == detectors::Feed::kAccounts) {
        options_.outputs.accounts.line(revision.body);
        continue;
      }
      options_.outputs.alerts.line(revision.body);
      digest_.update(revision.body), digest_.update("\n");
      ++revisions_;
      if (!options_.expect.empty()) said_.push_back(revision.body);
      last_[revision.id] = std::move(revision);
    }
  }

  config::Result<int> finish(const corpus::AccountHasher& hasher) {
    ReplayOutputs& outputs = options_.outputs;
    if (outputs.attributions.file)
      log_.write(pipeline_->engine().campaigns(),
                 [&](std::string_view line) { outputs.attributions.line(line); });
    const ReplayCounts counts(*pipeline_);
    write_summary(counts, hasher);
    const bool taken = outputs.on_standard_output();
    if (auto done = outputs.finish(); !done) return std::unexpected(done.error());
    if (!taken) print_result(counts);
    int exit_code = counts.all_rejected() ? 1 : 0;
    if (corpus_ != nullptr && !corpus_->intact())
      fmt::print(stderr,
                 "replay: {}: a file of the corpus was cut short: later alerts name no list\n",
                 config_->corpus.path),
          exit_code = 1;
    for (const std::string& advice :
         {no_event_advice(counts), order_advice(counts, config_->merge)})
      if (!advice.empty()) fmt::print(stderr, "replay: {}\n", advice);
    pipeline_->merge().for_each([&](const pipeline::InputQueue& input, bool, bool) {
      if (input.years().assumed())
        fmt::print(stderr,
                   "replay: {}: stamps without a year were read as 2000; set inputs[].year (--set "
                   "'inputs=[{{file: x, year: 2026}}]')\n",
                   input.name());
      if (input.failed()) fmt::print(stderr, "replay: {}\n", input.problem()), exit_code = 1;
    });
    for (const auto& source : pipeline_->sources())
      for (const auto& status : source->status())
        if (!status.notice.empty()) fmt::print(stderr, "replay: {}\n", status.notice);
    if (const std::string broken = problems_of_sources(); !broken.empty())
      fmt::print(stderr, "replay: {}\n", broken), exit_code = 1;
    if (exit_code != 0 || options_.expect.empty()) return exit_code;
    return compare();
  }

  int compare() const {
    std::string_view rest = expected_;
    for (std::size_t line = 1;; ++line) {
      const auto end = rest.find('\n');
      const std::string_view wanted = rest.substr(0, end);
      const bool no_more = rest.empty();
      if (no_more && line > said_.size()) return 0;
      if (no_more || line > said_.size() ||
          without_producer(wanted) != without_producer(said_[line - 1])) {
        fmt::print(stderr,
                   "replay: alerts differ from {} at line {}\n  expected: {}\n  got:      {}\n",
                   options_.expect, line, no_more ? "(nothing)" : wanted,
                   line > said_.size() ? "(nothing)" : std::string_view(said_[line - 1]));
        return 3;
      }
      rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    }
  }

  void write_summary(const ReplayCounts& counts, const corpus::AccountHasher& hasher) {
    if (!options_.outputs.summary.file) return;
    const double seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
    std::string text;
    detectors::JsonWriter w(text);
    w.open_object();
    counts.append_to(w);
    w.member("alerts", revisions_)
        .member("campaigns", last_.size())
        .member("alerts_sha256", corpus::hex(digest_.finish()))
        .member("key", hasher.is_public() ? "public" : "configured");
    w.key("seconds").real(seconds).key("events_per_second");
    w.real(seconds > 0 ? static_cast<double>(counts.events.events) / seconds : 0).close_object();
    options_.outputs.summary.line(text);
  }

  void print_result(const ReplayCounts& counts) const {
    fmt::print("{}", counts.text());
    if (last_.empty()) {
      fmt::print("no campaign found\n");
      return;
    }
    fmt::print("{} campaign{}:\n", last_.size(), last_.size() == 1 ? "" : "s");
    for (const auto& [id, revision] : last_)
      fmt::print("  {}  {:<8} {}\n", id, name_of(revision.severity), revision.summary);
    if (options_.outputs.alerts.path.empty())
      fmt::print("the evidence: add --alerts alerts.jsonl\n");
  }

  std::optional<Interruption> interruption_;  // goes last, when the outputs are cleared away
  ReplayOptions options_;
  Progress progress_;
  Clock::time_point begin_ = Clock::now();
  std::unique_ptr<Config> config_;
  std::shared_ptr<const corpus::Corpus> corpus_;
  corpus::ListDirectory directory_;
  std::unique_ptr<Pipeline> pipeline_;
  AttributionLog log_;
  corpus::Sha256 digest_;
  std::uint64_t revisions_ = 0;
  std::map<std::string, detectors::Revision> last_;
  std::string expected_;           // the text of --expect
  std::vector<std::string> said_;  // what is compared with it
};

}  // namespace

void add_replay(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ReplayOptions>();
  CLI::App* command = app.add_subcommand(
      "replay",
      "Run the detectors over recorded logs: files, folders or - (gzip, zstd, xz, bzip2 too)");
  command->add_option("--config", options->config, "Configuration file; the defaults without one");
  command->add_option("--corpus", options->corpus,
                      "Folder of the breach lists: alerts name those that the accounts are in");
  command->add_option("--format", options->format, "native, ocsf, ecs, sshd or auto (the default)");
  command->add_option("--alerts", options->outputs.alerts.path,
                      "Write alerts here, one JSON object a line (- for standard output)");
  command->add_option("--accounts", options->outputs.accounts.path,
                      "Write compromised accounts here");
  command->add_option("--attributions", options->outputs.attributions.path,
                      "Write which event belongs to which campaign here");
  command->add_option("--summary", options->outputs.summary.path,
                      "Write counts and the hash of the alerts here");
  command->add_option("--expect", options->expect,
                      "Compare the alerts with this file; exit status 3 when they differ");
  command
      ->add_option("--threads", options->threads, "Threads; the result is the same for any number")
      ->check(CLI::Range(1, 64));
  command->add_option("--set", options->overrides, "KEY=VALUE: set any key of the configuration")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--progress", options->progress, "auto, json or none")
      ->check(CLI::IsMember({"auto", "json", "none"}));
  command->add_option("INPUT", options->inputs, "Files, folders, - or kafka:TOPIC?from=...&to=...")
      ->required();
  command->callback([options, &exit_code] {
    auto done = Replay(std::move(*options)).run();
    exit_code = done ? *done : report(done.error());
  });
}

}  // namespace stuffwatch::daemon
