// Which campaign a finding belongs to, and when two campaigns turn out to be one.
#include <algorithm>
#include <utility>

#include "detectors/campaigns/campaigns.h"
#include "detectors/campaigns/parts.h"
#include "detectors/state/mix.h"

namespace stuffwatch::detectors {
namespace {

constexpr double kJoinShare = .3, kCommonClient = .01, kDominant = .5;
constexpr std::size_t kJoinProbes = 64;
constexpr std::uint64_t kMinClientAttempts = 20, kMinClientSample = 64;

using Accounts = boost::unordered_flat_set<std::uint64_t>;

// In an order of their own, so that those for which there is room are the same everywhere.
void add_up_to(std::size_t most, Accounts& to, const Accounts& from) {
  std::vector<std::uint64_t> sorted(from.begin(), from.end());
  std::ranges::sort(sorted);
  for (const std::uint64_t account : sorted)
    if (to.size() < most) to.insert(account);
}

}  // namespace

Campaign* Campaigns::campaign_of(const Finding& finding) {
  const auto owned_by = [&](std::uint64_t hash) -> Campaign* {
    const auto owner = key_owner_.find(hash);
    if (owner == key_owner_.end()) return nullptr;
    const auto campaign = campaigns_.find(owner->second);
    return campaign == campaigns_.end() ? nullptr : campaign->second.get();
  };
  if (Campaign* own = owned_by(finding.key.hash(0))) return own;
  if (finding.key.is_network())
    if (Campaign* neighbour = owned_by(area_of(finding.key));
        neighbour != nullptr && neighbour->open)
      return neighbour;
  const auto& list = finding.evidence.list;
  if (list.empty()) return nullptr;
  const std::size_t probes = std::min(list.size(), kJoinProbes);
  for (auto& [id, campaign] : campaigns_) {
    if (!campaign->open || campaign->tenant != finding.key.tenant ||
        finding.time - campaign->end > config_.join_within)
      continue;
    std::size_t shared = 0;
    for (std::size_t i = 0; i < probes; ++i)
      shared += campaign->account_set.count(value_of(list[i * list.size() / probes].account));
    if (static_cast<double>(shared) >= kJoinShare * static_cast<double>(probes))
      return campaign.get();
  }
  return nullptr;
}

// The younger closes into the older, which takes over its keys and counts. Distinct counts merge exactly; attempts add up.
void Campaigns::merge(Campaign& older, Campaign& younger, EventTime now,
                      std::vector<Revision>& out) {
  tell_accounts(older, out);  // its own victims of this tick, before those of the younger join them
  older.start = std::min(older.start, younger.start), older.end = std::max(older.end, younger.end);
  older.changed = std::max(older.changed, younger.changed);
  const CampaignCounts one = older.counts(), other = younger.counts();
  older.attempts = one.attempts + other.attempts, older.failures = one.failures + other.failures,
  older.successes = one.successes + other.successes;
  for (const auto known :
       {&CampaignCounts::accounts, &CampaignCounts::sources, &CampaignCounts::networks,
        &CampaignCounts::as_numbers, &CampaignCounts::compromised})
    older.floor.*known = std::max(one.*known, other.*known);
  older.last_seq = std::max(older.last_seq, younger.last_seq);
  older.accounts.merge(younger.accounts), older.sources.merge(younger.sources);
  older.networks.merge(younger.networks), older.as_numbers.merge(younger.as_numbers);
  if (younger.odds > older.odds) older.odds = younger.odds, older.attack = younger.attack;
  for (const Factor& factor : younger.factors) {
    const auto same = std::ranges::find_if(older.factors, [&](const Factor& f) {
      return f.detector == factor.detector && f.statistic == factor.statistic;
    });
    if (same == older.factors.end())
      older.factors.push_back(factor);
    else if (same->value < factor.value)
      *same = factor;
  }
  add_up_to(config_.max_accounts, older.account_set, younger.account_set);
  add_up_to(config_.max_accounts, older.told_before, younger.told_before);
  older.lists.merge(younger.lists);
  for (const AccountKey account : younger.first_accounts)
    if (older.first_accounts.size() < kMaxListedAccounts &&
        std::ranges::find(older.first_accounts, account) == older.first_accounts.end())
      older.first_accounts.push_back(account);
  for (const auto& source : younger.top_sources.sorted()) {
    SourceCount& mine = older.top_sources.add(source.key, source.count);
    const SourceCount before = mine;
    mine = source.value, mine.accounts += before.accounts, mine.successes += before.successes;
  }
  for (const auto& client : younger.top_clients.sorted())
    older.top_clients.add(client.key, client.count) = client.value;
  for (const std::string& app : younger.apps) push_unique(older.apps, app, kMaxApps);
  for (const CompromisedAccount& account : younger.compromised) add_compromised(older, account);
  for (std::size_t i = 0; i < older.hourly.size() && older.hour == younger.hour; ++i)
    older.hourly[i] += younger.hourly[i];
  younger.merged_into = older.id;
  hand_over(younger, older, EventTime::min());
  close(younger, "merged", now, out);              // tells its own victims
  older.told_accounts = older.compromised.size();  // so that they are not told twice
  judge(older, now);
  speak(older, RevisionReason::kMerged, now, out);
}

// Campaigns of one tenant that are made by the same rare client within join_within are one.
void Campaigns::merge_by_client(EventTime now, std::vector<Revision>& out) {
  std::vector<Campaign*> by_age;
  for (auto& [id, campaign] : campaigns_)
    if (campaign->open && now - campaign->end <= config_.join_within &&
        !campaign->top_clients.entries().empty())
      by_age.push_back(campaign.get());
  if (by_age.size() < 2) return;
  std::ranges::sort(by_age, {}, [](const Campaign* c) { return std::pair(c->opened, c->id); });
  std::map<std::pair<TenantId, std::uint64_t>, Campaign*> oldest;
  for (Campaign* campaign : by_age) {
    const auto top = campaign->top_clients.sorted().front();
    std::uint64_t counted = 0;
    for (const auto& entry : campaign->top_clients.entries()) counted += entry.count;
    if (top.count < kMinClientAttempts ||
        static_cast<double>(top.count) < kDominant * static_cast<double>(counted))
      continue;
    const auto* benign = client_sample_.find(top.key);
    if (benign != nullptr &&
        static_cast<double>(benign->count) >
            kCommonClient * static_cast<double>(std::max(sampled_, kMinClientSample)))
      continue;
    const auto [first, alone] = oldest.try_emplace({campaign->tenant, top.key}, campaign);
    if (!alone) merge(*first->second, *campaign, now, out);
  }
}

// A campaign that never ends closes at its first attempt beyond max_age, and goes on as its successor: that attempt is the first of its own. It inherits the
// keys, what an analyst needs at hand, and whom the campaigns before it have counted.
Campaign& Campaigns::roll_over(Campaign& campaign, EventTime now, std::vector<Revision>& out) {
  auto successor = std::make_unique<Campaign>();
  successor->id = mix(campaign.id, static_cast<std::uint64_t>(now.time_since_epoch().count()));
  successor->continues = campaign.id, successor->tenant = campaign.tenant,
  successor->tenant_name = campaign.tenant_name;
  successor->primary = campaign.primary, successor->attack = campaign.attack,
  successor->odds = campaign.odds;
  successor->opened = successor->start = successor->end = now;
  successor->factors = campaign.factors, successor->apps = campaign.apps;
  successor->hourly = campaign.hourly, successor->hour = campaign.hour;
  successor->told_before = std::exchange(campaign.account_set, {});
  add_up_to(config_.max_accounts, successor->told_before, std::exchange(campaign.told_before, {}));
  Campaign& next = *(campaigns_[successor->id] = std::move(successor));
  hand_over(campaign, next, now);
  close(campaign, "rolled_over", now, out);
  ++opened_total_;
  return next;
}

}  // namespace stuffwatch::detectors
