// This process's place in its consumer group: the client's life, joining and leaving, rebalances,
// and who owns the partitions. Decides which partitions are ours; what is read from where is
// KafkaSource's.
// Threads: one, which must call service() at least once a second. Nothing blocks but close(), at
// most some seconds.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ingest/kafka_admin.h"
#include "ingest/kafka_election.h"
#include "ingest/kafka_links.h"

namespace stuffwatch::ingest {

// What happened in one service().
struct KafkaNews {
  std::optional<std::vector<KafkaPlace>> granted;  // ours: answer with accept()
  std::optional<std::vector<KafkaPlace>> revoked;  // no longer ours: answer with yield()
  bool lost = false;         // ... and somebody else may have them already: commit nothing
  bool links_known = false;  // fresh statistics
  bool link_broke = false;   // some connection broke
  std::vector<KafkaOffsetsAnswer> offsets;  // answers to questions put to admin()
  std::vector<KafkaPlace> uncommitted;      // an asynchronous commit of these failed
};

class KafkaMembership {
 public:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] static config::Result<std::unique_ptr<KafkaMembership>> open(
      const KafkaSettings& settings, std::vector<std::string> topics, KafkaLog log);
  ~KafkaMembership();
  KafkaMembership(const KafkaMembership&) = delete;
  KafkaMembership& operator=(const KafkaMembership&) = delete;

  [[nodiscard]] KafkaNews service(Clock::time_point now);
  void accept(const std::map<KafkaPlace, std::int64_t>& start);
  void yield(Clock::time_point now);
  // Leaves the group and ends the client. Every queue taken from it must be gone.
  void close();

  // Null until the topics' partitions are known.
  [[nodiscard]] rd_kafka_t* client() const { return client_.get(); }
  [[nodiscard]] KafkaAdmin* admin() { return admin_ ? &*admin_ : nullptr; }
  [[nodiscard]] const KafkaLinks& links() const { return links_; }
  [[nodiscard]] std::uint32_t partitions() const {
    return partitions_;
  }  // of all topics; 0 until known
  [[nodiscard]] bool standby() const { return exclusive_ && election_.standby(); }
  [[nodiscard]] std::string problem() const;

 private:
  KafkaMembership(const KafkaSettings& settings, std::vector<std::string> topics, KafkaLog log,
                  std::int64_t silence_ms, std::string instance);
  [[nodiscard]] config::Result<void> open_asker();
  void ask_for_topics(Clock::time_point now);
  void open_member(std::uint32_t partitions, Clock::time_point now);
  void take_events(KafkaNews& news, Clock::time_point now);
  void take_answers(KafkaNews& news, Clock::time_point now);
  void on_error(rd_kafka_event_t& event, KafkaNews& news);
  void on_rebalance(rd_kafka_event_t& event, KafkaNews& news, Clock::time_point now);
  void on_committed(rd_kafka_event_t& event, KafkaNews& news);
  void on_group(const KafkaGroupAnswer& answer, Clock::time_point now);
  void check(KafkaNews& news, Clock::time_point now);
  void decide(bool complete, KafkaNews& news, Clock::time_point now);
  void subscribe();
  void unsubscribe();
  void unassign();
  void log(KafkaLogLevel level, std::string_view text) const;

  // What an exclusive member must know before it takes a grant.
  struct Check {
    std::vector<KafkaPlace> places;
    bool topics_asked = false, group_asked = false;
    std::optional<KafkaTopicsAnswer> topics;
    std::optional<KafkaGroupAnswer> group;
    Clock::time_point not_before{};
  };

  KafkaSettings settings_;
  std::vector<std::string> topics_;
  KafkaLog log_;
  bool exclusive_;
  KafkaElection election_;
  KafkaLinks links_;
  std::uint32_t partitions_ = 0;
  KafkaHandle asker_;  // until the partitions are known, and never again
  std::optional<KafkaAdmin> asker_admin_;
  Clock::time_point ask_topics_at_{};
  bool topics_asked_ = false;
  KafkaHandle client_;
  KafkaQueue queue_;
  std::optional<KafkaAdmin> admin_;
  std::optional<Check> check_;
  bool holding_ = false;  // we accepted a grant and have not yielded it
  bool losing_ = false;   // the revoke that is being dealt with is a loss
  std::string problem_;   // of the connection; cleared by the next success
  std::string fatal_;
  std::jthread farewell_;  // ends the asker: that can take the library a second
};

}  // namespace stuffwatch::ingest
