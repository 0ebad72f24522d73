// What one chunk of a dump has in common with a corpus. For triage*.cc only.
//
// Threads: a ChunkMatches is one thread's; all else is plain values. Memory: about 60 bytes a line of the chunk. Cost: that of Segment, in batches.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/corpus.h"
#include "corpus/domain_counts.h"
#include "corpus/triage.h"

namespace stuffwatch::corpus {

// The lists of a corpus as they are counted: those that are one list in several orders are one group.
struct ListGroups {
  explicit ListGroups(const Corpus& corpus);
  std::vector<std::uint64_t> entries_before;  // [segment]: in the segments before it
  std::vector<std::uint32_t> group_of;        // [index of corpus.lists()]
  std::vector<std::uint32_t> named_after;     // [group]: index of corpus.lists()
};

// E-mail addresses, and all other names.
enum AccountKind : std::uint8_t { kAddress, kOtherName, kAccountKinds };

// The matches of one list, in order: what lies between two parts of a dump is known from the end of one and the beginning of the other.
struct MatchRun {
  std::optional<std::uint64_t> first, last;  // lines of the list
  MatchOrder order;
  void append(std::uint64_t line);
  void append(const MatchRun& next);
};

// Names that one thread comes across: what belongs to a name is found out once, what is counted is counted for the chunk at hand.
class ChunkNames {
 public:
  struct Counted {
    std::string_view name;  // what `told_as` made of it
    std::uint32_t lines = 0, accounts = 0;
    std::uint64_t number = 0;  // for the caller
  };
  using ToldAs = std::function<std::string_view(const std::string&)>;
  explicit ChunkNames(ToldAs told_as) : told_as_(std::move(told_as)) {}

  void begin_chunk();
  // Index of counted(). The same name as the time before, which is the most usual one, costs a comparison only.
  [[nodiscard]] std::uint32_t count_line(std::string_view name) {
    if (last_ == nullptr || name != last_name_) look_up(name);
    ++counted_[last_->index].lines;
    return last_->index;
  }
  [[nodiscard]] std::vector<Counted>& counted() { return counted_; }
  [[nodiscard]] const std::vector<Counted>& counted() const { return counted_; }

 private:
  static constexpr std::size_t kRemembered = std::size_t{1} << 15;
  struct Known {
    std::string_view told_as;
    std::uint64_t chunk = 0;  // that it was counted in last
    std::uint32_t index = 0;  // in counted_ then
  };
  void look_up(std::string_view name);
  ToldAs told_as_;
  NameMap<Known> known_;
  const Known* last_ = nullptr;  // counted in this chunk
  std::string_view last_name_;
  std::vector<Counted> counted_;
  std::uint64_t chunk_ = 0;
};

// A name of a set of groups: the kind of account and the groups, ascending, four bytes each.
struct Combination {
  static void begin(std::string& out, AccountKind kind) { out.assign(1, static_cast<char>(kind)); }
  static void append(std::string& out, std::uint32_t group);
  [[nodiscard]] static AccountKind kind_of(std::string_view name) {
    return static_cast<AccountKind>(name[0]);
  }
  [[nodiscard]] static std::size_t size(std::string_view name) { return name.size() / 4; }
  [[nodiscard]] static std::uint32_t group(std::string_view name, std::size_t i);
};

struct MatchedLine {
  static constexpr std::uint64_t kNoEntry = ~std::uint64_t{0};
  static constexpr std::uint32_t kNoDomain = ~std::uint32_t{0};
  std::uint64_t hash = 0,
                entry = kNoEntry;  // entry: the account's first, counted through all segments
  std::uint32_t domain = kNoDomain,
                combination = 0;  // index of ChunkMatches::domains, combinations
  [[nodiscard]] AccountKind kind() const { return domain == kNoDomain ? kOtherName : kAddress; }
  [[nodiscard]] bool known() const { return entry != kNoEntry; }
};

struct ChunkMatches {
  ChunkMatches(const Corpus& corpus, const PublicSuffixes& suffixes);
  void begin_chunk();
  void add(std::uint64_t hash, std::string_view canonical);
  // When all lines are added.
  void look_up(const Corpus& corpus, const ListGroups& groups);

  std::vector<MatchedLine> lines;
  ChunkNames domains, combinations;
  std::array<std::vector<MatchRun>, kAccountKinds> runs;  // [index of corpus.lists()]

 private:
  void note(MatchedLine& line, std::size_t segment, Segment::Range found, const Corpus& corpus,
            const ListGroups& groups);
  std::string combination_;
  std::vector<std::uint32_t> groups_;
  Probe probe_;
};

}  // namespace stuffwatch::corpus
