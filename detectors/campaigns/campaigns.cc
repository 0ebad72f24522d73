#include "detectors/campaigns/campaigns.h"

#include <algorithm>
#include <utility>

#include "detectors/campaigns/parts.h"
#include "detectors/state/mix.h"

namespace stuffwatch::detectors {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr std::size_t kMaxCompromised = 10'000, kMaxEnded = 1u << 20, kMaxTenants = 1u << 16;
CampaignId id_of(const Finding& f) {
  return mix(mix(f.key.tenant, f.detector + 1), f.key.hash(0x636d706e),
             static_cast<std::uint64_t>(f.time.time_since_epoch().count()));
}

}  // namespace

Campaigns::Campaigns(const CampaignConfig& config, AlertOrigin origin,
                     std::vector<std::string> detector_names, bool show_names)
    : config_(config),
      origin_(std::move(origin)),
      detector_names_(std::move(detector_names)),
      show_names_(show_names) {}

std::string Campaigns::shown_name(AccountKey account, const EventText* text) const {
  if (show_names_ && text != nullptr) return short_text(text->user_name);
  if (show_names_)
    if (const std::string* known = names_.find(account)) return *known;
  return corpus::to_string(account);
}

void Campaigns::learn(const LoginEvent& event) {
  if (event.tenant != 0 && tenants_.size() < kMaxTenants && !tenants_.contains(event.tenant))
    tenants_.emplace(event.tenant, short_text(event.text->tenant));
  if (show_names_ && event.outcome == Outcome::kFailure)
    names_.remember(event.account, short_text(event.text->user_name));
  if (event.outcome == Outcome::kSuccess && event.stranger && !is_attacked(event))
    rates_.learn(event.lists, *directory_);
  if (event.outcome != Outcome::kSuccess || event.client == 0 || ++seen_ % 16 != 0) return;
  ++sampled_;
  client_sample_.add(event.client);
}

void Campaigns::set_directory(std::shared_ptr<const ListDirectory> directory) {
  directory_ = std::move(directory);
  origin_.corpus_digest = directory_->digest;
  rates_.use(*directory_);
}

bool Campaigns::is_attacked(const LoginEvent& e) const {
  return any_open() && (is_open_key(Entity::address(e.tenant, e.source_ip)) ||
                        is_open_key(Entity::prefix(e.tenant, e.source_ip)) ||
                        is_open_key(Entity::account(e.tenant, e.account)));
}

void Campaigns::find(const Finding& finding, const LoginEvent* cause, std::vector<Revision>& out) {
  Campaign* campaign = campaign_of(finding);
  const bool fresh = campaign == nullptr, reopened = !fresh && !campaign->open;
  if (fresh) campaign = &open_campaign(finding);
  if (reopened) {
    campaign->open = true, campaign->close_reason.clear();
    for (const CampaignKey& key : campaign->keys) open_keys_.insert(key.entity.hash(0));
    keys_changed_ = true;
  }
  add_evidence(*campaign, finding);
  if (!finding.at_tick) {
    campaign->last_seq = finding.seq;
    if (cause != nullptr) {
      push_unique(campaign->apps, cause->text->app, kMaxApps);
      push_unique(campaign->sample_event_ids, cause->text->event_id, kMaxSamples);
    }
  }
  judge(*campaign, finding.time);
  if (fresh || reopened)
    speak(*campaign, fresh ? RevisionReason::kOpened : RevisionReason::kReopened, finding.time,
          out);
  dirty_.push_back(campaign->id);
}

Campaign& Campaigns::open_campaign(const Finding& finding) {
  auto campaign = std::make_unique<Campaign>();
  campaign->id = id_of(finding), campaign->tenant = finding.key.tenant;
  if (const auto tenant = tenants_.find(campaign->tenant); tenant != tenants_.end())
    campaign->tenant_name = tenant->second;
  campaign->primary = to_string(finding.key), campaign->attack = finding.attack;
  campaign->opened = finding.time;
  campaign->start = finding.evidence.start, campaign->end = finding.evidence.end;
  if (!silent_) take_over(*campaign, finding);
  ++opened_total_;
  return *(campaigns_[campaign->id] = std::move(campaign));
}

void Campaigns::add_key(Campaign& campaign, const Entity& key, EventTime since) {
  const std::uint64_t hash = key.hash(0);
  keys_changed_ = open_keys_.insert(hash).second || keys_changed_;
  const auto [owner, fresh] = key_owner_.try_emplace(hash, campaign.id);
  if (!fresh && owner->second == campaign.id &&
      std::ranges::any_of(campaign.keys,
                          [&](const CampaignKey& known) { return known.entity == key; }))
    return;
  owner->second = campaign.id;
  if (campaign.keys.size() < kMaxKeys) campaign.keys.push_back({key, since});
  if (key.kind != Entity::Kind::kAddress) return;
  const auto [area, unowned] = key_owner_.try_emplace(area_of(key), campaign.id);
  if (unowned) return;
  const auto last = campaigns_.find(area->second);
  if (last == campaigns_.end() || !last->second->open)
    area->second = campaign.id;  // neighbours look for the campaign that goes on
}

// Hashes of its keys, beyond those that are listed too, and of the prefixes around them.
std::vector<std::uint64_t> Campaigns::owned_by(const Campaign& campaign) const {
  std::vector<std::uint64_t> owned;
  const auto add_owned = [&](std::uint64_t hash) {
    const auto owner = key_owner_.find(hash);
    if (owner != key_owner_.end() && owner->second == campaign.id) owned.push_back(hash);
  };
  if (campaign.keys.size() < kMaxKeys)
    for (const CampaignKey& key : campaign.keys)
      add_owned(key.entity.hash(0)), add_owned(area_of(key.entity));
  else
    for (const auto& [hash, owner] : key_owner_)
      if (owner == campaign.id) owned.push_back(hash);
  return owned;
}

// Before `from` closes, so that its keys stay open.
void Campaigns::hand_over(const Campaign& from, Campaign& to, EventTime not_before) {
  for (const std::uint64_t hash : owned_by(from)) key_owner_[hash] = to.id;
  for (const CampaignKey& key : from.keys) add_key(to, key.entity, std::max(key.since, not_before));
}

void Campaigns::add_evidence(Campaign& campaign, const Finding& finding) {
  const Evidence& evidence = finding.evidence;
  const double odds = finding.factor.value / std::max(1.0, finding.starts_per_10m);
  if (odds > campaign.odds) campaign.odds = odds, campaign.attack = finding.attack;
  Factor factor = finding.factor;
  factor.detector = detector_names_[finding.detector];
  const auto same = std::ranges::find_if(campaign.factors, [&](const Factor& f) {
    return f.detector == factor.detector && f.statistic == factor.statistic;
  });
  if (same == campaign.factors.end())
    campaign.factors.push_back(factor);
  else if (same->value < factor.value)
    *same = factor;

  const bool looks_back = campaign.continues != 0 && evidence.start < campaign.opened;
  const EventTime start = looks_back ? campaign.opened : evidence.start;
  const bool first = campaign.keys.empty();
  campaign.start = std::min(campaign.start, start),
  campaign.end = std::max(campaign.end, evidence.end);
  campaign.changed = std::max(campaign.changed, finding.time);
  add_key(campaign, finding.key, start);
  std::uint64_t unlisted = evidence.attempts;  // attempts on accounts that the list has no room for
  Added added;
  for (const EvidenceAccount& a : evidence.list) {
    unlisted -= std::min<std::uint64_t>(unlisted, a.attempts);
    add_account(campaign, finding.key, a, added);
  }
  if (first) {  // later ones were counted as they came
    campaign.attempts += unlisted, campaign.failures += unlisted;
    added.attempts += unlisted, added.accounts = std::max(added.accounts, evidence.accounts);
  }
  if (!looks_back)
    for (std::uint64_t* known : {&campaign.floor.networks, &campaign.floor.sources})
      *known = std::max(*known, evidence.networks);
  if (!finding.key.is_network()) return;
  campaign.networks.add(area_of(finding.key));
  if (finding.key.kind != Entity::Kind::kAddress) return;
  campaign.sources.add(finding.key.hash(0));
  SourceCount& source = campaign.top_sources.add(finding.key.hash(0), added.attempts);
  source.network = finding.key.network();
  source.accounts += added.accounts, source.successes += added.successes;
}

// What a finding knows of one account, unless it is counted already: a later finding looks back over the same attempts.
void Campaigns::add_account(Campaign& campaign, const Entity& key, const EvidenceAccount& a,
                            Added& added) {
  if (campaign.told_before.contains(value_of(a.account))) return;
  const bool fresh = campaign.account_set.size() < config_.max_accounts
                         ? campaign.account_set.insert(value_of(a.account)).second
                         : !campaign.account_set.contains(value_of(a.account));
  if (!fresh) return;
  campaign.accounts.add(value_of(a.account));
  campaign.lists.add(a.lists, *directory_);
  if (campaign.first_accounts.size() < kMaxListedAccounts)
    campaign.first_accounts.push_back(a.account);
  campaign.attempts += a.attempts, campaign.failures += a.attempts - (a.success ? 1 : 0);
  campaign.successes += a.success ? 1 : 0;
  added.attempts += a.attempts, ++added.accounts, added.successes += a.success ? 1 : 0;
  if (!a.success) return;
  CompromisedAccount found{.account = a.account, .time = a.time};
  found.name = shown_name(a.account, nullptr);
  if (key.kind == Entity::Kind::kAddress && key.v4)
    found.source_ip = key.network().address, found.has_source = true;
  add_compromised(campaign, std::move(found));
}

void Campaigns::observe(const Activity& activity, std::vector<Revision>& out) {
  const auto owner = key_owner_.find(activity.key.hash(0));
  if (owner == key_owner_.end()) return;
  const auto found = campaigns_.find(owner->second);
  if (found == campaigns_.end() || !found->second->open ||
      found->second->last_seq == activity.event->seq)
    return;
  const EventTime now = activity.event->time;  // a victim waits for no tick: none may come for long
  const bool old = now - found->second->opened > config_.max_age;
  Campaign& campaign = old ? roll_over(*found->second, now, out) : *found->second;
  add_attempt(campaign, *activity.event);
  dirty_.push_back(campaign.id);
  if (!old && campaign.told_accounts == campaign.compromised.size()) return;
  judge(campaign, now);
  if (old) return speak(campaign, RevisionReason::kOpened, now, out);
  if (first_victim(campaign)) return speak(campaign, RevisionReason::kFirstSuccess, now, out);
  if (campaign.urgency > campaign.told_urgency)
    return speak(campaign, RevisionReason::kSeverity, now, out);
  tell_accounts(campaign, out);
}

void Campaigns::add_attempt(Campaign& campaign, const LoginEvent& event) {
  campaign.last_seq = event.seq;
  campaign.end = std::max(campaign.end, event.time);
  campaign.changed = std::max(campaign.changed, event.time);
  ++campaign.attempts;
  const bool success = event.outcome == Outcome::kSuccess,
             mfa_stopped = event.reason == FailureReason::kMfaFailed;
  (success ? campaign.successes : campaign.failures) += 1;
  const std::uint64_t account = value_of(event.account);
  campaign.accounts.add(account);
  const bool fresh = campaign.account_set.size() < config_.max_accounts &&
                     campaign.account_set.insert(account).second;
  if (fresh) campaign.lists.add(event.lists, *directory_);
  if (fresh && campaign.first_accounts.size() < kMaxListedAccounts)
    campaign.first_accounts.push_back(event.account);

  const Entity address = Entity::address(event.tenant, event.source_ip);
  campaign.sources.add(address.hash(0)), campaign.networks.add(area_of(address));
  if (event.as_number != 0) campaign.as_numbers.add(event.as_number);
  SourceCount& source = campaign.top_sources.add(address.hash(0));
  source.network = address.network(), source.as_number = event.as_number,
  source.country = event.country;
  source.network_class = event.network, source.accounts += fresh, source.successes += success;
  if (event.client != 0) {
    ClientCount& client = campaign.top_clients.add(event.client);
    if (client.user_agent.empty())
      client.user_agent = event.text->user_agent.substr(0, 512),
      client.ja4 = event.text->ja4.substr(0, 64);
  }
  push_unique(campaign.apps, event.text->app, kMaxApps);
  push_unique(campaign.sample_event_ids, event.text->event_id, kMaxSamples);

  const std::int64_t hour = std::chrono::floor<hours>(event.time).time_since_epoch().count();
  for (; campaign.hour < hour; ++campaign.hour) {
    if (hour - campaign.hour > 24) campaign.hour = hour - 24;
    campaign.hourly[static_cast<std::size_t>((campaign.hour + 1) % 24)] = 0;
  }
  ++campaign.hourly[static_cast<std::size_t>(hour % 24)];
  if (!success && !mfa_stopped) return;
  add_compromised(campaign, {.account = event.account,
                             .time = event.time,
                             .event_seq = event.seq,
                             .source_ip = event.source_ip,
                             .mfa_stopped = mfa_stopped,
                             .has_source = true,
                             .name = shown_name(event.account, event.text),
                             .account_id = short_text(event.text->account_id),
                             .session_id = short_text(event.text->session_id),
                             .event_id = short_text(event.text->event_id),
                             .app = short_text(event.text->app)});
}

void Campaigns::add_compromised(Campaign& campaign, CompromisedAccount account) {
  if (campaign.compromised.size() >= kMaxCompromised ||
      !campaign.compromised_set.insert(value_of(account.account)).second)
    return;
  campaign.recent_successes.push_back(account.time);
  campaign.compromised.push_back(std::move(account));
}

// Severity says what it is, urgency what to do now. Until probabilities exist (credential_hit) strangers' successes stand in for expected compromised accounts.
void Campaigns::judge(Campaign& campaign, EventTime now) {
  std::erase_if(campaign.recent_successes, [&](EventTime t) { return now - t > hours{1}; });
  const Severity severity = campaign.compromised.empty() ? Severity::kMedium : Severity::kHigh;
  campaign.severity = std::max(campaign.severity, severity);

  const std::int64_t hour = std::chrono::floor<hours>(now).time_since_epoch().count();
  const std::int64_t first_hour =
      std::chrono::floor<hours>(campaign.start).time_since_epoch().count();
  const std::size_t past =
      static_cast<std::size_t>(std::clamp<std::int64_t>(hour - first_hour, 0, 23));
  std::vector<std::uint32_t> earlier;
  for (std::size_t back = 1; back <= past; ++back)
    earlier.push_back(campaign.hourly[(static_cast<std::size_t>(hour) - back) % 24]);
  campaign.surging = false;
  if (campaign.hour == hour && earlier.size() >= 3) {
    std::ranges::nth_element(earlier,
                             earlier.begin() + static_cast<std::ptrdiff_t>(earlier.size() / 2));
    const std::uint32_t median = earlier[earlier.size() / 2],
                        last = campaign.hourly[static_cast<std::size_t>(hour % 24)];
    campaign.surging = last >= config_.surge_min && last >= 4 * median;
  }
  const bool page =
      campaign.recent_successes.size() >= 3 || (campaign.surging && !campaign.compromised.empty());
  campaign.urgency = campaign.attack == AttackKind::kOperational ? Urgency::kLog
                     : page                                      ? Urgency::kPage
                                                                 : Urgency::kTicket;
}

bool Campaigns::first_victim(const Campaign& campaign) {
  return campaign.told_compromised == 0 && campaign.floor.compromised == 0 &&
         !campaign.compromised.empty();
}

void Campaigns::speak_if_due(Campaign& campaign, EventTime now, std::vector<Revision>& out) {
  const auto grown = [&](std::uint64_t value, std::uint64_t told, std::uint64_t floor) {
    return value >= 2 * told && value >= told + floor;
  };
  const bool cool = now - campaign.told >= config_.cool_down;
  if (first_victim(campaign)) return speak(campaign, RevisionReason::kFirstSuccess, now, out);
  if (campaign.severity > campaign.told_severity || campaign.urgency > campaign.told_urgency)
    return speak(campaign, RevisionReason::kSeverity, now, out);
  if (campaign.surging && !campaign.told_surge)
    return speak(campaign, RevisionReason::kSurge, now, out);
  if (!campaign.surging) campaign.told_surge = false;
  if (cool && (grown(campaign.attempts, campaign.told_attempts, config_.doubled_min) ||
               grown(campaign.compromised.size(), campaign.told_compromised, 1)))
    return speak(campaign, RevisionReason::kDoubled, now, out);
  if (now - campaign.told >= hours{24}) speak(campaign, RevisionReason::kDaily, now, out);
}

void Campaigns::tell_accounts(Campaign& campaign, std::vector<Revision>& out) {
  for (; campaign.told_accounts < campaign.compromised.size(); ++campaign.told_accounts)
    if (!silent_)
      out.push_back(
          render_account(campaign, campaign.compromised[campaign.told_accounts], origin_));
}

void Campaigns::speak(Campaign& campaign, RevisionReason reason, EventTime now,
                      std::vector<Revision>& out) {
  ++campaign.revision;
  tell_accounts(campaign, out);
  campaign.told_attempts = campaign.attempts;
  campaign.told_compromised = campaign.compromised.size(), campaign.told_urgency = campaign.urgency;
  campaign.told_severity = campaign.severity, campaign.told_surge = campaign.surging,
  campaign.told = now;
  if (!silent_)
    out.push_back(render_alert(campaign, reason, now, {origin_, quality_, *directory_, rates_}));
}

void Campaigns::tick(EventTime front, std::vector<Revision>& out) {
  speak_for_changes(front, out);
  if (front >= next_sweep_) sweep(std::chrono::floor<std::chrono::minutes>(front), out);
  if (std::exchange(keys_changed_, false)) keys_at_tick_ = open_keys_;
}

void Campaigns::speak_for_changes(EventTime front, std::vector<Revision>& out) {
  std::ranges::sort(dirty_);
  dirty_.erase(std::unique(dirty_.begin(), dirty_.end()), dirty_.end());
  const auto dirty = std::exchange(dirty_, {});
  // As of when the tick would have come if the site were busy.
  const auto then = [&](const Campaign& campaign) {
    return std::min<EventTime>(front, std::chrono::floor<seconds>(campaign.changed) + seconds{1});
  };
  EventTime newest = EventTime::min();
  for (const CampaignId id : dirty)
    if (const auto found = campaigns_.find(id); found != campaigns_.end())
      newest = std::max(newest, then(*found->second));
  if (!dirty.empty()) merge_by_client(newest, out);
  for (const CampaignId id : dirty) {
    const auto found = campaigns_.find(id);
    if (found == campaigns_.end() || !found->second->open) continue;
    Campaign& campaign = *found->second;
    const EventTime now = then(campaign);
    judge(campaign, now);
    // New victims go out at once; the alert itself keeps to its own rhythm.
    speak_if_due(campaign, now, out);
    tell_accounts(campaign, out);
  }
}

// At a full minute: closes what is quiet, forgets what can no longer reopen.
void Campaigns::sweep(EventTime minute, std::vector<Revision>& out) {
  next_sweep_ = minute + std::chrono::minutes{1};
  std::vector<CampaignId> gone;
  std::size_t open = 0;
  for (auto& [id, campaign] : campaigns_) {
    if (campaign->open && minute - campaign->end > config_.quiet_after)
      close(*campaign, "quiet", quiet_since(*campaign), out);
    if (!campaign->open && minute - campaign->closed > config_.reopen_within) gone.push_back(id);
    open += campaign->open ? 1u : 0u;
  }
  for (const CampaignId id : gone) {
    const Campaign& campaign = *campaigns_[id];
    for (const CampaignKey& key : campaign.keys)
      ended_.push_back({key.entity, key.since, campaign.end,
                        campaign.merged_into != 0 ? campaign.merged_into : id});
    for (const std::uint64_t hash : owned_by(campaign)) key_owner_.erase(hash);
    campaigns_.erase(id);
    if (ended_.size() > kMaxEnded)
      ended_.erase(ended_.begin(), ended_.begin() + static_cast<std::ptrdiff_t>(kMaxEnded / 2));
  }
  close_forgotten(minute, out);
  for (; open > config_.max_open; --open) {
    Campaign* quietest = nullptr;
    for (auto& [id, campaign] : campaigns_)
      if (campaign->open && (quietest == nullptr || campaign->end < quietest->end))
        quietest = campaign.get();
    close(*quietest, "too_many_open", minute, out);
  }
}

// Counted from its last attempt, not from when that was noticed; but no later alert is followed by an earlier one.
EventTime Campaigns::quiet_since(const Campaign& campaign) const {
  return std::max(campaign.told, campaign.end + config_.quiet_after);
}

void Campaigns::close(Campaign& campaign, std::string_view reason, EventTime now,
                      std::vector<Revision>& out) {
  campaign.open = false, campaign.close_reason = reason, campaign.closed = now;
  for (const std::uint64_t hash : owned_by(campaign)) open_keys_.erase(hash);
  keys_changed_ = true;
  speak(campaign, RevisionReason::kClosed, now, out);
}

std::vector<Campaigns::Membership> Campaigns::memberships() const {
  std::vector<Membership> all = ended_;
  for (const auto& [id, campaign] : campaigns_) {
    for (const CampaignKey& key : campaign->keys)
      all.push_back({key.entity, key.since, campaign->end,
                     campaign->merged_into != 0 ? campaign->merged_into : id});
  }
  return all;
}

}  // namespace stuffwatch::detectors
