// How many of the accounts of a dump are the site's own: open, closed, attacked lately, to be checked.
//
// The register says who is; files of alerts and account records that the daemon has written say the rest.
// Threads: none. Memory: the register, and 8 bytes an attacked account. Cost: of add() 80 ns.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "config/result.h"
#include "config/rfc3339.h"
#include "corpus/account_register.h"

namespace stuffwatch::daemon {

struct SiteCounts {
  std::uint64_t in_dump = 0, active = 0, closed = 0;  // of the register; active: open
  bool has_alerts = false;                            // whether the rest is known
  bool at_least = false;                              // an alert named only some of its accounts
  std::uint64_t attacked = 0;                         // in the last kLately, by the alerts
  std::uint64_t compromised = 0;  // by the account records of that time, in whatever tier
};

class SiteCounter {
 public:
  static constexpr std::chrono::days kLately{30};

  // Errors: those of the register; a file of alerts that cannot be read, or has a line that is none, with the line.
  [[nodiscard]] static config::Result<SiteCounter> open(const std::filesystem::path& accounts,
                                                        std::uint64_t key_check,
                                                        const std::vector<std::string>& alerts,
                                                        config::TimeMs now);
  // Each account of the dump once.
  void add(corpus::AccountKey account);
  [[nodiscard]] const SiteCounts& counts() const { return counts_; }

 private:
  explicit SiteCounter(corpus::AccountRegister accounts) : accounts_(std::move(accounts)) {}
  [[nodiscard]] config::Result<void> read(const std::string& file, config::TimeMs since);

  corpus::AccountRegister accounts_;
  boost::unordered_flat_set<std::uint64_t> attacked_, compromised_;
  SiteCounts counts_;
};

}  // namespace stuffwatch::daemon
