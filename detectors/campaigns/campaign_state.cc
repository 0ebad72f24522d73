// How campaigns are written to and read from checkpoints.
#include <algorithm>

#include "detectors/campaigns/campaigns.h"

namespace stuffwatch::detectors {
namespace {

using Set = boost::unordered_flat_set<std::uint64_t>;

void save_set(StateWriter& out, const Set& set) {
  std::vector<std::uint64_t> sorted(set.begin(), set.end());
  std::ranges::sort(sorted);
  out.put_all(std::span<const std::uint64_t>(sorted));
}
void load_set(StateReader& in, Set& set) {
  std::vector<std::uint64_t> sorted;
  in.get_all(sorted);
  set.clear(), set.insert(sorted.begin(), sorted.end());
}

// Calls `read` once for each of a counted run of things; a damaged count ends with the input.
template <class Read>
void load_list(StateReader& in, Read&& read) {
  for (auto count = in.get<std::uint64_t>(); count != 0 && !in.failed(); --count) read();
}
template <class List, class Write>
void save_list(StateWriter& out, const List& list, Write&& write) {
  out.put(std::uint64_t{list.size()});
  for (const auto& item : list) write(item);
}
void save_texts(StateWriter& out, const std::vector<std::string>& list) {
  save_list(out, list, [&](const std::string& s) { out.text(s); });
}
void load_texts(StateReader& in, std::vector<std::string>& list) {
  load_list(in, [&] { list.push_back(in.text()); });
}

// Member by member, because what stands between them in memory is anything: the same state has the same bytes.
void save_key(StateWriter& out, const CampaignKey& k) {
  out.put(k.entity.tenant), out.put(k.entity.value), out.put(k.entity.kind), out.put(k.entity.v4);
  out.put(k.since);
}
CampaignKey load_key(StateReader& in) {
  CampaignKey k;
  k.entity.tenant = in.get<TenantId>(), k.entity.value = in.get<std::uint64_t>();
  k.entity.kind = in.get<Entity::Kind>(), k.entity.v4 = in.get<bool>();
  k.since = in.get<EventTime>();
  return k;
}

using SourceEntry = TopCounts<SourceCount>::Entry;

void save_source(StateWriter& out, const SourceEntry& e) {
  const SourceCount& s = e.value;
  out.put(e.key), out.put(e.count), out.put(s.network), out.put(s.accounts), out.put(s.successes);
  out.put(s.as_number), out.put(s.country), out.put(s.network_class);
}
SourceEntry load_source(StateReader& in) {
  SourceEntry e;
  SourceCount& s = e.value;
  e.key = in.get<std::uint64_t>(), e.count = in.get<std::uint64_t>();
  s.network = in.get<Network>(), s.accounts = in.get<std::uint64_t>();
  s.successes = in.get<std::uint64_t>(), s.as_number = in.get<std::uint32_t>();
  s.country = in.get<std::array<char, 2>>(), s.network_class = in.get<NetworkClass>();
  return e;
}

void save_compromised(StateWriter& out, const CompromisedAccount& a) {
  out.put(a.account), out.put(a.time), out.put(a.event_seq), out.put(a.source_ip), out.put(a.tier),
      out.put(a.mfa_stopped), out.put(a.has_source);
  for (const std::string* s : {&a.name, &a.account_id, &a.session_id, &a.event_id, &a.app})
    out.text(*s);
}
CompromisedAccount load_compromised(StateReader& in) {
  CompromisedAccount a;
  a.account = in.get<AccountKey>(), a.time = in.get<EventTime>(),
  a.event_seq = in.get<std::uint64_t>(), a.source_ip = in.get<IpAddress>();
  a.tier = in.get<Tier>(), a.mfa_stopped = in.get<bool>(), a.has_source = in.get<bool>();
  for (std::string* s : {&a.name, &a.account_id, &a.session_id, &a.event_id, &a.app})
    *s = in.text();
  return a;
}

}  // namespace

void Campaign::save(StateWriter& out) const {
  out.put(id), out.put(continues), out.put(merged_into), out.text(tenant_name), out.put(tenant),
      out.text(primary);
  out.put(attack), out.put(severity), out.put(urgency), out.put(opened), out.put(start),
      out.put(end), out.put(closed), out.put(changed);
  out.put(open), out.put(surging), out.text(close_reason);
  save_list(out, keys, [&](const CampaignKey& k) { save_key(out, k); });
  save_list(out, factors, [&](const Factor& f) {
    for (const std::string_view s : {f.detector, f.statistic, f.null_model, f.window}) out.text(s);
    out.put(f.value), out.put(f.threshold);
  });
  out.put(odds), out.put(attempts), out.put(failures), out.put(successes), out.put(last_seq);
  for (const DistinctCounter* c : {&accounts, &sources, &networks, &as_numbers}) c->save(out);
  save_set(out, account_set), save_set(out, told_before);
  out.put_all(std::span<const AccountKey>(first_accounts));
  lists.save(out);
  save_list(out, top_sources.entries(), [&](const auto& e) { save_source(out, e); });
  save_list(out, top_clients.entries(), [&](const auto& e) {
    out.put(e.key), out.put(e.count), out.text(e.value.user_agent), out.text(e.value.ja4);
  });
  save_texts(out, apps), save_texts(out, sample_event_ids);
  save_list(out, compromised, [&](const CompromisedAccount& a) { save_compromised(out, a); });
  out.put(hourly), out.put(hour), out.put_all(std::span<const EventTime>(recent_successes));
  out.put(revision), out.put(told_attempts), out.put(told_compromised), out.put(told_severity),
      out.put(told), out.put(told_surge), out.put(floor), out.put(told_accounts),
      out.put(told_urgency);
}

void Campaign::load(StateReader& in) {
  id = in.get<CampaignId>(), continues = in.get<CampaignId>(), merged_into = in.get<CampaignId>(),
  tenant_name = in.text();
  tenant = in.get<TenantId>(), primary = in.text();
  attack = in.get<AttackKind>(), severity = in.get<Severity>(), urgency = in.get<Urgency>();
  opened = in.get<EventTime>(), start = in.get<EventTime>(), end = in.get<EventTime>(),
  closed = in.get<EventTime>(), changed = in.get<EventTime>();
  open = in.get<bool>(), surging = in.get<bool>(), close_reason = in.text();
  load_list(in, [&] { keys.push_back(load_key(in)); });
  load_list(in, [&] {
    Factor f;
    for (std::string_view* s : {&f.detector, &f.statistic, &f.null_model, &f.window})
      *s = interned(in.text());
    f.value = in.get<double>(), f.threshold = in.get<double>();
    factors.push_back(f);
  });
  odds = in.get<double>(), attempts = in.get<std::uint64_t>(), failures = in.get<std::uint64_t>(),
  successes = in.get<std::uint64_t>();
  last_seq = in.get<std::uint64_t>();
  for (DistinctCounter* c : {&accounts, &sources, &networks, &as_numbers}) c->load(in);
  load_set(in, account_set), load_set(in, told_before);
  in.get_all(first_accounts);
  lists.load(in);
  std::vector<SourceEntry> source_entries;
  load_list(in, [&] { source_entries.push_back(load_source(in)); });
  top_sources.restore(std::move(source_entries));
  std::vector<TopCounts<ClientCount>::Entry> client_entries;
  load_list(in, [&] {
    TopCounts<ClientCount>::Entry e;
    e.key = in.get<std::uint64_t>(), e.count = in.get<std::uint64_t>(),
    e.value.user_agent = in.text(), e.value.ja4 = in.text();
    client_entries.push_back(std::move(e));
  });
  top_clients.restore(std::move(client_entries));
  load_texts(in, apps), load_texts(in, sample_event_ids);
  load_list(in, [&] {
    compromised.push_back(load_compromised(in));
    compromised_set.insert(value_of(compromised.back().account));
  });
  hourly = in.get<std::array<std::uint32_t, 24>>(), hour = in.get<std::int64_t>();
  in.get_all(recent_successes);
  revision = in.get<std::uint32_t>(), told_attempts = in.get<std::uint64_t>(),
  told_compromised = in.get<std::uint64_t>();
  told_severity = in.get<Severity>(), told = in.get<EventTime>(), told_surge = in.get<bool>(),
  floor = in.get<CampaignCounts>(), told_accounts = in.get<std::uint64_t>(),
  told_urgency = in.get<Urgency>();
}

void Campaigns::save(StateWriter& out) const {
  save_list(out, campaigns_, [&](const auto& entry) { entry.second->save(out); });
  std::vector<std::pair<std::uint64_t, CampaignId>> owners(key_owner_.begin(), key_owner_.end());
  std::ranges::sort(owners);
  save_list(out, owners, [&](const auto& owner) { out.put(owner.first), out.put(owner.second); });
  save_set(out, open_keys_), save_set(out, keys_at_tick_), out.put(keys_changed_);
  out.put_all(std::span<const CampaignId>(dirty_));
  save_list(out, client_sample_.entries(),
            [&](const auto& e) { out.put(e.key), out.put(e.count); });
  out.put(sampled_), out.put(seen_), out.put(opened_total_), out.put(next_sweep_);
  save_list(out, tenants_,
            [&](const auto& tenant) { out.put(tenant.first), out.text(tenant.second); });
  names_.save(out);
  rates_.save(out);
}

config::Result<void> Campaigns::load(StateReader& in) {
  load_list(in, [&] {
    auto campaign = std::make_unique<Campaign>();
    campaign->load(in);
    const CampaignId id = campaign->id;
    campaigns_[id] = std::move(campaign);
  });
  load_list(in, [&] {
    const auto key = in.get<std::uint64_t>();
    key_owner_[key] = in.get<CampaignId>();
  });
  load_set(in, open_keys_), load_set(in, keys_at_tick_), keys_changed_ = in.get<bool>();
  in.get_all(dirty_);
  std::vector<TopCounts<std::uint8_t>::Entry> sample;
  load_list(in, [&] {
    const auto key = in.get<std::uint64_t>();
    sample.push_back({key, in.get<std::uint64_t>(), {}});
  });
  client_sample_.restore(std::move(sample));
  sampled_ = in.get<std::uint64_t>(), seen_ = in.get<std::uint64_t>(),
  opened_total_ = in.get<std::uint64_t>(), next_sweep_ = in.get<EventTime>();
  load_list(in, [&] {
    const auto tenant = in.get<TenantId>();
    tenants_[tenant] = in.text();
  });
  AccountNames names;
  names.load(in);
  if (show_names_) names_ = std::move(names);  // written in clear mode, read in another: dropped
  rates_.load(in);
  rates_.use(*directory_);
  return in.finish("campaigns");
}

}  // namespace stuffwatch::detectors
