// A configuration with one field of every kind, shared by the tests of this folder.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/field_visitor.h"

namespace stuffwatch::config {

enum class SampleMode { kShadow, kPage };
template <>
struct EnumNames<SampleMode> {
  static constexpr EnumName<SampleMode> kValues[] = {{SampleMode::kShadow, "shadow", "log only"},
                                                     {SampleMode::kPage, "page", ""}};
};

inline Result<void> check_host_port(const std::string& text) {
  if (text.find(':') == std::string::npos)
    return misconfigured("\"{}\" has no port; write HOST:PORT", text);
  return {};
}

struct SampleInput {
  std::string name;
  std::optional<std::string> topic, file;
  std::chrono::milliseconds delay{0};
  void visit(FieldVisitor& v) {
    using namespace std::chrono_literals;
    v.field("name", name, "What the input is called.", kRequired);
    v.field("topic", topic, "Kafka topic.");
    v.field("file", file, "File to read.");
    v.field("delay", delay, {0s, 1h}, "How late its events are.");
    v.require("topic", topic.has_value() != file.has_value(), "set either topic or file");
  }
};

struct SampleKafka {
  std::string brokers, password;
  std::map<std::string, std::string> properties;
  std::vector<std::string> topics = {"auth:1"};
  void visit(FieldVisitor& v) {
    v.field("brokers", brokers, "Where to connect.", {.required = true, .format = "HOST:PORT,..."});
    v.field("password", password, "The password.", kSecret);
    v.field("properties", properties, "Passed on to the client library.", kOperational);
    v.field("topics", topics, check_host_port, "Topics to read.");
  }
};

// A section whose type the root does not know.
class SampleDetector final : public Section {
 public:
  double alarm_odds = 1e8;
  std::chrono::milliseconds maturity = std::chrono::minutes{10};
  void visit(FieldVisitor& v) override {
    using namespace std::chrono_literals;
    v.field("alarm_odds", alarm_odds, {10.0, 1e15}, "Odds against chance.");
    v.field("maturity", maturity, {1s, 1h}, "A first contact counts after this long.");
  }
};

struct SampleConfig {
  std::string site;
  std::string listen = "127.0.0.1:9477";
  bool enabled = true;
  int shift = -3;
  std::int64_t offset = 0;
  std::uint32_t workers = 1;
  std::uint64_t seed = 1;
  Bytes memory = gibibytes(1);
  SampleMode mode = SampleMode::kShadow;
  SampleKafka kafka;
  std::vector<SampleInput> inputs;
  SampleDetector detector;
  void visit(FieldVisitor& v) {
    v.field("site", site, "Name of the site.");
    v.field("listen", listen, check_host_port, "Where to listen.",
            FieldOptions{.format = "HOST:PORT"});
    v.field("enabled", enabled, "Is it on?", kLive);
    v.field("shift", shift, {-10, 10}, "A signed number.");
    v.field("offset", offset, "Anything.");
    v.field("workers", workers, {1, 256}, "How many threads.",
            kOperational | FieldOptions{.unit = "threads"});
    v.field("seed", seed, "A large number.");
    v.field("memory", memory, {mebibytes(1), gibibytes(64)}, "How much memory.");
    v.field("mode", mode, "What to do.", kLive);
    v.section("kafka", kafka, "The broker.");
    v.list("inputs", inputs, "Where events come from.");
    v.section("detector", detector, "A detector | of many.", kLive);
  }
};

}  // namespace stuffwatch::config
