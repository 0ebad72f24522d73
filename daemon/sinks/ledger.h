// The ledger: what is known of every campaign that was ever told, apart from detector state, which may be reset at any time.
// One file beside the outbox, replaced as a whole; the outbox's records after position() are applied on top at start.
//
// Threads: all members from any thread.
// Memory:  max_campaigns, and max_body_bytes for their last bodies; the oldest closed campaigns go first.
// Cost:    apply is a hash lookup and a copy; save writes everything (at most max_body_bytes and a little).
// Errors:  a damaged file is set aside as <file>.damaged and said; what the outbox still holds is learned again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/result.h"
#include "daemon/lock_guarded.h"
#include "daemon/sinks/notice.h"
#include "daemon/sinks/revision_record.h"
#include "detectors/campaigns/revision.h"

namespace stuffwatch::daemon::sinks {

// A campaign as of its last durable revision. `last.body` is empty when it was dropped to stay inside max_body_bytes.
struct LedgerCampaign {
  detectors::Revision last;
  detectors::EventTime opened{};  // event time of the first revision that was seen
  std::uint64_t sequence = 0;     // of the last revision, in the outbox
};

struct LedgerOptions {
  std::filesystem::path file;          // state.path/ledger
  std::size_t max_campaigns = 20'000;  // above campaign.max_open
  std::uint64_t max_body_bytes = std::uint64_t{32} << 20U;
  NoticeSink notice = [](NoticeLevel, const std::string&) {};
};

struct LedgerUsage {
  std::uint64_t campaigns = 0, open = 0, body_bytes = 0;
  std::uint64_t evicted_open = 0;  // open campaigns that had to go: max_campaigns is too small
};

class Ledger {
 public:
  explicit Ledger(LedgerOptions options) : options_(std::move(options)) {}

  // Reads the file, if there is one. Once, before anything else.
  [[nodiscard]] config::Result<void> load();
  // Outbox records, in order; those at or below position() are passed over. Only what is durable may be given: the ledger
  // must never know of a revision that a crash can take back.
  void apply(std::span<const Entry> entries);
  [[nodiscard]] config::Result<void> save();
  // Records with a sequence up to here are part of what was last saved: the outbox may drop them.
  [[nodiscard]] std::uint64_t saved_position() const;
  [[nodiscard]] std::uint64_t position() const;

  // Without bodies, the worst first: whoever shows only some of them shows those that matter.
  [[nodiscard]] std::vector<LedgerCampaign> campaigns() const;
  // By the beginning of its id; the error says when none or more than one begins so.
  [[nodiscard]] config::Result<LedgerCampaign> find(std::string_view id_prefix) const;
  // Not closed, with bodies, the oldest first: a campaign that the checkpoint does not know is adopted, so that it closes.
  [[nodiscard]] std::vector<LedgerCampaign> open_campaigns() const;
  [[nodiscard]] LedgerUsage usage() const;

 private:
  struct State {
    std::unordered_map<std::string, LedgerCampaign> campaigns;
    std::uint64_t position = 0;
    std::uint64_t body_bytes = 0;
    std::uint64_t evicted_open = 0;
  };

  void apply_one(State& state, const Entry& entry) const;
  void drop_bodies(State& state) const;
  void evict(State& state) const;
  [[nodiscard]] config::Result<State> parse(std::string_view bytes) const;
  [[nodiscard]] static std::string render(const State& state);

  LedgerOptions options_;
  LockGuarded<State> state_;
  LockGuarded<std::uint64_t> saved_;  // held while saving: one at a time
};

}  // namespace stuffwatch::daemon::sinks
