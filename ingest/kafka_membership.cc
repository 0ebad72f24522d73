#include "ingest/kafka_membership.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <random>

namespace stuffwatch::ingest {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kLeastQueueKiB = 64;
constexpr int kEventsPerService = 256;

std::vector<KafkaPlace> places_of(const rd_kafka_topic_partition_list_t* list) {
  std::vector<KafkaPlace> places;
  for (int i = 0; list != nullptr && i < list->cnt; ++i)
    places.push_back({list->elems[i].topic, list->elems[i].partition});
  return places;
}

// A fetch waits at the broker for up to fetch.wait.max.ms; an answer is overdue one second after
// that.
std::int64_t silence_of(const rd_kafka_conf_t& conf) {
  const std::string text = kafka_property(conf, "fetch.wait.max.ms");
  std::int64_t wait_ms = 50;
  std::from_chars(text.data(), text.data() + text.size(), wait_ms);
  return wait_ms + 1000;
}

std::uint64_t seed() {
  std::random_device device;
  return device();
}

}  // namespace

config::Result<std::unique_ptr<KafkaMembership>> KafkaMembership::open(
    const KafkaSettings& settings, std::vector<std::string> topics, KafkaLog log) {
  const auto conf = make_kafka_conf(settings, KafkaRole::kMember);
  if (!conf) return std::unexpected(conf.error());
  std::unique_ptr<KafkaMembership> membership(
      new KafkaMembership(settings, std::move(topics), std::move(log), silence_of(**conf),
                          kafka_property(**conf, "group.instance.id")));
  if (auto ok = membership->open_asker(); !ok) return std::unexpected(ok.error());
  return membership;
}

KafkaMembership::KafkaMembership(const KafkaSettings& settings, std::vector<std::string> topics,
                                 KafkaLog log, std::int64_t silence_ms, std::string instance)
    : settings_(settings),
      topics_(std::move(topics)),
      log_(std::move(log)),
      exclusive_(settings.ownership == KafkaOwnership::kExclusive),
      election_(std::move(instance), seed()),
      links_(silence_ms) {}

KafkaMembership::~KafkaMembership() { close(); }

config::Result<void> KafkaMembership::open_asker() {
  auto conf = make_kafka_conf(settings_, KafkaRole::kAsker);
  if (!conf) return std::unexpected(conf.error());
  auto handle = make_kafka_handle(KafkaRole::kAsker, std::move(*conf));
  if (!handle) return std::unexpected(handle.error());
  asker_ = std::move(*handle);
  asker_admin_.emplace(*asker_);
  return {};
}

KafkaNews KafkaMembership::service(Clock::time_point now) {
  KafkaNews news;
  if (!client_) ask_for_topics(now);
  if (!client_) return news;
  take_events(news, now);
  take_answers(news, now);
  if (check_) check(news, now);
  if (exclusive_ && fatal_.empty() && election_.should_look(now))
    admin_->describe_group(settings_.group);
  return news;
}

// The bytes fetched ahead are divided by the number of partitions, and can be set only when the
// client is made.
void KafkaMembership::ask_for_topics(Clock::time_point now) {
  const KafkaQueue queue(rd_kafka_queue_get_main(asker_.get()));
  for (int i = 0; i < kEventsPerService; ++i) {
    const KafkaEvent event(rd_kafka_queue_poll(queue.get(), 0));
    if (!event) break;
    if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_LOG) log_kafka_event(log_, *event);
    if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_ERROR)
      note_kafka_error(problem_, *event);
  }
  if (!topics_asked_ && now >= ask_topics_at_) {
    asker_admin_->describe_topics(topics_);
    topics_asked_ = true;
  }
  const auto answer = asker_admin_->poll();
  if (!answer) return;
  topics_asked_ = false;
  ask_topics_at_ = now + 1s;
  const auto& topics = std::get<KafkaTopicsAnswer>(*answer);
  if (!topics.error.empty()) {
    if (problem_.empty() || !topics.partitions.empty() || topics.error.starts_with("topic "))
      problem_ = topics.error;
    return;
  }
  std::uint32_t partitions = 0;
  for (const auto& [topic, count] : topics.partitions) partitions += count;
  partitions_ = partitions;
  open_member(std::max(partitions, 1U), now);
}

void KafkaMembership::open_member(std::uint32_t partitions, Clock::time_point now) {
  const std::uint64_t kib =
      std::max(kLeastQueueKiB, (settings_.fetch_memory.count >> 10U) / partitions);
  std::vector<KafkaProperty> fixed;
  if (!settings_.properties.contains("queued.max.messages.kbytes"))
    fixed.push_back(
        {"queued.max.messages.kbytes", std::to_string(std::min<std::uint64_t>(kib, 2'097'151))});
  auto conf = make_kafka_conf(settings_, KafkaRole::kMember, fixed);
  auto handle = conf ? make_kafka_handle(KafkaRole::kMember, std::move(*conf))
                     : std::unexpected(conf.error());
  if (!handle) {  // the same settings were accepted at open()
    problem_ = handle.error().message;
    ask_topics_at_ = now + 5s;
    return;
  }
  client_ = std::move(*handle);
  queue_.reset(rd_kafka_queue_get_consumer(client_.get()));
  admin_.emplace(*client_);
  asker_admin_.reset();
  farewell_ = std::jthread([asker = std::move(asker_)]() mutable { asker.reset(); });
  problem_.clear();
  if (!exclusive_) subscribe();
}

void KafkaMembership::subscribe() {
  const KafkaPartitionList list = make_partition_list(static_cast<int>(topics_.size()));
  for (const std::string& topic : topics_)
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  const rd_kafka_resp_err_t error = rd_kafka_subscribe(client_.get(), list.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    fatal_ = fmt::format("cannot subscribe: {}", explain_kafka_error(error));
}

void KafkaMembership::unsubscribe() { rd_kafka_unsubscribe(client_.get()); }

void KafkaMembership::unassign() {
  const KafkaPartitionList none = make_partition_list(1);
  rd_kafka_assign(client_.get(), none.get());
}

void KafkaMembership::take_events(KafkaNews& news, Clock::time_point now) {
  for (int i = 0; i < kEventsPerService; ++i) {
    const KafkaEvent event(rd_kafka_queue_poll(queue_.get(), 0));
    if (!event) return;
    switch (rd_kafka_event_type(event.get())) {
      case RD_KAFKA_EVENT_LOG: log_kafka_event(log_, *event); break;
      case RD_KAFKA_EVENT_ERROR: on_error(*event, news); break;
      case RD_KAFKA_EVENT_STATS:
        if (const auto ok = links_.update(rd_kafka_event_stats(event.get())); ok) {
          news.links_known = true;
          if (links_.all_up()) problem_.clear();
        } else {
          log(KafkaLogLevel::kWarning, ok.error().message);
        }
        break;
      case RD_KAFKA_EVENT_REBALANCE: on_rebalance(*event, news, now); break;
      case RD_KAFKA_EVENT_OFFSET_COMMIT: on_committed(*event, news); break;
      default: break;
    }
    // One rebalance at a time; what follows it waits until its owner has dealt with it.
    if (news.granted || news.revoked) return;
  }
}

void KafkaMembership::on_error(rd_kafka_event_t& event, KafkaNews& news) {
  const rd_kafka_resp_err_t error = rd_kafka_event_error(&event);
  if (error == RD_KAFKA_RESP_ERR__FATAL) {
    std::array<char, 512> why{};
    const rd_kafka_resp_err_t cause = rd_kafka_fatal_error(client_.get(), why.data(), why.size());
    fatal_ = explain_kafka_error(cause, why.data());
    log(KafkaLogLevel::kError, fatal_);
    return;
  }
  note_kafka_error(problem_, event);
  news.link_broke = true;
  log(KafkaLogLevel::kWarning, problem_);
}

void KafkaMembership::on_committed(rd_kafka_event_t& event, KafkaNews& news) {
  const rd_kafka_resp_err_t error = rd_kafka_event_error(&event);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR__NO_OFFSET) return;
  log(KafkaLogLevel::kWarning,
      fmt::format("offsets could not be committed: {}", explain_kafka_error(error)));
  for (KafkaPlace& place : places_of(rd_kafka_event_topic_partition_list(&event)))
    news.uncommitted.push_back(std::move(place));
}

void KafkaMembership::on_rebalance(rd_kafka_event_t& event, KafkaNews& news,
                                   Clock::time_point now) {
  std::vector<KafkaPlace> places = places_of(rd_kafka_event_topic_partition_list(&event));
  if (rd_kafka_event_error(&event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    log(KafkaLogLevel::kInfo,
        fmt::format("group {} gives this process {} partitions", settings_.group, places.size()));
    if (exclusive_) {
      check_ = Check{};
      check_->places = std::move(places);
    } else if (places.empty()) {
      accept({});
    } else {
      news.granted = std::move(places);
    }
    return;
  }
  losing_ = rd_kafka_assignment_lost(client_.get()) != 0;
  log(losing_ ? KafkaLogLevel::kWarning : KafkaLogLevel::kInfo,
      fmt::format("group {} takes {} partitions {}", settings_.group, places.size(),
                  losing_ ? "away: lost" : "back"));
  check_.reset();
  if (!holding_ || places.empty()) {
    yield(now);
    return;
  }
  news.lost = losing_;
  news.revoked = std::move(places);
}

void KafkaMembership::accept(const std::map<KafkaPlace, std::int64_t>& start) {
  const KafkaPartitionList list = make_partition_list(static_cast<int>(start.size()));
  for (const auto& [place, offset] : start)
    rd_kafka_topic_partition_list_add(list.get(), place.topic.c_str(), place.partition)->offset =
        offset;
  const rd_kafka_resp_err_t error = rd_kafka_assign(client_.get(), list.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) problem_ = explain_kafka_error(error);
  holding_ = !start.empty();
}

void KafkaMembership::yield(Clock::time_point now) {
  rd_kafka_assign(client_.get(), nullptr);
  holding_ = false;
  if (losing_ && exclusive_ && election_.member()) {
    // Else the library would join again by itself, and disturb whoever owns the partitions by then.
    unsubscribe();
    election_.on_lost(now);
  }
  losing_ = false;
}

void KafkaMembership::take_answers(KafkaNews& news, Clock::time_point now) {
  while (auto answer = admin_->poll()) {
    if (auto* offsets = std::get_if<KafkaOffsetsAnswer>(&*answer)) {
      news.offsets.push_back(std::move(*offsets));
    } else if (auto* group = std::get_if<KafkaGroupAnswer>(&*answer)) {
      if (check_ && check_->group_asked) check_->group = *group;
      on_group(*group, now);
    } else if (auto* topics = std::get_if<KafkaTopicsAnswer>(&*answer)) {
      if (check_) check_->topics = std::move(*topics);
    }
  }
}

void KafkaMembership::on_group(const KafkaGroupAnswer& answer, Clock::time_point now) {
  problem_ = answer.error.empty() ? std::string()
                                  : fmt::format("group {}: {}", settings_.group, answer.error);
  const bool stood_by = election_.standby();
  if (election_.on_group(answer, now) == KafkaElection::Step::kJoin) {
    log(KafkaLogLevel::kInfo, fmt::format("nobody is in group {}: joining it", settings_.group));
    subscribe();
  } else if (!stood_by && election_.standby()) {
    log(KafkaLogLevel::kInfo,
        fmt::format("standing by: group {} has {}", settings_.group, election_.others()));
  }
}

// Exclusive ownership: everything, or nothing. The only member has everything by definition
// (whatever an old picture of the topics says); among several it takes every partition of our
// topics.
void KafkaMembership::check(KafkaNews& news, Clock::time_point now) {
  if (now < check_->not_before) return;
  if (!check_->topics_asked) admin_->describe_topics(topics_);
  if (!check_->group_asked) admin_->describe_group(settings_.group);
  check_->topics_asked = check_->group_asked = true;
  if (!check_->topics || !check_->group) return;
  if (!check_->topics->error.empty() || !check_->group->error.empty()) {
    problem_ = check_->group->error.empty() ? check_->topics->error : check_->group->error;
    check_ = Check{
        .places = std::move(check_->places), .topics = {}, .group = {}, .not_before = now + 500ms};
    return;
  }
  char* own = rd_kafka_memberid(client_.get());
  const std::string own_id = own == nullptr ? "" : own;
  rd_kafka_mem_free(client_.get(), own);
  const auto& members = check_->group->members;
  bool complete = members.size() == 1 && members.front().id == own_id;
  if (!complete) {
    complete = std::ranges::all_of(check_->topics->partitions, [&](const auto& topic) {
      return std::ranges::count(check_->places, topic.first, &KafkaPlace::topic) >=
             static_cast<std::ptrdiff_t>(topic.second);
    });
  }
  decide(complete && !check_->places.empty(), news, now);
}

void KafkaMembership::decide(bool complete, KafkaNews& news, Clock::time_point now) {
  std::vector<KafkaPlace> places = std::move(check_->places);
  check_.reset();
  const KafkaElection::Step step = election_.on_assignment(complete, now);
  if (complete) {
    news.granted = std::move(places);
    return;
  }
  unassign();
  if (step == KafkaElection::Step::kLeave) {
    unsubscribe();
    log(KafkaLogLevel::kInfo,
        fmt::format("group {} has another member: leaving it, trying again later",
                    settings_.group));
  } else {
    log(KafkaLogLevel::kWarning,
        fmt::format("group {} has another member, which does not leave: holding still",
                    settings_.group));
  }
}

std::string KafkaMembership::problem() const {
  if (!fatal_.empty()) return fatal_;
  if (!problem_.empty()) return problem_;
  if (standby())
    return fmt::format("standing by for {}",
                       election_.others().empty() ? "another process" : election_.others());
  return {};
}

// Leaving takes a round trip; a broker that does not answer must not keep the process from ending.
void KafkaMembership::close() {
  if (!client_) return;
  check_.reset();
  admin_.reset();
  rd_kafka_assign(client_.get(), nullptr);
  const KafkaFault fault(rd_kafka_consumer_close_queue(client_.get(), queue_.get()));
  const Clock::time_point deadline = Clock::now() + 3s;
  while (!fault && rd_kafka_consumer_closed(client_.get()) == 0 && Clock::now() < deadline) {
    const KafkaEvent event(rd_kafka_queue_poll(queue_.get(), 20));
    if (event && rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_REBALANCE)
      rd_kafka_assign(client_.get(), nullptr);
  }
  queue_.reset();
  rd_kafka_destroy_flags(client_.release(), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

void KafkaMembership::log(KafkaLogLevel level, std::string_view text) const {
  if (log_) log_(level, text);
}

}  // namespace stuffwatch::ingest
