// One simulated login attempt before it is written, and the streams that attempts come from.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <queue>
#include <vector>

#include "detectors/event.h"
#include "ingest/simulation/clients.h"
#include "ingest/simulation/names.h"
#include "ingest/simulation/networks.h"

namespace stuffwatch::ingest::simulation {

using detectors::EventTime;
using detectors::FailureReason;
using detectors::Mfa;
using detectors::Outcome;
using std::chrono::milliseconds;

enum class App : std::uint8_t { kWeb, kMobile };

struct Attempt {
  static constexpr std::uint16_t kBenign = 0xffff;

  EventTime time{};
  Address address;
  std::uint64_t device = 0;  // what the device id is made of
  PersonId person = 0;
  std::uint32_t misspelling = 0;  // 0 = the name is typed right, else which mistake
  ClientId client = 0;
  std::uint16_t campaign = kBenign;  // index in Plan::campaigns
  Outcome outcome = Outcome::kSuccess;
  FailureReason reason = FailureReason::kNone;
  Mfa mfa = Mfa::kNone;
  App app = App::kWeb;
};

// A source of attempts in time order, as long as it likes; it holds what it needs to go on and no
// more.
// Threads: none. Memory: bounded by what is open at one time, never by the length of the stream.
class AttemptStream {
 public:
  virtual ~AttemptStream() = default;
  [[nodiscard]] virtual std::optional<EventTime> next_time() = 0;  // nullopt: finished
  virtual Attempt take() = 0;                                      // pre-condition: next_time()
};

// Attempts that are already decided, earliest first; equal times in the order they were added, so
// that no library's heap shows.
class PendingAttempts {
 public:
  void add(const Attempt& attempt) { heap_.push({attempt, order_++}); }
  [[nodiscard]] std::optional<EventTime> next_time() const {
    return heap_.empty() ? std::nullopt : std::optional(heap_.top().attempt.time);
  }
  Attempt take() {
    const Attempt attempt = heap_.top().attempt;
    heap_.pop();
    return attempt;
  }

 private:
  struct Entry {
    Attempt attempt;
    std::uint64_t order;
    bool operator<(const Entry& other) const {
      return attempt.time != other.attempt.time ? attempt.time > other.attempt.time
                                                : order > other.order;
    }
  };
  std::priority_queue<Entry> heap_;
  std::uint64_t order_ = 0;
};

// Several streams as one; equal times in the order in which the streams were added.
class MergedStream final : public AttemptStream {
 public:
  void add(std::unique_ptr<AttemptStream> stream) { streams_.push_back(std::move(stream)); }
  [[nodiscard]] std::optional<EventTime> next_time() override;
  Attempt take() override { return streams_[first_]->take(); }

 private:
  std::vector<std::unique_ptr<AttemptStream>> streams_;
  std::size_t first_ = 0;
};

}  // namespace stuffwatch::ingest::simulation
