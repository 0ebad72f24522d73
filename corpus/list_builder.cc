#include "corpus/list_builder.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "corpus/spill.h"

namespace stuffwatch::corpus {
namespace {

constexpr std::size_t kChunksAhead = 2;  // a thread
constexpr std::uint64_t kMemoryOfThread = std::uint64_t{8} << 20;
static_assert(static_cast<std::size_t>(LineReject::kCount) <=
              std::tuple_size_v<decltype(SegmentList::rejected)>);

struct Chunk {
  LineChunk lines;
  ListFormat format;
};

template <class Visit>
void for_each_line(std::string_view bytes, Visit&& visit) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    visit(bytes.substr(0, end));
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
  }
}

// Nothing: no line of it can be one of a list.
std::optional<ListFormat> guess(const LineChunk& chunk) {
  std::vector<std::string_view> first;
  for_each_line(chunk.bytes, [&](std::string_view line) {
    if (first.size() < ListFormat::kGuessLines && line.size() <= ListFormat::kMaxLineBytes)
      first.push_back(line);
  });
  if (first.empty()) return std::nullopt;
  return ListFormat::guess(first);
}

// Parses and hashes chunks in threads of its own; hands chunks back empty, so that their memory is used again.
class Workers {
 public:
  Workers(const AccountHasher& hasher, Spill& spill, bool positions, unsigned threads,
          std::uint64_t memory)
      : hasher_(hasher),
        spill_(spill),
        positions_(positions),
        buffered_(std::clamp<std::uint64_t>(
            memory / 4 / threads / Spill::kPartitions / sizeof(KeyedLine), 32, 4096)),
        most_(threads * kChunksAhead) {
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Workers() { stop(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  void give(Chunk&& chunk) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_.size() < most_; });
    waiting_.push_back(std::move(chunk));
    changed_.notify_all();
  }
  // Memory of an earlier chunk, if there is one.
  Chunk reuse() {
    const std::scoped_lock lock(mutex_);
    if (spent_.empty()) return {};
    Chunk chunk = std::move(spent_.back());
    spent_.pop_back();
    return chunk;
  }
  [[nodiscard]] bool failed() {
    const std::scoped_lock lock(mutex_);
    return !problem_.has_value();
  }
  // When all that was given is spilled.
  config::Result<void> finish(SegmentList& facts) {
    stop();
    facts.valid = valid_, facts.rejected = rejected_;
    return problem_;
  }

 private:
  void stop() {
    {
      const std::scoped_lock lock(mutex_);
      done_ = true;
      changed_.notify_all();
    }
    threads_.clear();
  }

  void work() {
    std::vector<std::vector<KeyedLine>> buffers(Spill::kPartitions);
    std::array<std::uint64_t, 16> rejected{};
    std::uint64_t valid = 0;
    std::string unquoted, canonical;
    config::Result<void> problem;
    const auto flush = [&](std::size_t partition) {
      auto& buffer = buffers[partition];
      if (problem && !buffer.empty()) problem = spill_.append(partition, buffer);
      buffer.clear();
    };
    for (std::unique_lock lock(mutex_);;) {
      changed_.wait(lock, [&] { return done_ || !waiting_.empty(); });
      if (waiting_.empty()) break;
      Chunk chunk = std::move(waiting_.front());
      waiting_.pop_front();
      changed_.notify_all();
      lock.unlock();
      std::uint64_t line_number = chunk.lines.first_line;
      for_each_line(chunk.lines.bytes, [&](std::string_view line) {
        const std::uint64_t position = positions_ ? line_number : 0;
        ++line_number;
        const ListLine found = chunk.format.account_of(line, unquoted);
        if (found.reject != LineReject::kNone) {
          ++rejected[static_cast<std::size_t>(found.reject)];
          return;
        }
        ++valid;
        const std::uint64_t hash = value_of(hasher_(found.account, canonical));
        auto& buffer = buffers[Spill::partition_of(hash)];
        buffer.push_back({hash, position});
        if (buffer.size() >= buffered_) flush(Spill::partition_of(hash));
      });
      lock.lock();
      if (!problem && problem_) problem_ = problem;
      if (spent_.size() < most_) spent_.push_back(std::move(chunk));
    }
    for (std::size_t p = 0; p < buffers.size(); ++p) flush(p);
    const std::scoped_lock lock(mutex_);
    if (!problem && problem_) problem_ = problem;
    valid_ += valid;
    for (std::size_t i = 0; i < rejected.size(); ++i) rejected_[i] += rejected[i];
  }

  const AccountHasher& hasher_;
  Spill& spill_;
  const bool positions_;
  const std::size_t buffered_, most_;
  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::deque<Chunk> waiting_;
  std::vector<Chunk> spent_;
  bool done_ = false;
  config::Result<void> problem_;
  std::uint64_t valid_ = 0;
  std::array<std::uint64_t, 16> rejected_{};
  std::vector<std::jthread> threads_;  // last: they end before what they use
};

// All lines into the spill. False: stopped.
config::Result<bool> read_list(ListInput& input, const BuildOptions& options, Workers& workers,
                               Built& built, const OnBuildProgress& on_progress) {
  std::optional<std::uint32_t> text;
  std::optional<ListFormat> format = options.format;
  for (;;) {
    Chunk chunk = workers.reuse();
    auto more = input.next(chunk.lines);
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    if (text != chunk.lines.text) format = options.format;
    text = chunk.lines.text;
    if (!format) format = guess(chunk.lines);
    chunk.format = format.value_or(ListFormat());
    if (built.format.empty() && format) built.format = format->name();
    if (chunk.lines.first_line + chunk.lines.lines > std::uint64_t{1} << kMaxPositionBits)
      return config::misconfigured("more than {} lines: split the list into several",
                                   std::uint64_t{1} << kMaxPositionBits);
    workers.give(std::move(chunk));
    if (workers.failed()) break;  // told by finish()
    if (!on_progress({false, input.lines(), input.bytes_read(), input.bytes_total(), 0}))
      return false;
  }
  return true;
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
  const bool positions = facts.has_positions();
  {
    const auto most = static_cast<unsigned>(std::clamp<std::uint64_t>(
        options.memory / kMemoryOfThread, 1, std::max(1U, options.threads)));
    Workers workers(hasher, *spill, positions, most, options.memory);
    auto read = read_list(input, options, workers, built, on_progress);
    if (!read) return std::unexpected(read.error());
    if (!*read) return built.stopped = true, built;
    if (auto spilled = workers.finish(facts); !spilled) return std::unexpected(spilled.error());
  }
  if (facts.valid == 0)
    return config::misconfigured(
        "no account in {} lines read as {}: look at some of them and name the format with --format",
        input.lines(), built.format);
  facts.lines = input.lines(), facts.span = positions ? facts.lines : 1;
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
