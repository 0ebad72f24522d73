// The keys of `sinks` and `outbox`, and how a sink is made from them. A new kind of sink is one enumerator, its fields in
// SinkSection and one line in make_sink().
// Errors: kConfiguration, naming the key; whether the receiver can be reached is not asked here (Sink::check() does).
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/bytes.h"
#include "config/field_visitor.h"
#include "config/result.h"
#include "daemon/sinks/notice.h"
#include "daemon/sinks/sink.h"
#include "daemon/sinks/sink_runner.h"
#include "ingest/kafka_client.h"

namespace stuffwatch::daemon::sinks {

enum class SinkType : std::uint8_t { kJsonl, kKafka };

// One entry of `sinks`.
struct SinkSection {
  SinkType type = SinkType::kJsonl;
  std::string name{};  // empty: <type>-<feed>
  detectors::Feed feed = detectors::Feed::kAlerts;
  detectors::Severity min_severity = detectors::Severity::kInfo;
  detectors::Urgency min_urgency = detectors::Urgency::kLog;
  std::string path{};  // jsonl; empty: alerts.jsonl or accounts.jsonl in state.path
  config::Bytes rotate_bytes = config::mebibytes(256);
  std::uint32_t keep = 10;
  std::string topic{};  // kafka

  void visit(config::FieldVisitor& v);
  [[nodiscard]] SinkFilter filter() const { return {feed, min_severity, min_urgency}; }
};

// The section `outbox`.
struct OutboxSection {
  config::Bytes max_bytes = config::gibibytes(1);
  std::chrono::milliseconds max_age = std::chrono::days(7);

  void visit(config::FieldVisitor& v);
};

// What sinks need beyond their own section.
struct SinkContext {
  std::filesystem::path state_path;  // empty: the working directory
  std::string site;
  std::chrono::milliseconds alerts_max_age = std::chrono::hours(1);  // older ones are backfill
  ingest::KafkaSettings kafka;
  ingest::KafkaLog kafka_log = [](ingest::KafkaLogLevel, std::string_view) {};
  WallClock clock{};  // default: the system's
  NoticeSink notice = [](NoticeLevel, const std::string&) {};
};

// The sinks in force: the two JSONL files when none is configured; names and paths filled in. Refused: two of one name, two
// on one file, a Kafka sink that writes to a topic this daemon reads (`input_topics`).
[[nodiscard]] config::Result<std::vector<SinkSection>> complete_sinks(
    std::vector<SinkSection> sinks, const SinkContext& context,
    const std::vector<std::string>& input_topics = {});

// For a section that complete_sinks() has seen.
[[nodiscard]] config::Result<std::unique_ptr<Sink>> make_sink(const SinkSection& section,
                                                              const SinkContext& context);

}  // namespace stuffwatch::daemon::sinks

template <>
struct stuffwatch::config::EnumNames<stuffwatch::daemon::sinks::SinkType> {
  static constexpr EnumName<daemon::sinks::SinkType> kValues[] = {
      {daemon::sinks::SinkType::kJsonl, "jsonl", "a file, one JSON object a line"},
      {daemon::sinks::SinkType::kKafka, "kafka", "a topic, keyed by campaign id"},
  };
};
template <>
struct stuffwatch::config::EnumNames<stuffwatch::detectors::Feed> {
  static constexpr EnumName<detectors::Feed> kValues[] = {
      {detectors::Feed::kAlerts, "alerts", "revisions of campaigns"},
      {detectors::Feed::kAccounts, "accounts", "accounts that are likely compromised"},
  };
};
template <>
struct stuffwatch::config::EnumNames<stuffwatch::detectors::Severity> {
  static constexpr EnumName<detectors::Severity> kValues[] = {
      {detectors::Severity::kInfo, "info", "worth knowing"},
      {detectors::Severity::kLow, "low", "unusual, no attack by itself"},
      {detectors::Severity::kMedium, "medium", "an attack"},
      {detectors::Severity::kHigh, "high", "an attack that touches valid accounts"},
      {detectors::Severity::kCritical, "critical", "an attack that succeeds"},
  };
};
template <>
struct stuffwatch::config::EnumNames<stuffwatch::detectors::Urgency> {
  static constexpr EnumName<detectors::Urgency> kValues[] = {
      {detectors::Urgency::kLog, "log", "to be looked at some day"},
      {detectors::Urgency::kTicket, "ticket", "to be worked on"},
      {detectors::Urgency::kPage, "page", "now"},
  };
};
