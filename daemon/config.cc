#include "daemon/config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "config/durable_file.h"
#include "config/printers.h"
#include "config/rfc3339.h"
#include "config/yaml_reader.h"
#include "corpus/raw_file.h"
#include "version.h"

namespace stuffwatch::daemon {
namespace {

using namespace std::chrono_literals;
using config::kLive;
using config::kOperational;

config::Result<void> check_network(const std::string& text) {
  detectors::Network network;
  if (!detectors::parse_network(text, network))
    return config::misconfigured(
        "\"{}\" is no network; write 192.0.2.0/24, 2001:db8::/32 or an address", text);
  return {};
}
config::Result<void> check_zone(const std::string& text) {
  if (text.empty()) return {};
  if (auto zone = ingest::parse_zone(text); !zone) return std::unexpected(zone.error());
  return {};
}
config::Result<void> check_format(const std::string& text) {
  if (text == "auto" || ingest::find_decoder(text) != nullptr) return {};
  std::string known = "auto";
  for (const auto& decoder : ingest::decoders()) known += fmt::format(", {}", decoder.name);
  return config::misconfigured("\"{}\" is no format; there are {}", text, known);
}
std::optional<config::TimeMs> parse_date(const std::string& text) {
  return config::parse_rfc3339(text.size() == 10 ? text + "T00:00:00Z" : text);
}
config::Result<void> check_expiry(const std::string& text) {
  if (text.empty() || parse_date(text)) return {};
  return config::misconfigured("\"{}\" is no date; write 2027-03-01 or 2027-03-01T12:00:00Z", text);
}
config::Result<void> check_app(const std::string& text) {
  if (!text.empty()) return {};
  return config::misconfigured("an app without a name; leave out `apps` to mean all of them");
}

}  // namespace

void InputSection::visit(config::FieldVisitor& v) {
  v.field("name", name,
          "What metrics, status, logs and dead letters call it; the topic or file when empty. A "
          "file of a "
          "folder is called by this and its path below it.");
  v.field("topic", topic, "Kafka topic to read.", kOperational);
  v.field("file", file, "File, folder or - for standard input; plain, gzip, zstd, xz or bzip2.",
          kOperational);
  v.field("simulated", simulated, "The embedded demonstration instead of real events.",
          kOperational);
  v.field("simulated_rate", simulated_rate, {1u, 1'000'000u}, "Simulated events a second.",
          kOperational);
  v.field("format", format, check_format, "How records are written; auto looks at the first ones.");
  v.field("app", app, "Login page of events that name none.");
  v.field("tenant", tenant, "Tenant of events that name none.");
  v.field(
      "delay", delay, {0s, 24h},
      "By how much this input is late by nature; the others wait in order time, not on the clock.");
  v.field("expected_silence", expected_silence, {0s, 30 * 24h},
          "For how long it may bring nothing before /readyz calls it silent; 0 = for ever.",
          kOperational);
  v.field("year", year, {0, 9999},
          "Year of stamps that have none (syslog); 0 finds it from the data.");
  v.field("zone", zone, check_zone,
          "Zone of stamps that have none: UTC or an offset such as +02:00.");
  const int sources = (topic.empty() ? 0 : 1) + (file.empty() ? 0 : 1) + (simulated ? 1 : 0);
  v.require("", sources == 1, "an input is one of topic, file and simulated");
}

void TrustedSource::visit(config::FieldVisitor& v) {
  v.field("cidr", cidr, check_network, "Network whose events feed no detector.", config::kRequired);
  v.field("reason", reason, "Why it is trusted; for whoever reads this next year.",
          config::kRequired);
  v.field("expires", expires, check_expiry,
          "From this date on, in event time, it is trusted no more; warnings begin a week before. "
          "Empty = never.");
  v.field("apps", apps, check_app,
          "Login pages at which it is trusted, as inputs[].app or the events name them. Empty = at "
          "all of them.");
}

detectors::EventTime TrustedSource::until() const {
  if (expires.empty()) return detectors::EventTime::max();
  return parse_date(expires).value_or(detectors::EventTime::max());  // checked as it was read
}

void MergeSection::visit(config::FieldVisitor& v) {
  v.field("idle_after", idle_after, {100ms, 1h},
          "An input that stood at its end for this long is not waited for.");
  v.field("max_delay", max_delay, {1s, 1h},
          "A slow or unreachable input is waited for this long, then left out; the view is then "
          "partial.");
  v.field("allowed_lateness", allowed_lateness, {0s, 1h},
          "Events older than the merge front by more than this reach no detector.");
  v.field("max_clock_skew", max_clock_skew, {1s, 1h},
          "An event further ahead of its input than this must be confirmed by those that follow.");
}
void DedupSection::visit(config::FieldVisitor& v) {
  v.field("window", window, {0s, 24h}, "An event id seen again within this time is a duplicate.");
  v.field("max_ids", max_ids, {1u, 100'000'000u}, "Event ids remembered at most.");
}
void PipelineSection::visit(config::FieldVisitor& v) {
  v.field("workers", workers, {0u, 64u},
          "Threads that work; 0 = one a processor, at most 8. Results do not depend on it.",
          kOperational);
  v.field("partitions", partitions, {1u, 1024u},
          "Logical partitions of the state; limits are divided among them.");
  v.field("batch_events", batch_events, {1u, 65'536u},
          "Events that go through the detectors together. Results do not depend on it.",
          kOperational);
}
void StrangerSection::visit(config::FieldVisitor& v) {
  v.field("max_pairs", max_pairs, {1000u, 10'000'000'000u},
          "Pairs of an account with a network or a client remembered for 30 days (1.25 bytes each, "
          "twice).");
}
void StateSection::visit(config::FieldVisitor& v) {
  v.field("path", path,
          "Folder for checkpoints, outbox, key and control socket; without one nothing survives a "
          "restart.",
          kOperational);
  v.field("checkpoint_interval", checkpoint_interval, {1s, 1h}, "How often state is written down.",
          kOperational | kLive);
  v.field(
      "max_rewind", max_rewind, {1min, 90 * 24h},
      "How far back a kafka.start that is a duration may reach; longer ones are cut to it. What "
      "the group has not dealt with is read all the same, and a time or earliest is not cut.",
      kOperational);
}
void PrivacySection::visit(config::FieldVisitor& v) {
  v.field(
      "account_names", account_names,
      "How accounts are written in alerts. account_id, session_id and event_id are passed on as "
      "the producer wrote them, whatever this says.");
  v.field("key_file", key_file,
          "Key that account names are hashed with (64 hex digits); empty = key in corpus.path, "
          "else in state.path, made once.",
          kOperational);
}
void CorpusSection::visit(config::FieldVisitor& v) {
  v.field("path", path,
          "Folder of the breach lists, as stuffwatch corpus makes it. Empty = none: alerts name no "
          "list. It is read again when it changes.",
          kOperational);
  v.field(
      "memory", memory, {config::Bytes{}, config::gibibytes(1024)},
      "Up to this size the lists are held in memory, in huge pages; larger ones are mapped, and "
      "fast only as far as the system caches them. 0 = half of the machine's memory.",
      kOperational);
}
void AccountsSection::visit(config::FieldVisitor& v) {
  v.field(
      "path", path,
      "Folder of the register of the site's own accounts, as stuffwatch accounts load makes it: "
      "with it the share of a list that is usual is exact. Needs corpus.path. Empty = learned "
      "from logins.",
      kOperational);
}
void AlertsSection::visit(config::FieldVisitor& v) {
  v.field("max_age", max_age, {1min, 30 * 24h},
          "An alert about older events is marked as backfill when it is delivered.", kOperational);
  v.field("max_bytes", max_bytes, {config::kibibytes(16), config::mebibytes(16)},
          "Size of an alert at most; lists are cut to fit and say so.");
  v.field("console_url", console_url, "Prefix of a campaign's page, for links in alerts.");
}

void Config::visit(config::FieldVisitor& v) {
  v.field("site", site, "What this installation is called in alerts.");
  v.section("kafka", kafka, "The Kafka cluster that topics are read from and alerts written to.");
  v.list("inputs", inputs, "Where login events come from.");
  v.field("trusted_proxies", trusted_proxies, check_network,
          "Networks of your own proxies: behind them forwarded_for names the source.");
  v.list("trusted_sources", trusted_sources,
         "Networks whose events feed no detector: offices, monitors, load tests.");
  v.section("corpus", corpus,
            "Known breach lists: which of them the accounts of an attack are in.");
  v.section("accounts", accounts, "The site's own accounts.");
  v.section("privacy", privacy, "What is known about accounts outside the daemon's memory.");
  v.section("state", state, "What survives a restart.");
  v.section("merge", merge, "How inputs become one order.");
  v.section("dedup", dedup, "Events delivered twice.");
  v.section("pipeline", pipeline, "How work is divided.");
  v.section("stranger", stranger, "Who has been here before.");
  v.section("detectors", detectors, "What is looked for, and when it is reported.");
  v.section("campaign", campaign, "How findings become campaigns.");
  v.section("alerts", alerts, "What alerts look like.");
  v.list("sinks", sinks,
         "Where alerts go; without any: alerts.jsonl and accounts.jsonl in state.path.",
         kOperational);
  v.section("outbox", outbox, "What is kept for sinks that do not answer.", kOperational);
  v.section("dead_letter", dead_letter, "Records that no decoder takes.", kOperational);
  v.section("http", http, "Metrics, health and API.", kOperational);
  v.section("control", control, "The socket that stuffwatch status and its sisters talk to.",
            kOperational);
  v.section("log", log, "The daemon's own log.", kOperational);
}

config::Result<std::unique_ptr<Config>> load_config(const std::string& file,
                                                    const std::vector<std::string>& overrides) {
  auto config = std::make_unique<Config>();
  auto read = file.empty() ? config::read_yaml("", "defaults", overrides, *config)
                           : config::read_yaml_file(file, overrides, *config);
  if (!read) return std::unexpected(read.error());
  if (!config->kafka.topic.empty() && config->inputs.empty()) {  // the short form
    InputSection input;
    input.topic = config->kafka.topic;
    config->inputs.push_back(std::move(input));
  }
  std::set<std::string> names;
  for (InputSection& input : config->inputs) {
    if (input.name.empty())
      input.name = input.simulated ? "simulated" : input.topic.empty() ? input.file : input.topic;
    if (!names.insert(input.name).second)
      return config::misconfigured("{}: two inputs are called \"{}\"; give each a name", file,
                                   input.name);
    if (!input.topic.empty() && config->kafka.brokers.empty())
      return config::misconfigured("{}: input \"{}\" reads a topic, but kafka.brokers is empty",
                                   file, input.name);
  }
  return config;
}

config::Result<void> check_runnable(const Config& config) {
  if (!config.inputs.empty()) return {};
  return config::misconfigured(
      "there is nothing to watch: name at least one of `inputs` (a topic, a file, or simulated: "
      "true)");
}

std::string fingerprint(Config& config) {
  const std::string text = config::print_fingerprint(config);
  corpus::Sha256 hash;
  hash.update(text);
  return corpus::hex(hash.finish());
}

namespace {

namespace fs = std::filesystem;

// Nothing: the corpus cannot say. The copy is the daemon's own, beside its own key.
std::optional<config::Result<corpus::AccountHasher>> hasher_of_corpus(const Config& config) {
  if (config.corpus.path.empty()) return std::nullopt;
  const fs::path key = fs::path(config.corpus.path) / "key",
                 copy = config.state.path.empty() ? fs::path{}
                                                  : fs::path(config.state.path) / "corpus_key";
  std::error_code unreadable;
  if (!fs::exists(key, unreadable)) {
    if (copy.empty() || !fs::exists(copy, unreadable)) return std::nullopt;
    return corpus::AccountHasher::from_file(copy);
  }
  auto hasher = corpus::AccountHasher::from_file(key);
  if (!hasher || copy.empty()) return hasher;
  if (auto kept = corpus::AccountHasher::from_file(copy);
      kept && kept->check_value() == hasher->check_value())
    return hasher;
  if (auto made = config::make_folder(config.state.path); !made)
    return config::misconfigured("state.path: {}", made.error().message);
  auto text = config::read_file(key);
  if (!text) return std::unexpected(text.error());
  auto written = config::replace_file(copy, *text);
  fs::permissions(copy, fs::perms::owner_read, unreadable);
  if (!written) return std::unexpected(written.error());
  return hasher;
}

}  // namespace

config::Result<corpus::AccountHasher> account_hasher(const Config& config, bool or_public) {
  if (!config.privacy.key_file.empty())
    return corpus::AccountHasher::from_file(config.privacy.key_file);
  if (auto hasher = hasher_of_corpus(config)) return std::move(*hasher);
  if (!config.state.path.empty()) {
    if (auto made = config::make_folder(config.state.path); !made)
      return config::misconfigured("state.path: {}", made.error().message);
    return corpus::AccountHasher::from_file_or_create(std::filesystem::path(config.state.path) /
                                                      "key");
  }
  if (or_public) return corpus::AccountHasher::public_key();
  return config::misconfigured(
      "there is no key to hash account names with: set state.path (a key is made there), "
      "corpus.path or privacy.key_file");
}

std::uint64_t half_of_memory() {
  std::uint64_t all = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                      static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::uint64_t limit = 0;  // "max" is none
  if (std::ifstream group("/sys/fs/cgroup/memory.max"); group >> limit) all = std::min(all, limit);
  return all / 2;
}

std::uint64_t corpus_memory(const Config& config) {
  return config.corpus.memory.count != 0 ? config.corpus.memory.count : half_of_memory();
}

std::string_view privacy_mode(const Config& config) {
  return config::enum_name(config.privacy.account_names);
}

std::uint32_t worker_count(const Config& config) {
  if (config.pipeline.workers != 0) return config.pipeline.workers;
  return std::clamp(std::thread::hardware_concurrency(), 1u, 8u);
}

pipeline::PipelineConfig pipeline_config(const Config& config) {
  pipeline::PipelineConfig out;
  out.engine.partitions = config.pipeline.partitions;
  out.engine.allowed_lateness = config.merge.allowed_lateness;
  out.engine.stranger_pairs = config.stranger.max_pairs;
  out.engine.campaign = config.campaign;
  out.engine.show_names = config.privacy.account_names == AccountNames::kClear;
  out.merge = {config.merge.idle_after, config.merge.max_delay};
  out.workers = worker_count(config), out.batch_events = config.pipeline.batch_events;
  out.dedup_window = config.dedup.window, out.dedup_max_ids = config.dedup.max_ids;
  return out;
}

detectors::AlertOrigin alert_origin(Config& config) {
  return {.site = config.site,
          .version = kVersion,
          .config_sha256 = fingerprint(config),
          .corpus_digest = {},
          .console_url = config.alerts.console_url,
          .max_bytes = config.alerts.max_bytes.count};
}

std::vector<std::string> expiring_trust(const Config& config, config::TimeMs now) {
  std::vector<std::string> said;
  for (const TrustedSource& source : config.trusted_sources) {
    const auto until = source.until();
    if (until <= now)
      said.push_back(fmt::format(
          "trusted source {} ({}) expired on {}: its events are judged like all others; renew it, "
          "or take it out",
          source.cidr, source.reason, source.expires));
    else if (until - now <= 7 * 24h)
      said.push_back(
          fmt::format("trusted source {} ({}) expires on {}: renew it, or its events are judged "
                      "like all others from then on",
                      source.cidr, source.reason, source.expires));
  }
  return said;
}

config::Result<std::vector<pipeline::InputSettings>> input_settings(
    const Config& config, std::span<const InputSection> inputs) {
  ingest::DecodeSettings decode;
  const auto network = [](const std::string& text) {
    detectors::Network n;
    static_cast<void>(detectors::parse_network(text, n));  // checked as it was read
    return n;
  };
  for (const std::string& proxy : config.trusted_proxies)
    decode.trusted_proxies.push_back(network(proxy));
  for (const TrustedSource& source : config.trusted_sources)
    decode.trusted_sources.push_back({network(source.cidr), source.until(), source.apps});
  std::vector<pipeline::InputSettings> all;
  for (const InputSection& input : inputs) {
    pipeline::InputSettings& out = all.emplace_back();
    out.name = input.name;
    out.decoder = input.format == "auto" ? nullptr : ingest::find_decoder(input.format);
    out.decode = decode, out.decode.app = input.app, out.decode.tenant = input.tenant;
    out.delay = input.delay, out.max_skew = config.merge.max_clock_skew;
    if (input.year != 0) out.year.year = input.year;
    if (!input.zone.empty()) {
      auto zone = ingest::parse_zone(input.zone);
      if (!zone) return std::unexpected(zone.error());
      out.year.zone = *zone;
    }
    out.year.year_2000 = input.topic.empty();
  }
  return all;
}

}  // namespace stuffwatch::daemon
