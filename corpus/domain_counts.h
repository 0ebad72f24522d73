// Accounts by the domain that somebody registered: mail.example.co.uk counts for example.co.uk, as the Public Suffix List has it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "corpus/spill.h"

struct psl_ctx_st;

namespace stuffwatch::corpus {

// So that a map of strings can be asked with a view.
struct NameHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view name) const;
};
template <class T>
using NameMap = std::unordered_map<std::string, T, NameHash, std::equal_to<>>;

// The newer of the list that libpsl was built with and the one that Debian's publicsuffix installs. Threads: const members from any. Cost: about 1 us a host.
class PublicSuffixes {
 public:
  PublicSuffixes();
  // The end of `host` (lower case, A-labels); all of it when it is a public suffix itself.
  [[nodiscard]] std::string_view registrable(const std::string& host) const;

 private:
  std::shared_ptr<const psl_ctx_st> list_;
};

// Exact for all domains of a dump that has kMost of them at most. With more, the half with the fewest lines so far is dropped again and again, and whoever
// is dropped begins anew: the largest have at least as many accounts as is said, seldom more.
// Threads: one at a time. Memory: about 200 bytes a domain.
class DomainCounts {
 public:
  static constexpr std::size_t kMost = std::size_t{1} << 18;
  static constexpr std::uint64_t kNone =
      Spill::kMaxPosition;  // as a number: of an account without domain

  explicit DomainCounts(std::size_t most = kMost) : most_(most) {}

  // The number of a domain that has so many more lines; fits into the position of a spilled account.
  [[nodiscard]] std::uint64_t enter(std::string_view domain, std::uint64_t lines);
  void add(std::uint64_t number, std::uint64_t accounts);
  // Drops what is too much.
  void make_room();

  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> top(std::size_t count) const;
  [[nodiscard]] bool exact() const { return exact_; }

 private:
  struct Domain {
    std::uint64_t number = 0, lines = 0, accounts = 0;
  };
  std::size_t most_;
  NameMap<Domain> domains_;
  std::unordered_map<std::uint64_t, Domain*> by_number_;
  std::uint64_t next_ = 0;
  bool exact_ = true;
};

}  // namespace stuffwatch::corpus
