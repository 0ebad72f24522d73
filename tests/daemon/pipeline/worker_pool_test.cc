#include "daemon/pipeline/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace stuffwatch::daemon::pipeline {
namespace {

TEST(WorkerPool, LoopsTouchEveryIndexOnceWhileTasksRunBeside) {
  for (const unsigned workers : {1u, 2u, 8u}) {
    WorkerPool pool(workers);
    std::atomic<int> tasks{0};
    for (int round = 0; round < 200; ++round) {
      std::vector<std::atomic<int>> touched(static_cast<std::size_t>(round % 70));
      if (round % 3 == 0)
        pool.submit([&](unsigned worker) {
          EXPECT_LT(worker, workers);
          ++tasks;
        });
      pool.parallel_for(touched.size(), [&](std::size_t i, unsigned worker) {
        EXPECT_LT(worker, workers);
        ++touched[i];
      });
      for (const auto& count : touched) ASSERT_EQ(count, 1);
    }
    while (pool.help()) {}
    while (tasks != 67) pool.wait_for_progress(std::chrono::milliseconds{1});
    EXPECT_EQ(tasks, 67);
  }
}

TEST(WorkerPool, WithOneWorkerEverythingRunsInTheCaller) {
  WorkerPool pool(1);
  EXPECT_EQ(pool.workers(), 1u);
  bool ran = false;
  pool.submit([&](unsigned worker) { ran = worker == 0; });
  EXPECT_FALSE(ran);
  EXPECT_TRUE(pool.help());
  EXPECT_TRUE(ran);
  EXPECT_FALSE(pool.help());
}

}  // namespace
}  // namespace stuffwatch::daemon::pipeline
