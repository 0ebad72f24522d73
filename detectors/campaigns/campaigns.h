// Findings become campaigns, campaigns become revisions (campaigns.md): joining, severity, urgency, lifecycle.
//
// Consumes one stream in the order of seq: findings of event s, then what s did on keys that have alarmed; ticks stand before the first event at or past them.
// Time: event time only. Threads: none; the sequencer owns it. Memory: bounded by campaign.max_open and max_accounts.
// Cost: O(1) an activity; a tick looks at every campaign that changed or is due.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/result.h"
#include "detectors/campaigns/account_names.h"
#include "detectors/campaigns/campaign.h"
#include "detectors/campaigns/campaign_config.h"
#include "detectors/detector.h"

namespace stuffwatch::detectors {

struct Activity {
  const LoginEvent* event = nullptr;
  Entity key;
};

// The last revision of a campaign that an earlier life of this process told. Of a closed one only id and revision matter.
struct ToldCampaign {
  CampaignId id = 0, continues = 0;
  std::uint32_t revision = 0;
  bool open = false;
  std::string tenant_name, primary;
  Entity key;  // what `primary` names
  AttackKind attack = AttackKind::kCredentialStuffing;
  Severity severity = Severity::kMedium;
  Urgency urgency = Urgency::kTicket;
  EventTime told{}, opened{}, start{}, end{};
  double odds = 1;
  CampaignCounts counts;
  std::vector<Factor> factors;
  ListShares lists{};
  // As its last alert listed them; the counts may be larger.
  TopCounts<SourceCount> sources;
  TopCounts<ClientCount> clients;
  std::vector<std::string> apps, sample_event_ids;
  std::vector<AccountKey> accounts;
  std::vector<CompromisedAccount> compromised;
};

class Campaigns {
 public:
  // `show_names`: privacy.account_names is `clear`.
  Campaigns(const CampaignConfig& config, AlertOrigin origin,
            std::vector<std::string> detector_names, bool show_names);

  // Before the first event, after load(): those that the state does not know are recognised when met again, else closed once they have been quiet.
  void know(std::vector<ToldCampaign> told);
  // Warm-up: campaigns live and count their revisions, but nothing is said, because it has been said before. Its end is in time for the next event.
  void set_silent(bool silent);
  void set_quality(AlertQuality quality) { quality_ = std::move(quality); }
  // What hits refer to from here on; between two events.
  void set_directory(std::shared_ptr<const ListDirectory> directory);

  void find(const Finding& finding, const LoginEvent* cause, std::vector<Revision>& out);
  // Victims, and a page because of them, are told at once; everything else at the next tick.
  void observe(const Activity& activity, std::vector<Revision>& out);
  // `front`: the second of event time that the merge has reached. Speaks for everything that changed since the last tick; once a minute of event time closes
  // what is quiet, as of when it was, so that what else happens at the site changes nothing.
  void tick(EventTime front, std::vector<Revision>& out);
  // Every event: tenants' names, in clear mode the names behind failed attempts, how common lists are, and from every 16th success how common clients are.
  void learn(const LoginEvent& event);

  // Feedback to the stranger filter: a success on one of these keys is not learned. As of the last tick, so that it does not depend on how events are
  // batched between ticks.
  [[nodiscard]] bool is_open_key(const Entity& key) const {
    return keys_at_tick_.contains(key.hash(0));
  }
  [[nodiscard]] bool any_open() const { return !keys_at_tick_.empty(); }
  [[nodiscard]] bool is_attacked(const LoginEvent& event) const;  // on any of its keys

  // Which events belong to which campaign, by key and time, under final ids: what --attributions joins with.
  struct Membership {
    Entity key;
    EventTime from{}, to{};
    CampaignId id = 0;
  };
  [[nodiscard]] std::vector<Membership> memberships() const;
  [[nodiscard]] std::uint64_t opened_total() const { return opened_total_; }
  [[nodiscard]] const std::map<CampaignId, std::unique_ptr<Campaign>>& all() const {
    return campaigns_;
  }

  void save(StateWriter& out) const;
  [[nodiscard]] config::Result<void> load(StateReader& in);

 private:
  Campaign& open_campaign(const Finding& finding);
  Campaign* campaign_of(const Finding& finding);
  void add_evidence(Campaign& campaign, const Finding& finding);
  struct Added {
    std::uint64_t attempts = 0, accounts = 0, successes = 0;
  };
  void add_account(Campaign& campaign, const Entity& key, const EvidenceAccount& account,
                   Added& added);
  void add_key(Campaign& campaign, const Entity& key, EventTime since);
  [[nodiscard]] std::vector<std::uint64_t> owned_by(const Campaign& campaign) const;
  void hand_over(const Campaign& from, Campaign& to, EventTime not_before);
  void add_attempt(Campaign& campaign, const LoginEvent& event);
  void add_compromised(Campaign& campaign, CompromisedAccount account);
  void speak_for_changes(EventTime front, std::vector<Revision>& out);
  void sweep(EventTime minute, std::vector<Revision>& out);
  void judge(Campaign& campaign, EventTime now);
  [[nodiscard]] static bool first_victim(const Campaign& campaign);
  void speak_if_due(Campaign& campaign, EventTime now, std::vector<Revision>& out);
  void speak(Campaign& campaign, RevisionReason reason, EventTime now, std::vector<Revision>& out);
  void tell_accounts(Campaign& campaign, std::vector<Revision>& out);
  [[nodiscard]] EventTime quiet_since(const Campaign& campaign) const;
  void close(Campaign& campaign, std::string_view reason, EventTime now,
             std::vector<Revision>& out);
  void merge(Campaign& older, Campaign& younger, EventTime now, std::vector<Revision>& out);
  void merge_by_client(EventTime now, std::vector<Revision>& out);
  [[nodiscard]] Campaign& roll_over(Campaign& campaign, EventTime now, std::vector<Revision>& out);
  void take_over(Campaign& fresh, const Finding& finding);
  void end_warm_up();
  void rename(CampaignId from, CampaignId to);
  void close_forgotten(EventTime minute, std::vector<Revision>& out);
  static void adopt(Campaign& campaign, const ToldCampaign& told);
  [[nodiscard]] static Campaign forgotten(ToldCampaign told);
  [[nodiscard]] std::vector<ToldCampaign>::iterator told_as(const Campaign& campaign);
  [[nodiscard]] std::string shown_name(AccountKey account, const EventText* text) const;

  CampaignConfig config_;
  AlertOrigin origin_;
  AlertQuality quality_;
  std::shared_ptr<const ListDirectory> directory_ = std::make_shared<const ListDirectory>();
  ListRates rates_;
  std::vector<std::string> detector_names_;
  std::map<CampaignId, std::unique_ptr<Campaign>>
      campaigns_;  // open ones, and those closed that may reopen; in id order
  boost::unordered_flat_map<std::uint64_t, CampaignId> key_owner_;  // hash of the entity
  boost::unordered_flat_set<std::uint64_t> open_keys_, keys_at_tick_;
  bool keys_changed_ = false;
  std::vector<CampaignId> dirty_;
  std::vector<Membership> ended_;  // of campaigns that are gone
  TopCounts<std::uint8_t> client_sample_;
  std::uint64_t sampled_ = 0, seen_ = 0, opened_total_ = 0;
  EventTime next_sweep_{};
  bool show_names_ = false, silent_ = false;
  AccountNames names_;  // clear mode only
  std::map<TenantId, std::string> tenants_;
  std::vector<ToldCampaign> told_;  // not met again yet; the ledger gives them anew at every start
};

// alert_json.cc
struct AlertContext {
  const AlertOrigin& origin;
  const AlertQuality& quality;
  const ListDirectory& directory;
  const ListRates& rates;
};
[[nodiscard]] Revision render_alert(const Campaign& campaign, RevisionReason reason, EventTime now,
                                    const AlertContext& context);
[[nodiscard]] Revision render_account(const Campaign& campaign, const CompromisedAccount& account,
                                      const AlertOrigin& origin);
[[nodiscard]] std::string to_hex(CampaignId id);

}  // namespace stuffwatch::detectors
