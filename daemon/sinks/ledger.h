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
#include <optional>
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

// What people did about a compromised account; open when nothing is said.
enum class AccountState : std::uint8_t { kOpen, kContained, kCleared };

struct LedgerOptions {
  std::filesystem::path file;          // state.path/ledger
  std::size_t max_campaigns = 20'000;  // above campaign.max_open
  std::uint64_t max_body_bytes = std::uint64_t{32} << 20U;
  std::size_t max_account_states = 100'000;
  NoticeSink notice = [](NoticeLevel, const std::string&) {};
};

struct LedgerUsage {
  std::uint64_t campaigns = 0, open = 0, body_bytes = 0, account_states = 0;
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

  // Without bodies, the newest first.
  [[nodiscard]] std::vector<LedgerCampaign> campaigns() const;
  // By the beginning of its id; the error says when none or more than one begins so.
  [[nodiscard]] config::Result<LedgerCampaign> find(std::string_view id_prefix) const;
  // Not closed, with bodies, the oldest first: a campaign that the checkpoint does not know is adopted, so that it closes.
  [[nodiscard]] std::vector<LedgerCampaign> open_campaigns() const;
  // The open campaign that a warm-up meets again; the newest when there are several.
  [[nodiscard]] std::optional<LedgerCampaign> open_by(std::string_view tenant,
                                                      detectors::AttackKind attack,
                                                      std::string_view primary) const;

  // By the accounts feed's id. Saved at once; on an error nothing has changed.
  [[nodiscard]] config::Result<void> set_account_state(std::string_view id, AccountState state);
  [[nodiscard]] AccountState account_state(std::string_view id) const;
  [[nodiscard]] LedgerUsage usage() const;

 private:
  struct State {
    std::unordered_map<std::string, LedgerCampaign> campaigns;
    std::unordered_map<std::string, AccountState> account_states;  // without kOpen
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
