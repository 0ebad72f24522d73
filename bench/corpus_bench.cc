// Questions to a breach corpus of STUFFWATCH_BENCH_ENTRIES accounts (10 million unless told), beside a binary search in the sorted hashes, which knows no
// positions: half of the questions find something. CPU time per account.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "corpus/corpus.h"
#include "corpus/segment_writer.h"

namespace {

using namespace stuffwatch::corpus;

struct Held {
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("corpus-bench-" + std::to_string(::getpid()));
  std::vector<std::uint64_t> hashes;
  std::vector<AccountKey> asked;
  std::unique_ptr<Corpus> loaded, mapped;

  Held() {
    const char* const wanted = std::getenv("STUFFWATCH_BENCH_ENTRIES");
    const std::uint64_t entries =
        wanted == nullptr ? 10'000'000 : std::strtoull(wanted, nullptr, 10);
    std::mt19937_64 random(1);
    hashes.resize(entries);
    std::ranges::generate(hashes, std::ref(random));
    for (std::size_t i = 0; i < std::size_t{1} << 22; ++i)
      asked.push_back(AccountKey{i % 2 == 0 ? hashes[random() % entries] : random()});
    std::ranges::shuffle(asked, random);
    std::ranges::sort(hashes);
    const AccountHasher hasher = AccountHasher::public_key();
    std::filesystem::create_directories(folder);
    auto writer = SegmentWriter::open(folder / "000001.bcs", SegmentShape::of(entries, entries),
                                      DirectoryKind::kEightBuckets, hasher.check_value());
    for (std::size_t i = 0; i < entries; ++i) writer->add(hashes[i], i * 2'654'435'761 % entries);
    ListInfo list{.name = "generated", .facts = {}};
    list.facts.id = 1, list.facts.span = list.facts.lines = list.facts.accounts = entries;
    if (!writer->finish({list})) std::abort();
    Manifest manifest;
    manifest.key_check = hasher.check_value();
    const auto segment =
        Segment::open(folder / "000001.bcs", hasher.check_value(), Residence::kMapped);
    manifest.segments.push_back({"000001.bcs", segment->bytes(), segment->header().xxh3});
    if (!stuffwatch::config::replace_file(folder / Manifest::kFileName, manifest.text()))
      std::abort();
    loaded = std::make_unique<Corpus>(*Corpus::open(folder, hasher, Residence::kLoaded));
    mapped = std::make_unique<Corpus>(*Corpus::open(folder, hasher, Residence::kMapped));
  }
  ~Held() { std::filesystem::remove_all(folder); }
};
Held& held() {
  static Held one;
  return one;
}

void ask(benchmark::State& state, const Corpus& corpus, std::size_t at_once) {
  Hits hits;
  std::size_t at = 0, found = 0;
  for (auto _ : state) {
    corpus.resolve(std::span(held().asked).subspan(at, at_once), hits);
    found += hits.all.size();
    at = (at + at_once) % held().asked.size();
  }
  state.counters["found"] =
      static_cast<double>(found) /
      static_cast<double>(state.iterations() * static_cast<std::int64_t>(at_once));
  state.counters["CPU_each"] = benchmark::Counter(
      static_cast<double>(at_once),
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void loaded_batch(benchmark::State& state) { ask(state, *held().loaded, 512); }
void mapped_batch(benchmark::State& state) { ask(state, *held().mapped, 512); }
void loaded_alone(benchmark::State& state) { ask(state, *held().loaded, 1); }
void lower_bound(benchmark::State& state) {
  std::size_t at = 0, found = 0;
  for (auto _ : state) {
    const std::uint64_t hash = value_of(held().asked[at]);
    const auto place = std::ranges::lower_bound(held().hashes, hash);
    found += place != held().hashes.end() && *place == hash;
    at = (at + 1) % held().asked.size();
  }
  state.counters["found"] = static_cast<double>(found) / static_cast<double>(state.iterations());
}
BENCHMARK(loaded_batch);
BENCHMARK(mapped_batch);
BENCHMARK(loaded_alone);
BENCHMARK(lower_bound);

}  // namespace
