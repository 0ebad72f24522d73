// What the ledger remembers, in the form in which campaigns recognise what an earlier life told.
#pragma once

#include <vector>

#include "daemon/sinks/ledger.h"
#include "detectors/campaigns/campaigns.h"

namespace stuffwatch::daemon::sinks {

// Every campaign of the ledger, the oldest first. One whose last body was dropped, or does not read, counts as closed.
[[nodiscard]] std::vector<detectors::ToldCampaign> told_campaigns(const Ledger& ledger);

}  // namespace stuffwatch::daemon::sinks
