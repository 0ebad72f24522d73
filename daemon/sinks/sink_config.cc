#include "daemon/sinks/sink_config.h"

#include <algorithm>
#include <set>
#include <system_error>

#include "daemon/sinks/jsonl_sink.h"
#include "daemon/sinks/kafka_sink.h"

namespace stuffwatch::daemon::sinks {
namespace {

using config::FieldOptions;
using config::misconfigured;
using config::Result;

// It is a file name and a label of metrics.
Result<void> check_name(const std::string& text) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  if (text.size() <= 64 && std::ranges::all_of(text, good)) return {};
  return misconfigured("a sink's name has at most 64 characters: small letters, digits, - and _");
}

// Kafka's own rule.
Result<void> check_topic(const std::string& text) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (text.size() <= 249 && text != "." && text != ".." && std::ranges::all_of(text, good))
    return {};
  return misconfigured("a topic's name has at most 249 characters: letters, digits, -, _ and .");
}

std::filesystem::path default_path(const SinkSection& sink, const SinkContext& context) {
  return context.state_path / fmt::format("{}.jsonl", config::enum_name(sink.feed));
}

// The same file by another spelling is the same file.
std::filesystem::path identity(const std::filesystem::path& path) {
  std::error_code error;
  auto whole = std::filesystem::weakly_canonical(std::filesystem::absolute(path), error);
  return error ? path.lexically_normal() : whole;
}

std::string default_name(const SinkSection& sink) {
  return fmt::format("{}-{}", config::enum_name(sink.type), config::enum_name(sink.feed));
}

}  // namespace

void SinkSection::visit(config::FieldVisitor& v) {
  constexpr FieldOptions kPlain = config::kOperational;
  v.field("type", type, "Where revisions go.", kPlain | config::kRequired);
  v.field("name", name, check_name,
          "Names the sink in metrics, logs and its cursor's file; empty = <type>-<feed>. Under a "
          "new name a sink gets again "
          "what the outbox still holds.",
          kPlain);
  v.field("feed", feed, "What it gets.", kPlain);
  v.field("min_severity", min_severity, "It gets revisions of at least this severity.", kPlain);
  v.field("min_urgency", min_urgency, "It gets revisions of at least this urgency.", kPlain);
  v.field("path", path,
          "jsonl: the file; a relative one is taken from the working directory. Empty = "
          "alerts.jsonl or accounts.jsonl in "
          "state.path.",
          kPlain | FieldOptions{.format = "PATH"});
  v.field("rotate_bytes", rotate_bytes,
          "jsonl: a file that would grow beyond this becomes <path>.1; 0 = never (logrotate may "
          "move the file away).",
          kPlain);
  v.field("keep", keep, {0, 10'000}, "jsonl: rotated files that are kept.",
          kPlain | FieldOptions{.unit = "files"});
  v.field("topic", topic, check_topic,
          "kafka: the topic; the brokers and the log-in are those of the section kafka.", kPlain);
  v.require("topic", type != SinkType::kKafka || !topic.empty(),
            "a kafka sink needs a topic: write topic: NAME");
  v.require("topic", type == SinkType::kKafka || topic.empty(), "is for type: kafka only");
  v.require("path", type == SinkType::kJsonl || path.empty(), "is for type: jsonl only");
}

void OutboxSection::visit(config::FieldVisitor& v) {
  v.field("max_bytes", max_bytes, {config::mebibytes(1), config::gibibytes(1024)},
          "Size of the outbox in state.path. Beyond it the oldest revisions go even if a sink has "
          "not taken them "
          "(counted, logged as an error).",
          config::kOperational);
  v.field("max_age", max_age, {std::chrono::hours(1), std::chrono::days(365)},
          "Revisions that every sink has taken are kept for this long.", config::kOperational);
}

Result<std::vector<SinkSection>> complete_sinks(std::vector<SinkSection> sinks,
                                                const SinkContext& context,
                                                const std::vector<std::string>& input_topics) {
  if (sinks.empty()) sinks = {SinkSection{}, SinkSection{.feed = detectors::Feed::kAccounts}};
  std::set<std::string> names;
  std::set<std::filesystem::path> paths;
  for (std::size_t i = 0; i < sinks.size(); ++i) {
    SinkSection& sink = sinks[i];
    if (sink.name.empty()) sink.name = default_name(sink);
    if (!names.insert(sink.name).second)
      return misconfigured(
          "sinks[{}]: there is a sink {} already: give this one a name of its own (name: ...)", i,
          sink.name);
    if (sink.type == SinkType::kKafka) {
      if (context.kafka.brokers.empty())
        return misconfigured("sinks[{}]: a kafka sink needs brokers: write kafka.brokers", i);
      if (std::ranges::find(input_topics, sink.topic) != input_topics.end())
        return misconfigured(
            "sinks[{}].topic: {} is an input of this daemon: write alerts to another topic", i,
            sink.topic);
      continue;
    }
    if (sink.path.empty()) sink.path = default_path(sink, context).native();
    if (!paths.insert(identity(sink.path)).second && !sink.path.starts_with("/dev/"))
      return misconfigured(
          "sinks[{}].path: another sink writes to {}: give this one a file of its own", i,
          sink.path);
  }
  return sinks;
}

Result<std::unique_ptr<Sink>> make_sink(const SinkSection& section, const SinkContext& context) {
  switch (section.type) {
    case SinkType::kJsonl:
      return std::make_unique<JsonlSink>(
          JsonlSinkOptions{.path = section.path,
                           .rotate_bytes = section.rotate_bytes.count,
                           .keep = section.keep,
                           .notice = context.notice});
    case SinkType::kKafka: return make_kafka_sink(section.topic, context);
  }
  return misconfigured("sinks: unknown type {}", static_cast<int>(section.type));
}

}  // namespace stuffwatch::daemon::sinks
