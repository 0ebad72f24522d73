#include "ingest/kafka_admin.h"

#include <algorithm>
#include <array>
#include <utility>

namespace stuffwatch::ingest {
namespace {

using OptionsPtr =
    std::unique_ptr<rd_kafka_AdminOptions_t, KafkaDelete<rd_kafka_AdminOptions_destroy>>;

constexpr int kRequestTimeoutMs = 5000;
constexpr int kCoordinatorWaitMs = 3000;

// The tag comes back with the event.
OptionsPtr make_options(rd_kafka_t& client, rd_kafka_admin_op_t operation, int tag) {
  OptionsPtr options(rd_kafka_AdminOptions_new(&client, operation));
  std::array<char, 256> why{};
  rd_kafka_AdminOptions_set_request_timeout(options.get(), kRequestTimeoutMs, why.data(),
                                            why.size());
  // NOLINTNEXTLINE: a number travels in the pointer
  rd_kafka_AdminOptions_set_opaque(options.get(),
                                   reinterpret_cast<void*>(static_cast<std::intptr_t>(tag)));
  return options;
}

int tag_of(rd_kafka_event_t& event) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(rd_kafka_event_opaque(&event)));
}

std::string whole_error(rd_kafka_event_t& event) {
  const rd_kafka_resp_err_t error = rd_kafka_event_error(&event);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  const char* words = rd_kafka_event_error_string(&event);
  return explain_kafka_error(error, words == nullptr ? "" : words);
}

KafkaTopicsAnswer topics_answer(rd_kafka_event_t& event) {
  KafkaTopicsAnswer answer;
  answer.error = whole_error(event);
  const auto* result = rd_kafka_event_DescribeTopics_result(&event);
  if (!answer.error.empty() || result == nullptr) return answer;
  std::size_t count = 0;
  const auto** topics = rd_kafka_DescribeTopics_result_topics(result, &count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = rd_kafka_TopicDescription_name(topics[i]);
    const rd_kafka_error_t* error = rd_kafka_TopicDescription_error(topics[i]);
    if (error != nullptr && rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      if (answer.error.empty())
        answer.error =
            fmt::format("topic {}: {}", name, explain_kafka_error(rd_kafka_error_code(error)));
      continue;
    }
    std::size_t partitions = 0;
    static_cast<void>(rd_kafka_TopicDescription_partitions(topics[i], &partitions));
    answer.partitions[name] = static_cast<std::uint32_t>(partitions);
  }
  return answer;
}

std::string or_empty(const char* text) { return text == nullptr ? "" : text; }

KafkaGroupAnswer look_at_group(rd_kafka_t& client, const std::string& group) {
  KafkaGroupAnswer answer;
  const rd_kafka_group_list* list = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_list_groups(&client, group.c_str(), &list, kCoordinatorWaitMs);
  using Owned =
      std::unique_ptr<const rd_kafka_group_list, KafkaDelete<rd_kafka_group_list_destroy>>;
  const Owned owned(list);
  // A part of the answer is no answer: the group may be at the broker that is silent.
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    answer.error = explain_kafka_error(error);
    return answer;
  }
  for (int i = 0; i < list->group_cnt; ++i) {
    const rd_kafka_group_info& info = list->groups[i];
    if (info.err != RD_KAFKA_RESP_ERR_NO_ERROR && info.err != RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
      answer.error = explain_kafka_error(info.err);
    for (int m = 0; m < info.member_cnt; ++m)
      answer.members.push_back({or_empty(info.members[m].member_id),
                                or_empty(info.members[m].client_id),
                                or_empty(info.members[m].client_host)});
  }
  return answer;
}

void add_offset(KafkaOffsetsAnswer& answer, const rd_kafka_topic_partition_t& partition) {
  if (partition.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    answer.offsets[{partition.topic, partition.partition}] =
        partition.offset < 0 ? -1 : partition.offset;
  } else if (answer.error.empty()) {
    answer.error = fmt::format("{}[{}]: {}", partition.topic, partition.partition,
                               explain_kafka_error(partition.err));
  }
}

KafkaOffsetsAnswer listed_answer(rd_kafka_event_t& event) {
  KafkaOffsetsAnswer answer;
  answer.tag = tag_of(event);
  answer.error = whole_error(event);
  const auto* result = rd_kafka_event_ListOffsets_result(&event);
  if (!answer.error.empty() || result == nullptr) return answer;
  std::size_t count = 0;
  const auto** infos = rd_kafka_ListOffsets_result_infos(result, &count);
  for (std::size_t i = 0; i < count; ++i) {
    const rd_kafka_topic_partition_t& partition =
        *rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]);
    if (partition.offset != RD_KAFKA_OFFSET_INVALID || partition.err != RD_KAFKA_RESP_ERR_NO_ERROR)
      add_offset(answer, partition);
  }
  return answer;
}

KafkaOffsetsAnswer look_up_committed(rd_kafka_t& client, const std::vector<KafkaPlace>& places,
                                     int tag) {
  KafkaOffsetsAnswer answer;
  answer.tag = tag;
  const KafkaPartitionList list = make_partition_list(static_cast<int>(places.size()));
  for (const KafkaPlace& place : places)
    rd_kafka_topic_partition_list_add(list.get(), place.topic.c_str(), place.partition);
  const rd_kafka_resp_err_t error = rd_kafka_committed(&client, list.get(), kCoordinatorWaitMs);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    answer.error = explain_kafka_error(error);
    return answer;
  }
  for (int i = 0; i < list->cnt; ++i) add_offset(answer, list->elems[i]);
  return answer;
}

}  // namespace

KafkaAdmin::KafkaAdmin(rd_kafka_t& client)
    : client_(client),
      queue_(rd_kafka_queue_new(&client)),
      worker_([this](const std::stop_token& stop) { work(stop); }) {}

void KafkaAdmin::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (wake_.wait(lock, stop, [this] { return !questions_.empty(); })) {
    const auto question = std::move(questions_.front());
    questions_.pop_front();
    lock.unlock();
    KafkaAnswer answer = question();
    lock.lock();
    if (stop.stop_requested()) return;
    answers_.push_back(std::move(answer));
    wake_.notify_all();
  }
}

void KafkaAdmin::ask_coordinator(std::function<KafkaAnswer()> question) {
  const std::scoped_lock lock(mutex_);
  questions_.push_back(std::move(question));
  wake_.notify_all();
}

std::optional<KafkaAnswer> KafkaAdmin::coordinator_answer() {
  const std::scoped_lock lock(mutex_);
  if (answers_.empty()) return std::nullopt;
  std::optional<KafkaAnswer> answer(std::move(answers_.front()));
  answers_.pop_front();
  return answer;
}

void KafkaAdmin::describe_topics(const std::vector<std::string>& topics) {
  std::vector<const char*> names;
  for (const std::string& topic : topics) names.push_back(topic.c_str());
  rd_kafka_TopicCollection_t* collection =
      rd_kafka_TopicCollection_of_topic_names(names.data(), names.size());
  rd_kafka_DescribeTopics(&client_, collection,
                          make_options(client_, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, 0).get(),
                          queue_.get());
  rd_kafka_TopicCollection_destroy(collection);
}

void KafkaAdmin::describe_group(const std::string& group) {
  ask_coordinator([this, group] { return look_at_group(client_, group); });
}

void KafkaAdmin::committed(const std::vector<KafkaPlace>& places, int tag) {
  ask_coordinator([this, places, tag] { return look_up_committed(client_, places, tag); });
}

void KafkaAdmin::list_offsets(const std::map<KafkaPlace, std::int64_t>& query, int tag) {
  const KafkaPartitionList list = make_partition_list(static_cast<int>(query.size()));
  for (const auto& [place, spec] : query)
    rd_kafka_topic_partition_list_add(list.get(), place.topic.c_str(), place.partition)->offset =
        spec;
  const OptionsPtr options = make_options(client_, RD_KAFKA_ADMIN_OP_LISTOFFSETS, tag);
  // As a consumer sees it: records of open transactions are not there yet.
  const KafkaFault fault(rd_kafka_AdminOptions_set_isolation_level(
      options.get(), RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED));
  rd_kafka_ListOffsets(&client_, list.get(), options.get(), queue_.get());
}

std::optional<KafkaAnswer> KafkaAdmin::poll(std::chrono::milliseconds timeout) {
  constexpr std::chrono::milliseconds kSlice{
      20};  // two places to look at; a wait is for commands, not for the daemon
  for (;; timeout -= kSlice) {
    if (auto answer = coordinator_answer()) return answer;
    const KafkaEvent event(rd_kafka_queue_poll(
        queue_.get(), static_cast<int>(std::clamp(timeout, {}, kSlice).count())));
    if (event) {
      switch (rd_kafka_event_type(event.get())) {
        case RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT: return topics_answer(*event);
        case RD_KAFKA_EVENT_LISTOFFSETS_RESULT: return listed_answer(*event);
        default: break;
      }
    } else if (timeout <= kSlice) {
      return std::nullopt;
    }
  }
}

}  // namespace stuffwatch::ingest
