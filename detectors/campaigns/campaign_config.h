// When campaigns join, speak and end (campaigns.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "config/field_visitor.h"

namespace stuffwatch::detectors {

struct CampaignConfig {
  std::chrono::milliseconds join_within = std::chrono::hours{6};
  std::chrono::milliseconds quiet_after = std::chrono::hours{6};
  std::chrono::milliseconds reopen_within = std::chrono::hours{24};
  std::chrono::milliseconds max_age = std::chrono::days{7};
  std::chrono::milliseconds cool_down = std::chrono::minutes{5};
  std::uint32_t doubled_min = 100;
  std::uint32_t surge_min = 1000;
  std::uint32_t max_open = 10'000;
  std::uint32_t max_accounts = 100'000;

  void visit(config::FieldVisitor& v);
};

// What every alert says about its maker; constant for a run.
struct AlertOrigin {
  std::string site;
  std::string version, config_sha256, corpus_digest;
  std::string console_url;  // prefix of a campaign's page; empty = none
  std::size_t max_bytes = std::size_t{256} << 10;
};

// How much the daemon saw when a revision was made.
struct AlertQuality {
  bool partial = false;              // an input was left out of the merge, or records were lost
  std::vector<std::string> warming;  // detectors whose state is younger than their warm-up
  std::string corpus = "none";
};

}  // namespace stuffwatch::detectors
