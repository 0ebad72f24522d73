#include "ingest/kafka_range_source.h"

#include <algorithm>
#include <random>

#include "ingest/kafka_links.h"
#include "ingest/kafka_lookup.h"
#include "ingest/kafka_partition.h"

namespace stuffwatch::ingest {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::int64_t kSilenceMs = 3000;

struct Input {
  KafkaPartition partition;
  std::int64_t end = 0;
  KafkaLink link = KafkaLink::kUnknown;
  std::string fault = {};  // why it will never end
};

std::string random_group() {
  std::random_device device;
  return fmt::format("stuffwatch-replay-{:08x}{:08x}", device(), device());
}

config::Result<KafkaHandle> open_client(const KafkaSettings& settings, std::size_t partitions) {
  const std::uint64_t kib =
      settings.fetch_memory.count / 1024 / std::max<std::size_t>(partitions, 1);
  const std::vector<KafkaProperty> fixed{
      {"group.id", random_group()},
      {"queued.max.messages.kbytes",
       std::to_string(std::clamp<std::uint64_t>(kib, 64, 2'097'151))}};
  auto conf = make_kafka_conf(settings, KafkaRole::kReplayer, fixed);
  if (!conf) return std::unexpected(conf.error());
  return make_kafka_handle(KafkaRole::kReplayer, std::move(*conf));
}

// Waits for the answers that open() cannot do without; tells the last thing the client complained
// about when there are none.
class Asking {
 public:
  static config::Result<std::unique_ptr<Asking>> open(const KafkaSettings& settings,
                                                      const KafkaRangeOptions& options) {
    auto conf = make_kafka_conf(settings, KafkaRole::kAsker);
    if (!conf) return std::unexpected(conf.error());
    auto handle = make_kafka_handle(KafkaRole::kAsker, std::move(*conf));
    if (!handle) return std::unexpected(handle.error());
    return std::unique_ptr<Asking>(new Asking(std::move(*handle), options));
  }

  config::Result<std::uint32_t> partitions(const std::string& topic) {
    std::string problem;
    while (Clock::now() < deadline_) {
      admin_.describe_topics({topic});
      const auto answer = next();
      const auto* topics = answer ? std::get_if<KafkaTopicsAnswer>(&*answer) : nullptr;
      if (topics == nullptr) continue;
      if (topics->error.empty()) return topics->partitions.at(topic);
      problem = topics->error;
      if (problem.starts_with("topic ")) break;  // the brokers did answer
    }
    return config::failed("{}", complaint_.empty() ? problem : complaint_);
  }

  config::Result<void> finish(KafkaLookup& lookup) {
    while (Clock::now() < deadline_) {
      lookup.drive(admin_, Clock::now());
      if (const auto answer = next()) {
        if (const auto* offsets = std::get_if<KafkaOffsetsAnswer>(&*answer))
          lookup.on_answer(*offsets, Clock::now());
      }
      if (lookup.done()) return {};
    }
    return config::failed("{}", lookup.problem().empty() ? complaint_ : lookup.problem());
  }

 private:
  Asking(KafkaHandle client, const KafkaRangeOptions& options)
      : client_(std::move(client)),
        queue_(rd_kafka_queue_get_main(client_.get())),
        admin_(*client_),
        log_(options.log),
        deadline_(Clock::now() + options.patience) {}

  std::optional<KafkaAnswer> next() {
    for (const auto until = std::min(deadline_, Clock::now() + 6s); Clock::now() < until;) {
      while (const KafkaEvent event{rd_kafka_queue_poll(queue_.get(), 0)}) {
        if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_LOG) log_kafka_event(log_, *event);
        if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_ERROR)
          note_kafka_error(complaint_, *event);
      }
      if (auto answer = admin_.poll(100ms)) return answer;
    }
    return std::nullopt;
  }

  KafkaHandle client_;
  KafkaQueue queue_;
  KafkaAdmin admin_;
  KafkaLog log_;
  Clock::time_point deadline_;
  std::string complaint_ = {};
};

config::Result<std::map<std::int32_t, KafkaStretch>> find_stretches(
    const KafkaSettings& settings, const KafkaRange& range, const KafkaRangeOptions& options) {
  auto asking = Asking::open(settings, options);
  if (!asking) return std::unexpected(asking.error());
  const auto partitions = (*asking)->partitions(range.topic);
  if (!partitions) return std::unexpected(partitions.error());
  std::set<KafkaPlace> places;
  for (std::uint32_t p = 0; p < *partitions; ++p)
    places.insert({range.topic, static_cast<std::int32_t>(p)});
  const config::TimeMs now = options.now ? options.now() : config::TimeMs{};
  KafkaLookup lookup(places);
  const std::size_t end =
      lookup.ask_offsets(KafkaPosition{KafkaPosition::Kind::kLatest, {}, {}}.query(now));
  const std::size_t from = lookup.ask_offsets(range.from.query(now));
  const std::size_t to = range.to ? lookup.ask_offsets(range.to->query(now)) : end;
  if (auto ok = (*asking)->finish(lookup); !ok) return std::unexpected(ok.error());
  std::map<std::int32_t, KafkaStretch> stretches;
  for (const KafkaPlace& place : places) {
    const std::int64_t last = lookup.offset(end, place);
    const auto known = [&](std::int64_t offset) {
      return offset < 0 ? last : std::min(offset, last);
    };
    stretches[place.partition] = {known(lookup.offset(from, place)),
                                  known(lookup.offset(to, place))};
  }
  return stretches;
}

}  // namespace

class KafkaRangeSource::Impl {
 public:
  Impl(KafkaHandle client, KafkaLog log)
      : client_(std::move(client)),
        queue_(rd_kafka_queue_get_consumer(client_.get())),
        log_(std::move(log)) {}

  ~Impl() {
    inputs_.clear();  // their queues go before the client
    queue_.reset();
    rd_kafka_destroy_flags(client_.release(), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  config::Result<void> begin(const std::string& topic, std::uint32_t declared,
                             const std::map<std::int32_t, KafkaStretch>& stretches) {
    const KafkaPartitionList list = make_partition_list(static_cast<int>(stretches.size()));
    for (const auto& [partition, stretch] : stretches) {
      const InputId id{declared, static_cast<std::uint32_t>(partition)};
      auto& input =
          inputs_.emplace(id, Input{KafkaPartition(*client_, topic, partition, id), stretch.to})
              .first->second;
      input.partition.assigned_at(stretch.from);
      if (stretch.from >= stretch.to) continue;  // nothing to fetch
      rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset =
          stretch.from;
    }
    const rd_kafka_resp_err_t error = rd_kafka_assign(client_.get(), list.get());
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
      return config::failed("{}: {}", topic, explain_kafka_error(error));
    return {};
  }

  std::vector<InputChange> service() {
    while (const KafkaEvent event{rd_kafka_queue_poll(queue_.get(), 0)}) {
      if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_LOG) log_kafka_event(log_, *event);
      if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_ERROR)
        note_kafka_error(problem_, *event);
      if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_STATS &&
          links_.update(rd_kafka_event_stats(event.get())))
        note_links();
    }
    std::vector<InputChange> changes;
    if (!std::exchange(told_, true))
      for (const auto& [id, input] : inputs_) changes.push_back({InputChange::Kind::kAssigned, id});
    return changes;
  }

  ReadStatus read(InputId id, RawChunk& out) {
    const auto found = inputs_.find(id);
    if (found == inputs_.end()) return ReadStatus::kNothingYet;
    Input& input = found->second;
    if (input.partition.position() >= input.end || !input.fault.empty())
      return ReadStatus::kFinished;
    switch (input.partition.read(out, input.end)) {
      case KafkaPartition::Outcome::kChunk: return ReadStatus::kChunk;
      case KafkaPartition::Outcome::kError: return ReadStatus::kUnreachable;
      case KafkaPartition::Outcome::kOutOfRange:
        input.fault = fmt::format(
            "offset {} is no longer in the topic: it was deleted while it was replayed; start "
            "again",
            input.partition.position());
        return ReadStatus::kFinished;
      case KafkaPartition::Outcome::kNothing: break;
    }
    if (input.partition.position() >= input.end) return ReadStatus::kFinished;
    const bool gone = input.link == KafkaLink::kDown || input.link == KafkaLink::kSilent;
    return gone ? ReadStatus::kUnreachable : ReadStatus::kNothingYet;
  }

  config::Result<void> seek(InputId id, std::int64_t offset) {
    const auto found = inputs_.find(id);
    if (found == inputs_.end() || offset < 0)
      return config::failed("cannot start input {}:{} at offset {}", id.declared, id.partition,
                            offset);
    if (found->second.partition.position() < found->second.end)
      found->second.partition.move_to(offset);
    return {};
  }

  std::vector<InputStatus> status() const {
    std::vector<InputStatus> result;
    for (const auto& [id, input] : inputs_) {
      InputStatus status{
          id, fmt::format("{}[{}]", input.partition.topic(), input.partition.partition()),
          input.fault,
          std::max<std::int64_t>(
              0, input.end - std::max<std::int64_t>(0, input.partition.position()))};
      if (status.problem.empty()) status.problem = input.partition.error();
      if (status.problem.empty() &&
          (input.link == KafkaLink::kDown || input.link == KafkaLink::kSilent)) {
        status.problem = links_.words(input.partition.topic(), input.partition.partition());
        if (!problem_.empty()) status.problem += fmt::format(" ({})", problem_);
      }
      result.push_back(std::move(status));
    }
    return result;
  }

 private:
  void note_links() {
    if (links_.all_up()) problem_.clear();
    for (auto& [id, input] : inputs_)
      input.link = links_.link(input.partition.topic(), input.partition.partition());
  }

  KafkaHandle client_;
  KafkaQueue queue_;
  KafkaLog log_;
  KafkaLinks links_{kSilenceMs};
  std::map<InputId, Input> inputs_;
  bool told_ = false;
  std::string problem_;
};

config::Result<std::unique_ptr<KafkaRangeSource>> KafkaRangeSource::open(
    KafkaSettings settings, const KafkaRange& range, std::uint32_t declared,
    const KafkaRangeOptions& options) {
  if (!range.brokers.empty()) settings.brokers = range.brokers;
  if (settings.brokers.empty())
    return config::misconfigured(
        "kafka:{}: no brokers; add ?brokers=HOST:PORT or a configuration with kafka.brokers",
        range.topic);
  const auto stretches = find_stretches(settings, range, options);
  if (!stretches)
    return std::unexpected(
        config::Error{stretches.error().kind,
                      fmt::format("kafka:{}: {}", range.topic, stretches.error().message)});
  return open_at(settings, range.topic, declared, *stretches, options.log);
}

config::Result<std::unique_ptr<KafkaRangeSource>> KafkaRangeSource::open_at(
    const KafkaSettings& settings, const std::string& topic, std::uint32_t declared,
    const std::map<std::int32_t, KafkaStretch>& stretches, KafkaLog log) {
  auto client = open_client(settings, stretches.size());
  if (!client) return std::unexpected(client.error());
  auto impl = std::make_unique<Impl>(std::move(*client), std::move(log));
  if (auto ok = impl->begin(topic, declared, stretches); !ok) return std::unexpected(ok.error());
  return std::unique_ptr<KafkaRangeSource>(new KafkaRangeSource(std::move(impl)));
}

KafkaRangeSource::KafkaRangeSource(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KafkaRangeSource::~KafkaRangeSource() = default;
std::vector<InputChange> KafkaRangeSource::service() { return impl_->service(); }
ReadStatus KafkaRangeSource::read(InputId id, RawChunk& out) { return impl_->read(id, out); }
config::Result<void> KafkaRangeSource::seek(InputId id, std::int64_t offset) {
  return impl_->seek(id, offset);
}
std::vector<InputStatus> KafkaRangeSource::status() const { return impl_->status(); }

}  // namespace stuffwatch::ingest
