// What travels beside a body: the CloudEvents 1.0 attributes, as headers of the Kafka binding's binary mode, and whether the
// revision is old news. Pure functions; delivery time stands here, never in the body.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/sinks/notice.h"
#include "detectors/campaigns/revision.h"

namespace stuffwatch::daemon::sinks {

using Header = std::pair<std::string, std::string>;

// The event that ended more than `max_age` before `now` is backfill: a catch-up after a stop, or an old log.
[[nodiscard]] bool is_backfill(const detectors::Revision& revision, WallTime now,
                               std::chrono::milliseconds max_age);

// ce_specversion, ce_id (<id>/<revision>), ce_type (stuffwatch.alert or stuffwatch.account), ce_source (/stuffwatch/<site>),
// ce_subject (id), ce_time, content-type, and `stuffwatch-backfill: true` where it is.
[[nodiscard]] std::vector<Header> cloud_event_headers(const detectors::Revision& revision,
                                                      std::string_view site, bool backfill);

// The part of an id before the slash: the campaign, in either feed.
[[nodiscard]] std::string_view campaign_of(const detectors::Revision& revision);

}  // namespace stuffwatch::daemon::sinks
