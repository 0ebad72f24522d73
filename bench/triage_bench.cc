// A triage of two million lines against a corpus of STUFFWATCH_BENCH_ENTRIES accounts (10 million unless told), beside only reading, parsing and hashing
// them, and reading alone. CPU time of all threads per line; the corpus is in memory before.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include "config/durable_file.h"
#include "corpus/segment_writer.h"
#include "corpus/triage.h"

namespace {

using namespace stuffwatch::corpus;
namespace fs = std::filesystem;

constexpr std::uint64_t kLines = 2'000'000;
constexpr std::uint64_t kScatter =
    2'654'435'761;  // so that neighbours in a list are no neighbours in number

std::string account(std::uint64_t number) {
  return fmt::format("person{}@mail{}.example", number * kScatter % 10'000'000'000, number % 1000);
}

struct Held {
  fs::path folder = fs::temp_directory_path() / fmt::format("triage-bench-{}", ::getpid());
  AccountHasher hasher = AccountHasher::public_key();
  std::unique_ptr<Corpus> corpus;
  std::string known, shuffled, fresh, mixed;

  Held() {
    fs::create_directories(folder);
    const char* const wanted = std::getenv("STUFFWATCH_BENCH_ENTRIES");
    const std::uint64_t entries = std::max<std::uint64_t>(
        kLines, wanted == nullptr ? 10'000'000 : std::strtoull(wanted, nullptr, 10));
    write_corpus(entries);
    std::mt19937_64 random(1);
    known = write("known", [](std::uint64_t i) { return i; });
    shuffled = write("shuffled", [&](std::uint64_t) { return random() % entries; });
    fresh = write("fresh", [&](std::uint64_t i) { return entries + i; });
    mixed = write("mixed", [&](std::uint64_t i) { return i % 2 == 0 ? i : entries + i; });
  }
  ~Held() { fs::remove_all(folder); }

  void write_corpus(std::uint64_t entries) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> accounts(entries);
    std::string scratch;
    for (std::uint64_t i = 0; i < entries; ++i)
      accounts[i] = {value_of(hasher(account(i), scratch)), i};
    std::ranges::sort(accounts);
    auto writer = SegmentWriter::open(folder / "000001.bcs", SegmentShape::of(entries, entries),
                                      DirectoryKind::kEightBuckets, hasher.check_value());
    for (const auto& [hash, line] : accounts) writer->add(hash, line);
    ListInfo list{.name = "generated", .facts = {}};
    list.facts.id = 1, list.facts.span = list.facts.lines = list.facts.accounts = entries;
    if (!writer->finish({list})) std::abort();
    const auto segment =
        Segment::open(folder / "000001.bcs", hasher.check_value(), Residence::kMapped);
    Manifest manifest;
    manifest.key_check = hasher.check_value();
    manifest.segments.push_back({"000001.bcs", segment->bytes(), segment->header().xxh3});
    if (!stuffwatch::config::replace_file(folder / Manifest::kFileName, manifest.text()))
      std::abort();
    corpus = std::make_unique<Corpus>(*Corpus::open(folder, hasher, Residence::kLoaded));
  }
  template <class Number>
  std::string write(const std::string& name, Number number) {
    std::string text;
    for (std::uint64_t i = 0; i < kLines; ++i)
      text += account(number(i)) + ":passw" + std::to_string(i % 1000) + '\n';
    const fs::path file = folder / name;
    if (!stuffwatch::config::replace_file(file, text)) std::abort();
    return file.native();
  }
};
Held& held() {
  static Held one;
  return one;
}

void count(benchmark::State& state) {
  state.counters["CPU_each"] = benchmark::Counter(
      static_cast<double>(kLines),
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void triage_of(benchmark::State& state, const std::string& dump) {
  TriageOptions options;
  options.temporary = held().folder;
  for (auto _ : state) {
    const auto input = ListInput::open({dump});
    const auto done = triage(**input, *held().corpus, held().hasher, options,
                             [](const ListProgress&) { return true; });
    if (!done || done->lines != kLines) std::abort();
  }
  count(state);
}

struct HashOnly final : ChunkWorker {
  stuffwatch::config::Result<void> take(const ListChunk& chunk) override {
    for_each_account(chunk, held().hasher, scratch, tally,
                     [&](std::uint64_t hash, std::uint64_t) { sum += hash; });
    return {};
  }
  stuffwatch::config::Result<void> finish() override { return {}; }
  LineScratch scratch;
  LineTally tally;
  std::uint64_t sum = 0;
};

void read_only(benchmark::State& state) {
  const std::string& dump = held().known;
  for (auto _ : state) {
    const auto input = ListInput::open({dump});
    LineChunk chunk;
    while (*(*input)->next(chunk)) benchmark::DoNotOptimize(chunk.bytes.data());
  }
  count(state);
}
void read_and_hash(benchmark::State& state) {
  const std::string& dump = held().known;
  for (auto _ : state) {
    const auto input = ListInput::open({dump});
    std::vector<std::unique_ptr<ChunkWorker>> workers;
    workers.reserve(2);
    for (int i = 0; i < 2; ++i) workers.push_back(std::make_unique<HashOnly>());
    if (!read_lines(**input, std::nullopt, workers, [](const ListProgress&) { return true; }))
      std::abort();
  }
  count(state);
}
void known_in_order(benchmark::State& state) { triage_of(state, held().known); }
void known_shuffled(benchmark::State& state) { triage_of(state, held().shuffled); }
void all_new(benchmark::State& state) { triage_of(state, held().fresh); }
void half_new(benchmark::State& state) { triage_of(state, held().mixed); }

BENCHMARK(read_only)->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);
BENCHMARK(read_and_hash)->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);
BENCHMARK(known_in_order)->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);
BENCHMARK(known_shuffled)->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);
BENCHMARK(all_new)->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);
BENCHMARK(half_new)->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);

}  // namespace
