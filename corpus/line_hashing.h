// Lists and dumps into keyed accounts: chunks of lines are read in the caller's thread, parsed and hashed in one thread a worker.
//
// Threads: the caller's and one a worker while read_lines() runs. Memory: 1 MiB a chunk, at most three chunks a worker at once.
// Cost: about 100 ns a line beside what the workers do with it.
// Errors: those of ListInput, and the first one of a worker, after which no more is read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/result.h"
#include "corpus/account_key.h"
#include "corpus/list_format.h"
#include "corpus/list_input.h"

namespace stuffwatch::corpus {

struct ListChunk {
  LineChunk lines;
  ListFormat format;
  std::uint64_t number = 0;  // from 0, in the order of the input
};

struct LineTally {
  std::uint64_t valid = 0;                   // lines with an account
  std::array<std::uint64_t, 16> rejected{};  // by LineReject

  LineTally& operator+=(const LineTally& other);
};
static_assert(static_cast<std::size_t>(LineReject::kCount) <=
              std::tuple_size_v<decltype(LineTally::rejected)>);

// What one thread does with its share of the chunks.
class ChunkWorker {
 public:
  virtual ~ChunkWorker() = default;
  // Chunks are handed out in the order of their numbers, and each is taken by some worker, also after an error or a stop: one may wait for those before.
  [[nodiscard]] virtual config::Result<void> take(const ListChunk& chunk) = 0;
  // After its last chunk, in the same thread.
  [[nodiscard]] virtual config::Result<void> finish() = 0;
};

struct ListProgress {
  bool sorting = false;  // reading before that
  std::uint64_t lines = 0, bytes = 0;
  std::optional<std::uint64_t> bytes_total;
  double sorted = 0;  // share
};
// In the caller's thread, often. False: stop.
using OnListProgress = std::function<bool(const ListProgress&)>;

struct LinesRead {
  std::string format;  // of the first text that shows one
  bool stopped = false;
};

// `format`: nothing: guessed for every text.
[[nodiscard]] config::Result<LinesRead> read_lines(
    ListInput& input, const std::optional<ListFormat>& format,
    std::span<const std::unique_ptr<ChunkWorker>> workers, const OnListProgress& on_progress);

// As many as were asked for and have room, each with `memory_of_one`, but one at least.
[[nodiscard]] unsigned workers_within(std::uint64_t memory, std::uint64_t memory_of_one,
                                      unsigned wanted);

template <class Visit>
void for_each_line(std::string_view bytes, Visit&& visit) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    visit(bytes.substr(0, end));
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
  }
}

struct LineScratch {
  std::string unquoted, canonical;
};

// visit(hash, line): every account of the chunk and its line, from 0 over all of the input. `scratch.canonical` is then its canonical form.
template <class Visit>
void for_each_account(const ListChunk& chunk, const AccountHasher& hasher, LineScratch& scratch,
                      LineTally& tally, Visit&& visit) {
  std::uint64_t line_number = chunk.lines.first_line;
  for_each_line(chunk.lines.bytes, [&](std::string_view line) {
    const std::uint64_t number = line_number++;
    const ListLine found = chunk.format.account_of(line, scratch.unquoted);
    if (found.reject != LineReject::kNone) {
      ++tally.rejected[static_cast<std::size_t>(found.reject)];
      return;
    }
    ++tally.valid;
    visit(value_of(hasher(found.account, scratch.canonical)), number);
  });
}

}  // namespace stuffwatch::corpus
