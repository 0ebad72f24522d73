// The cut on disk: whole or not there, the same bytes for any number of workers, and nobody waits for the disk.
#include "daemon/pipeline/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <semaphore>
#include <thread>

#include "tests/daemon/pipeline/rig.h"
#include "tests/support/temporary_folder.h"

namespace stuffwatch::daemon::pipeline {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

config::Result<void> at_once(const std::stop_token&) { return {}; }

std::string slurp(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class CheckpointTest : public testing::Test {
 protected:
  std::unique_ptr<Pipeline> filled(std::uint32_t workers = 1) {
    setup.config.workers = workers;
    auto pipeline = setup.make();
    pipeline->add_source(std::make_unique<MemorySource>(traffic(2, 1, 100), 64), setup.settings);
    Rig::turn(*pipeline);
    return pipeline;
  }
  CheckpointStore store() { return {folder, {"configuration", 7}}; }
  // The problem, "" when there is none.
  std::string write(CheckpointStore& to, Pipeline& pipeline) {
    to.write(pipeline, at_once);
    return to.finish(60s)->problem;
  }
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder))
      names.push_back(entry.path().filename());
    return names;
  }

  const test::TemporaryFolder temporary;
  const fs::path& folder = temporary.path();
  Rig setup;
};

TEST_F(CheckpointTest, HasTheSameBytesForAnyNumberOfWorkers) {
  CheckpointStore to = store();
  std::string expected;
  for (const std::uint32_t workers : {1u, 2u, 8u}) {
    auto pipeline = filled(workers);
    to.write(*pipeline, at_once);
    const auto done = to.finish(60s);
    ASSERT_EQ(done->problem, "");
    const std::string bytes = slurp(folder / (workers == 1 ? "1.state" : "2.state"));
    EXPECT_EQ(bytes.size(), done->bytes);
    if (expected.empty()) expected = bytes;
    EXPECT_TRUE(bytes == expected) << workers << " workers";
    fs::remove(folder / "2.state");
  }
}

TEST_F(CheckpointTest, IsReadBackAndTwoGenerationsAreKept) {
  CheckpointStore to = store();
  auto pipeline = filled();
  for (int i = 0; i < 3; ++i) ASSERT_EQ(write(to, *pipeline), "");
  EXPECT_THAT(files(), UnorderedElementsAre("2.state", "3.state"));
  auto loaded =
      to.load([&] { return setup.make(); }, [](const std::string& why) { FAIL() << why; });
  EXPECT_EQ(loaded->tick(), pipeline->tick());
  EXPECT_EQ(loaded->counts().events, pipeline->counts().events);
}

TEST_F(CheckpointTest, RoomIsTakenBeforeTheCutAndChangesNoByte) {
  auto pipeline = filled();
  CheckpointStore plain = store();
  ASSERT_EQ(write(plain, *pipeline), "");
  CheckpointStore roomy(folder, {"configuration", 7}, 0);
  EXPECT_FALSE(roomy.has_room(*pipeline));
  while (roomy.busy()) std::this_thread::yield();
  EXPECT_FALSE(roomy.poll_done());
  EXPECT_TRUE(roomy.has_room(*pipeline));
  EXPECT_TRUE(roomy.has_room(*pipeline)) << "it is enough";
  ASSERT_EQ(write(roomy, *pipeline), "");
  EXPECT_TRUE(slurp(folder / "1.state") == slurp(folder / "2.state"));
}

// The draft is a pipe here, and its reader does not come before the pipeline has gone on.
TEST_F(CheckpointTest, ThePipelineDoesNotWaitForTheDisk) {
  const fs::path draft = folder / "1.state.new";
  ASSERT_EQ(::mkfifo(draft.c_str(), 0600), 0);
  CheckpointStore to = store();
  auto pipeline = filled();
  const auto positions = pipeline->merge().positions().size();
  to.write(*pipeline, at_once);
  pipeline.reset();
  EXPECT_TRUE(to.busy());
  EXPECT_FALSE(to.poll_done());
  const std::string written = slurp(draft);
  const auto done = to.finish(60s);
  EXPECT_THAT(written, HasSubstr("stuffwatch state"));
  EXPECT_EQ(done->positions.size(), positions);
  EXPECT_FALSE(to.busy());
}

TEST_F(CheckpointTest, WhatIsNotDurableInTimeFailsAndLeavesThePreviousOne) {
  CheckpointStore to = store();
  auto pipeline = filled();
  ASSERT_EQ(write(to, *pipeline), "");
  std::binary_semaphore asked(0);
  to.write(*pipeline, [&](const std::stop_token& stop) -> config::Result<void> {
    const std::stop_callback wake(stop, [&] { asked.release(); });
    asked.acquire();
    return config::failed("the outbox is not on the disk");
  });
  EXPECT_THAT(to.finish(0ms)->problem, HasSubstr("not on the disk"));
  EXPECT_THAT(files(), ElementsAre("1.state"));
}

TEST_F(CheckpointTest, AFullDiskIsNotMadeFullerByADraft) {
  fs::create_symlink("/dev/full", folder / "1.state.new");
  CheckpointStore to = store();
  auto pipeline = filled();
  EXPECT_THAT(write(to, *pipeline), HasSubstr("No space left"));
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(CheckpointTest, WhatACrashLeftIsRemovedAndTheOlderGenerationTaken) {
  CheckpointStore to = store();
  auto pipeline = filled();
  for (int i = 0; i < 2; ++i) ASSERT_EQ(write(to, *pipeline), "");
  fs::resize_file(folder / "2.state", 1000);
  fs::copy_file(folder / "2.state", folder / "3.state.new");
  std::vector<std::string> refused;
  auto loaded = store().load([&] { return setup.make(); },
                             [&](const std::string& why) { refused.push_back(why); });
  EXPECT_THAT(refused, ElementsAre(HasSubstr("2.state: it is cut short")));
  EXPECT_EQ(loaded->tick(), pipeline->tick());
  EXPECT_THAT(files(), UnorderedElementsAre("1.state", "2.state"));
}

// Lengths are in there too: one that is wrong must not be believed, let alone allocated.
TEST_F(CheckpointTest, OneWrongByteIsNoticedAndTheOlderGenerationTaken) {
  CheckpointStore to = store();
  auto pipeline = filled();
  for (int i = 0; i < 2; ++i) ASSERT_EQ(write(to, *pipeline), "");
  const std::string whole = slurp(folder / "2.state");
  const auto expect_refused = [&](const std::string& damaged) {
    std::ofstream(folder / "2.state", std::ios::binary) << damaged;
    std::vector<std::string> refused;
    auto loaded = store().load([&] { return setup.make(); },
                               [&](const std::string& why) { refused.push_back(why); });
    EXPECT_THAT(refused, ElementsAre(HasSubstr("2.state")));
    EXPECT_EQ(loaded->tick(), pipeline->tick());
  };
  for (std::size_t at = 0; at < 160; ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x0f);
    expect_refused(damaged);
  }
  expect_refused(whole + "x");
}

}  // namespace
}  // namespace stuffwatch::daemon::pipeline
