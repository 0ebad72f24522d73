#include "daemon/sinks/cloud_event.h"

#include <fmt/core.h>

#include "config/rfc3339.h"

namespace stuffwatch::daemon::sinks {
namespace {

// A URI reference: what RFC 3986 does not leave unreserved is percent-encoded.
std::string path_segment(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace

bool is_backfill(const detectors::Revision& revision, WallTime now,
                 std::chrono::milliseconds max_age) {
  return revision.end_time < now - max_age;
}

std::vector<Header> cloud_event_headers(const detectors::Revision& revision, std::string_view site,
                                        bool backfill) {
  const bool alert = revision.feed == detectors::Feed::kAlerts;
  std::vector<Header> headers{
      {"ce_specversion", "1.0"},
      {"ce_id", fmt::format("{}/{}", revision.id, revision.revision)},
      {"ce_type", alert ? "stuffwatch.alert" : "stuffwatch.account"},
      {"ce_source", "/stuffwatch/" + path_segment(site)},
      {"ce_subject", revision.id},
      {"ce_time", config::format_rfc3339(revision.time)},
      {"content-type", "application/json"},
  };
  if (backfill) headers.emplace_back("stuffwatch-backfill", "true");
  return headers;
}

std::string_view campaign_of(const detectors::Revision& revision) {
  return std::string_view(revision.id).substr(0, revision.id.find('/'));
}

}  // namespace stuffwatch::daemon::sinks
