#include "corpus/segment_merge.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "corpus/segment_writer.h"

namespace stuffwatch::corpus {
namespace {

constexpr std::uint64_t kTellEvery = 1 << 20;  // entries
constexpr std::uint64_t kEnd = std::numeric_limits<std::uint64_t>::max();

// The place of a segment's lists among all that are kept; nothing for one that is left out.
using Places = std::vector<std::optional<std::size_t>>;

// Goes through a segment in order of hash.
class Cursor {
 public:
  Cursor(const Segment& segment, std::uint64_t mask) : segment_(&segment), mask_(mask) {
    range_ = segment.range_of(0);
    settle();
  }
  [[nodiscard]] bool at_end() const { return bucket_ == segment_->shape().buckets(); }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] std::pair<std::uint32_t, std::uint64_t> place() const {
    return segment_->place_of(range_.begin);
  }
  void next() { ++range_.begin, settle(); }

 private:
  void settle() {
    while (range_.begin == range_.end) {
      if (++bucket_ == segment_->shape().buckets()) return;
      range_ = segment_->range_of(bucket_);
    }
    hash_ = segment_->hash_of(bucket_, range_.begin) & mask_;
  }
  const Segment* segment_;
  std::uint64_t mask_, bucket_ = 0, hash_ = 0;
  Segment::Range range_;
};

struct Plan {
  std::vector<ListInfo> lists;  // by id, with their new bases
  std::vector<Places> places;   // [segment][its list]
  SegmentShape shape;
  std::uint64_t mask = 0, entries = 0;
};

config::Result<Plan> plan_of(std::span<const Segment> segments, std::string_view without) {
  Plan plan;
  unsigned known = 64;
  for (const Segment& segment : segments) {
    known = std::min(known, segment.shape().bucket_bits + segment.shape().fragment_bits);
    plan.entries += segment.header().entries;
    for (const SegmentList& list : segment.lists())
      if (segment.name(list) != without)
        plan.lists.push_back({std::string(segment.name(list)), list});
  }
  const auto id = [](const ListInfo& list) { return list.facts.id; };
  std::ranges::sort(plan.lists, {}, id);
  std::uint64_t positions = 0, accounts = 0;
  for (ListInfo& list : plan.lists) {
    list.facts.base = std::exchange(positions, positions + list.facts.span);
    accounts += list.facts.accounts;
  }
  if (positions > std::uint64_t{1} << kMaxPositionBits)
    return config::failed("more than {} lines: they do not fit into one segment",
                          std::uint64_t{1} << kMaxPositionBits);
  for (const Segment& segment : segments) {
    Places& places = plan.places.emplace_back();
    for (const SegmentList& list : segment.lists()) {
      const auto at = std::ranges::lower_bound(plan.lists, list.id, {}, id);
      const bool kept = at != plan.lists.end() && at->facts.id == list.id;
      places.push_back(kept ? std::optional(static_cast<std::size_t>(at - plan.lists.begin()))
                            : std::nullopt);
    }
  }
  plan.shape = SegmentShape::of(accounts, positions, known);
  plan.mask = ~std::uint64_t{0} << (64 - known);
  return plan;
}

// False: a group of the directory is full. Nothing: stopped.
config::Result<std::optional<bool>> write(std::span<const Segment> segments,
                                          std::span<const std::uint64_t> forgotten, Plan plan,
                                          DirectoryKind kind, const std::filesystem::path& file,
                                          std::uint64_t key_check,
                                          const std::function<bool(double)>& on_progress) {
  auto writer = SegmentWriter::open(file, plan.shape, kind, key_check);
  if (!writer) return std::unexpected(writer.error());
  std::vector<Cursor> cursors;
  for (const Segment& segment : segments) cursors.emplace_back(segment, plan.mask);
  for (ListInfo& list : plan.lists) list.facts.accounts = 0;
  std::vector<std::pair<std::uint64_t, std::size_t>> found;  // of one account: position, list
  std::uint64_t done = 0;
  for (std::uint64_t told = 0;;) {
    std::uint64_t hash = kEnd;
    bool any = false;
    for (const Cursor& cursor : cursors)
      if (!cursor.at_end()) hash = std::min(hash, cursor.hash()), any = true;
    if (!any) break;
    const auto known = std::ranges::lower_bound(
        forgotten, hash, {}, [&](std::uint64_t account) { return account & plan.mask; });
    const bool forget = known != forgotten.end() && (*known & plan.mask) == hash;
    found.clear();
    for (std::size_t s = 0; s < cursors.size(); ++s) {
      for (; !cursors[s].at_end() && cursors[s].hash() == hash; cursors[s].next(), ++done) {
        const auto [list, line] = cursors[s].place();
        if (const auto place = plan.places[s][list]; place && !forget)
          found.emplace_back(plan.lists[*place].facts.base + line, *place);
      }
    }
    std::ranges::sort(found);
    // Hashes of which another segment knows less can be one now; in a list without positions so are their entries.
    const auto repeated = std::ranges::unique(found);
    found.erase(repeated.begin(), repeated.end());
    for (const auto& [position, list] : found)
      writer->add(hash, position), ++plan.lists[list].facts.accounts;
    if (done < told + kTellEvery) continue;
    told = done;
    if (!on_progress(static_cast<double>(done) / static_cast<double>(plan.entries)))
      return std::nullopt;
  }
  auto finished = writer->finish(plan.lists);
  if (!finished) return std::unexpected(finished.error());
  return *finished;
}

}  // namespace

config::Result<Merged> merge_segments(std::span<const Segment> segments,
                                      std::span<const std::uint64_t> forgotten,
                                      std::string_view without, const std::filesystem::path& file,
                                      std::uint64_t key_check,
                                      const std::function<bool(double)>& on_progress) {
  auto plan = plan_of(segments, without);
  if (!plan) return std::unexpected(plan.error());
  if (plan->lists.empty()) return Merged::kEmpty;
  for (const auto kind : {DirectoryKind::kEightBuckets, DirectoryKind::kFourBuckets}) {
    auto written = write(segments, forgotten, *plan, kind, file, key_check, on_progress);
    if (!written) return std::unexpected(written.error());
    if (!*written) return Merged::kStopped;
    if (**written) return Merged::kWritten;
  }
  return config::failed("{}: too many records of one account", file.string());
}

}  // namespace stuffwatch::corpus
