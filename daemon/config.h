// The whole configuration: every room's section under its key, and what the daemon makes of them.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/bytes.h"
#include "config/field_visitor.h"
#include "config/result.h"
#include "corpus/account_key.h"
#include "daemon/http/config.h"
#include "daemon/log.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/sinks/sink_config.h"
#include "detectors/campaigns/campaign_config.h"
#include "detectors/detector.h"
#include "ingest/dead_letter.h"
#include "ingest/kafka_client.h"

namespace stuffwatch::daemon {

enum class AccountNames : std::uint8_t { kKeyed, kClear };

// One entry of `inputs`: a Kafka topic, files, or the embedded simulation.
struct InputSection {
  std::string name, topic, file, format = "auto", app, tenant;
  bool simulated = false;
  std::uint32_t simulated_rate = 50;
  std::chrono::milliseconds delay{0}, expected_silence = std::chrono::hours{1};
  int year = 0;  // 0 = found from the data
  std::string zone;

  void visit(config::FieldVisitor& v);
};

struct TrustedSource {
  std::string cidr, reason, expires;
  std::vector<std::string> apps;
  void visit(config::FieldVisitor& v);
  [[nodiscard]] detectors::EventTime until() const;  // max() = for ever
};

struct MergeSection {
  std::chrono::milliseconds idle_after = std::chrono::seconds{2},
                            max_delay = std::chrono::seconds{60};
  std::chrono::milliseconds allowed_lateness = std::chrono::seconds{30},
                            max_clock_skew = std::chrono::seconds{10};
  void visit(config::FieldVisitor& v);
};
struct DedupSection {
  std::chrono::milliseconds window = std::chrono::minutes{10};
  std::uint32_t max_ids = 1'000'000;
  void visit(config::FieldVisitor& v);
};
struct PipelineSection {
  std::uint32_t workers = 0;  // 0 = as many as processors, at most 8
  std::uint32_t partitions = 8, batch_events = 4096;
  void visit(config::FieldVisitor& v);
};
struct StrangerSection {
  std::uint64_t max_pairs = 50'000'000;
  void visit(config::FieldVisitor& v);
};
struct StateSection {
  std::string path;
  std::chrono::milliseconds checkpoint_interval = std::chrono::seconds{30};
  std::chrono::milliseconds max_rewind = std::chrono::hours{24 * 7};
  void visit(config::FieldVisitor& v);
};
struct PrivacySection {
  AccountNames account_names = AccountNames::kKeyed;
  std::string key_file;
  void visit(config::FieldVisitor& v);
};
struct CorpusSection {
  std::string path;
  config::Bytes memory;  // 0 = half of the machine's
  void visit(config::FieldVisitor& v);
};
struct AccountsSection {
  std::string path;
  void visit(config::FieldVisitor& v);
};
struct AlertsSection {
  std::chrono::milliseconds max_age = std::chrono::hours{1};
  config::Bytes max_bytes = config::kibibytes(256);
  std::string console_url;
  void visit(config::FieldVisitor& v);
};

// `detectors`: one section each, from the registry.
class DetectorSections final : public config::Section {
 public:
  DetectorSections() : kinds(detectors::make_detector_kinds()) {}
  void visit(config::FieldVisitor& v) override {
    for (auto& kind : kinds) v.section(kind->info().name, *kind, kind->info().summary);
  }
  std::vector<std::unique_ptr<detectors::DetectorKind>> kinds;
};

class Config final : public config::Section {
 public:
  void visit(config::FieldVisitor& v) override;

  std::string site = "default";
  ingest::KafkaSettings kafka;
  std::vector<InputSection> inputs;
  std::vector<std::string> trusted_proxies;
  std::vector<TrustedSource> trusted_sources;
  CorpusSection corpus;
  AccountsSection accounts;
  PrivacySection privacy;
  StateSection state;
  MergeSection merge;
  DedupSection dedup;
  PipelineSection pipeline;
  StrangerSection stranger;
  detectors::CampaignConfig campaign;
  AlertsSection alerts;
  std::vector<sinks::SinkSection> sinks;
  sinks::OutboxSection outbox;
  ingest::DeadLetterSettings dead_letter;
  http::HttpConfig http;
  http::ControlConfig control;
  LogConfig log;
  DetectorSections detectors;
};

// `file` empty: the defaults. All errors at once, each with file, line, column and what to write instead.
[[nodiscard]] config::Result<std::unique_ptr<Config>> load_config(
    const std::string& file, const std::vector<std::string>& overrides);

// What the daemon needs beyond a configuration that can be read: something to watch.
[[nodiscard]] config::Result<void> check_runnable(const Config& config);

// SHA-256 of everything that can change what is detected, in hex. Where and how fast things run is left out.
[[nodiscard]] std::string fingerprint(Config& config);

// The key that accounts are hashed with: privacy.key_file, else <corpus.path>/key, else <state.path>/key (made once); none of them: `or_public` decides between
// the public key and an error. Of the corpus's own a copy is kept in state.path: while the corpus cannot be read, accounts keep their hashes.
[[nodiscard]] config::Result<corpus::AccountHasher> account_hasher(const Config& config,
                                                                   bool or_public);

// Of what the machine, or the control group that this runs in, has; in bytes.
[[nodiscard]] std::uint64_t half_of_memory();
// Bytes of breach lists to hold in memory: corpus.memory, else half of all.
[[nodiscard]] std::uint64_t corpus_memory(const Config& config);
[[nodiscard]] std::string_view privacy_mode(const Config& config);
[[nodiscard]] std::uint32_t worker_count(const Config& config);
[[nodiscard]] pipeline::PipelineConfig pipeline_config(const Config& config);
[[nodiscard]] detectors::AlertOrigin alert_origin(Config& config);
// A sentence for each trusted source that has expired at `now`, or will within a week.
[[nodiscard]] std::vector<std::string> expiring_trust(const Config& config, config::TimeMs now);
// One a declared input. `inputs` may be other than the configuration's own (replay).
[[nodiscard]] config::Result<std::vector<pipeline::InputSettings>> input_settings(
    const Config& config, std::span<const InputSection> inputs);

}  // namespace stuffwatch::daemon

template <>
struct stuffwatch::config::EnumNames<stuffwatch::daemon::AccountNames> {
  using enum stuffwatch::daemon::AccountNames;
  static constexpr EnumName<stuffwatch::daemon::AccountNames> kValues[] = {
      {kKeyed, "keyed",
       "alerts carry acct: and a keyed hash; names never leave the daemon's memory"},
      {kClear, "clear", "alerts carry user names"},
  };
};
