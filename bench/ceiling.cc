// The ceiling that the whole program is measured against: the least that any program must do with these events. Frozen: it uses nothing of ours, so that a
// change of ingest/ cannot move it.
//   ceiling count|parse FILE
//   ceiling count|parse kafka:BROKERS/TOPIC
// parse = simdjson on-demand over eight fields: time, source address, and four strings hashed with XXH3 (account, user agent, JA4, event id); outcome, reason.
#include <arpa/inet.h>
#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <simdjson.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::uint64_t digits(const char* at, int count) {
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i) value = value * 10 + static_cast<std::uint64_t>(at[i] - '0');
  return value;
}

class Work {
 public:
  explicit Work(bool parse) : parse_(parse) {}

  // `room` readable bytes follow the line.
  void line(const char* text, std::size_t size, std::size_t room) {
    ++lines_;
    if (!parse_) return;
    if (room < simdjson::SIMDJSON_PADDING) {
      copy_.assign(text, size);
      copy_.reserve(size + simdjson::SIMDJSON_PADDING);
      text = copy_.data();
    }
    simdjson::ondemand::document document;
    if (parser_.iterate(text, size, size + simdjson::SIMDJSON_PADDING).get(document)) return;
    simdjson::ondemand::object object;
    if (document.get_object().get(object)) return;
    for (auto field : object) {
      std::string_view key, value;
      if (field.unescaped_key().get(key)) return;
      if (!wanted(key) || field.value().get_string().get(value)) continue;
      take(key, value);
    }
  }
  void report() const {
    std::printf("%llu lines, check %llx\n", static_cast<unsigned long long>(lines_),
                static_cast<unsigned long long>(sum_));
  }

 private:
  static bool wanted(std::string_view key) {
    return key == "time" || key == "ip" || key == "account" || key == "user_agent" ||
           key == "ja4" || key == "event_id" || key == "outcome" || key == "reason";
  }
  void take(std::string_view key, std::string_view value) {
    if (key == "time" && value.size() >= 19) {
      sum_ += digits(&value[0], 4) * 31'556'952 + digits(&value[5], 2) * 2'629'746 +
              digits(&value[8], 2) * 86'400 + digits(&value[11], 2) * 3600 +
              digits(&value[14], 2) * 60 + digits(&value[17], 2);
    } else if (key == "ip") {
      char text[64] = {};
      std::memcpy(text, value.data(), std::min<std::size_t>(value.size(), 63));
      in6_addr address{};
      in_addr v4{};
      if (::inet_pton(AF_INET, text, &v4) == 1)
        sum_ += v4.s_addr;
      else if (::inet_pton(AF_INET6, text, &address) == 1)
        sum_ += address.s6_addr[15];
    } else {
      sum_ ^= XXH3_64bits(value.data(), value.size());
    }
  }

  bool parse_;
  simdjson::ondemand::parser parser_;
  std::string copy_;
  std::uint64_t lines_ = 0, sum_ = 0;
};

int from_file(const char* path, Work& work) {
  const int fd = ::open(path, O_RDONLY);
  if (fd < 0) return std::perror(path), 1;
  constexpr std::size_t kBuffer = std::size_t{1} << 20;
  std::vector<char> buffer(kBuffer + 4096);
  std::size_t kept = 0;
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data() + kept, kBuffer - kept);
    if (got <= 0) break;
    const char* at = buffer.data();
    const char* const end = at + kept + static_cast<std::size_t>(got);
    while (const void* newline = std::memchr(at, '\n', static_cast<std::size_t>(end - at))) {
      const char* stop = static_cast<const char*>(newline);
      work.line(at, static_cast<std::size_t>(stop - at), 4096);
      at = stop + 1;
    }
    kept = static_cast<std::size_t>(end - at);
    std::memmove(buffer.data(), at, kept);
  }
  ::close(fd);
  return 0;
}

int from_kafka(const std::string& target, Work& work) {
  const auto slash = target.find('/');
  const std::string brokers = target.substr(0, slash), topic = target.substr(slash + 1);
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char error[512];
  const std::pair<const char*, const char*> settings[] = {
      {"bootstrap.servers", brokers.c_str()}, {"group.id", "ceiling"},
      {"enable.auto.commit", "false"},        {"auto.offset.reset", "earliest"},
      {"enable.partition.eof", "true"},       {"fetch.queue.backoff.ms", "5"},
      {"queued.min.messages", "20000"},       {"queued.max.messages.kbytes", "16384"}};
  for (const auto& [key, value] : settings)
    if (rd_kafka_conf_set(conf, key, value, error, sizeof error) != RD_KAFKA_CONF_OK)
      return std::fprintf(stderr, "%s\n", error), 1;
  rd_kafka_t* client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
  if (client == nullptr) return std::fprintf(stderr, "%s\n", error), 1;
  rd_kafka_poll_set_consumer(client);
  const rd_kafka_metadata_t* metadata = nullptr;
  rd_kafka_topic_t* handle = rd_kafka_topic_new(client, topic.c_str(), nullptr);
  if (rd_kafka_metadata(client, 0, handle, &metadata, 10'000) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return 1;
  const int partitions = metadata->topics[0].partition_cnt;
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(partitions);
  for (int p = 0; p < partitions; ++p)
    rd_kafka_topic_partition_list_add(list, topic.c_str(), p)->offset = RD_KAFKA_OFFSET_BEGINNING;
  rd_kafka_assign(client, list);
  rd_kafka_queue_t* queue = rd_kafka_queue_get_consumer(client);
  std::vector<rd_kafka_message_t*> batch(5000);
  for (int ended = 0; ended < partitions;) {
    const ssize_t got = rd_kafka_consume_batch_queue(queue, 100, batch.data(), batch.size());
    for (ssize_t i = 0; i < got; ++i) {
      rd_kafka_message_t* message = batch[static_cast<std::size_t>(i)];
      if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        ++ended;
      else if (message->err == 0)
        work.line(static_cast<const char*>(message->payload), message->len, 0);
      rd_kafka_message_destroy(message);
    }
  }
  rd_kafka_queue_destroy(queue);
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(handle);
  rd_kafka_consumer_close(client);
  rd_kafka_destroy(client);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3)
    return std::fprintf(stderr, "usage: ceiling count|parse FILE|kafka:BROKERS/TOPIC\n"), 2;
  Work work(std::string_view(argv[1]) == "parse");
  const std::string target = argv[2];
  const int status =
      target.starts_with("kafka:") ? from_kafka(target.substr(6), work) : from_file(argv[2], work);
  work.report();
  return status;
}
