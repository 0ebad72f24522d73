#include "corpus/list_builder.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "corpus/line_hashing.h"
#include "corpus/spill.h"

namespace stuffwatch::corpus {
namespace {

constexpr std::uint64_t kMemoryOfThread = std::uint64_t{8} << 20;

// Into the spill, with the lines of the list.
class Spiller final : public ChunkWorker {
 public:
  Spiller(const AccountHasher& hasher, Spill& spill, bool positions, std::uint64_t buffered)
      : hasher_(hasher), buffer_(spill, buffered), positions_(positions) {}

  config::Result<void> take(const ListChunk& chunk) override {
    if (chunk.lines.first_line + chunk.lines.lines > std::uint64_t{1} << kMaxPositionBits)
      return config::misconfigured("more than {} lines: split the list into several",
                                   std::uint64_t{1} << kMaxPositionBits);
    for_each_account(chunk, hasher_, scratch_, tally_, [&](std::uint64_t hash, std::uint64_t line) {
      buffer_.add({hash, positions_ ? line : 0});
    });
    return buffer_.problem();
  }
  config::Result<void> finish() override { return buffer_.flush(); }
  [[nodiscard]] const LineTally& tally() const { return tally_; }

 private:
  const AccountHasher& hasher_;
  SpillBuffer buffer_;
  const bool positions_;
  LineTally tally_;
  LineScratch scratch_;
};

// All lines into the spill. What is known after that stands in `built`.
config::Result<void> spill_list(ListInput& input, const AccountHasher& hasher,
                                const BuildOptions& options, Spill& spill, Built& built,
                                const OnBuildProgress& on_progress) {
  SegmentList& facts = built.list.facts;
  const unsigned threads = workers_within(options.memory, kMemoryOfThread, options.threads);
  std::vector<std::unique_ptr<ChunkWorker>> workers;
  std::vector<const Spiller*> spillers;
  for (unsigned i = 0; i < threads; ++i) {
    auto one = std::make_unique<Spiller>(hasher, spill, facts.has_positions(),
                                         options.memory / 4 / threads);
    spillers.push_back(one.get());
    workers.push_back(std::move(one));
  }
  auto read = read_lines(input, options.format, workers, on_progress);
  if (!read) return std::unexpected(read.error());
  built.format = std::move(read->format), built.stopped = read->stopped;
  LineTally tally;
  for (const Spiller* const spiller : spillers) tally += spiller->tally();
  facts.valid = tally.valid, facts.rejected = tally.rejected;
  return {};
}

// Every partition sorted, into a segment. False: a group of the directory is full.
config::Result<bool> write_segment(const Spill& spill, const BuildOptions& options, ListInfo& list,
                                   const AccountHasher& hasher, DirectoryKind kind,
                                   const std::filesystem::path& file,
                                   const OnBuildProgress& on_progress, bool& stopped) {
  const std::size_t most =
      std::max<std::size_t>(options.memory / 4 / sizeof(KeyedLine), std::size_t{1} << 16);
  auto writer = SegmentWriter::open(file, SegmentShape::of(list.facts.valid, list.facts.span), kind,
                                    hasher.check_value());
  if (!writer) return std::unexpected(writer.error());
  for (std::size_t p = 0; p < Spill::kPartitions; ++p) {
    if (p + 1 < Spill::kPartitions) spill.read_ahead(p + 1);
    auto lines = spill.sorted(p, most);
    if (!lines) return std::unexpected(lines.error());
    for (const KeyedLine& line : *lines) writer->add(line.hash, line.position);
    const double share = static_cast<double>(p + 1) / Spill::kPartitions;
    if (!on_progress({true, list.facts.lines, 0, {}, share})) return stopped = true, true;
  }
  list.facts.accounts = writer->entries();
  list.facts.duplicates = list.facts.valid - list.facts.accounts;
  return writer->finish({list});
}

}  // namespace

config::Result<Built> build_list(
    ListInput& input, const AccountHasher& hasher, const BuildOptions& options,
    const std::filesystem::path& segment, const OnBuildProgress& on_progress,
    const std::function<config::Result<void>(const ListInfo&)>& accept) {
  auto spill = Spill::open(segment.parent_path());
  if (!spill) return std::unexpected(spill.error());
  Built built{.list = options.list, .format = {}};
  SegmentList& facts = built.list.facts;
  if (auto spilled = spill_list(input, hasher, options, *spill, built, on_progress); !spilled)
    return std::unexpected(spilled.error());
  if (built.stopped) return built;
  if (facts.valid == 0)
    return config::misconfigured(
        "no account in {} lines read as {}: look at some of them and name the format with --format",
        input.lines(), built.format);
  facts.lines = input.lines(), facts.span = facts.has_positions() ? facts.lines : 1;
  facts.sha256 = input.sha256().value_or(Sha256::Digest{});
  if (auto accepted = accept(built.list); !accepted) return std::unexpected(accepted.error());
  for (const auto kind : {DirectoryKind::kEightBuckets, DirectoryKind::kFourBuckets}) {
    auto written = write_segment(*spill, options, built.list, hasher, kind, segment, on_progress,
                                 built.stopped);
    if (!written) return std::unexpected(written.error());
    if (*written) return built;
  }
  return config::failed("{}: too many records of one account", segment.string());
}

}  // namespace stuffwatch::corpus
