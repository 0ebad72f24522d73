#include "corpus/triage_matches.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace stuffwatch::corpus {

ListGroups::ListGroups(const Corpus& corpus) {
  for (const std::uint32_t original : corpus.originals()) {
    const auto group =
        static_cast<std::uint32_t>(std::ranges::find(named_after, original) - named_after.begin());
    if (group == named_after.size()) named_after.push_back(original);
    group_of.push_back(group);
  }
  std::uint64_t entries = 0;
  for (const Segment& segment : corpus.segments())
    entries_before.push_back(std::exchange(entries, entries + segment.header().entries));
}

void MatchRun::append(std::uint64_t line) {
  if (!first) first = line;
  if (last && *last != line) {
    const bool ahead = line > *last;
    const std::uint64_t gap = ahead ? line - *last : *last - line;
    ++order.pairs;
    if (gap <= MatchOrder::kReach) ++(ahead ? order.forward : order.backward);
  }
  last = line;
}

void MatchRun::append(const MatchRun& next) {
  if (!next.first) return;
  append(*next.first);
  order.pairs += next.order.pairs;
  order.forward += next.order.forward, order.backward += next.order.backward;
  last = next.last;
}

void ChunkNames::begin_chunk() {
  counted_.clear();
  last_ = nullptr;
  if (known_.size() > kRemembered) known_.clear();
  ++chunk_;
}

void ChunkNames::look_up(std::string_view name) {
  auto found = known_.find(name);
  if (found == known_.end()) {
    found = known_.emplace(name, Known{}).first;
    found->second.told_as = told_as_(found->first);
  }
  Known& known = found->second;
  if (known.chunk != chunk_) {
    known.chunk = chunk_, known.index = static_cast<std::uint32_t>(counted_.size());
    counted_.push_back({.name = known.told_as});
  }
  last_ = &known, last_name_ = found->first;
}

void Combination::append(std::string& out, std::uint32_t group) {
  out.append(reinterpret_cast<const char*>(&group), sizeof group);
}
std::uint32_t Combination::group(std::string_view name, std::size_t i) {
  std::uint32_t group = 0;
  std::memcpy(&group, name.data() + 1 + i * sizeof group, sizeof group);
  return group;
}

ChunkMatches::ChunkMatches(const Corpus& corpus, const PublicSuffixes& suffixes)
    : domains([&suffixes](const std::string& host) { return suffixes.registrable(host); }),
      combinations([](const std::string& name) { return std::string_view(name); }),
      probe_(corpus) {
  for (auto& of_kind : runs) of_kind.resize(corpus.lists().size());
}

void ChunkMatches::begin_chunk() {
  lines.clear();
  domains.begin_chunk(), combinations.begin_chunk();
  for (auto& of_kind : runs) std::ranges::fill(of_kind, MatchRun{});
}

void ChunkMatches::add(std::uint64_t hash, std::string_view canonical) {
  MatchedLine& line = lines.emplace_back(MatchedLine{.hash = hash});
  if (canonical[0] == static_cast<char>(AccountClass::kEmail))
    line.domain = domains.count_line(canonical.substr(canonical.rfind('@') + 1));
}

void ChunkMatches::look_up(const Corpus& corpus, const ListGroups& groups) {
  probe_(
      lines.size(), [&](std::size_t i) { return lines[i].hash; },
      [&](std::size_t i, std::size_t segment, Segment::Range found) {
        note(lines[i], segment, found, corpus, groups);
      },
      [&](std::size_t i) {
        if (!lines[i].known()) return;
        std::ranges::sort(groups_);
        const auto repeated = std::ranges::unique(groups_);
        groups_.erase(repeated.begin(), repeated.end());
        Combination::begin(combination_, lines[i].kind());
        for (const std::uint32_t group : groups_) Combination::append(combination_, group);
        lines[i].combination = combinations.count_line(combination_);
        groups_.clear();
      });
}

void ChunkMatches::note(MatchedLine& line, std::size_t segment, Segment::Range found,
                        const Corpus& corpus, const ListGroups& groups) {
  if (!line.known()) line.entry = groups.entries_before[segment] + found.begin;
  for (std::uint64_t e = found.begin; e < found.end; ++e) {
    const auto [in_segment, at] = corpus.segments()[segment].place_of(e);
    const std::uint32_t list = corpus.list_of()[segment][in_segment];
    groups_.push_back(groups.group_of[list]);
    if (corpus.lists()[list].facts.has_positions()) runs[line.kind()][list].append(at);
  }
}

}  // namespace stuffwatch::corpus
