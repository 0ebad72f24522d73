// Inputs that live in memory: records handed out in chunks of a chosen size; files, or partitions of a topic.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ingest/source.h"

namespace stuffwatch::daemon::pipeline {

class MemorySource final : public ingest::Source {
 public:
  // `inputs[i]` becomes input (0, i).
  MemorySource(std::vector<std::vector<std::string>> inputs, std::size_t chunk)
      : inputs_(std::move(inputs)), chunk_(chunk), at_(inputs_.size()) {}

  std::vector<ingest::InputChange> service() override {
    auto changes = std::exchange(changes_, {});
    for (std::uint32_t i = announced_ ? static_cast<std::uint32_t>(inputs_.size()) : 0;
         i < inputs_.size(); ++i)
      changes.push_back({ingest::InputChange::Kind::kAssigned, {0, i}});
    announced_ = true;
    return changes;
  }
  ingest::ReadStatus read(ingest::InputId id, ingest::RawChunk& out) override {
    const auto& lines = inputs_[id.partition];
    std::size_t& at = at_[id.partition];
    if (stalled_.contains(id.partition)) return stalled_[id.partition];
    if (at == lines.size())
      return topic_ ? ingest::ReadStatus::kAtEnd : ingest::ReadStatus::kFinished;
    out.input = id;
    for (std::size_t n = 0; n < chunk_ && at < lines.size(); ++n, ++at) {
      auto memory = std::make_unique<char[]>(lines[at].size() + ingest::RawChunk::kPadding);
      std::memcpy(memory.get(), lines[at].data(), lines[at].size());
      out.records.push_back({{memory.get(), lines[at].size()}, static_cast<std::int64_t>(at), -1});
      out.memory.push_back(std::move(memory));
    }
    out.next_offset = static_cast<std::int64_t>(at);
    return ingest::ReadStatus::kChunk;
  }
  config::Result<void> seek(ingest::InputId id, std::int64_t offset) override {
    at_[id.partition] = static_cast<std::size_t>(offset);
    return {};
  }
  std::vector<ingest::InputStatus> status() const override {
    std::vector<ingest::InputStatus> all;
    all.reserve(inputs_.size());
    for (std::uint32_t i = 0; i < inputs_.size(); ++i)
      all.push_back({{0, i}, "memory[" + std::to_string(i) + "]", "", 0});
    return all;
  }
  void commit(ingest::InputId, std::int64_t) override {}
  void release(ingest::InputId) override {}

  [[nodiscard]] std::optional<std::int64_t> committed(ingest::InputId id) const override {
    const auto at = committed_.find(id.partition);
    return at == committed_.end() ? std::nullopt : std::optional(at->second);
  }
  void set_committed(std::uint32_t input, std::int64_t offset) { committed_[input] = offset; }

  // From now on more may come at its end.
  void make_topic() { topic_ = true; }
  void add(std::uint32_t input, std::string record) { inputs_[input].push_back(std::move(record)); }
  void give_back(const std::vector<std::uint32_t>& inputs) {
    for (const std::uint32_t input : inputs)
      changes_.push_back({ingest::InputChange::Kind::kRevoked, {0, input}});
  }
  void stall(std::uint32_t input, ingest::ReadStatus as) { stalled_[input] = as; }
  void resume(std::uint32_t input) { stalled_.erase(input); }

 private:
  std::vector<std::vector<std::string>> inputs_;
  std::size_t chunk_;
  std::vector<std::size_t> at_;
  std::map<std::uint32_t, ingest::ReadStatus> stalled_;
  std::map<std::uint32_t, std::int64_t> committed_;
  std::vector<ingest::InputChange> changes_;
  bool announced_ = false, topic_ = false;
};

}  // namespace stuffwatch::daemon::pipeline
