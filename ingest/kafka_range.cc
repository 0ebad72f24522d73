// The text form of a KafkaRange.
#include "ingest/kafka_range_source.h"

namespace stuffwatch::ingest {
namespace {

constexpr std::string_view kScheme = "kafka:";
constexpr std::string_view kShape =
    "kafka:TOPIC?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&brokers=HOST:PORT";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A '+' stays one: zones of times are written with it.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

config::Result<void> set_parameter(KafkaRange& range, std::string_view name,
                                   const std::string& value) {
  if (name == "brokers") {
    range.brokers = value;
    return {};
  }
  if (name != "from" && name != "to")
    return config::misconfigured("there is no '{}'; known are from, to and brokers", name);
  const auto position = KafkaPosition::parse(value);
  if (!position) return config::misconfigured("{}={}", name, position.error().message);
  if (name == "from") {
    range.from = *position;
  } else {
    range.to = *position;
  }
  return {};
}

}  // namespace

config::Result<KafkaRange> KafkaRange::parse(std::string_view url) {
  if (!url.starts_with(kScheme))
    return config::misconfigured("{}: not a Kafka input; write {}", url, kShape);
  std::string_view rest = url.substr(kScheme.size());
  const std::size_t question = rest.find('?');
  const auto topic = percent_decoded(rest.substr(0, question));
  if (!topic || topic->empty() || topic->find('/') != std::string::npos)
    return config::misconfigured("{}: no topic; write {}", url, kShape);
  KafkaRange range;
  range.topic = *topic;
  rest = question == std::string_view::npos ? std::string_view{} : rest.substr(question + 1);
  while (!rest.empty()) {
    const std::string_view parameter = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), parameter.size() + 1));
    const std::size_t equals = parameter.find('=');
    const auto value =
        percent_decoded(equals == std::string_view::npos ? "" : parameter.substr(equals + 1));
    if (equals == std::string_view::npos || !value || value->empty())
      return config::misconfigured("{}: '{}' is not NAME=VALUE; write {}", url, parameter, kShape);
    if (auto ok = set_parameter(range, parameter.substr(0, equals), *value); !ok)
      return config::misconfigured("{}: {}", url, ok.error().message);
  }
  return range;
}

}  // namespace stuffwatch::ingest
