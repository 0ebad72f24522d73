// stuffwatch replay: the detector on recorded logs. Byte-identical for the same input, configuration and key, whatever the threads.
#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/files.h"
#include "daemon/commands/attribution_log.h"
#include "daemon/commands/command.h"
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
  std::string config, format, alerts, accounts, attributions, summary, expect, progress = "auto";
  std::uint32_t threads = 0;
  std::vector<std::string> overrides, inputs;
};

// An alert without who made it: version and configuration may differ where the alerts do not.
std::string without_producer(std::string_view alert) {
  constexpr std::string_view kKey = "\"producer\":{";
  const auto begin = alert.find(kKey), end = alert.find('}', begin);
  if (begin == std::string_view::npos || end == std::string_view::npos) return std::string(alert);
  return std::string(alert.substr(0, begin + kKey.size())).append(alert.substr(end));
}

// A file that appears whole: written beside its place and renamed at the end. "-" is standard output.
class OutputFile {
 public:
  [[nodiscard]] static config::Result<OutputFile> open(const std::string& path) {
    OutputFile out;
    out.path_ = path;
    if (path == "-")
      out.file_.reset(stdout);
    else if (!path.empty()) {
      out.file_.reset(std::fopen((path + ".partial").c_str(), "w"));
      if (out.file_ == nullptr)
        return config::failed("cannot write {}.partial: {}", path, std::strerror(errno));
    }
    return out;
  }
  [[nodiscard]] bool wanted() const { return file_ != nullptr; }
  void line(std::string_view text) {
    if (file_ == nullptr) return;
    failed_ = failed_ || std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size() ||
              std::fputc('\n', file_.get()) == EOF;
  }
  [[nodiscard]] config::Result<void> finish() {
    if (file_ == nullptr) return {};
    failed_ = std::fflush(file_.get()) != 0 || failed_;
    file_.reset();
    if (failed_) return config::failed("{} could not be written: {}", path_, std::strerror(errno));
    if (path_ != "-" && std::rename((path_ + ".partial").c_str(), path_.c_str()) != 0)
      return config::failed("cannot rename {}.partial: {}", path_, std::strerror(errno));
    return {};
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const {
      if (file != stdout) std::fclose(file);
    }
  };
  std::unique_ptr<std::FILE, Close> file_;
  std::string path_;
  bool failed_ = false;
};

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
  }
  void add(std::string_view text) { EVP_DigestUpdate(context_.get(), text.data(), text.size()); }
  [[nodiscard]] std::string hex() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_DigestFinal_ex(context_.get(), digest, &size);
    std::string out;
    for (unsigned i = 0; i < size; ++i) out += fmt::format("{:02x}", digest[i]);
    return out;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

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
    auto config = load_config(options_.config, options_.overrides);
    if (!config) return std::unexpected(config.error());
    config_ = std::move(*config);
    if (auto opened = open_outputs(); !opened) return std::unexpected(opened.error());
    const bool own_key = !config_->privacy.key_file.empty();
    auto hasher = own_key ? account_hasher(*config_, true) : corpus::AccountHasher::public_key();
    if (!hasher) return std::unexpected(hasher.error());
    if (!own_key)
      fmt::print(stderr,
                 "replay: no privacy.key_file: accounts are hashed with the public key, which "
                 "anybody can undo\n");
    auto sources = open_sources();
    if (!sources) return std::unexpected(sources.error());
    auto settings = settings_of_inputs(sources->size());
    if (!settings) return std::unexpected(settings.error());
    if (auto turned = turn(*hasher, *settings, std::move(*sources)); !turned)
      return std::unexpected(turned.error());
    return finish(*hasher);
  }

 private:
  config::Result<void> open_outputs() {
    for (auto [file, path] : {std::pair{&alerts_, &options_.alerts},
                              {&accounts_, &options_.accounts},
                              {&attributions_, &options_.attributions},
                              {&summary_, &options_.summary}}) {
      auto opened = OutputFile::open(*path);
      if (!opened) return std::unexpected(opened.error());
      *file = std::move(*opened);
    }
    return {};
  }

  // Files first, as one source; then one for each stretch of a topic.
  config::Result<std::vector<std::unique_ptr<ingest::Source>>> open_sources() {
    std::vector<std::unique_ptr<ingest::Source>> sources;
    std::vector<std::string> files, topics;
    for (const std::string& input : options_.inputs)
      (input.starts_with("kafka:") ? topics : files).push_back(input);
    if (!files.empty()) {
      auto source = ingest::open_files(0, files);
      if (!source) return std::unexpected(source.error());
      sources.push_back(std::move(*source));
    }
    for (const std::string& url : topics) {
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
    if (attributions_.wanted())
      hooks.on_step = [this](std::span<detectors::LoginEvent* const> events) { log_.add(events); };
    pipeline_ = std::make_unique<Pipeline>(pipeline_settings, config_->detectors.kinds,
                                           alert_origin(*config_), hasher, std::move(hooks));
    for (auto& source : sources) pipeline_->add_source(std::move(source), settings);
    for (;;) {
      pipeline_->service();
      const auto progress = pipeline_->run_once(Clock::now());
      progress_.show(pipeline_->counts().events);
      if (progress == Pipeline::Progress::kFinished) break;
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
        accounts_.line(revision.body);
        continue;
      }
      alerts_.line(revision.body);
      digest_.add(revision.body), digest_.add("\n");
      ++revisions_;
      if (!options_.expect.empty()) expected_.push_back(revision.body);
      last_[revision.id] = std::move(revision);
    }
  }

  config::Result<int> finish(const corpus::AccountHasher& hasher) {
    if (attributions_.wanted())
      log_.write(pipeline_->engine().campaigns(),
                 [this](std::string_view line) { attributions_.line(line); });
    write_summary(hasher);
    for (OutputFile* file : {&alerts_, &accounts_, &attributions_, &summary_})
      if (auto done = file->finish(); !done) return std::unexpected(done.error());
    if (options_.alerts != "-" && options_.summary != "-") print_result();
    int exit_code = 0;
    pipeline_->merge().for_each([&](const pipeline::InputQueue& input, bool, bool) {
      if (input.years().assumed())
        fmt::print(stderr,
                   "replay: {}: stamps without a year were read as 2000; set inputs[].year (--set "
                   "'inputs=[{{file: x, year: 2026}}]')\n",
                   input.name());
      if (input.failed()) fmt::print(stderr, "replay: {}\n", input.problem()), exit_code = 1;
    });
    if (const std::string broken = problems_of_sources(); !broken.empty())
      fmt::print(stderr, "replay: {}\n", broken), exit_code = 1;
    if (exit_code != 0 || options_.expect.empty()) return exit_code;
    return compare();
  }

  config::Result<int> compare() {
    auto text = config::read_text_file(options_.expect, std::size_t{1} << 30);
    if (!text) return std::unexpected(text.error());
    std::string_view rest = *text;
    for (std::size_t line = 1;; ++line) {
      const auto end = rest.find('\n');
      const std::string_view wanted = rest.substr(0, end);
      const bool no_more = rest.empty();
      if (no_more && line > expected_.size()) return 0;
      if (no_more || line > expected_.size() ||
          without_producer(wanted) != without_producer(expected_[line - 1])) {
        fmt::print(stderr,
                   "replay: alerts differ from {} at line {}\n  expected: {}\n  got:      {}\n",
                   options_.expect, line, no_more ? "(nothing)" : wanted,
                   line > expected_.size() ? "(nothing)" : std::string_view(expected_[line - 1]));
        return 3;
      }
      rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    }
  }

  struct Totals {
    ingest::DecodeCounts counts;
    std::map<std::string, std::uint64_t> formats;
  };
  Totals totals() const {
    Totals sum;
    pipeline_->merge().for_each([&](const pipeline::InputQueue& input, bool, bool) {
      const ingest::DecodeCounts& c = input.counts();
      sum.counts.records += c.records, sum.counts.decoded += c.decoded;
      for (std::size_t i = 0; i < std::size(c.skipped); ++i) sum.counts.skipped[i] += c.skipped[i];
      for (std::size_t i = 0; i < std::size(c.rejected); ++i)
        sum.counts.rejected[i] += c.rejected[i];
      if (input.decoder() != nullptr) ++sum.formats[std::string(input.decoder()->name)];
    });
    return sum;
  }

  void write_summary(const corpus::AccountHasher& hasher) {
    if (!summary_.wanted()) return;
    const Totals sum = totals();
    const double seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
    std::string text;
    detectors::JsonWriter w(text);
    w.open_object()
        .key("events")
        .open_object()
        .member("read", sum.counts.records)
        .member("decoded", pipeline_->counts().events)
        .key("skipped")
        .open_object();
    for (std::size_t i = 1; i < std::size(sum.counts.skipped); ++i)
      if (sum.counts.skipped[i] != 0)
        w.member(name_of(static_cast<ingest::Skip>(i)), sum.counts.skipped[i]);
    w.close_object().key("rejected").open_object();
    for (std::size_t i = 1; i < std::size(sum.counts.rejected); ++i)
      if (sum.counts.rejected[i] != 0)
        w.member(name_of(static_cast<ingest::Reject>(i)), sum.counts.rejected[i]);
    w.close_object()
        .member("duplicates", pipeline_->counts().duplicates)
        .member("late", pipeline_->counts().late)
        .member("trusted", pipeline_->counts().trusted);
    w.close_object().key("formats").open_object();
    for (const auto& [name, count] : sum.formats) w.member(name, count);
    w.close_object()
        .member("alerts", revisions_)
        .member("campaigns", last_.size())
        .member("alerts_sha256", digest_.hex());
    w.member("key", hasher.is_public() ? "public" : "configured")
        .key("seconds")
        .real(seconds)
        .key("events_per_second");
    w.real(seconds > 0 ? static_cast<double>(pipeline_->counts().events) / seconds : 0)
        .close_object();
    summary_.line(text);
  }

  void print_result() const {
    const Totals sum = totals();
    std::uint64_t skipped = 0, rejected = 0;
    for (const auto n : sum.counts.skipped) skipped += n;
    for (const auto n : sum.counts.rejected) rejected += n;
    std::string formats;
    for (const auto& [name, count] : sum.formats)
      formats += fmt::format("{}{}", formats.empty() ? "" : ", ", name);
    fmt::print(
        "{} records ({}): {} login events, {} skipped, {} rejected, {} duplicates, {} late, {} "
        "trusted\n",
        sum.counts.records, formats.empty() ? "no format" : formats, pipeline_->counts().events,
        skipped, rejected, pipeline_->counts().duplicates, pipeline_->counts().late,
        pipeline_->counts().trusted);
    if (last_.empty()) {
      fmt::print("no campaign found\n");
      return;
    }
    fmt::print("{} campaign{}:\n", last_.size(), last_.size() == 1 ? "" : "s");
    for (const auto& [id, revision] : last_)
      fmt::print("  {}  {:<8} {}\n", id, name_of(revision.severity), revision.summary);
    if (options_.alerts.empty()) fmt::print("the evidence: add --alerts alerts.jsonl\n");
  }

  ReplayOptions options_;
  Progress progress_;
  Clock::time_point begin_ = Clock::now();
  std::unique_ptr<Config> config_;
  OutputFile alerts_, accounts_, attributions_, summary_;
  std::unique_ptr<Pipeline> pipeline_;
  AttributionLog log_;
  Sha256 digest_;
  std::uint64_t revisions_ = 0;
  std::map<std::string, detectors::Revision> last_;
  std::vector<std::string> expected_;
};

}  // namespace

void add_replay(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ReplayOptions>();
  CLI::App* command = app.add_subcommand(
      "replay",
      "Run the detectors over recorded logs: files, folders or - (gzip, zstd, xz, bzip2 too)");
  command->add_option("--config", options->config, "Configuration file; the defaults without one");
  command->add_option("--format", options->format, "native, ocsf, ecs, sshd or auto (the default)");
  command->add_option("--alerts", options->alerts,
                      "Write alerts here, one JSON object a line (- for standard output)");
  command->add_option("--accounts", options->accounts, "Write compromised accounts here");
  command->add_option("--attributions", options->attributions,
                      "Write which event belongs to which campaign here");
  command->add_option("--summary", options->summary,
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
    auto done = Replay(*options).run();
    exit_code = done ? *done : report(done.error());
  });
}

}  // namespace stuffwatch::daemon
