#include "daemon/commands/attribution_log.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <string>
#include <vector>

#include "detectors/campaigns/json_writer.h"

namespace stuffwatch::daemon {

using detectors::CampaignId;
using detectors::Campaigns;
using detectors::Entity;
using detectors::LoginEvent;

namespace {

struct Row {
  std::uint64_t seq, address, prefix, account;  // hashes of the entities
  std::int64_t time_ms;
  std::uint32_t event_id_bytes;
  bool success;
};

CampaignId final_id(const Campaigns& campaigns, CampaignId id) {
  for (int hops = 0; hops < 1000; ++hops) {
    const auto found = campaigns.all().find(id);
    if (found == campaigns.all().end() || found->second->merged_into == 0) return id;
    id = found->second->merged_into;
  }
  return id;
}

}  // namespace

void AttributionLog::add(std::span<LoginEvent* const> events) {
  if (file_ == nullptr) file_.reset(std::tmpfile());
  if (file_ == nullptr) return;
  for (const LoginEvent* e : events) {
    if (!e->stranger) continue;
    if (e->outcome == detectors::Outcome::kFailure && !is_credential_failure(*e) &&
        e->reason != detectors::FailureReason::kMfaFailed)
      continue;
    const std::string_view id = e->text->event_id;
    const Row row{e->seq,
                  Entity::address(e->tenant, e->source_ip).hash(0),
                  Entity::prefix(e->tenant, e->source_ip).hash(0),
                  Entity::account(e->tenant, e->account).hash(0),
                  e->time.time_since_epoch().count(),
                  static_cast<std::uint32_t>(id.size()),
                  e->outcome == detectors::Outcome::kSuccess};
    std::fwrite(&row, sizeof row, 1, file_.get());
    std::fwrite(id.data(), 1, id.size(), file_.get());
  }
}

void AttributionLog::write(const Campaigns& campaigns,
                           const std::function<void(std::string_view)>& line) {
  boost::unordered_flat_map<std::uint64_t, std::vector<Campaigns::Membership>> by_key;
  for (Campaigns::Membership m : campaigns.memberships()) {
    m.id = final_id(campaigns, m.id);
    by_key[m.key.hash(0)].push_back(m);
  }
  if (file_ == nullptr) return;
  if (std::fseek(file_.get(), 0, SEEK_SET) != 0) return;
  Row row;
  std::string id, text;
  while (std::fread(&row, sizeof row, 1, file_.get()) == 1) {
    id.resize(row.event_id_bytes);
    if (std::fread(id.data(), 1, id.size(), file_.get()) != id.size()) return;
    const Campaigns::Membership* found = nullptr;
    for (const std::uint64_t key : {row.address, row.prefix, row.account}) {
      const auto list = by_key.find(key);
      if (found != nullptr || list == by_key.end()) continue;
      for (const auto& m : list->second)
        if (m.from.time_since_epoch().count() <= row.time_ms &&
            row.time_ms <= m.to.time_since_epoch().count())
          found = &m;
    }
    if (found == nullptr) continue;
    text.clear();
    detectors::JsonWriter w(text);
    w.open_object()
        .member("event_id", id)
        .member("seq", row.seq)
        .member("id", detectors::to_hex(found->id));
    w.member("role", row.success ? "success" : "attempt").close_object();
    line(text);
  }
}

}  // namespace stuffwatch::daemon
