#include "detectors/campaigns/campaign_config.h"

namespace stuffwatch::detectors {

void CampaignConfig::visit(config::FieldVisitor& v) {
  using namespace std::chrono_literals;
  v.field("join_within", join_within, {1min, 48h},
          "Campaigns that share accounts, a network or a rare client within this time are one.");
  v.field("quiet_after", quiet_after, {1min, 7 * 24h},
          "A campaign closes when nothing of it was seen for this long, in event time.");
  v.field("reopen_within", reopen_within, {1min, 30 * 24h},
          "A closed campaign reopens when its source alarms again within this time.");
  v.field(
      "max_age", max_age, {1h, 90 * 24h},
      "A campaign that is attacked for longer closes as rolled_over and goes on under a new id.");
  v.field("cool_down", cool_down, {0s, 24h},
          "At least this long between two revisions that only say that a campaign has grown.");
  v.field("doubled_min", doubled_min, {1u, 1'000'000u},
          "A campaign that has doubled is told again only after this many new attempts.");
  v.field("surge_min", surge_min, {1u, 1'000'000'000u},
          "Attempts within an hour below which nothing is a surge.");
  v.field("max_open", max_open, {1u, 1'000'000u},
          "Open campaigns kept; the one longest quiet closes first.");
  v.field("max_accounts", max_accounts, {100u, 10'000'000u},
          "Attacked accounts remembered for each campaign; more are counted only.");
}

}  // namespace stuffwatch::detectors
