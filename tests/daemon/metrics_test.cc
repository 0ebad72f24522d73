#include "daemon/metrics.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <prometheus/counter.h>

namespace stuffwatch::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What `promtool check metrics` and our own convention ask for.
TEST(MetricTable, NamesFollowTheConvention) {
  const std::regex shape("stuffwatch(_[a-z0-9]+)+");
  const std::set<std::string> units = {
      "records", "bytes",    "events",      "fields",    "messages",  "ids",        "batches",
      "keys",    "findings", "lives",       "campaigns", "revisions", "deliveries", "checkpoints",
      "reloads", "requests", "connections", "outs",      "loads",     "lookups",    "hits"};
  std::set<std::string> seen;
  for (const MetricInfo& info : metric_table()) {
    const std::string name(info.name);
    EXPECT_TRUE(std::regex_match(name, shape)) << name;
    EXPECT_TRUE(seen.insert(name).second) << name << " is there twice";
    EXPECT_EQ(name.ends_with("_total"), info.type == MetricInfo::Type::kCounter) << name;
    for (const char* const bad : {"_count", "_sum", "_bucket", "_milliseconds", "_ms", "_minutes",
                                  "_kilobytes", "_percent"})
      EXPECT_FALSE(name.ends_with(bad)) << name;
    if (info.type == MetricInfo::Type::kCounter) {
      const std::string stem = name.substr(0, name.size() - 6);
      EXPECT_TRUE(units.contains(stem.substr(stem.rfind('_') + 1)))
          << name << " counts nothing we have a unit for";
    }
    if (info.type == MetricInfo::Type::kHistogram) {
      EXPECT_TRUE(name.ends_with("_seconds")) << name;
    }
    EXPECT_EQ(info.type == MetricInfo::Type::kHistogram, !info.buckets.empty()) << name;
    EXPECT_TRUE(std::ranges::is_sorted(info.buckets, std::less_equal<>())) << name;
  }
}

TEST(MetricTable, HelpAndLabelsAreInOrder) {
  const std::set<std::string_view> bounded = {
      "version", "compiler", "state", "input",  "reason", "stage", "detector",
      "reached", "severity", "sink",  "result", "route",  "code",  "list"};
  for (const MetricInfo& info : metric_table()) {
    EXPECT_FALSE(info.help.empty()) << info.name;
    EXPECT_TRUE(info.help.ends_with('.')) << info.name;
    EXPECT_EQ(info.help.find_first_of("|\n"), std::string_view::npos) << info.name;
    for (std::size_t i = 0; i < info.label_count(); ++i)
      EXPECT_TRUE(bounded.contains(info.labels[i]))
          << info.name << " has the label " << info.labels[i] << ": is its set of values bounded?";
  }
}

TEST(MetricTable, HoldsWhatDocumentsPromise) {
  std::set<std::string_view> names;
  for (const MetricInfo& info : metric_table()) names.insert(info.name);
  for (const char* const promised :
       {"stuffwatch_input_secret_fields_total", "stuffwatch_merge_late_events_total",
        "stuffwatch_kafka_gap_messages_total", "stuffwatch_detector_warm",
        "stuffwatch_evidence_lives_total", "stuffwatch_config_last_reload_successful"})
    EXPECT_TRUE(names.contains(promised)) << promised;
}

TEST(MetricTable, DocumentIsFresh) {
  const std::string path = SW_SOURCE_DIR "/docs/metrics.md";
  if (std::getenv("SW_UPDATE_DOCS") != nullptr) std::ofstream(path) << metrics_markdown();
  EXPECT_EQ(read_file(path), metrics_markdown())
      << "print it anew: SW_UPDATE_DOCS=1 daemon_tests --gtest_filter=MetricTable.DocumentIsFresh";
}

TEST(Metrics, CountsFromZeroAndKeepsReferences) {
  Metrics metrics;
  EXPECT_THAT(metrics.text(), HasSubstr("\nstuffwatch_merge_late_events_total 0\n"));
  EXPECT_THAT(metrics.text(), HasSubstr("\nstuffwatch_corpus_up 0\n"));
  EXPECT_THAT(metrics.text(), HasSubstr("stuffwatch_build_info{compiler="));
  prometheus::Counter& kept = metrics.counter(Counter::kInputSkipped, {"logins", "blank_line"});
  kept.Increment(2);
  metrics.add(Counter::kInputSkipped, {"logins", "blank_line"}, 3);
  EXPECT_EQ(&kept, &metrics.counter(Counter::kInputSkipped, {"logins", "blank_line"}));
  EXPECT_THAT(
      metrics.text(),
      HasSubstr(
          "stuffwatch_input_skipped_records_total{input=\"logins\",reason=\"blank_line\"} 5\n"));
}

TEST(Metrics, RaiseNeverCountsBack) {
  Metrics metrics;
  for (const std::uint64_t total : {7U, 7U, 3U, 9U})
    metrics.raise(Counter::kDetectorEvictions, {"source_fanout"}, total);
  EXPECT_EQ(metrics.counter(Counter::kDetectorEvictions, {"source_fanout"}).Value(), 9);
}

TEST(Metrics, ForgottenGaugesDisappear) {
  Metrics metrics;
  metrics.set(Gauge::kInputLag, {"logins[3]"}, 12);
  EXPECT_THAT(metrics.text(), HasSubstr("stuffwatch_input_lag_records{input=\"logins[3]\"} 12\n"));
  metrics.forget(Gauge::kInputLag, {"logins[3]"});
  metrics.forget(Gauge::kInputLag, {"never seen"});
  EXPECT_THAT(metrics.text(), Not(HasSubstr("stuffwatch_input_lag_records{")));
  metrics.set(Gauge::kInputLag, {"logins[3]"}, 1);
  EXPECT_THAT(metrics.text(), HasSubstr("stuffwatch_input_lag_records{input=\"logins[3]\"} 1\n"));
}

TEST(Metrics, ManyLabelValuesShareOneSeries) {
  Metrics metrics;
  for (std::size_t i = 0; i < kMaxSeries + 50; ++i)
    metrics.add(Counter::kInputRecords, {"file" + std::to_string(i)}, 1);
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("stuffwatch_input_records_total{input=\"other\"} 50\n"));
  EXPECT_THAT(text, HasSubstr("stuffwatch_input_records_total{input=\"file999\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("input=\"file1000\"")));
}

TEST(Metrics, LabelValuesAreEscaped) {
  Metrics metrics;
  metrics.add(Counter::kInputRecords, {"a\"b\\c\nd"}, 1);
  EXPECT_THAT(metrics.text(),
              HasSubstr("stuffwatch_input_records_total{input=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

TEST(Metrics, HistogramsHaveTheTablesBuckets) {
  Metrics metrics;
  metrics.observe(Histogram::kStageSeconds, {"decode"}, 0.003);
  const std::string text = metrics.text();
  EXPECT_THAT(
      text,
      HasSubstr("stuffwatch_pipeline_stage_seconds_bucket{stage=\"decode\",le=\"0.0025\"} 0\n"));
  EXPECT_THAT(
      text,
      HasSubstr("stuffwatch_pipeline_stage_seconds_bucket{stage=\"decode\",le=\"0.005\"} 1\n"));
}

TEST(Metrics, ShowTheProcess) {
  Metrics metrics;
  const std::string text = metrics.text();
  for (const char* const name : {"process_cpu_seconds_total ", "process_resident_memory_bytes ",
                                 "process_virtual_memory_bytes ", "process_start_time_seconds ",
                                 "process_open_fds ", "process_max_fds ", "process_threads "})
    EXPECT_THAT(text, HasSubstr(std::string("\n") + name));
}

TEST(Metrics, AreForAllThreads) {
  Metrics metrics;
  const auto count = [&] {
    for (int i = 0; i < 1000; ++i) {
      metrics.add(Counter::kInputEvents, {i % 2 == 0 ? "a" : "b"}, 1);
      if (i % 100 == 0) {
        EXPECT_FALSE(metrics.text().empty());
      }
    }
  };
  std::thread other(count);
  count();
  other.join();
  EXPECT_EQ(metrics.counter(Counter::kInputEvents, {"a"}).Value(), 1000);
}

TEST(MetricsDeathTest, AWrongNumberOfLabelsIsABug) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  Metrics metrics;
  EXPECT_DEATH(metrics.add(Counter::kInputSkipped, {"logins"}, 1),
               "stuffwatch_input_skipped_records_total has 2 labels, not 1");
}

}  // namespace
}  // namespace stuffwatch::daemon
