// From lines of a list to the accounts in them.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "corpus/list_format.h"

namespace {

using stuffwatch::corpus::ListFormat;

// 40 bytes a line of email:pass.
std::vector<std::string> lines(std::string_view front) {
  std::vector<std::string> out;
  for (unsigned i = 0; i < 4096; ++i)
    out.push_back(fmt::format("{}user{:08}@example.com:{:015x}", front,
                              i * 2'654'435'761U % 100'000'000, i * 1'000'003ULL));
  return out;
}

void account_of(benchmark::State& state, std::string_view name, std::string_view front) {
  const auto format = ListFormat::parse(name);
  const std::vector<std::string> all = lines(front);
  std::string scratch;
  for (auto _ : state)
    for (const std::string& line : all) benchmark::DoNotOptimize(format->account_of(line, scratch));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(all.size()));
}

void guess(benchmark::State& state) {
  const std::vector<std::string> all = lines("");
  const std::vector<std::string_view> views(all.begin(), all.end());
  for (auto _ : state) benchmark::DoNotOptimize(ListFormat::guess(views));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(all.size()));
}

BENCHMARK_CAPTURE(account_of, email_pass, "email:pass", "");
BENCHMARK_CAPTURE(account_of, user_pass, "user:pass", "");
BENCHMARK_CAPTURE(account_of, id_user_email_pass, "id:user:email:pass", "12345:user:");
BENCHMARK_CAPTURE(account_of, url_login_pass, "url:login:pass",
                  "https://www.example.com:8443/login:");
BENCHMARK_CAPTURE(account_of, mixed, "mixed", "");
BENCHMARK(guess);

}  // namespace
