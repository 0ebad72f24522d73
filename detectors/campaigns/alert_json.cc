// A campaign as its native alert (contract: one JSON object a line, always the full state), and a victim as its account record.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <tuple>

#include "config/rfc3339.h"
#include "detectors/campaigns/campaigns.h"
#include "detectors/campaigns/json_writer.h"
#include "detectors/state/power_of_ten.h"

namespace stuffwatch::detectors {
namespace {

constexpr std::size_t kMaxSources = 50, kMaxClients = 20, kMaxLists = 20,
                      kMaxCompromisedShown = 500;
constexpr double kMaxLogOdds = 6;  // what a null that is only nearly true can carry

struct AttackWords {
  std::string_view name, title;
  std::array<std::string_view, 2> techniques;  // MITRE ATT&CK, OWASP Automated Threats
};
constexpr std::array<AttackWords, 7> kAttacks{
    {{"credential_stuffing", "Credential stuffing", {"T1110.004", "OAT-008"}},
     {"password_spraying", "Password spraying", {"T1110.003", "OAT-007"}},
     {"password_guessing", "Password guessing", {"T1110.001", "OAT-007"}},
     {"account_takeover", "Account takeover", {"T1078", ""}},
     {"enumeration", "Account enumeration", {"T1589", "OAT-007"}},
     {"ordered_automation", "Ordered automation", {"", ""}},
     {"operational", "Operational event", {"", ""}}}};
const AttackWords& words_of(AttackKind kind) { return kAttacks[static_cast<std::size_t>(kind)]; }

std::string time_text(EventTime time) { return config::format_rfc3339(time); }

std::string counted(std::uint64_t n) {  // 12,345
  std::string digits = std::to_string(n);
  for (std::ptrdiff_t at = std::ssize(digits) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}
std::string plural(std::uint64_t n, std::string_view one, std::string_view many) {
  return counted(n) + ' ' + std::string(n == 1 ? one : many);
}

std::string lasting(std::chrono::milliseconds d) {
  const auto s = d.count() / 1000;
  if (s < 120) return fmt::format("{} s", s);
  if (s < 7200) return fmt::format("{} min", s / 60);
  if (s < 172'800) return fmt::format("{} h", s / 3600);
  return fmt::format("{} days", s / 86'400);
}

std::string where(const Campaign& c) {
  if (c.keys.front().entity.kind == Entity::Kind::kAccount)
    return "on " + c.primary + " from " + plural(c.counts().networks, "network", "networks");
  const std::uint64_t sources = c.counts().sources;
  return sources < 2
             ? "from " + c.primary.substr(4)
             : "from " + plural(sources, "address", "addresses") + ", first " + c.primary.substr(4);
}

double share_of(std::uint64_t part, std::uint64_t all) {
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}
std::string percent(double share) {
  return fmt::format("{:.{}f} %", share * 100, share < .1 ? 1 : 0);
}

// The list that most of the accounts are in, if that is more than the site's own accounts are.
std::string attributed(const Campaign& c, const AlertContext& context) {
  for (const auto& list : c.lists.lists.sorted()) {
    const double expected = context.rates.expected(list.key, context.directory);
    if (!stands_out(list.count, c.lists.looked_up, expected)) continue;
    return fmt::format("; {} of its accounts are in {}, where {} are expected",
                       percent(share_of(list.count, c.lists.looked_up)), list.value,
                       percent(expected));
  }
  return {};
}

std::string summary_of(const Campaign& c, const AlertContext& context) {
  const CampaignCounts n = c.counts();
  std::string text =
      fmt::format("{} {}: {} on {} in {}", words_of(c.attack).title, where(c),
                  plural(n.attempts, "attempt", "attempts"),
                  plural(n.accounts, "account", "accounts"), lasting(c.end - c.start));
  text += attributed(c, context);
  text += n.compromised == 0 ? ", none got in."
                             : fmt::format("; {} to check: a stranger got in.",
                                           plural(n.compromised, "account", "accounts"));
  return text;
}

void write_factors(JsonWriter& w, const Campaign& c) {
  w.key("factors").open_array();
  for (const Factor& f : c.factors) {
    w.open_object().member("detector", f.detector).member("statistic", f.statistic);
    w.key("value").real(f.value).key("threshold").real(f.threshold);
    w.member("null", f.null_model).member("window", f.window).close_object();
  }
  w.close_array();
}

void write_counts(JsonWriter& w, const Campaign& c) {
  const CampaignCounts n = c.counts();
  w.key("counts").open_object();
  w.member("attempts", n.attempts)
      .member("failures", n.failures)
      .member("successes", n.successes)
      .member("accounts", n.accounts);
  w.member("sources", n.sources).member("networks", n.networks).member("as_numbers", n.as_numbers);
  w.member("compromised", n.compromised);
  if (c.lists.looked_up != 0) w.member("looked_up", c.lists.looked_up);
  w.close_object();
  w.key("approximate").open_array();
  for (const auto& [name, counter, shown] : {std::tuple{"accounts", &c.accounts, n.accounts},
                                             {"sources", &c.sources, n.sources},
                                             {"networks", &c.networks, n.networks},
                                             {"as_numbers", &c.as_numbers, n.as_numbers}})
    if (!counter->exact() || shown != counter->count()) w.text(name);
  w.close_array();
}

// `accounts` of counts.looked_up, which are the first of the campaign's.
void write_breach_lists(JsonWriter& w, const Campaign& c, const AlertContext& context) {
  w.key("lists").open_array();
  const auto lists = c.lists.lists.sorted();
  for (std::size_t i = 0; i < std::min(lists.size(), kMaxLists); ++i) {
    w.open_object().member("name", lists[i].value).member("accounts", lists[i].count);
    w.key("share").real(share_of(lists[i].count, c.lists.looked_up));
    w.key("expected_share").real(context.rates.expected(lists[i].key, context.directory));
    w.close_object();
  }
  w.close_array();
}

void write_sources(JsonWriter& w, const std::vector<TopCounts<SourceCount>::Entry>& sources) {
  w.key("sources").open_array();
  for (std::size_t i = 0; i < std::min(sources.size(), kMaxSources); ++i) {
    const SourceCount& s = sources[i].value;
    w.open_object()
        .member("network", to_string(s.network))
        .member("attempts", sources[i].count)
        .member("accounts", s.accounts);
    w.member("successes", s.successes);
    if (s.as_number != 0) w.member("as_number", s.as_number);
    if (s.country[0] != 0) w.member("country", std::string_view(s.country.data(), 2));
    if (s.network_class != NetworkClass::kUnknown) w.member("class", name_of(s.network_class));
    w.close_object();
  }
  w.close_array();
}

void write_clients(JsonWriter& w, const std::vector<TopCounts<ClientCount>::Entry>& clients) {
  w.key("clients").open_array();
  for (std::size_t i = 0; i < std::min(clients.size(), kMaxClients); ++i)
    w.open_object()
        .member("user_agent", clients[i].value.user_agent)
        .member("ja4", clients[i].value.ja4)
        .member("attempts", clients[i].count)
        .close_object();
  w.close_array();
}

void write_compromised(JsonWriter& w, const Campaign& c, std::size_t shown) {
  w.key("compromised").open_array();
  for (std::size_t i = 0; i < shown; ++i) {
    const CompromisedAccount& a = c.compromised[i];
    w.open_object()
        .member("account", a.name)
        .member("account_id", a.account_id)
        .member("tier", name_of(a.tier))
        .member("time", time_text(a.time));
    if (a.has_source) w.member("source_ip", to_string(a.source_ip));
    if (a.mfa_stopped) w.member("mfa", "failed");
    w.close_object();
  }
  w.close_array();
}

void write_action(JsonWriter& w, std::string_view code, std::string_view target,
                  std::uint64_t count, std::string_view text) {
  w.open_object()
      .member("code", code)
      .member("target", target)
      .member("count", count)
      .member("text", text)
      .close_object();
}

// The first address that was reported, else the first prefix.
const Entity* reported_network(const Campaign& c) {
  const Entity* prefix = nullptr;
  for (const CampaignKey& key : c.keys) {
    if (key.entity.kind == Entity::Kind::kAddress) return &key.entity;
    if (key.entity.kind == Entity::Kind::kPrefix && prefix == nullptr) prefix = &key.entity;
  }
  return prefix;
}

// One address that gets in nowhere may be a job of the site's own.
void write_network_actions(JsonWriter& w, const Campaign& c) {
  const Entity* const network = reported_network(c);
  if (network == nullptr) return;
  const auto* const source = c.top_sources.find(network->hash(0));
  const std::uint64_t attempts = source == nullptr ? c.counts().attempts : source->count;
  const std::string target = to_string(network->network());
  write_action(w, "block_network", target, attempts,
               "Look at who else logs in from there before blocking it.");
  if (network->kind == Entity::Kind::kAddress && c.counts().sources < 2 &&
      c.counts().compromised == 0)
    write_action(w, "tune", target, attempts,
                 "If this is your own (a load test, a monitor, a partner's job), name it in "
                 "trusted_sources.");
}

void write_actions(JsonWriter& w, const Campaign& c,
                   const std::vector<TopCounts<ClientCount>::Entry>& clients) {
  w.key("recommended_actions").open_array();
  if (const std::uint64_t compromised = c.counts().compromised; compromised != 0) {
    write_action(
        w, "force_reset", "compromised", compromised,
        "Check these accounts first; reset the password where the login was not its owner's.");
    write_action(w, "revoke_sessions", "compromised", compromised,
                 "End the sessions that these logins opened.");
  }
  write_action(w, "step_up", "accounts", c.counts().accounts,
               "Ask for a second factor when these accounts log in from somewhere new.");
  if (!clients.empty() && !clients.front().value.user_agent.empty())
    write_action(w, "challenge_client", clients.front().value.user_agent, clients.front().count,
                 "Most attempts came with this client.");
  write_network_actions(w, c);
  w.close_array();
}

void write_quality(JsonWriter& w, const AlertQuality& quality) {
  w.key("data_quality")
      .open_object()
      .key("partial")
      .boolean(quality.partial)
      .key("warming")
      .open_array();
  for (const std::string& name : quality.warming) w.text(name);
  w.close_array().member("corpus", quality.corpus).close_object();
}

void write_truncated(JsonWriter& w, std::string_view name, std::uint64_t shown,
                     std::uint64_t total) {
  if (shown < total)
    w.key(name).open_object().member("shown", shown).member("total", total).close_object();
}

void write_identity(JsonWriter& w, const Campaign& c, const Revision& r,
                    const AlertOrigin& origin) {
  w.member("schema", "stuffwatch.alert/1")
      .member("alert_id", r.id + '/' + std::to_string(r.revision))
      .member("id", r.id)
      .member("revision", r.revision);
  w.member("status", name_of(r.status))
      .member("reason", name_of(r.reason))
      .member("close_reason", c.close_reason);
  if (c.continues != 0) w.member("continues", to_hex(c.continues));
  if (c.merged_into != 0) w.member("merged_into", to_hex(c.merged_into));
  w.member("site", origin.site).member("tenant", c.tenant_name).key("apps").open_array();
  for (const std::string& app : c.apps) w.text(app);
  w.close_array()
      .member("time", time_text(r.time))
      .member("start_time", time_text(c.start))
      .member("end_time", time_text(c.end));
  w.member("attack", words_of(c.attack).name).key("techniques").open_array();
  for (const std::string_view technique : words_of(c.attack).techniques)
    if (!technique.empty()) w.text(technique);
  w.close_array().member("severity", name_of(c.severity)).member("urgency", name_of(c.urgency));
  w.key("log10_odds").real(std::min(kMaxLogOdds, power_of_ten(c.odds)));
  w.member("summary", r.summary).key("detectors").open_array();
  std::vector<std::string_view> named;
  for (const Factor& f : c.factors)
    if (std::ranges::find(named, f.detector) == named.end()) w.text(named.emplace_back(f.detector));
  w.close_array();
}

// How much of the lists is shown: halved until the body fits.
struct Shown {
  std::size_t accounts, compromised;
};

std::string body_of(const Campaign& c, const Revision& r, const AlertContext& context,
                    const Shown& limit) {
  const AlertOrigin& origin = context.origin;
  std::string body;
  JsonWriter w(body);
  const auto sources = c.top_sources.sorted();
  const auto clients = c.top_clients.sorted();
  w.open_object();
  write_identity(w, c, r, origin);
  write_factors(w, c);
  write_counts(w, c);
  write_breach_lists(w, c, context);
  write_sources(w, sources);
  write_clients(w, clients);
  const std::size_t shown = std::min(c.first_accounts.size(), limit.accounts);
  w.key("accounts").open_array();
  for (std::size_t i = 0; i < shown; ++i) w.text(corpus::to_string(c.first_accounts[i]));
  w.close_array();
  write_compromised(w, c, limit.compromised);
  w.key("sample_event_ids").open_array();
  for (const std::string& id : c.sample_event_ids) w.text(id);
  w.close_array();
  write_actions(w, c, clients);
  write_quality(w, context.quality);
  w.key("truncated").open_object();
  const CampaignCounts n = c.counts();
  write_truncated(w, "accounts", shown, n.accounts);
  write_truncated(w, "sources", std::min(sources.size(), kMaxSources), n.sources);
  write_truncated(w, "lists", std::min(c.lists.lists.entries().size(), kMaxLists),
                  c.lists.lists.entries().size());
  write_truncated(w, "clients", std::min(clients.size(), kMaxClients), clients.size());
  write_truncated(w, "compromised", limit.compromised, n.compromised);
  w.close_object();
  w.key("producer")
      .open_object()
      .member("version", origin.version)
      .member("config_sha256", origin.config_sha256);
  w.member("corpus_digest", origin.corpus_digest).close_object();
  if (!origin.console_url.empty()) w.member("console_url", origin.console_url + r.id);
  w.close_object();
  return body;
}

}  // namespace

std::string to_hex(CampaignId id) { return fmt::format("{:016x}", id); }

Revision render_alert(const Campaign& c, RevisionReason reason, EventTime now,
                      const AlertContext& context) {
  Revision r;
  r.feed = Feed::kAlerts, r.id = to_hex(c.id), r.revision = c.revision, r.time = now,
  r.end_time = c.end;
  r.severity = c.severity, r.urgency = c.urgency, r.reason = reason, r.attack = c.attack,
  r.tenant = c.tenant_name, r.primary = c.primary;
  r.status = !c.open           ? CampaignStatus::kClosed
             : c.revision == 1 ? CampaignStatus::kOpen
                               : CampaignStatus::kUpdated;
  r.summary = summary_of(c, context);
  Shown limit{c.first_accounts.size(), std::min(c.compromised.size(), kMaxCompromisedShown)};
  r.body = body_of(c, r, context, limit);
  while (r.body.size() > context.origin.max_bytes && limit.accounts + limit.compromised > 0) {
    (limit.accounts > 0 ? limit.accounts : limit.compromised) /= 2;  // victims are kept longest
    r.body = body_of(c, r, context, limit);
  }
  return r;
}

Revision render_account(const Campaign& c, const CompromisedAccount& a, const AlertOrigin& origin) {
  Revision r;
  r.feed = Feed::kAccounts, r.id = to_hex(c.id) + '/' + corpus::to_string(a.account),
  r.time = a.time, r.end_time = a.time;
  r.severity = c.severity, r.urgency = c.urgency, r.attack = c.attack, r.tenant = c.tenant_name,
  r.primary = c.primary;
  r.summary = fmt::format("{}: a stranger got in during campaign {}", a.name, to_hex(c.id));
  JsonWriter w(r.body);
  w.open_object()
      .member("schema", "stuffwatch.account/1")
      .member("id", r.id)
      .member("revision", r.revision)
      .member("campaign", to_hex(c.id));
  w.member("site", origin.site)
      .member("account", a.name)
      .member("account_id", a.account_id)
      .member("tenant", c.tenant_name)
      .member("app", a.app);
  w.member("session_id", a.session_id)
      .member("event_id", a.event_id)
      .member("time", time_text(a.time));
  if (a.has_source) w.member("source_ip", to_string(a.source_ip));
  w.member("mfa", a.mfa_stopped ? "failed" : "")
      .member("tier", name_of(a.tier))
      .member("state", "open")
      .close_object();
  return r;
}

std::string_view name_of(AttackKind attack) { return words_of(attack).name; }

std::string_view name_of(Severity severity) {
  static constexpr std::array<std::string_view, 5> kNames{"info", "low", "medium", "high",
                                                          "critical"};
  return kNames[static_cast<std::size_t>(severity)];
}
std::string_view name_of(Urgency urgency) {
  static constexpr std::array<std::string_view, 3> kNames{"log", "ticket", "page"};
  return kNames[static_cast<std::size_t>(urgency)];
}
std::string_view name_of(CampaignStatus status) {
  static constexpr std::array<std::string_view, 3> kNames{"open", "updated", "closed"};
  return kNames[static_cast<std::size_t>(status)];
}
std::string_view name_of(RevisionReason reason) {
  static constexpr std::array<std::string_view, 10> kNames{
      "opened",  "first_success", "severity", "doubled",  "surge",
      "changed", "daily",         "merged",   "reopened", "closed"};
  return kNames[static_cast<std::size_t>(reason)];
}
std::string_view name_of(Tier tier) {
  static constexpr std::array<std::string_view, 3> kNames{"verify", "likely", "confirmed"};
  return kNames[static_cast<std::size_t>(tier)];
}

}  // namespace stuffwatch::detectors
