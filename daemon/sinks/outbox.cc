#include "daemon/sinks/outbox.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

namespace stuffwatch::daemon::sinks {
namespace {

using config::Error;
using config::failed;
using config::Result;
using detectors::Feed;
using detectors::Revision;
using namespace std::chrono_literals;

constexpr auto kMaintainEvery = 10s;
constexpr auto kFirstRetry = 100ms;
constexpr std::chrono::milliseconds kSlowestRetry = 5s;

std::uint64_t key_of(Feed feed, std::string_view id) {
  return XXH3_64bits_withSeed(id.data(), id.size(), std::to_underlying(feed));
}

WallTime system_now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace

Result<std::unique_ptr<Outbox>> Outbox::open(OutboxOptions options) {
  if (!options.clock) options.clock = system_now;
  std::unique_ptr<Outbox> outbox(new Outbox(std::move(options)));
  const OutboxOptions& chosen = outbox->options_;
  auto log = OutboxLog::open({chosen.folder, chosen.segment_bytes, chosen.notice},
                             [&](Entry&& entry) { outbox->remember(entry); });
  if (!log) return std::unexpected(log.error());
  outbox->log_.emplace(std::move(*log));
  outbox->segments_ = outbox->log_->segments();
  outbox->durable_ = outbox->log_->last();
  outbox->next_ = outbox->durable_ + 1;
  outbox->counts_.damaged_bytes = outbox->log_->damaged_bytes();
  outbox->writer_ =
      std::jthread([raw = outbox.get()](const std::stop_token& stop) { raw->run(stop); });
  return outbox;
}

Outbox::~Outbox() { stop(); }

// With mutex_ held, or before there are threads.
void Outbox::remember(const Entry& entry) {
  const Revision& revision = entry.revision;
  Known& known = known_[key_of(revision.feed, revision.id)];
  known.sequence = entry.sequence;
  known.revision = std::max(known.revision, revision.revision);
  known.droppable =
      revision.feed == Feed::kAccounts || revision.status == detectors::CampaignStatus::kClosed;
  if (known_.size() > options_.max_known) forget_some();
}

// The eighth that was said longest ago, closed and accounts first.
void Outbox::forget_some() {
  std::vector<std::pair<bool, std::uint64_t>> ages;  // (kept longer, sequence)
  ages.reserve(known_.size());
  for (const auto& [key, known] : known_) ages.emplace_back(!known.droppable, known.sequence);
  const auto cut = ages.begin() + static_cast<std::ptrdiff_t>(ages.size() / 8);
  std::ranges::nth_element(ages, cut);
  std::erase_if(known_, [limit = *cut](const auto& item) {
    return std::pair(!item.second.droppable, item.second.sequence) < limit;
  });
}

void Outbox::forget_below(std::uint64_t sequence) {
  std::erase_if(known_, [sequence](const auto& item) {
    return item.second.droppable && item.second.sequence < sequence;
  });
}

Result<std::uint64_t> Outbox::append(std::span<const Revision> revisions) {
  const WallTime now = options_.clock();
  const std::scoped_lock lock(mutex_);
  if (stopped_) return failed("the outbox is stopped");
  if (pending_.bytes.size() >= options_.max_pending)
    return failed("the outbox cannot be written ({}) and {} bytes wait for it: free the disk of {}",
                  counts_.problem.empty() ? "the disk is slow" : counts_.problem,
                  pending_.bytes.size(), options_.folder.native());
  for (const Revision& revision : revisions) {
    const auto known = known_.find(key_of(revision.feed, revision.id));
    if (known != known_.end() && revision.revision <= known->second.revision) {
      ++counts_.recomputed;
      continue;
    }
    Entry entry{.sequence = next_, .appended = now, .revision = revision};
    if (!append_record(pending_.bytes, entry)) {
      ++counts_.oversized_records;
      options_.notice(
          NoticeLevel::kError,
          fmt::format("{}/{} is larger than {} bytes and was not kept: lower alerts.max_bytes",
                      revision.id, revision.revision, kMaxRecordBytes));
      continue;
    }
    ++next_;
    remember(entry);
    pending_.entries.push_back(std::move(entry));
  }
  changed_.notify_all();
  return next_ - 1;
}

std::uint64_t Outbox::appended() const {
  const std::scoped_lock lock(mutex_);
  return next_ - 1;
}

std::uint64_t Outbox::durable() const {
  const std::scoped_lock lock(mutex_);
  return durable_;
}

Result<void> Outbox::wait_durable(std::uint64_t sequence, std::chrono::milliseconds patience,
                                  const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, stop, patience, [&] { return durable_ >= sequence; })) return {};
  return failed("{} revisions are not on the disk yet: {}", sequence - durable_,
                counts_.problem.empty() ? "the disk is slow" : counts_.problem);
}

bool Outbox::wait_beyond(std::uint64_t sequence, std::chrono::milliseconds patience,
                         const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, stop, patience, [&] { return durable_ > sequence; });
}

std::optional<std::uint32_t> Outbox::last_revision(Feed feed, std::string_view id) const {
  const std::scoped_lock lock(mutex_);
  const auto known = known_.find(key_of(feed, id));
  return known == known_.end() ? std::nullopt : std::optional(known->second.revision);
}

void Outbox::seed(Feed feed, std::string_view id, std::uint32_t revision) {
  const std::scoped_lock lock(mutex_);
  Known& known = known_[key_of(feed, id)];
  known.revision = std::max(known.revision, revision);
}

std::unique_ptr<OutboxReader> Outbox::attach(std::string name, std::uint64_t cursor) {
  auto reader = std::make_unique<OutboxReader>(*this, std::move(name), cursor);
  const std::scoped_lock lock(mutex_);
  std::erase_if(seats_, [&](const Seat& seat) { return seat.name == reader->name(); });
  seats_.push_back({reader->name(), reader.get(), cursor});
  if (cursor >= next_) {
    options_.notice(
        NoticeLevel::kError,
        fmt::format(
            "sink {} has taken records up to {} but the outbox ends at {}: its end was lost, the "
            "numbers go on after the sink's",
            reader->name(), cursor, next_ - 1));
    next_ = cursor + 1;
    skipped_ahead_ = true;
  }
  return reader;
}

void Outbox::detach(const OutboxReader* reader) {
  const std::scoped_lock lock(mutex_);
  for (Seat& seat : seats_)
    if (seat.reader == reader) seat = {seat.name, nullptr, reader->cursor()};
}

void Outbox::release(std::string_view name) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(seats_, [name](const Seat& seat) { return seat.name == name; });
}

void Outbox::all_attached() {
  const std::scoped_lock lock(mutex_);
  all_attached_ = true;
}

void Outbox::report_damage(const std::string& name, std::uint64_t bytes) {
  options_.notice(
      NoticeLevel::kError,
      fmt::format(
          "sink {}: {} damaged bytes of the outbox were stepped over; what they held was not "
          "delivered. Check the disk.",
          name, bytes));
  const std::scoped_lock lock(mutex_);
  counts_.damaged_bytes += bytes;
}

std::optional<Segment> Outbox::locate(std::uint64_t after) const {
  const std::scoped_lock lock(mutex_);
  const auto found = std::ranges::upper_bound(segments_, after, {},
                                              [](const Segment& segment) { return segment.last; });
  return found == segments_.end() ? std::nullopt : std::optional(*found);
}

// Group commit: whatever came in while the last group was being synced is the next one.
void Outbox::run(const std::stop_token& stop) {
  std::chrono::milliseconds retry = kFirstRetry;
  bool well = true;
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (well) {
        changed_.wait_for(lock, stop, kMaintainEvery, [&] { return !pending_.entries.empty(); });
      } else {
        changed_.wait_for(lock, stop, retry, [] { return false; });
      }
    }
    well = write_pending();
    retry = well ? kFirstRetry : std::min(retry * 2, kSlowestRetry);
    if (well) maintain();
  }
  [[maybe_unused]] const bool last_try = write_pending();
}

bool Outbox::write_pending() {
  const std::scoped_lock disk(disk_mutex_);
  Pending group;
  bool new_segment;
  {
    const std::scoped_lock lock(mutex_);
    group = std::exchange(pending_, {});
    new_segment = std::exchange(skipped_ahead_, false);
  }
  if (new_segment) log_->close_segment();
  if (group.entries.empty()) return true;
  const auto appended = log_->append({.bytes = group.bytes,
                                      .first = group.entries.front().sequence,
                                      .last = group.entries.back().sequence,
                                      .records = group.entries.size(),
                                      .newest = group.entries.back().appended});
  if (!appended) {
    write_failed(std::move(group), appended.error());
    return false;
  }
  written(group);
  return true;
}

void Outbox::written(const Pending& group) {
  options_.on_durable(group.entries);
  bool recovered;
  {
    const std::scoped_lock lock(mutex_);
    segments_ = log_->segments();
    durable_ = group.entries.back().sequence;
    recovered = !std::exchange(counts_.problem, {}).empty();
  }
  changed_.notify_all();
  if (recovered) options_.notice(NoticeLevel::kInfo, "the outbox can be written again");
}

// What could not be written goes back in front of what came meanwhile.
void Outbox::write_failed(Pending group, const Error& error) {
  bool first;
  {
    const std::scoped_lock lock(mutex_);
    group.bytes += pending_.bytes;
    std::ranges::move(pending_.entries, std::back_inserter(group.entries));
    pending_ = std::move(group);
    ++counts_.failed_writes;
    first = counts_.problem.empty();
    counts_.problem = error.message;
  }
  if (first)
    options_.notice(
        NoticeLevel::kError,
        fmt::format("{}; alerts wait in memory until the outbox can be written", error.message));
}

// With mutex_ held. Without any sink nothing is delivered.
std::uint64_t Outbox::slowest() const {
  std::uint64_t cursor = seats_.empty() ? 0 : durable_;
  for (const Seat& seat : seats_)
    cursor = std::min(cursor, seat.reader ? seat.reader->cursor() : seat.cursor);
  return cursor;
}

// How many of the oldest segments go: delivered ones past max_age, any past max_bytes. With both mutexes held.
std::size_t Outbox::over_caps(std::uint64_t delivered) const {
  const auto& segments = log_->segments();
  std::uint64_t bytes = 0;
  for (const Segment& segment : segments) bytes += segment.bytes;
  const WallTime oldest_kept = options_.clock() - options_.max_age;
  std::size_t count = 0;
  for (; count + 1 < segments.size(); ++count) {
    const Segment& segment = segments[count];
    const bool aged = segment.last <= delivered && segment.newest < oldest_kept;
    if (!aged && bytes <= options_.max_bytes) break;
    bytes -= segment.bytes;
  }
  return count;
}

// With both mutexes held.
void Outbox::count_dropped(std::size_t segments, std::uint64_t delivered) {
  std::uint64_t lost = 0;
  for (std::size_t i = 0; i < segments; ++i) {
    const Segment& segment = log_->segments()[i];
    if (segment.last > delivered)
      lost += std::min(segment.records, segment.last - std::max(delivered, segment.first - 1));
  }
  if (lost == 0) return;
  counts_.dropped_records += lost;
  options_.notice(
      NoticeLevel::kError,
      fmt::format(
          "the outbox is over its cap of {} bytes: {} revisions that a sink has not taken were "
          "dropped. Mend the sink or raise outbox.max_bytes.",
          options_.max_bytes, lost));
}

void Outbox::maintain() {
  const std::scoped_lock disk(disk_mutex_);
  std::size_t count;
  bool forced;
  {
    const std::scoped_lock lock(mutex_);
    if (!all_attached_) return;
    count = over_caps(slowest());
    std::uint64_t bytes = 0;
    for (const Segment& segment : log_->segments()) bytes += segment.bytes;
    forced = bytes > options_.max_bytes;
  }
  if (count == 0) return;
  if (const auto ready = options_.before_trim(); !ready) {
    options_.notice(NoticeLevel::kError, ready.error().message);
    if (!forced) return;
  }
  const std::scoped_lock lock(mutex_);
  count_dropped(count, slowest());
  if (const auto dropped = log_->drop_oldest(count); !dropped)
    options_.notice(NoticeLevel::kError, dropped.error().message);
  segments_ = log_->segments();
  if (!segments_.empty()) forget_below(segments_.front().first);
}

OutboxUsage Outbox::usage() const {
  const WallTime now = options_.clock();
  const std::scoped_lock lock(mutex_);
  OutboxUsage usage = counts_;
  const std::uint64_t delivered = slowest();
  for (const Segment& segment : segments_) {
    usage.bytes += segment.bytes, usage.records += segment.records;
    if (segment.last <= delivered || segment.records == 0) continue;
    const std::uint64_t span = segment.last - segment.first + 1;
    const std::uint64_t open = segment.last - std::max(delivered, segment.first - 1);
    usage.undelivered_bytes += segment.bytes * open / span;
  }
  usage.segments = segments_.size();
  usage.max_bytes = options_.max_bytes;
  usage.share_of_cap = static_cast<double>(usage.undelivered_bytes) /
                       static_cast<double>(std::max<std::uint64_t>(options_.max_bytes, 1));
  for (const Seat& seat : seats_) {
    if (!seat.reader || seat.reader->cursor() >= durable_) continue;
    if (const WallTime since = seat.reader->waiting_since(); since != WallTime{})
      usage.oldest_undelivered_age = std::max(usage.oldest_undelivered_age, now - since);
  }
  usage.appended = next_ - 1;
  usage.durable = durable_;
  return usage;
}

void Outbox::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
  }
  writer_.request_stop();
  if (writer_.joinable()) writer_.join();
}

}  // namespace stuffwatch::daemon::sinks
