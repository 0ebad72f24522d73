// The `kafka` section of the configuration, and how the client library speaks to its owner.
// Errors: kConfiguration where the person who wrote the section can mend it; the client library's
// own message is always quoted.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/bytes.h"
#include "config/field_visitor.h"
#include "config/result.h"
#include "config/rfc3339.h"

namespace stuffwatch::ingest {

enum class KafkaOwnership : std::uint8_t { kExclusive, kShared };

enum class KafkaLogLevel : std::uint8_t { kError, kWarning, kInfo, kDebug };

// Called from the thread that serves the client, never from one of the library's own.
using KafkaLog = std::function<void(KafkaLogLevel, std::string_view)>;

struct KafkaSettings {
  std::string brokers;
  std::string topic;
  std::string group = "stuffwatch";
  std::string start = "24h";
  KafkaOwnership ownership = KafkaOwnership::kExclusive;
  config::Bytes fetch_memory = config::mebibytes(64);
  std::map<std::string, std::string> properties;
  std::optional<std::string> password_file;
  std::map<std::string, std::string> property_files;

  void visit(config::FieldVisitor& v);
};

// Where to begin when no checkpoint says so (kafka.start, from=, to=).
struct KafkaPosition {
  enum class Kind : std::uint8_t { kEarliest, kLatest, kTime, kAgo } kind = Kind::kEarliest;
  config::TimeMs time{};            // kTime
  std::chrono::milliseconds ago{};  // kAgo

  // `earliest`, `latest`, an RFC 3339 time, or a duration before now.
  [[nodiscard]] static config::Result<KafkaPosition> parse(std::string_view text);
  // What ListOffsets asks for: -2 earliest, -1 latest, else milliseconds since 1970. `now` matters
  // to kAgo only.
  [[nodiscard]] std::int64_t query(config::TimeMs now) const;

  friend bool operator==(const KafkaPosition&, const KafkaPosition&) = default;
};

// Builds the library's configuration for every role and throws it away: unknown properties, bad
// values, unreadable secret files, a library that is too old. Reaches no broker.
[[nodiscard]] config::Result<void> check_kafka_settings(const KafkaSettings& settings);

// Errors when the library linked in is older than 2.6.1: SCRAM log-in to Kafka 4 fails, and a full
// queue stalls for a second.
[[nodiscard]] config::Result<void> check_kafka_library(int version);
[[nodiscard]] config::Result<void> check_kafka_library();
[[nodiscard]] std::string kafka_library_version();

}  // namespace stuffwatch::ingest

template <>
struct stuffwatch::config::EnumNames<stuffwatch::ingest::KafkaOwnership> {
  static constexpr EnumName<ingest::KafkaOwnership> kValues[] = {
      {ingest::KafkaOwnership::kExclusive, "exclusive",
       "one process reads all partitions, others stand by"},
      {ingest::KafkaOwnership::kShared, "shared", "processes divide the partitions between them"},
  };
};
