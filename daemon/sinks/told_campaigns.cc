#include "daemon/sinks/told_campaigns.h"

#include <charconv>
#include <cmath>
#include <string>
#include <utility>

#include "config/rfc3339.h"
#include "corpus/corpus.h"
#include "daemon/json_view.h"
#include "ingest/tenant_id.h"

namespace stuffwatch::daemon::sinks {
namespace {

using corpus::AccountKey;
using detectors::Entity;
using detectors::EventTime;
using detectors::Network;
using detectors::NetworkClass;
using detectors::Revision;
using detectors::TenantId;
using detectors::Tier;
using detectors::ToldCampaign;

bool parse_hex(std::string_view text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return error == std::errc() && end == text.data() + text.size() && text.size() == 16;
}

bool parse_account(std::string_view text, AccountKey& out) {
  std::uint64_t key = 0;
  if (!text.starts_with("acct:") || !parse_hex(text.substr(5), key)) return false;
  out = AccountKey{key};
  return true;
}

Entity entity_of(const Network& network, TenantId tenant) {
  const bool whole = network.bits == (network.v4 ? 32 : 64);
  return whole ? Entity::address(tenant, network.address) : Entity::prefix(tenant, network.address);
}

// "net:192.0.2.7/32", "acct:0123456789abcdef": what to_string(Entity) writes.
bool parse_entity(std::string_view text, TenantId tenant, Entity& out) {
  if (AccountKey account{}; parse_account(text, account)) {
    out = Entity::account(tenant, account);
    return true;
  }
  Network network;
  if (!text.starts_with("net:") || !detectors::parse_network(text.substr(4), network)) return false;
  out = entity_of(network, tenant);
  return true;
}

// What name_of() calls so; `first` when none is, as what was absent or is a later version's.
template <class Enum>
Enum value_named(std::string_view name, Enum first, Enum last) {
  for (auto at = std::to_underlying(last); at > std::to_underlying(first); --at)
    if (name_of(static_cast<Enum>(at)) == name) return static_cast<Enum>(at);
  return first;
}

EventTime time_of(JsonElement object, std::string_view key) {
  return config::parse_rfc3339(text_of(object, key)).value_or(EventTime{});
}

void read_sources(JsonElement alert, TenantId tenant, ToldCampaign& told) {
  for (const JsonElement source : list_of(alert, "sources")) {
    Network network;
    if (!detectors::parse_network(text_of(source, "network"), network)) continue;
    detectors::SourceCount& count =
        told.sources.add(entity_of(network, tenant).hash(0), count_of(source, "attempts"));
    count.network = network;
    count.accounts = count_of(source, "accounts"), count.successes = count_of(source, "successes");
    count.as_number = static_cast<std::uint32_t>(count_of(source, "as_number"));
    if (const auto country = text_of(source, "country"); country.size() == 2)
      count.country = {country[0], country[1]};
    count.network_class =
        value_named(text_of(source, "class"), NetworkClass::kUnknown, NetworkClass::kPrivate);
  }
}

void read_compromised(JsonElement alert, ToldCampaign& told) {
  for (const JsonElement victim : list_of(alert, "compromised")) {
    detectors::CompromisedAccount& account = told.compromised.emplace_back();
    account.name = text_of(victim, "account"), account.account_id = text_of(victim, "account_id");
    account.tier = value_named(text_of(victim, "tier"), Tier::kVerify, Tier::kConfirmed);
    account.time = time_of(victim, "time");
    account.has_source = detectors::parse_ip(text_of(victim, "source_ip"), account.source_ip);
    account.mfa_stopped = text_of(victim, "mfa") == "failed";
  }
}

void read_breach_lists(JsonElement alert, ToldCampaign& told) {
  for (const JsonElement list : list_of(alert, "lists"))
    told.lists.lists.add(corpus::list_key(text_of(list, "name")), count_of(list, "accounts")) =
        text_of(list, "name");
}

void read_lists(JsonElement alert, TenantId tenant, ToldCampaign& told) {
  read_sources(alert, tenant, told);
  read_compromised(alert, told);
  read_breach_lists(alert, told);
  for (const JsonElement client : list_of(alert, "clients")) {
    // Their hashes were not told: the order stands for them, which is how equal counts are sorted.
    const std::uint64_t key = told.clients.entries().size();
    told.clients.add(key, count_of(client, "attempts")) = {
        std::string(text_of(client, "user_agent")), std::string(text_of(client, "ja4"))};
  }
  const auto each_text = [&](std::string_view key, auto&& take) {
    for (const JsonElement item : list_of(alert, key))
      if (std::string_view text; item.get(text) == simdjson::SUCCESS) take(text);
  };
  each_text("apps", [&](auto text) { told.apps.emplace_back(text); });
  each_text("sample_event_ids", [&](auto text) { told.sample_event_ids.emplace_back(text); });
  each_text("accounts", [&](auto text) {
    if (AccountKey account{}; parse_account(text, account)) told.accounts.push_back(account);
  });
}

bool read_body(const std::string& body, TenantId tenant, ToldCampaign& told) {
  simdjson::dom::parser parser;
  JsonElement alert;
  if (parser.parse(body).get(alert) != simdjson::SUCCESS) return false;
  told.start = time_of(alert, "start_time");
  if (!parse_hex(text_of(alert, "continues"), told.continues)) told.continues = 0;
  told.odds = std::pow(10.0, number_of(alert, "log10_odds").value_or(0));
  if (const auto counts = member_of(alert, "counts")) {
    const auto count = [&](std::string_view key) { return count_of(*counts, key); };
    told.counts = {count("attempts"), count("failures"), count("successes"),  count("accounts"),
                   count("sources"),  count("networks"), count("as_numbers"), count("compromised")};
    told.lists.looked_up = count("looked_up");
  }
  for (const JsonElement factor : list_of(alert, "factors"))
    told.factors.push_back({.detector = detectors::interned(text_of(factor, "detector")),
                            .statistic = detectors::interned(text_of(factor, "statistic")),
                            .null_model = detectors::interned(text_of(factor, "null")),
                            .window = detectors::interned(text_of(factor, "window")),
                            .value = number_of(factor, "value").value_or(0),
                            .threshold = number_of(factor, "threshold").value_or(0)});
  read_lists(alert, tenant, told);
  return true;
}

bool read(const LedgerCampaign& campaign, ToldCampaign& told) {
  const Revision& last = campaign.last;
  if (!parse_hex(last.id, told.id)) return false;
  told.revision = last.revision, told.tenant_name = last.tenant, told.primary = last.primary;
  told.attack = last.attack, told.severity = last.severity, told.urgency = last.urgency;
  told.told = last.time, told.opened = campaign.opened, told.end = last.end_time;
  const TenantId tenant = ingest::tenant_id(last.tenant);
  told.open = last.status != detectors::CampaignStatus::kClosed &&
              parse_entity(last.primary, tenant, told.key) && read_body(last.body, tenant, told);
  return true;
}

}  // namespace

std::vector<ToldCampaign> told_campaigns(const Ledger& ledger) {
  std::vector<ToldCampaign> all;
  for (const LedgerCampaign& open : ledger.open_campaigns())
    if (ToldCampaign told; read(open, told)) all.push_back(std::move(told));
  for (const LedgerCampaign& campaign : ledger.campaigns())
    if (campaign.last.status == detectors::CampaignStatus::kClosed)
      if (ToldCampaign told; read(campaign, told)) all.push_back(std::move(told));
  return all;
}

}  // namespace stuffwatch::daemon::sinks
