// One attack, as far as it is known: what its alerts are written from. Plain state; campaigns.cc moves it, alert_json.cc prints it.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "detectors/campaigns/list_shares.h"
#include "detectors/campaigns/revision.h"
#include "detectors/finding.h"
#include "detectors/state/distinct_counter.h"
#include "detectors/state/top_counts.h"

namespace stuffwatch::detectors {

using CampaignId = std::uint64_t;

enum class Tier : std::uint8_t { kVerify, kLikely, kConfirmed };
[[nodiscard]] std::string_view name_of(Tier tier);

// A stranger got in on a key of this campaign, or knew the password and was stopped by MFA.
struct CompromisedAccount {
  AccountKey account{};
  EventTime time{};
  std::uint64_t event_seq = 0;
  IpAddress source_ip{};
  Tier tier = Tier::kVerify;
  bool mfa_stopped = false;
  bool has_source = false;  // learned from the event itself, not from a detector's memory of it
  std::string name{};       // as shown: "acct:..." or, in clear mode, the user name
  std::string account_id{}, session_id{}, event_id{}, app{};
};

// A key by which events are recognised as part of the campaign.
struct CampaignKey {
  Entity entity;
  EventTime since{};
};

struct SourceCount {
  Network network;  // the address itself (/32), or its /64
  std::uint64_t accounts = 0,
                successes = 0;  // accounts: those that this source was the first to try
  std::uint32_t as_number = 0;
  std::array<char, 2> country{};
  NetworkClass network_class = NetworkClass::kUnknown;
};
struct ClientCount {
  std::string user_agent, ja4;
};

// What an alert says about size. Never falls from one revision to the next, whatever was forgotten in between; failures and successes are the attempts, and
// nothing is more than them.
struct CampaignCounts {
  std::uint64_t attempts = 0, failures = 0, successes = 0, accounts = 0, sources = 0, networks = 0,
                as_numbers = 0, compromised = 0;
};

struct Campaign {
  CampaignId id = 0;
  CampaignId continues = 0, merged_into = 0;
  std::string tenant_name;
  TenantId tenant = 0;
  std::string primary;  // to_string of the first finding's key
  AttackKind attack = AttackKind::kCredentialStuffing;
  Severity severity = Severity::kMedium;
  Urgency urgency = Urgency::kTicket;
  EventTime opened{}, start{}, end{}, closed{};
  EventTime changed{};  // by the newest attempt or finding: alerts speak as of the second after it
  bool open = true, surging = false;
  std::string close_reason;

  std::vector<CampaignKey> keys;
  std::vector<Factor> factors;  // the strongest of each (detector, statistic)
  double odds = 1;              // the largest adjusted evidence among the members; never a product

  std::uint64_t attempts = 0, failures = 0, successes = 0;
  std::uint64_t last_seq = 0;  // the last event counted: an event on two keys counts once
  DistinctCounter accounts, sources, networks, as_numbers;
  // Both bounded by max_accounts. Of told_before: counted by the campaigns that this one continues, so that a finding that looks back counts nobody twice.
  boost::unordered_flat_set<std::uint64_t> account_set, told_before;
  std::vector<AccountKey> first_accounts;  // for the alert's list
  ListShares lists;                        // of those in account_set
  TopCounts<SourceCount> top_sources;
  TopCounts<ClientCount> top_clients;
  std::vector<std::string> apps, sample_event_ids;
  std::vector<CompromisedAccount> compromised;
  boost::unordered_flat_set<std::uint64_t> compromised_set;

  std::array<std::uint32_t, 24>
      hourly{};           // attempts of the last 24 hours of event time, by hour modulo 24
  std::int64_t hour = 0;  // the newest hour in it
  std::vector<EventTime> recent_successes;  // of the last hour

  // What consumers have been told.
  std::uint32_t revision = 0;
  std::uint64_t told_attempts = 0;
  std::uint64_t told_compromised = 0;  // in alerts
  std::uint64_t told_accounts = 0;     // in the accounts feed, which does not wait for an alert
  Severity told_severity = Severity::kInfo;
  Urgency told_urgency = Urgency::kLog;
  EventTime told{};
  bool told_surge = false;
  CampaignCounts
      floor;  // known as numbers only: told in an earlier life from state that is gone, or counted by a detector

  [[nodiscard]] CampaignCounts counts() const;
  void save(StateWriter& out) const;
  void load(StateReader& in);
};

}  // namespace stuffwatch::detectors
