#include "corpus/triage.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "corpus/spill.h"
#include "corpus/triage_census.h"
#include "corpus/triage_matches.h"

namespace stuffwatch::corpus {
namespace {

constexpr std::uint64_t kMemoryOfThread = std::uint64_t{16} << 20;

class Triager final : public ChunkWorker {
 public:
  Triager(const Corpus& corpus, const ListGroups& groups, const PublicSuffixes& suffixes,
          const AccountHasher& hasher, Census& census, Spill& spill, std::uint64_t buffered)
      : corpus_(corpus),
        groups_(groups),
        hasher_(hasher),
        census_(census),
        matches_(corpus, suffixes),
        unknown_(spill, buffered) {}

  config::Result<void> take(const ListChunk& chunk) override {
    matches_.begin_chunk();
    for_each_account(chunk, hasher_, scratch_, tally_, [&](std::uint64_t hash, std::uint64_t) {
      matches_.add(hash, scratch_.canonical);
    });
    matches_.look_up(corpus_, groups_);
    census_.add(chunk.number, matches_);
    for (const MatchedLine& line : matches_.lines)
      if (!line.known())
        unknown_.add({line.hash, line.kind() == kAddress
                                     ? matches_.domains.counted()[line.domain].number
                                     : DomainCounts::kNone});
    return unknown_.problem();
  }
  config::Result<void> finish() override { return unknown_.flush(); }
  [[nodiscard]] const LineTally& tally() const { return tally_; }

 private:
  const Corpus& corpus_;
  const ListGroups& groups_;
  const AccountHasher& hasher_;
  Census& census_;
  ChunkMatches matches_;
  SpillBuffer unknown_;
  LineTally tally_;
  LineScratch scratch_;
};

// False: stopped.
config::Result<bool> count_unknown(const Spill& spill, std::uint64_t memory, std::uint64_t lines,
                                   Census& census, const OnListProgress& on_progress) {
  const std::size_t most =
      std::max<std::size_t>(memory / 4 / sizeof(KeyedLine), std::size_t{1} << 16);
  for (std::size_t p = 0; p < Spill::kPartitions; ++p) {
    if (p + 1 < Spill::kPartitions) spill.read_ahead(p + 1);
    auto accounts = spill.sorted(p, most);
    if (!accounts) return std::unexpected(accounts.error());
    for (const KeyedLine& account : *accounts) census.add_unknown(account);
    const double share = static_cast<double>(p + 1) / Spill::kPartitions;
    if (!on_progress({true, lines, 0, {}, share})) return false;
  }
  return true;
}

}  // namespace

config::Result<Triage> triage(ListInput& dump, const Corpus& corpus, const AccountHasher& hasher,
                              const TriageOptions& options, const OnListProgress& on_progress) {
  auto spill = Spill::open(options.temporary);
  if (!spill) return std::unexpected(spill.error());
  const ListGroups groups(corpus);
  const PublicSuffixes suffixes;
  Census census(corpus, groups, options.on_account);
  const unsigned threads = workers_within(options.memory, kMemoryOfThread, options.threads);
  std::vector<std::unique_ptr<ChunkWorker>> workers;
  std::vector<const Triager*> triagers;
  for (unsigned i = 0; i < threads; ++i) {
    auto one = std::make_unique<Triager>(corpus, groups, suffixes, hasher, census, *spill,
                                         options.memory / 4 / threads);
    triagers.push_back(one.get());
    workers.push_back(std::move(one));
  }
  auto read = read_lines(dump, options.format, workers, on_progress);
  if (!read) return std::unexpected(read.error());
  Triage out;
  out.format = std::move(read->format), out.stopped = read->stopped, out.lines = dump.lines();
  if (out.stopped) return out;
  for (const Triager* const one : triagers) out.tally += one->tally();
  workers.clear();  // their memory is needed for sorting
  auto counted = count_unknown(*spill, options.memory, out.lines, census, on_progress);
  if (!counted) return std::unexpected(counted.error());
  out.stopped = !*counted;
  out.sha256 = dump.sha256().value_or(Sha256::Digest{});
  census.tell(out);
  return out;
}

OrderKind kind_of(const MatchOrder& order, std::uint64_t shared_accounts) {
  constexpr std::uint64_t kLeastPairs = 20;
  constexpr double kIn = 0.5, kPartly = 0.1, kOddsAgainstChance = 1e6;
  if (order.pairs < kLeastPairs || shared_accounts <= MatchOrder::kReach) return OrderKind::kNone;
  const bool forward = order.forward >= order.backward;
  const double pairs = static_cast<double>(order.pairs),
               share = static_cast<double>(std::max(order.forward, order.backward)) / pairs,
               chance = static_cast<double>(MatchOrder::kReach) /
                        static_cast<double>(shared_accounts - 1);
  if (share < kPartly || share <= chance) return OrderKind::kNone;
  // Chernoff's bound of a share as high as this, or higher, when each pair is near by chance.
  const double divergence = share * std::log(share / chance) +
                            (share < 1 ? (1 - share) * std::log((1 - share) / (1 - chance)) : 0.0);
  if (pairs * divergence < std::log(kOddsAgainstChance)) return OrderKind::kNone;
  if (share >= kIn) return forward ? OrderKind::kForward : OrderKind::kBackward;
  return forward ? OrderKind::kPartlyForward : OrderKind::kPartlyBackward;
}

Interval wilson_interval(std::uint64_t count, std::uint64_t all) {
  if (all == 0) return {};
  constexpr double kZ = 1.959963984540054;  // 97.5 % of a standard normal lie below
  const double n = static_cast<double>(all), share = static_cast<double>(count) / n,
               z2 = kZ * kZ / n, middle = (share + z2 / 2) / (1 + z2),
               half = kZ * std::sqrt(share * (1 - share) / n + z2 / (4 * n)) / (1 + z2);
  return {count == 0 ? 0 : middle - half, count == all ? 1 : middle + half};
}

}  // namespace stuffwatch::corpus
