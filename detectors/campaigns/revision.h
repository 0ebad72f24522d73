// What leaves the detection core: one revision of a campaign (an alert), or of a compromised account. Always the full state, already rendered as the native
// JSON of contract; every other format is a pure function of `body`. The other members repeat what sinks filter and route by.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "detectors/event.h"

namespace stuffwatch::detectors {

enum class Feed : std::uint8_t { kAlerts, kAccounts };
enum class Severity : std::uint8_t { kInfo, kLow, kMedium, kHigh, kCritical };
enum class Urgency : std::uint8_t { kLog, kTicket, kPage };
enum class CampaignStatus : std::uint8_t { kOpen, kUpdated, kClosed };
enum class RevisionReason : std::uint8_t {
  kOpened,
  kFirstSuccess,
  kSeverity,
  kDoubled,
  kSurge,
  kChanged,
  kDaily,
  kMerged,
  kReopened,
  kClosed
};
enum class AttackKind : std::uint8_t {
  kCredentialStuffing,
  kPasswordSpraying,
  kPasswordGuessing,
  kAccountTakeover,
  kEnumeration,
  kOrderedAutomation,
  kOperational
};

struct Revision {
  Feed feed = Feed::kAlerts;
  std::string
      id;  // campaign id (16 hex digits), or "<campaign>/acct:<16 hex digits>" in the accounts feed
  std::uint32_t revision = 1;  // 1-based; consumers keep the highest
  EventTime time{};            // event time at which it was made
  EventTime end_time{};        // newest event of the campaign: what backfill is judged by
  Severity severity = Severity::kInfo;
  Urgency urgency = Urgency::kLog;
  CampaignStatus status = CampaignStatus::kOpen;
  RevisionReason reason = RevisionReason::kOpened;
  AttackKind attack = AttackKind::kCredentialStuffing;
  std::string tenant;  // empty = the site has none
  std::string
      primary;  // the first finding's key ("net:192.0.2.7/32"): by which a campaign met again in warm-up is recognised
  std::string summary;  // one sentence with the numbers
  std::string body;     // the native JSON object, one line, no newline
};

[[nodiscard]] std::string_view name_of(Severity severity);
[[nodiscard]] std::string_view name_of(Urgency urgency);
[[nodiscard]] std::string_view name_of(CampaignStatus status);
[[nodiscard]] std::string_view name_of(RevisionReason reason);
[[nodiscard]] std::string_view name_of(AttackKind attack);

}  // namespace stuffwatch::detectors
