#include "daemon/sinks/told_campaigns.h"

#include <charconv>
#include <cmath>
#include <string>

#include "config/rfc3339.h"
#include "daemon/json_view.h"
#include "ingest/tenant_id.h"

namespace stuffwatch::daemon::sinks {
namespace {

using detectors::CampaignId;
using detectors::Entity;
using detectors::EventTime;
using detectors::Revision;
using detectors::ToldCampaign;

bool parse_hex(std::string_view text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return error == std::errc() && end == text.data() + text.size() && text.size() == 16;
}

// "net:192.0.2.7/32", "acct:0123456789abcdef": what to_string(Entity) writes.
bool parse_entity(std::string_view text, detectors::TenantId tenant, Entity& out) {
  if (text.starts_with("acct:")) {
    std::uint64_t key = 0;
    if (!parse_hex(text.substr(5), key)) return false;
    out = Entity::account(tenant, corpus::AccountKey{key});
    return true;
  }
  detectors::Network network;
  if (!text.starts_with("net:") || !detectors::parse_network(text.substr(4), network)) return false;
  const bool whole = network.bits == (network.v4 ? 32 : 64);
  out = whole ? Entity::address(tenant, network.address) : Entity::prefix(tenant, network.address);
  return true;
}

EventTime time_of(JsonElement object, std::string_view key) {
  return config::parse_rfc3339(text_of(object, key)).value_or(EventTime{});
}

bool read_body(const std::string& body, ToldCampaign& told) {
  simdjson::dom::parser parser;
  JsonElement alert;
  if (parser.parse(body).get(alert) != simdjson::SUCCESS) return false;
  told.start = time_of(alert, "start_time");
  told.odds = std::pow(10.0, number_of(alert, "log10_odds").value_or(0));
  if (const auto counts = member_of(alert, "counts")) {
    const auto count = [&](std::string_view key) { return count_of(*counts, key); };
    told.counts = {count("attempts"), count("failures"), count("successes"),  count("accounts"),
                   count("sources"),  count("networks"), count("as_numbers"), count("compromised")};
  }
  for (const JsonElement factor : list_of(alert, "factors"))
    told.factors.push_back({.detector = detectors::interned(text_of(factor, "detector")),
                            .statistic = detectors::interned(text_of(factor, "statistic")),
                            .null_model = detectors::interned(text_of(factor, "null")),
                            .window = detectors::interned(text_of(factor, "window")),
                            .value = number_of(factor, "value").value_or(0),
                            .threshold = number_of(factor, "threshold").value_or(0)});
  return true;
}

bool read(const LedgerCampaign& campaign, ToldCampaign& told) {
  const Revision& last = campaign.last;
  if (!parse_hex(last.id, told.id)) return false;
  told.revision = last.revision, told.tenant_name = last.tenant, told.primary = last.primary;
  told.attack = last.attack, told.severity = last.severity, told.urgency = last.urgency;
  told.told = last.time, told.opened = campaign.opened, told.end = last.end_time;
  told.open = last.status != detectors::CampaignStatus::kClosed &&
              parse_entity(last.primary, ingest::tenant_id(last.tenant), told.key) &&
              read_body(last.body, told);
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
