// From bytes to login events, native format, 420 bytes a record. `dom` is what simdjson's full
// parser takes for the same bytes: a floor for any check of the whole document that goes through a
// tape.
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <simdjson.h>

#include "corpus/account_key.h"
#include "ingest/batch_decoder.h"
#include "ingest/decode_native.h"

namespace {

using namespace stuffwatch;
using ingest::RawChunk;

constexpr int kRecords = 4096;

std::string record(int i) {
  const bool success = i % 8 != 0;
  const auto n = static_cast<unsigned>(i);
  return fmt::format(
      R"({{"time":"2026-03-01T12:{:02}:{:02}.{:03}Z","event_id":"01J9ZK{:010}",)"
      R"("account":"user{}@example.com","account_id":"00u{:08}",)"
      R"("outcome":"{}",{}"ip":"192.0.2.{}",)"
      R"("user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML,)"
      R"( like Gecko) )"
      R"(Chrome/{}.0.0.0 Safari/537.36","ja4":"t13d1516h2_8daaf6152771_e5627efa2ab1",)"
      R"("app":"web","tenant":"shop-eu","asn":64500,"country":"DE",)"
      R"("mfa":"none","session_id":"s-{:08x}"}})",
      n / 60 % 60, n % 60, n % 1000, n, n * 37, n * 37, success ? "success" : "failure",
      success ? "" : R"("reason":"bad_password",)", n % 256, 100 + n % 20, n * 77'777);
}

RawChunk chunk() {
  std::string text;
  std::vector<std::size_t> ends;
  for (int i = 0; i < kRecords; ++i) {
    text += record(i);
    ends.push_back(text.size());
    text += '\n';
  }
  RawChunk out;
  out.memory.push_back(std::make_unique<char[]>(text.size() + RawChunk::kPadding));
  std::memcpy(out.memory[0].get(), text.data(), text.size());
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    ingest::RawRecord& raw = out.records.emplace_back();
    raw.bytes = {out.memory[0].get() + begin, end - begin};
    begin = end + 1;
  }
  return out;
}

struct Ignoring final : ingest::LoginCollector {
  void add(const ingest::RawLogin& login) override {
    benchmark::DoNotOptimize(login.account.data());
  }
  void unknown_field() override {}
  void secret_field() override {}
};

void dom(benchmark::State& state) {
  const RawChunk records = chunk();
  simdjson::dom::parser parser;
  for (auto _ : state) {
    for (const auto& raw : records.records)
      benchmark::DoNotOptimize(parser.parse(raw.bytes.data(), raw.bytes.size(), false).error());
  }
  state.SetItemsProcessed(state.iterations() * kRecords);
}
BENCHMARK(dom);

void native_decode(benchmark::State& state) {
  const RawChunk records = chunk();
  const auto decoder = ingest::make_native_decoder();
  Ignoring out;
  for (auto _ : state) {
    for (const auto& raw : records.records) {
      if (!decoder->decode(raw, out).decoded()) state.SkipWithError("a sample was not decoded");
    }
  }
  state.SetItemsProcessed(state.iterations() * kRecords);
}
BENCHMARK(native_decode);

void batch_decoder(benchmark::State& state) {
  const auto hasher = corpus::AccountHasher::public_key();
  ingest::BatchDecoder decoder(ingest::make_native_decoder(), {}, hasher);
  ingest::EventBatch batch;
  RawChunk records = chunk();
  for (auto _ : state) {
    decoder.decode(std::move(records), batch);
    if (batch.events.size() != kRecords) state.SkipWithError("a sample was not decoded");
    records = std::move(batch.chunk);
  }
  state.SetItemsProcessed(state.iterations() * kRecords);
}
BENCHMARK(batch_decoder);

void canonicalise(benchmark::State& state) {
  std::string out;
  const std::string name = state.range(0) == 0 ? "Alice.Smith1984@Example.com"
                                               : "\u00c4lice.Smith1984@b\u00fccher.example";
  for (auto _ : state) benchmark::DoNotOptimize(corpus::canonicalise(name, out));
}
BENCHMARK(canonicalise)->Arg(0)->Arg(1);

void account_key(benchmark::State& state) {
  const auto hasher = corpus::AccountHasher::public_key();
  std::string scratch;
  const std::string name = "Alice.Smith1984@Example.com";
  for (auto _ : state) benchmark::DoNotOptimize(hasher(name, scratch));
}
BENCHMARK(account_key);

void parse_ip(benchmark::State& state) {
  const std::string text = state.range(0) == 0 ? "192.0.2.177" : "2001:db8:1:2::7";
  detectors::IpAddress ip;
  for (auto _ : state) benchmark::DoNotOptimize(detectors::parse_ip(text, ip));
}
BENCHMARK(parse_ip)->Arg(0)->Arg(1);

}  // namespace
