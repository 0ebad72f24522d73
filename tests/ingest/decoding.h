// What the decoder tests share: records with padding, and a collector that keeps what it gets.
#pragma once

#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/decoder.h"

namespace stuffwatch::ingest::testing {

// A copy of a record on the heap, to the byte: a sanitizer sees whoever reads beyond the padding.
// The padding is filled with what does most harm to a decoder that trusts it.
class Padded {
 public:
  explicit Padded(std::string_view text)
      : memory_(std::make_unique<char[]>(text.size() + RawChunk::kPadding)) {
    constexpr std::string_view kTrap = "\"}]}]}";
    for (std::size_t i = 0; i < RawChunk::kPadding; ++i)
      memory_[text.size() + i] = kTrap[i % kTrap.size()];
    std::memcpy(memory_.get(), text.data(), text.size());
    record_.bytes = {memory_.get(), text.size()};
  }
  [[nodiscard]] const RawRecord& record() const { return record_; }
  [[nodiscard]] std::string_view bytes() const { return record_.bytes; }

 private:
  std::unique_ptr<char[]> memory_;
  RawRecord record_;
};

struct Kept : LoginCollector {
  void add(const RawLogin& login) override {
    logins.push_back(login);
    accounts.emplace_back(login.account);
  }
  void unknown_field() override { ++unknown; }
  void secret_field() override { ++secrets; }
  std::vector<RawLogin> logins;  // views are valid until the decoder's next record
  std::vector<std::string> accounts;
  int unknown = 0, secrets = 0;
};

inline std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  if (at == std::string::npos) throw std::invalid_argument(std::string(what));
  return text.replace(at, what.size(), with);
}

}  // namespace stuffwatch::ingest::testing
