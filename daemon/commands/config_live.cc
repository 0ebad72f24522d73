#include "daemon/commands/config_live.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/durable_file.h"
#include "daemon/sinks/sink_config.h"
#include "ingest/batch_decoder.h"
#include "ingest/file_source.h"
#include "ingest/kafka_check.h"

namespace stuffwatch::daemon {
namespace {

namespace fs = std::filesystem;

class LiveCheck {
 public:
  explicit LiveCheck(Config& config) : config_(config) {}

  int run() {
    check_state();
    check_corpus();
    check_inputs();
    check_sinks();
    return failed_ ? 1 : 0;
  }

 private:
  void say(bool ok, std::string_view subject, std::string_view text) {
    failed_ = failed_ || !ok;
    fmt::print("{:<5} {}: {}\n", ok ? "ok" : "WRONG", subject, text);
  }

  void check_state() {
    if (config_.state.path.empty())
      return say(true, "state.path", "none: nothing survives a restart");
    if (auto made = config::make_folder(config_.state.path); !made)
      return say(false, "state.path", made.error().message);
    std::error_code error;
    const bool writable = ::access(config_.state.path.c_str(), W_OK | X_OK) == 0;
    const auto space = fs::space(config_.state.path, error);
    say(writable, "state.path",
        writable ? fmt::format("{}: writable, {} free", config_.state.path,
                               config::format_bytes(config::Bytes{space.available}))
                 : fmt::format("{}: not writable for this user; chown it", config_.state.path));
  }

  void check_corpus() {
    if (config_.corpus.path.empty())
      return say(true, "corpus.path", "none: alerts name no breach list");
    auto hasher = account_hasher(config_, true);
    if (!hasher) return say(false, "corpus.path", hasher.error().message);
    auto corpus = corpus::Corpus::open(config_.corpus.path, *hasher, corpus::Residence::kMapped);
    if (!corpus) return say(false, "corpus.path", corpus.error().message);
    const std::uint64_t memory = corpus_memory(config_);
    say(true, "corpus.path",
        fmt::format("{}: {} lists, {} accounts, {} bytes: {}", config_.corpus.path,
                    corpus->lists().size(), corpus->entries(), corpus->bytes(),
                    corpus->bytes() <= memory ? "will be held in memory"
                                              : "larger than corpus.memory, will be mapped"));
  }

  void check_inputs() {
    std::vector<std::string> topics;
    for (const InputSection& input : config_.inputs) {
      if (!input.topic.empty()) topics.push_back(input.topic);
      if (input.file.empty()) continue;
      auto opened = ingest::open_files(0, {input.file});
      say(opened.has_value(), "input " + input.name,
          opened ? input.file + ": can be read" : opened.error().message);
    }
    if (topics.empty()) return;
    const ingest::KafkaCheckReport report = ingest::check_kafka(
        config_.kafka, topics, {.log = [](ingest::KafkaLogLevel, std::string_view) {}});
    for (const auto& line : report.lines) say(line.ok, line.subject, line.text);
    for (const auto& sample : report.samples) decode(sample);
  }

  // What the sample's records come to, as the daemon would read them.
  void decode(const ingest::KafkaSample& sample) {
    for (std::size_t i = 0; i < config_.inputs.size(); ++i) {
      const InputSection& input = config_.inputs[i];
      if (input.topic != sample.topic) continue;
      auto settings = input_settings(config_, std::span(&input, 1));
      if (!settings) return say(false, "input " + input.name, settings.error().message);
      std::vector<ingest::RawRecord> records;
      for (const auto& chunk : sample.chunks)
        records.insert(records.end(), chunk.records.begin(), chunk.records.end());
      if (records.empty())
        return say(true, "input " + input.name, "the topic is empty: nothing to decode yet");
      const ingest::DecoderInfo* info = settings->front().decoder;
      if (info == nullptr) info = ingest::guess_format(records).decoder;
      if (info == nullptr)
        return say(false, "input " + input.name, "no known format fits these records; set format");
      return count(input, *info, settings->front(), std::move(records));
    }
  }

  void count(const InputSection& input, const ingest::DecoderInfo& info,
             const pipeline::InputSettings& settings, std::vector<ingest::RawRecord> records) {
    const auto hasher = corpus::AccountHasher::public_key();
    ingest::BatchDecoder decoder(info.make(), settings.decode, hasher);
    ingest::RawChunk chunk;
    chunk.records = std::move(records);
    const std::size_t total = chunk.records.size();
    ingest::EventBatch batch;
    decoder.decode(std::move(chunk), batch);
    std::size_t successes = 0, failures = 0;
    for (const auto& event : batch.events) {
      successes += event.outcome == detectors::Outcome::kSuccess ? 1u : 0u;
      failures += event.outcome == detectors::Outcome::kFailure ? 1u : 0u;
    }
    std::string bad;
    for (std::size_t i = 1; i < std::size(batch.counts.rejected); ++i)
      if (batch.counts.rejected[i] != 0)
        bad += fmt::format(", {} {}", batch.counts.rejected[i],
                           name_of(static_cast<ingest::Reject>(i)));
    say(!batch.events.empty(), "input " + input.name,
        fmt::format("{} of {} records are logins as {}: {} successes, {} failures{}",
                    batch.counts.decoded, total, info.name, successes, failures,
                    bad.empty() ? "" : "; rejected:" + bad.substr(1)));
  }

  void check_sinks() {
    sinks::SinkContext context;
    context.state_path = config_.state.path, context.site = config_.site,
    context.kafka = config_.kafka;
    auto sections = sinks::complete_sinks(config_.sinks, context);
    if (!sections) return say(false, "sinks", sections.error().message);
    for (const auto& section : *sections) {
      auto sink = sinks::make_sink(section, context);
      if (!sink) {
        say(false, "sink " + section.name, sink.error().message);
        continue;
      }
      auto checked = (*sink)->check({});
      say(checked.has_value(), "sink " + section.name,
          checked ? "can be written to" : checked.error().message);
    }
  }

  Config& config_;
  bool failed_ = false;
};

}  // namespace

config::Result<int> check_live(Config& config) { return LiveCheck(config).run(); }

}  // namespace stuffwatch::daemon
