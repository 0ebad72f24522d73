#include "ingest/kafka_check.h"

#include <algorithm>
#include <thread>

#include "ingest/kafka_lookup.h"
#include "ingest/kafka_range_source.h"

namespace stuffwatch::ingest {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

class Checker {
 public:
  Checker(const KafkaSettings& settings, const KafkaCheckOptions& options)
      : settings_(settings), options_(options) {}

  KafkaCheckReport run(const std::vector<std::string>& topics) {
    if (!connect()) return std::move(report_);
    bool reached = false;
    for (const std::string& topic : topics) {
      const auto partitions = find(topic);
      if (!partitions && unreachable_) break;  // so is it for the others
      if (!partitions) continue;
      if (!std::exchange(reached, true))
        say(true, "brokers", fmt::format("{} answer", settings_.brokers));
      look_into(topic, *partitions);
    }
    if (reached || topics.empty()) check_group();
    admin_.reset();
    return std::move(report_);
  }

 private:
  void say(bool ok, std::string subject, std::string text) {
    report_.lines.push_back({ok, std::move(subject), std::move(text)});
  }

  // A consumer that joins nothing: what it may read is what the daemon may read.
  bool connect() {
    if (auto ok = check_kafka_settings(settings_); !ok) {
      say(false, "kafka", ok.error().message);
      return false;
    }
    auto conf = make_kafka_conf(settings_, KafkaRole::kMember);
    auto client = conf ? make_kafka_handle(KafkaRole::kMember, std::move(*conf))
                       : std::unexpected(conf.error());
    if (!client) {
      say(false, "kafka", client.error().message);
      return false;
    }
    client_ = std::move(*client);
    queue_.reset(rd_kafka_queue_get_consumer(client_.get()));
    admin_.emplace(*client_);
    return true;
  }

  template <class Answer>
  std::optional<Answer> wait() {
    for (const auto deadline = Clock::now() + options_.patience; Clock::now() < deadline;) {
      while (const KafkaEvent event{rd_kafka_queue_poll(queue_.get(), 0)}) {
        if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_LOG)
          log_kafka_event(options_.log, *event);
        if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_ERROR)
          note_kafka_error(complaint_, *event);
      }
      if (auto answer = admin_->poll(100ms)) {
        if (auto* wanted = std::get_if<Answer>(&*answer)) return std::move(*wanted);
      }
    }
    return std::nullopt;
  }

  std::optional<std::uint32_t> find(const std::string& topic) {
    admin_->describe_topics({topic});
    const auto answer = wait<KafkaTopicsAnswer>();
    if (answer && answer->error.empty()) return answer->partitions.at(topic);
    const bool spoke = answer && answer->error.starts_with("topic ");
    unreachable_ = !spoke;
    const std::string& why =
        spoke || complaint_.empty() ? (answer ? answer->error : kSilent) : complaint_;
    const std::string subject = spoke ? fmt::format("topic {}", topic) : "brokers";
    say(false, subject, why.starts_with(subject + ": ") ? why.substr(subject.size() + 2) : why);
    return std::nullopt;
  }

  void look_into(const std::string& topic, std::uint32_t partitions) {
    std::set<KafkaPlace> places;
    for (std::uint32_t p = 0; p < partitions; ++p)
      places.insert({topic, static_cast<std::int32_t>(p)});
    KafkaLookup lookup(places);
    const std::size_t earliest = lookup.ask_offsets(RD_KAFKA_OFFSET_SPEC_EARLIEST);
    const std::size_t latest = lookup.ask_offsets(RD_KAFKA_OFFSET_SPEC_LATEST);
    for (const auto deadline = Clock::now() + options_.patience;
         !lookup.done() && Clock::now() < deadline;) {
      lookup.drive(*admin_, Clock::now());
      if (const auto answer = admin_->poll(100ms))
        if (const auto* offsets = std::get_if<KafkaOffsetsAnswer>(&*answer))
          lookup.on_answer(*offsets, Clock::now());
    }
    const std::string subject = fmt::format("topic {}", topic);
    if (!lookup.done()) {
      say(false, subject, lookup.problem().empty() ? kSilent : lookup.problem());
      return;
    }
    std::map<std::int32_t, KafkaStretch> stretches;
    std::int64_t records = 0;
    const auto each =
        static_cast<std::int64_t>((options_.sample_records + partitions - 1) / partitions);
    for (const KafkaPlace& place : places) {
      const std::int64_t from = lookup.offset(earliest, place);
      const std::int64_t to = lookup.offset(latest, place);
      records += to - from;
      stretches[place.partition] = {std::max(from, to - each), to};
    }
    sample(topic, stretches, fmt::format("{} partitions, about {} records", partitions, records),
           records);
  }

  void sample(const std::string& topic, const std::map<std::int32_t, KafkaStretch>& stretches,
              const std::string& found, std::int64_t records) {
    const std::string subject = fmt::format("topic {}", topic);
    auto source = KafkaRangeSource::open_at(settings_, topic, 0, stretches, options_.log);
    if (!source) return say(false, subject, source.error().message);
    std::set<InputId> open;
    for (const InputChange& change : (*source)->service()) open.insert(change.id);
    KafkaSample taken{topic, {}};
    std::size_t read = 0;
    for (const auto deadline = Clock::now() + options_.patience;
         !open.empty() && Clock::now() < deadline;) {
      static_cast<void>((*source)->service());
      bool idle = true;
      for (auto id = open.begin(); id != open.end();) {
        RawChunk chunk;
        const ReadStatus status = (*source)->read(*id, chunk);
        if (status == ReadStatus::kChunk) {
          idle = false;
          read += chunk.records.size();
          taken.chunks.push_back(std::move(chunk));
        }
        id = status == ReadStatus::kFinished ? open.erase(id) : std::next(id);
      }
      if (idle) std::this_thread::yield();
    }
    std::string why = open.empty() ? "" : "records could not be read in time";
    for (const InputStatus& status : (*source)->status())
      if (!status.problem.empty()) why = status.problem;
    if (why.empty()) {
      say(true, subject, fmt::format("{}; {} read", found, read));
    } else {
      say(false, subject, fmt::format("{}, but {} of them were read: {}", found, read, why));
    }
    if (records > 0) report_.samples.push_back(std::move(taken));
  }

  void check_group() {
    const std::string subject = fmt::format("group {}", settings_.group);
    admin_->describe_group(settings_.group);
    const auto answer = wait<KafkaGroupAnswer>();
    if (!answer || !answer->error.empty())
      return say(false, subject, answer ? answer->error : kSilent);
    std::string members;
    for (const KafkaGroupMember& member : answer->members)
      members += fmt::format("{}{} at {}", members.empty() ? "" : ", ", member.client, member.host);
    if (auto why = group_right(); !why.empty()) return say(false, subject, why);
    say(true, subject, members.empty() ? "nobody is in it" : fmt::format("in use by {}", members));
  }

  // A group that this user may not see looks empty; its offsets say so.
  std::string group_right() {
    if (report_.samples.empty()) return {};
    admin_->committed({{report_.samples.front().topic, 0}}, 1);
    const auto answer = wait<KafkaOffsetsAnswer>();
    return answer ? answer->error : kSilent;
  }

  static inline const std::string kSilent = "the brokers did not answer in time";

  const KafkaSettings& settings_;
  const KafkaCheckOptions& options_;
  KafkaCheckReport report_ = {};
  KafkaHandle client_ = {};
  KafkaQueue queue_ = {};
  std::optional<KafkaAdmin> admin_ = {};
  std::string complaint_ = {};
  bool unreachable_ = false;
};

}  // namespace

bool KafkaCheckReport::ok() const { return std::ranges::all_of(lines, &KafkaCheckLine::ok); }

KafkaCheckReport check_kafka(const KafkaSettings& settings, const std::vector<std::string>& topics,
                             const KafkaCheckOptions& options) {
  return Checker(settings, options).run(topics);
}

}  // namespace stuffwatch::ingest
