// A detector is listed, tested and described, or the build is red.
#include <algorithm>
#include <filesystem>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/detectors/streams.h"

namespace stuffwatch::detectors {
namespace {

namespace fs = std::filesystem;

std::set<std::string> detector_sources() {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(fs::path(SW_SOURCE_DIR) / "detectors"))
    if (entry.path().extension() == ".cc") names.insert(entry.path().stem());
  for (const char* other : {"registry", "event", "finding"})
    EXPECT_EQ(names.erase(other), 1U) << other;
  return names;
}

TEST(Registry, ListsEveryDetectorOfTheFolderOnce) {
  std::vector<std::string> listed;
  for (const auto& kind : make_detector_kinds()) listed.emplace_back(kind->info().name);
  EXPECT_THAT(listed, testing::UnorderedElementsAreArray(detector_sources()));
}

TEST(Registry, EveryDetectorHasATest) {
  for (const std::string& name : detector_sources())
    EXPECT_TRUE(fs::exists(fs::path(SW_SOURCE_DIR) / "tests" / "detectors" / (name + "_test.cc")))
        << name;
}

TEST(Registry, EveryDetectorSaysWhatItIs) {
  for (const auto& kind : make_detector_kinds()) {
    const DetectorKind::Info& info = kind->info();
    EXPECT_THAT(std::string(info.technique), testing::MatchesRegex("T[0-9]{4}(\\.[0-9]{3})?"))
        << info.name;
    EXPECT_GT(info.summary.size(), 20U) << info.name;
    EXPECT_TRUE(info.summary.ends_with('.')) << info.name;
    EXPECT_GT(info.warm_up, 0ms) << info.name;
    EXPECT_GT(info.starts_per_10m, 0) << info.name;
    EXPECT_LE(info.starts_per_10m, 1e8) << info.name;
  }
}

TEST(Registry, EveryDetectorIsMadeEmptyAndReadsItsConfiguration) {
  for (const auto& kind : make_detector_kinds()) {
    const std::string name(kind->info().name);
    ASSERT_TRUE(config::read_yaml("max_keys: 256", "test.yaml", {}, *kind).has_value()) << name;
    const StateUsage usage =
        kind->make({.id = 0, .partition = 1, .partitions = 2, .table_seed = 1})->usage();
    EXPECT_EQ(usage.keys, 0U) << name;
    EXPECT_EQ(usage.max_keys % 128, 0U) << name;  // its share of two
    EXPECT_GT(usage.max_keys, 0U) << name;
    EXPECT_EQ(usage.evictions, 0U) << name;
    EXPECT_FALSE(config::read_yaml("max_kyes: 256", "test.yaml", {}, *kind).has_value()) << name;
  }
}

}  // namespace
}  // namespace stuffwatch::detectors
