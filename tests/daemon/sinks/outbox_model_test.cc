// The outbox against a naive model: random appends, reads, crashes that tear the file anywhere after what was durable, and
// trims. The model: a list of what is durable, and per (feed, id) the last revision.
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "tests/daemon/sinks/sinks_fixture.h"

namespace stuffwatch::daemon::sinks {
namespace {

class OutboxModelTest : public SinksTest, public testing::WithParamInterface<unsigned> {
 protected:
  OutboxOptions options() {
    return {
        .folder = folder / "outbox", .segment_bytes = 1500, .clock = clock(), .notice = notices()};
  }
  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  }

  void append_some() {
    std::vector<Revision> batch;
    for (std::size_t i = 0, count = 1 + below(5); i < count; ++i) {
      const std::string id = "c" + std::to_string(below(6));
      // Mostly the next one, now and then one that was said already.
      const std::uint32_t last = last_of[id];
      const auto number =
          below(4) == 0 && last > 0 ? 1 + static_cast<std::uint32_t>(below(last)) : last + 1;
      batch.push_back(make_revision(id, number, below(400)));
      if (number <= last) continue;
      last_of[id] = number;
      model.push_back(label(batch.back()));
    }
    say(*outbox, batch);
  }

  // The process dies: what is durable stays, and of a further group any prefix of its bytes may be on the disk.
  void crash() {
    outbox.reset();
    const auto paths = segments_of(folder / "outbox");
    if (!paths.empty() && below(3) != 0) {
      std::string group;
      const std::size_t records = 1 + below(3);
      for (std::size_t i = 0; i < records; ++i)
        EXPECT_TRUE(
            append_record(group, {model.size() + 1 + i,
                                  {},
                                  make_revision("torn", 1 + static_cast<std::uint32_t>(i), 60)}));
      const std::size_t size = below(group.size());
      spill(paths.back(), slurp(paths.back()) + group.substr(0, size));
      // Records that made it whole were on the disk before anybody was told: they count.
      RecordScanner scanner(std::string_view(group).substr(0, size));
      while (const auto entry = scanner.next()) model.push_back(label(entry->revision));
    }
    outbox = must_open(options());
    ASSERT_EQ(outbox->durable(), model.size());
  }

  std::mt19937 random{GetParam()};
  std::vector<std::string> model;
  std::map<std::string, std::uint32_t> last_of;
  std::unique_ptr<Outbox> outbox;
};

TEST_P(OutboxModelTest, AgreesWithAList) {
  outbox = must_open(options());
  for (int step = 0; step < 60; ++step) {
    switch (below(6)) {
      case 0: crash(); break;
      case 1: {
        const std::size_t cursor = below(model.size() + 1);
        ASSERT_EQ(read_all(*outbox, cursor),
                  std::vector(model.begin() + static_cast<std::ptrdiff_t>(cursor), model.end()));
        break;
      }
      default: append_some();
    }
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, OutboxModelTest, testing::Range(1U, 25U));

}  // namespace
}  // namespace stuffwatch::daemon::sinks
