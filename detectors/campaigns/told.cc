// Campaigns that were told in an earlier life, by state that is gone: recognised when they are met again, closed when they are not.
#include <algorithm>
#include <utility>

#include "detectors/campaigns/campaigns.h"
#include "detectors/state/mix.h"

namespace stuffwatch::detectors {

CampaignCounts Campaign::counts() const {
  CampaignCounts n{.failures = std::max(failures, floor.failures),
                   .successes = std::max(successes, floor.successes),
                   .compromised = std::max<std::uint64_t>(compromised.size(), floor.compromised)};
  n.attempts = n.failures + n.successes;
  // An estimate may fall below what was exact a moment ago, or beyond what is possible.
  const auto distinct = [&](const DistinctCounter& counter, std::uint64_t known) {
    if (!counter.exact()) known = std::max<std::uint64_t>(known, DistinctCounter::kExact + 1);
    return std::min(std::max(counter.count(), known), n.attempts);
  };
  n.accounts = distinct(accounts, floor.accounts);
  n.sources = distinct(sources, floor.sources);
  n.networks = distinct(networks, floor.networks);
  n.as_numbers = distinct(as_numbers, floor.as_numbers);
  return n;
}

void Campaigns::know(std::vector<ToldCampaign> told) {
  told_ = std::move(told);
  std::erase_if(told_, [&](const ToldCampaign& t) { return campaigns_.contains(t.id); });
}

void Campaigns::set_silent(bool silent) {
  if (std::exchange(silent_, silent) && !silent) end_warm_up();
}

// The campaign goes on where the one that was told stood.
void Campaigns::adopt(Campaign& campaign, const ToldCampaign& told) {
  campaign.id = told.id, campaign.revision = std::max(campaign.revision, told.revision);
  if (!told.open) return;
  campaign.floor = told.counts;
  if (campaign.lists.looked_up < told.lists.looked_up) campaign.lists = told.lists;
  campaign.severity = std::max(campaign.severity, told.severity);
  campaign.odds = std::max(campaign.odds, told.odds);
  campaign.told = told.told, campaign.told_severity = told.severity,
  campaign.told_attempts = std::max(campaign.told_attempts, told.counts.attempts);
  campaign.opened = std::min(campaign.opened, told.opened);
  campaign.start = std::min(campaign.start, told.start);
  campaign.end = std::max(campaign.end, told.end);
}

std::vector<ToldCampaign>::iterator Campaigns::told_as(const Campaign& campaign) {
  return std::ranges::find_if(told_, [&](const ToldCampaign& t) {
    return campaign.open && t.open && t.tenant_name == campaign.tenant_name &&
           t.attack == campaign.attack && t.primary == campaign.primary;
  });
}

// A finding beyond what was told, on the key of a campaign that was told: the same one, unless the same events are only being looked at again.
void Campaigns::take_over(Campaign& fresh, const Finding& finding) {
  if (std::erase_if(told_, [&](const ToldCampaign& t) { return t.id == fresh.id; }) != 0) return;
  const auto told = told_as(fresh);
  if (told == told_.end() || told->told >= finding.time) return;
  adopt(fresh, *told);
  told_.erase(told);
}

// What warm-up found takes the ids and revisions that consumers know: first by the same id, then by the same key.
void Campaigns::end_warm_up() {
  for (auto& [id, campaign] : campaigns_) {
    const auto told = std::ranges::find(told_, id, &ToldCampaign::id);
    if (told == told_.end()) continue;
    adopt(*campaign, *told);
    told_.erase(told);
  }
  std::vector<std::pair<CampaignId, ToldCampaign>> met;
  for (const auto& [id, campaign] : campaigns_) {
    const auto told = told_as(*campaign);
    if (told == told_.end()) continue;
    met.emplace_back(id, std::move(*told));
    told_.erase(told);
  }
  for (const auto& [id, told] : met) {
    auto node = campaigns_.extract(id);
    adopt(*node.mapped(), told);
    node.key() = told.id;
    campaigns_.insert(std::move(node));
    rename(id, told.id);
  }
}

void Campaigns::rename(CampaignId from, CampaignId to) {
  const auto renamed = [=](CampaignId& id) { id = id == from ? to : id; };
  for (auto& [hash, owner] : key_owner_) renamed(owner);
  for (CampaignId& id : dirty_) renamed(id);
  for (Membership& membership : ended_) renamed(membership.id);
  for (auto& [id, campaign] : campaigns_)
    renamed(campaign->continues), renamed(campaign->merged_into);
}

// A campaign of which no more is known than what its last alert said.
Campaign Campaigns::forgotten(ToldCampaign told) {
  Campaign campaign;
  adopt(campaign, told);
  campaign.opened = told.opened, campaign.start = told.start;
  campaign.continues = told.continues, campaign.attack = told.attack;
  campaign.urgency = told.urgency;
  campaign.keys.push_back({told.key, told.start});
  campaign.tenant_name = std::move(told.tenant_name), campaign.primary = std::move(told.primary);
  campaign.factors = std::move(told.factors), campaign.apps = std::move(told.apps);
  campaign.sample_event_ids = std::move(told.sample_event_ids);
  campaign.top_sources = std::move(told.sources), campaign.top_clients = std::move(told.clients);
  campaign.first_accounts = std::move(told.accounts);
  campaign.compromised = std::move(told.compromised);
  campaign.told_accounts = campaign.compromised.size();
  return campaign;
}

// Told, open, and not met again for as long as it takes to be quiet.
void Campaigns::close_forgotten(EventTime minute, std::vector<Revision>& out) {
  if (silent_) return;
  std::erase_if(told_, [&](ToldCampaign& told) {
    if (!told.open) return true;
    if (minute <= told.told || minute - told.end <= config_.quiet_after) return false;
    Campaign campaign = forgotten(std::move(told));
    campaign.open = false, campaign.close_reason = "quiet", campaign.closed = quiet_since(campaign);
    speak(campaign, RevisionReason::kClosed, campaign.closed, out);
    return true;
  });
}

}  // namespace stuffwatch::detectors
