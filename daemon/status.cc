#include "daemon/status.h"

#include "config/rfc3339.h"
#include "daemon/json_writer.h"

namespace stuffwatch::daemon {
namespace {

void write_time(JsonWriter& json, std::string_view name, const std::optional<StatusTime>& time) {
  if (time) json.field(name, config::format_rfc3339(*time));
}

void write_input(JsonWriter& json, const InputHealth& input) {
  json.begin_object()
      .field("name", input.name)
      .field("state", input.state)
      .field("lag_records", input.lag_records);
  json.field("seconds_behind", input.seconds_behind)
      .field("seconds_silent", input.seconds_silent)
      .field("events_per_second", input.events_per_second)
      .field("rejected", input.rejected);
  write_time(json, "last_event", input.last_event);
  json.text_field("problem", input.problem).end_object();
}

void write_sink(JsonWriter& json, const SinkHealth& sink) {
  json.begin_object().field("name", sink.name).text_field("type", sink.type).field("up", sink.up);
  json.field("delivered", sink.delivered)
      .field("failed", sink.failed)
      .field("lag_revisions", sink.lag_revisions);
  json.text_field("problem", sink.problem).end_object();
}

void write_detector(JsonWriter& json, const DetectorHealth& detector) {
  json.begin_object().field("name", detector.name).field("warm", detector.warm);
  write_time(json, "warm_at", detector.warm_at);
  json.field("keys", detector.keys)
      .field("max_keys", detector.max_keys)
      .field("evictions", detector.evictions);
  json.field("bytes", detector.bytes).end_object();
}

void write_storage(JsonWriter& json, const OutboxHealth& outbox,
                   const CheckpointHealth& checkpoint) {
  json.key("outbox").begin_object().field("bytes", outbox.bytes).field("records", outbox.records);
  json.field("used_ratio", outbox.used_ratio).end_object();
  json.key("checkpoint").begin_object();
  write_time(json, "last", checkpoint.last);
  json.field("seconds", checkpoint.seconds)
      .field("bytes", checkpoint.bytes)
      .field("failures", checkpoint.failures);
  json.text_field("problem", checkpoint.problem).end_object();
}

void write_dead_letter(JsonWriter& json, const DeadLetterHealth& dead_letter) {
  json.key("dead_letter").begin_object().field("mode", dead_letter.mode);
  json.text_field("to", dead_letter.to).field("records", dead_letter.records);
  json.text_field("problem", dead_letter.problem).end_object();
}

void write_corpus(JsonWriter& json, const CorpusHealth& corpus) {
  if (!corpus.wanted) return;
  json.key("corpus").begin_object().field("up", corpus.up).field("lists", corpus.lists);
  json.field("accounts", corpus.entries).field("bytes", corpus.bytes);
  json.field("loaded_bytes", corpus.loaded_bytes).text_field("digest", corpus.digest);
  write_time(json, "changed", corpus.changed);
  json.field("registered_accounts", corpus.accounts);
  json.text_field("accounts_problem", corpus.accounts_problem);
  json.text_field("problem", corpus.problem).end_object();
}

void write_logins(JsonWriter& json, const LoginCounts& logins) {
  json.key("logins").begin_object().field("success", logins.success);
  json.field("failure", logins.failure).field("unknown", logins.unknown).end_object();
}

template <class T>
void write_list(JsonWriter& json, std::string_view name, const std::vector<T>& list,
                void (*write)(JsonWriter&, const T&)) {
  json.key(name).begin_array();
  for (const T& element : list) write(json, element);
  json.end_array();
}

void write_reason(JsonWriter& json, const StatusReason& reason) {
  json.begin_object().field("code", reason.code).field("text", reason.text).end_object();
}

}  // namespace

std::string_view name_of(ServiceState state) {
  switch (state) {
    case ServiceState::kFull: return "full";
    case ServiceState::kDegraded: return "degraded";
    case ServiceState::kBlind: return "blind";
    case ServiceState::kStandby: return "standby";
  }
  return "blind";
}

std::string status_json(const DaemonStatus& status) {
  JsonWriter json;
  json.begin_object().field("schema", "stuffwatch.status/1").field("version", status.version);
  json.text_field("site", status.site).text_field("config_sha256", status.config_sha256);
  json.text_field("privacy_mode", status.privacy_mode).text_field("http", status.http_address);
  write_time(json, "started", status.started);
  write_time(json, "time", status.published);
  json.field("state", name_of(status.state));
  write_list(json, "reasons", status.reasons, write_reason);
  write_time(json, "watermark", status.watermark);
  json.field("open_campaigns", status.open_campaigns)
      .field("open_compromised_accounts", status.open_compromised_accounts);
  write_logins(json, status.logins);
  write_list(json, "inputs", status.inputs, write_input);
  write_list(json, "detectors", status.detectors, write_detector);
  write_corpus(json, status.corpus);
  write_list(json, "sinks", status.sinks, write_sink);
  write_dead_letter(json, status.dead_letter);
  write_storage(json, status.outbox, status.checkpoint);
  return json.end_object().take();
}

}  // namespace stuffwatch::daemon
