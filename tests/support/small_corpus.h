// A corpus of a test's own, with lists given as text.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "corpus/corpus.h"
#include "tests/support/temporary_folder.h"

namespace stuffwatch::test {

class SmallCorpus {
 public:
  SmallCorpus() {
    const auto made = corpus::CorpusFolder::init(path());
    EXPECT_TRUE(made) << made.error().message;
  }

  [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "corpus"; }
  [[nodiscard]] corpus::AccountHasher hasher() const {
    return corpus::AccountHasher::from_file(path() / "key").value();
  }
  [[nodiscard]] corpus::CorpusFolder open() const {
    return corpus::CorpusFolder::open(path(), {}).value();
  }
  // Lines of addresses.
  void add(const std::string& name, const std::string& lines, std::uint32_t ordering_of = 0) const {
    const std::filesystem::path file = folder_.path() / "list.txt";
    std::ofstream(file) << lines;
    corpus::BuildOptions options;
    options.list.name = name, options.list.facts.ordering_of = ordering_of;
    options.format = corpus::ListFormat::parse("email").value(), options.threads = 1;
    auto input = corpus::ListInput::open({file.native()}).value();
    const auto added =
        open().add(*input, options, false, [](const corpus::BuildProgress&) { return true; });
    ASSERT_TRUE(added) << added.error().message;
  }
  void compact() const {
    ASSERT_TRUE(open().compact([](double) { return true; }));
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace stuffwatch::test
