// Breach lists on their way through a whole pipeline.
#include "daemon/pipeline/list_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "tests/daemon/pipeline/rig.h"
#include "tests/support/small_corpus.h"

namespace stuffwatch::daemon::pipeline {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::Not;

// The accounts that the address of traffic() walks, in its order; some users of the site among them.
std::string walked_list() {
  std::string lines;
  for (int i = 606; i < 2400; i += 6) {
    lines += "listed" + std::to_string(i) + "@example.org\n";
    if (i % 60 == 0) lines += "user" + std::to_string(i / 60) + "@example.com\n";
  }
  return lines;
}

struct ListedRig : Rig {
  test::SmallCorpus corpus;

  ListedRig() {
    corpus.add("walked", walked_list());
    corpus.add("other", "user7@example.com\nuser8@example.com\n");
    hasher = corpus.hasher();
  }
  static void give(Pipeline& pipeline, corpus::Corpus opened) {
    auto shared = std::make_shared<const corpus::Corpus>(std::move(opened));
    pipeline.lists().use(shared,
                         std::make_shared<const corpus::ListDirectory>(shared->directory()));
  }
  [[nodiscard]] std::vector<std::string> alerts() const {
    std::vector<std::string> some = bodies;
    std::erase_if(some, [](const std::string& body) {
      return body.find("stuffwatch.alert/1") == std::string::npos;
    });
    return some;
  }
  [[nodiscard]] corpus::Corpus open(
      corpus::Residence residence = corpus::Residence::kLoaded) const {
    return corpus::Corpus::open(corpus.path(), hasher, residence).value();
  }
  std::unique_ptr<Pipeline> make_listed() {
    auto pipeline = make();
    give(*pipeline, open());
    return pipeline;
  }
};

TEST(ListProbe, SaysTheSameForAnyThreadsBatchesChunksAndResidence) {
  ListedRig setup;
  std::vector<std::string> expected, alerts;
  for (const std::uint32_t workers : {1U, 2U, 8U}) {
    for (const std::uint32_t batch : {1U, 4096U}) {
      setup.config.workers = workers, setup.config.batch_events = batch, setup.bodies.clear();
      auto pipeline = setup.make();
      ListedRig::give(*pipeline, setup.open(batch == 1 ? corpus::Residence::kMapped
                                                       : corpus::Residence::kLoaded));
      pipeline->add_source(std::make_unique<MemorySource>(traffic(3, 1), 1 + batch % 50),
                           setup.settings);
      Rig::turn(*pipeline);
      if (expected.empty()) expected = setup.bodies, alerts = setup.alerts();
      ASSERT_FALSE(expected.empty());
      EXPECT_EQ(setup.bodies, expected) << workers << " workers, batches of " << batch;
    }
  }
  EXPECT_THAT(alerts.front(), HasSubstr(R"("lists":[{"name":"walked",)"))
      << "the first alert knows the lists of what came before it";
  EXPECT_THAT(alerts.back(), HasSubstr("of its accounts are in walked, where"));
  EXPECT_THAT(alerts, Each(HasSubstr(R"("corpus":"ok")")));
}

TEST(ListProbe, GivesEveryEventTheListsOfItsAccount) {
  ListedRig setup;
  auto pipeline = setup.make();
  ListedRig::give(*pipeline, setup.open());
  pipeline->add_source(
      std::make_unique<MemorySource>(std::vector<std::vector<std::string>>{{
                                         line(0s, "USER7@example.com ", "192.0.2.1", true),
                                         line(1s, "listed606@example.org", "192.0.2.1", false),
                                         line(2s, "nobody@example.org", "192.0.2.1", false),
                                     }},
                                     10),
      setup.settings);
  Rig::turn(*pipeline);
  const auto counts = pipeline->lists().counts();
  EXPECT_EQ(counts.lookups, 3U);
  EXPECT_EQ(counts.hits.at("walked"), 1U);
  EXPECT_EQ(counts.hits.at("other"), 1U);
}

TEST(ListProbe, LosesNoListOfAnAccountThatIsInMany) {
  ListedRig setup;
  for (int i = 0; i < 20; ++i)
    setup.corpus.add("many " + std::to_string(i),
                     "other" + std::to_string(i) + "@example.com\nuser7@example.com\n");
  auto pipeline = setup.make();
  ListedRig::give(*pipeline, setup.open());
  pipeline->add_source(
      std::make_unique<MemorySource>(
          std::vector<std::vector<std::string>>{{line(0s, "user7@example.com", "192.0.2.1", true)}},
          10),
      setup.settings);
  Rig::turn(*pipeline);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(pipeline->lists().counts().hits.at("many " + std::to_string(i)), 1U) << i;
}

TEST(ListProbe, TakesAnotherCorpusBetweenTwoBlocks) {
  ListedRig setup;
  auto pipeline = setup.make();
  pipeline->add_source(std::make_unique<MemorySource>(traffic(1, 1, 120), 16), setup.settings);
  ASSERT_EQ(pipeline->run_once({}, 700), Pipeline::Progress::kWorked);
  ListedRig::give(*pipeline, setup.open());
  setup.corpus.compact();
  ASSERT_EQ(pipeline->run_once({}, 200), Pipeline::Progress::kWorked);
  const auto before = pipeline->lists().counts();
  EXPECT_GT(before.lookups, 0U);
  ListedRig::give(*pipeline, setup.open());
  Rig::turn(*pipeline);
  const auto after = pipeline->lists().counts();
  EXPECT_GT(after.lookups, before.lookups);
  EXPECT_GE(after.hits.at("walked"), before.hits.at("walked"));
  EXPECT_THAT(setup.alerts().back(), HasSubstr(R"("name":"walked")"));
}

TEST(ListProbe, GoesOnWithoutListsWhenAFileIsCutShort) {
  ListedRig setup;
  for (const std::uint32_t workers : {1U, 2U}) {
    test::SmallCorpus hurt;
    hurt.add("walked", walked_list());
    setup.hasher = hurt.hasher(), setup.bodies.clear(), setup.config.workers = workers;
    auto pipeline = setup.make();
    ListedRig::give(
        *pipeline,
        corpus::Corpus::open(hurt.path(), setup.hasher, corpus::Residence::kMapped).value());
    pipeline->add_source(std::make_unique<MemorySource>(traffic(3, 1), 16), setup.settings);
    ASSERT_EQ(pipeline->run_once({}, 300), Pipeline::Progress::kWorked);
    std::filesystem::resize_file(hurt.path() / "000001.bcs", 0);
    Rig::turn(*pipeline);
    ASSERT_FALSE(setup.alerts().empty());
    EXPECT_THAT(setup.alerts(), Each(HasSubstr(R"("corpus":"unavailable")")));
    EXPECT_THAT(setup.alerts(), Each(HasSubstr(R"("lists":[])")));
  }
}

TEST(ListProbe, GoesOnAfterARestartAsIfThereHadBeenNone) {
  ListedRig calm;
  auto whole = calm.make_listed();
  whole->add_source(std::make_unique<MemorySource>(traffic(2, 5), 64), calm.settings);
  Rig::turn(*whole);
  ASSERT_FALSE(calm.bodies.empty());
  const std::vector<std::string> expected = std::exchange(calm.bodies, {});

  std::vector<std::string> cut;
  std::size_t said = 0;
  {
    auto first = calm.make_listed();
    first->add_source(std::make_unique<MemorySource>(traffic(2, 5), 64), calm.settings);
    while (calm.bodies.empty()) ASSERT_EQ(first->run_once({}, 97), Pipeline::Progress::kWorked);
    first->settle();
    said = calm.bodies.size();
    first->save(cut);
  }
  auto second = calm.make_listed();
  for (std::size_t s = 0; s < cut.size(); ++s) ASSERT_TRUE(second->load_section(s, cut[s])) << s;
  second->add_source(std::make_unique<MemorySource>(traffic(2, 5), 64), calm.settings);
  Rig::turn(*second);
  EXPECT_LT(said, calm.bodies.size());
  EXPECT_EQ(calm.bodies, expected);
}

}  // namespace
}  // namespace stuffwatch::daemon::pipeline
