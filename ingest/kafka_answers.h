// What brokers say when asked about topics, a group or offsets. Plain values: no client library is
// needed to make or read them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace stuffwatch::ingest {

struct KafkaPlace {
  std::string topic;
  std::int32_t partition = 0;
  auto operator<=>(const KafkaPlace&) const = default;
};

struct KafkaTopicsAnswer {
  std::string error;  // of the whole question, or of the first topic that has one
  std::map<std::string, std::uint32_t> partitions;  // of topics without an error
};

struct KafkaGroupMember {
  std::string id;
  std::string client;
  std::string host;
};

struct KafkaGroupAnswer {
  std::string error;
  std::vector<KafkaGroupMember> members;  // empty without an error: nobody is in the group
};

// Offsets by place; what has an error is left out and described in `error`. Places may be missing
// without an error: the library leaves out partitions whose broker it cannot reach. -1 = no such
// record (by time), none committed.
struct KafkaOffsetsAnswer {
  int tag = 0;
  std::string error;
  std::map<KafkaPlace, std::int64_t> offsets;
};

using KafkaAnswer = std::variant<KafkaTopicsAnswer, KafkaGroupAnswer, KafkaOffsetsAnswer>;

}  // namespace stuffwatch::ingest
