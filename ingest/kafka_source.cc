#include "ingest/kafka_source.h"

#include <algorithm>
#include <map>
#include <set>

#include "ingest/kafka_lookup.h"
#include "ingest/kafka_membership.h"
#include "ingest/kafka_partition.h"

namespace stuffwatch::ingest {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kCommitWaitMs = 3000;

enum class Stage : std::uint8_t {
  kOpening,  // where to start is being asked
  kOffered,  // reported as kAssigned; starts with the next service()
  kRunning,
  kMissing,  // its offset is not in the topic
  kMoving,   // where to go on is being asked
  kRevoked,  // reported as kRevoked or kLost; waits for release()
};

struct Input {
  KafkaPlace place;
  KafkaPartition partition;
  Stage stage = Stage::kOpening;
  KafkaLink link = KafkaLink::kUnknown;
  std::int64_t committed = -1;
  std::int64_t start = -1;
  bool sought = false;
  bool lost = false;  // somebody else may have it: nothing is committed for it any more
  std::uint64_t gap = 0;

  [[nodiscard]] std::string name() const {
    return fmt::format("{}[{}]", place.topic, place.partition);
  }
  [[nodiscard]] bool held() const { return stage != Stage::kOpening && stage != Stage::kRevoked; }
};

}  // namespace

class KafkaSource::Impl {
 public:
  Impl(KafkaPosition start, std::vector<KafkaTopic> topics, KafkaSourceOptions options,
       std::unique_ptr<KafkaMembership> membership)
      : start_(start), options_(std::move(options)), membership_(std::move(membership)) {
    for (KafkaTopic& topic : topics) declared_.emplace(std::move(topic.topic), topic.declared);
  }

  std::vector<InputChange> service();
  ReadStatus read(InputId id, RawChunk& out);
  config::Result<void> seek(InputId id, std::int64_t offset);
  std::vector<InputStatus> status() const;
  void commit(InputId id, std::int64_t next_offset);
  void release(InputId id);
  void close();
  std::string problem() const;
  const Input* find(InputId id) const {
    const auto found = inputs_.find(id);
    return found == inputs_.end() ? nullptr : &found->second;
  }
  bool standby() const { return membership_->standby(); }
  bool complete() const { return inputs_.size() >= membership_->partitions(); }
  std::uint64_t gap() const { return gap_; }

 private:
  InputId id_of(const KafkaPlace& place) const {
    return {declared_.at(place.topic), static_cast<std::uint32_t>(place.partition)};
  }
  void open_inputs(const std::vector<KafkaPlace>& places);
  void finish_opening(std::vector<InputChange>& changes);
  void start_offered();
  void assign_all();
  void revoke(const std::vector<KafkaPlace>& places, bool lost, std::vector<InputChange>& changes);
  void find_missing();
  void finish_moving();
  void note_links(const KafkaNews& news);
  void drive(KafkaLookup& lookup, const KafkaNews& news, Clock::time_point now);
  void send_commits();
  void commit_and_wait(const std::map<KafkaPlace, std::int64_t>& offsets);
  void count_gap(Input& input, std::int64_t from, std::int64_t to, std::string_view why);
  void log(KafkaLogLevel level, std::string_view text) const {
    if (options_.log) options_.log(level, text);
  }

  KafkaPosition start_;
  KafkaSourceOptions options_;
  std::map<std::string, std::uint32_t> declared_;
  std::unique_ptr<KafkaMembership> membership_;
  std::map<InputId, Input> inputs_;  // their queues go before the membership's client: close()
  KafkaLookup opening_, moving_;
  std::size_t q_committed_ = 0, q_latest_ = 0, q_start_ = 0, q_earliest_ = 0, q_resume_ = 0,
              q_end_ = 0;
  std::map<KafkaPlace, std::int64_t> to_commit_;
  std::map<KafkaPlace, std::int64_t> sent_commits_;  // the newest sent, kept in case it fails
  Clock::time_point commit_not_before_{};
  std::uint64_t gap_ = 0;
};

std::vector<InputChange> KafkaSource::Impl::service() {
  const Clock::time_point now = Clock::now();
  std::vector<InputChange> changes;
  start_offered();  // whoever wanted to seek has done so since the last service()
  KafkaNews news = membership_->service(now);
  for (const KafkaPlace& place : news.uncommitted) {
    if (const auto sent = sent_commits_.find(place); sent != sent_commits_.end())
      to_commit_.insert(*sent);
    commit_not_before_ = now + std::chrono::seconds(2);
  }
  if (news.revoked) revoke(*news.revoked, news.lost, changes);
  if (news.granted) open_inputs(*news.granted);
  note_links(news);
  drive(opening_, news, now);
  if (!opening_.places().empty() && opening_.done()) finish_opening(changes);
  if (moving_.places().empty()) find_missing();
  drive(moving_, news, now);
  if (!moving_.places().empty() && moving_.done()) finish_moving();
  if (now >= commit_not_before_) send_commits();
  return changes;
}

void KafkaSource::Impl::drive(KafkaLookup& lookup, const KafkaNews& news, Clock::time_point now) {
  for (const KafkaOffsetsAnswer& answer : news.offsets) lookup.on_answer(answer, now);
  if (KafkaAdmin* admin = membership_->admin(); admin != nullptr) lookup.drive(*admin, now);
}

// The partitions' queues are taken out of the consumer queue here, before anything is assigned. The
// end is asked for first: a record that arrives in between is then after the start, never before
// it.
void KafkaSource::Impl::open_inputs(const std::vector<KafkaPlace>& places) {
  for (const KafkaPlace& place : places) {
    const InputId id = id_of(place);
    inputs_.erase(id);
    inputs_.emplace(
        id, Input{place, KafkaPartition(*membership_->client(), place.topic, place.partition, id)});
  }
  KafkaPosition start = start_;
  if (start.kind == KafkaPosition::Kind::kAgo && options_.max_rewind.count() > 0)
    start.ago = std::min(start.ago, options_.max_rewind);
  opening_ = KafkaLookup({places.begin(), places.end()});
  q_latest_ = opening_.ask_offsets(KafkaPosition{KafkaPosition::Kind::kLatest, {}, {}}.query({}));
  q_committed_ = opening_.ask_committed();
  q_start_ = opening_.ask_offsets(start.query(options_.now ? options_.now() : config::TimeMs{}));
}

void KafkaSource::Impl::finish_opening(std::vector<InputChange>& changes) {
  for (const KafkaPlace& place : opening_.places()) {
    const InputId id = id_of(place);
    const auto found = inputs_.find(id);
    if (found == inputs_.end() || found->second.stage != Stage::kOpening) continue;
    Input& input = found->second;
    input.committed = opening_.offset(q_committed_, place);
    input.start = opening_.offset(q_start_, place);
    if (input.start < 0)
      input.start = opening_.offset(q_latest_, place);  // nothing is as new as that
    // What the group has not dealt with is never skipped, but when a time was given to do just
    // that.
    if (input.committed >= 0 && start_.kind != KafkaPosition::Kind::kTime)
      input.start = std::min(input.start, input.committed);
    input.stage = Stage::kOffered;
    changes.push_back({InputChange::Kind::kAssigned, id});
  }
  opening_ = {};
}

void KafkaSource::Impl::start_offered() {
  bool any = false;
  for (auto& [id, input] : inputs_) {
    if (input.stage != Stage::kOffered) continue;
    if (!input.sought && input.committed >= 0 && input.start > input.committed)
      count_gap(input, input.committed, input.start, "older than kafka.start");
    input.partition.assigned_at(input.start);
    input.stage = Stage::kRunning;
    any = true;
  }
  if (any) assign_all();
}

// Everything that runs, each from where it stands. The library cannot restart a single partition
// that it stopped.
void KafkaSource::Impl::assign_all() {
  std::map<KafkaPlace, std::int64_t> starts;
  for (auto& [id, input] : inputs_) {
    if (input.stage != Stage::kRunning && input.stage != Stage::kMissing &&
        input.stage != Stage::kMoving)
      continue;
    input.partition.assigned_at(input.partition.position());
    starts.emplace(input.place, input.partition.position());
  }
  membership_->accept(starts);
}

config::Result<void> KafkaSource::Impl::seek(InputId id, std::int64_t offset) {
  const auto found = inputs_.find(id);
  if (found == inputs_.end() || !found->second.held() || offset < 0)
    return config::failed("cannot start input {}:{} at offset {}: it is not held", id.declared,
                          id.partition, offset);
  Input& input = found->second;
  input.start = offset;
  input.sought = true;
  if (input.stage == Stage::kRunning) input.partition.move_to(offset);
  return {};
}

ReadStatus KafkaSource::Impl::read(InputId id, RawChunk& out) {
  const auto found = inputs_.find(id);
  if (found == inputs_.end() || found->second.stage != Stage::kRunning)
    return ReadStatus::kNothingYet;
  Input& input = found->second;
  switch (input.partition.read(out)) {
    case KafkaPartition::Outcome::kChunk: return ReadStatus::kChunk;
    case KafkaPartition::Outcome::kError: return ReadStatus::kUnreachable;
    case KafkaPartition::Outcome::kOutOfRange:
      input.stage = Stage::kMissing;
      return ReadStatus::kNothingYet;
    case KafkaPartition::Outcome::kNothing: break;
  }
  if (input.link == KafkaLink::kDown || input.link == KafkaLink::kSilent)
    return ReadStatus::kUnreachable;
  if (input.link == KafkaLink::kDoubtful) return ReadStatus::kNothingYet;
  return input.partition.at_end() ? ReadStatus::kAtEnd : ReadStatus::kNothingYet;
}

// After a break the broker may hold records that nobody has fetched: the end must be reached afresh
// before it counts.
void KafkaSource::Impl::note_links(const KafkaNews& news) {
  if (!news.link_broke && !news.links_known) return;
  for (auto& [id, input] : inputs_) {
    if (input.stage != Stage::kRunning) continue;
    const KafkaLink before = input.link;
    if (news.links_known) {
      input.link = membership_->links().link(input.place.topic, input.place.partition);
      const bool back =
          input.link == KafkaLink::kUp && before != KafkaLink::kUp && before != KafkaLink::kUnknown;
      if (back && input.partition.at_end()) input.partition.refresh();
    }
    if (news.link_broke && (input.link == KafkaLink::kUp || input.link == KafkaLink::kUnknown))
      input.link = KafkaLink::kDoubtful;
  }
}

// Offsets that are gone (retention), or not there (the topic was truncated or created anew).
void KafkaSource::Impl::find_missing() {
  std::set<KafkaPlace> places;
  std::map<KafkaPlace, std::int64_t> resume;
  for (auto& [id, input] : inputs_) {
    if (input.stage != Stage::kMissing) continue;
    input.stage = Stage::kMoving;
    places.insert(input.place);
    const std::int64_t last = input.partition.last_timestamp_ms();
    resume.emplace(input.place, last >= 0 ? last : KafkaPosition{}.query({}));
  }
  if (places.empty()) return;
  moving_ = KafkaLookup(std::move(places));
  q_end_ = moving_.ask_offsets(KafkaPosition{KafkaPosition::Kind::kLatest, {}, {}}.query({}));
  q_earliest_ = moving_.ask_offsets(KafkaPosition{}.query({}));
  q_resume_ = moving_.ask_offsets(std::move(resume));
}

void KafkaSource::Impl::finish_moving() {
  bool any = false;
  for (const KafkaPlace& place : moving_.places()) {
    const auto found = inputs_.find(id_of(place));
    if (found == inputs_.end() || found->second.stage != Stage::kMoving) continue;
    Input& input = found->second;
    const std::int64_t was = input.partition.position();
    const std::int64_t earliest = moving_.offset(q_earliest_, place);
    std::int64_t target = was;
    if (earliest > was) {
      target = earliest;
      count_gap(input, was, earliest, "no longer in the topic; retention is shorter than the lag");
    } else if (was > moving_.offset(q_end_, place)) {
      // The last record read is found by its time, whatever its offset is now.
      target = moving_.offset(q_resume_, place);
      if (target < 0) target = moving_.offset(q_end_, place);
      log(KafkaLogLevel::kWarning,
          fmt::format("{}: offset {} is past the topic's end, which was truncated or created anew: "
                      "going on at {}",
                      input.name(), was, target));
    }
    input.partition.assigned_at(target);
    input.stage = Stage::kRunning;
    any = true;
  }
  moving_ = {};
  if (any) assign_all();
}

void KafkaSource::Impl::count_gap(Input& input, std::int64_t from, std::int64_t to,
                                  std::string_view why) {
  const auto records = static_cast<std::uint64_t>(to - from);
  input.gap += records;
  gap_ += records;
  log(KafkaLogLevel::kWarning, fmt::format("{}: offsets {} to {} were never read ({}): {} records",
                                           input.name(), from, to - 1, why, records));
}

void KafkaSource::Impl::revoke(const std::vector<KafkaPlace>& places, bool lost,
                               std::vector<InputChange>& changes) {
  for (const KafkaPlace& place : places) {
    const InputId id = id_of(place);
    const auto found = inputs_.find(id);
    if (found == inputs_.end()) continue;
    if (lost) {
      to_commit_.erase(place);
      sent_commits_.erase(place);
    }
    if (!found->second.held()) {  // never reported: nobody has to release it
      inputs_.erase(found);
      continue;
    }
    found->second.stage = Stage::kRevoked;
    found->second.lost = lost;
    changes.push_back({lost ? InputChange::Kind::kLost : InputChange::Kind::kRevoked, id});
  }
  if (changes.empty()) membership_->yield(Clock::now());
}

void KafkaSource::Impl::release(InputId id) {
  const auto found = inputs_.find(id);
  if (found == inputs_.end() || found->second.stage != Stage::kRevoked) return;
  inputs_.erase(found);
  const auto waits = [](const auto& entry) { return entry.second.stage == Stage::kRevoked; };
  if (std::ranges::any_of(inputs_, waits)) return;
  commit_and_wait(std::exchange(to_commit_, {}));
  sent_commits_.clear();
  membership_->yield(Clock::now());
}

void KafkaSource::Impl::commit(InputId id, std::int64_t next_offset) {
  const Input* input = find(id);
  if (input != nullptr && !input->lost && input->stage != Stage::kOpening &&
      input->stage != Stage::kOffered)
    to_commit_[input->place] = next_offset;
}

void KafkaSource::Impl::send_commits() {
  if (to_commit_.empty() || membership_->client() == nullptr) return;
  const KafkaPartitionList list = make_partition_list(static_cast<int>(to_commit_.size()));
  for (const auto& [place, offset] : to_commit_) {
    rd_kafka_topic_partition_list_add(list.get(), place.topic.c_str(), place.partition)->offset =
        offset;
    sent_commits_[place] = offset;
  }
  to_commit_.clear();
  rd_kafka_commit(membership_->client(), list.get(), 1);
}

void KafkaSource::Impl::commit_and_wait(const std::map<KafkaPlace, std::int64_t>& offsets) {
  if (offsets.empty() || membership_->client() == nullptr) return;
  const KafkaPartitionList list = make_partition_list(static_cast<int>(offsets.size()));
  for (const auto& [place, offset] : offsets)
    rd_kafka_topic_partition_list_add(list.get(), place.topic.c_str(), place.partition)->offset =
        offset;
  const KafkaQueue queue(rd_kafka_queue_new(membership_->client()));
  rd_kafka_commit_queue(membership_->client(), list.get(), queue.get(), nullptr, nullptr);
  const KafkaEvent event(rd_kafka_queue_poll(queue.get(), kCommitWaitMs));
  const rd_kafka_resp_err_t error =
      event ? rd_kafka_event_error(event.get()) : RD_KAFKA_RESP_ERR__TIMED_OUT;
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR && error != RD_KAFKA_RESP_ERR__NO_OFFSET)
    log(KafkaLogLevel::kWarning,
        fmt::format("the last offsets could not be committed: {}", explain_kafka_error(error)));
}

void KafkaSource::Impl::close() {
  commit_and_wait(std::exchange(to_commit_, {}));
  inputs_.clear();
  membership_->close();
}

std::vector<InputStatus> KafkaSource::Impl::status() const {
  std::vector<InputStatus> result;
  const std::string whole = membership_->problem();
  for (const auto& [id, input] : inputs_) {
    if (!input.held()) continue;
    InputStatus status{id, input.name(), {}, input.partition.lag()};
    if (!input.partition.error().empty()) {
      status.problem = input.partition.error();
    } else if (input.link == KafkaLink::kDown || input.link == KafkaLink::kSilent) {
      status.problem = membership_->links().words(input.place.topic, input.place.partition);
      if (!whole.empty()) status.problem += fmt::format(" ({})", whole);
    }
    result.push_back(std::move(status));
  }
  return result;
}

std::string KafkaSource::Impl::problem() const {
  if (std::string whole = membership_->problem(); !whole.empty()) return whole;
  if (!opening_.problem().empty()) return opening_.problem();
  return moving_.problem();
}

config::Result<std::unique_ptr<KafkaSource>> KafkaSource::open(const KafkaSettings& settings,
                                                               std::vector<KafkaTopic> topics,
                                                               KafkaSourceOptions options) {
  const auto start = KafkaPosition::parse(settings.start);
  if (!start) return config::misconfigured("kafka.start: {}", start.error().message);
  std::vector<std::string> names;
  for (const KafkaTopic& topic : topics) {
    if (topic.topic.empty())
      return config::misconfigured("inputs: a Kafka input needs the name of its topic");
    if (std::ranges::find(names, topic.topic) != names.end())
      return config::misconfigured("inputs: topic {} is named twice; one input a topic",
                                   topic.topic);
    names.push_back(topic.topic);
  }
  if (names.empty()) return config::misconfigured("inputs: no Kafka topic is named");
  auto membership = KafkaMembership::open(settings, names, options.log);
  if (!membership) return std::unexpected(membership.error());
  return std::unique_ptr<KafkaSource>(new KafkaSource(std::make_unique<Impl>(
      *start, std::move(topics), std::move(options), std::move(*membership))));
}

KafkaSource::KafkaSource(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KafkaSource::~KafkaSource() { impl_->close(); }
std::vector<InputChange> KafkaSource::service() { return impl_->service(); }
ReadStatus KafkaSource::read(InputId id, RawChunk& out) { return impl_->read(id, out); }
config::Result<void> KafkaSource::seek(InputId id, std::int64_t offset) {
  return impl_->seek(id, offset);
}
std::vector<InputStatus> KafkaSource::status() const { return impl_->status(); }
void KafkaSource::commit(InputId id, std::int64_t next_offset) { impl_->commit(id, next_offset); }
void KafkaSource::release(InputId id) { impl_->release(id); }
bool KafkaSource::standby() const { return impl_->standby(); }
bool KafkaSource::complete() const { return impl_->complete(); }
std::uint64_t KafkaSource::gap_messages() const { return impl_->gap(); }
std::string KafkaSource::problem() const { return impl_->problem(); }
void KafkaSource::close() { impl_->close(); }

std::optional<std::int64_t> KafkaSource::committed(InputId id) const {
  const Input* input = impl_->find(id);
  return input == nullptr || input->committed < 0 ? std::nullopt : std::optional(input->committed);
}

std::optional<std::int64_t> KafkaSource::planned_start(InputId id) const {
  const Input* input = impl_->find(id);
  return input == nullptr || input->start < 0 ? std::nullopt : std::optional(input->start);
}

}  // namespace stuffwatch::ingest
