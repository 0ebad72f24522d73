// The numbers of the table in the detection notes, and the property that carries the guarantee: under the null the evidence has mean one.
#include "detectors/state/dirichlet_mixture.h"

#include <functional>

#include <gtest/gtest.h>

#include "tests/detectors/streams.h"

namespace stuffwatch::detectors {
namespace {

using Matured = DirichletMixture<3, 4>;
using AtOnce = DirichletMixture<2, 2>;
constexpr double kThreshold = 2e8;
constexpr std::size_t kOk = 0, kBad = 1, kUnknown = 2;

DirichletModel<3, 4> matured_model(double c) {
  return {{.875 * c, .1 * c, .025 * c},
          {{{.3, 2, 7.7}, {.3, 9.4, .3}, {.3, 5, 4.7}, {4, 1.5, 4.5}}},
          {.3, .3, .2, .2}};
}
constexpr DirichletModel<2, 2> kAtOnceModel{{7.76, .24}, {{{.3, 9.7}, {2, 8}}}, {.6, .4}};

// Observations until the evidence passes the threshold; 0 = never in 400.
template <class Mixture, class Model>
int until_alarm(const Model& model, const std::function<std::size_t(int)>& class_of) {
  Mixture mixture;
  mixture.restart();
  for (int i = 1; i <= 400; ++i)
    if (mixture.observe(model, class_of(i)) >= kThreshold) return i;
  return 0;
}
int at_once(int success_every) {
  return until_alarm<AtOnce>(kAtOnceModel, [=](int i) {
    return success_every != 0 && i % success_every == 0 ? std::size_t{0} : std::size_t{1};
  });
}
int matured(double concentration, const std::function<std::size_t(int)>& class_of) {
  return until_alarm<Matured>(matured_model(concentration), class_of);
}

TEST(DirichletMixture, AlarmsAtOnceAfterThirtyUnknownAccounts) {
  EXPECT_EQ(at_once(0), 30);
  EXPECT_EQ(at_once(50), 30);  // the first success would be the fiftieth
}

TEST(DirichletMixture, AlarmsMaturedAfterTheNumbersOfTheTable) {
  const auto all_unknown = [](int) { return kUnknown; };
  const auto all_bad = [](int) { return kBad; };
  const auto mostly_unknown = [](int i) { return i % 10 < 7 ? kUnknown : kBad; };
  EXPECT_EQ(matured(8, all_unknown), 58);
  EXPECT_EQ(matured(8, all_bad), 60);
  EXPECT_NEAR(matured(8, mostly_unknown), 45, 3);
  EXPECT_EQ(matured(16, all_unknown), 18);
  EXPECT_EQ(matured(16, all_bad), 23);
  EXPECT_EQ(matured(32, all_unknown), 11);
  EXPECT_EQ(matured(32, all_bad), 15);
}

TEST(DirichletMixture, NeverAlarmsAtConcentrationEightWhenOneInTwentyGetsIn) {
  EXPECT_EQ(matured(8, [](int i) { return i % 20 == 10 ? kOk : kBad; }), 0);
  EXPECT_NEAR(matured(16, [](int i) { return i % 20 == 10 ? kOk : kBad; }), 41, 4);
}

// Polya's urn: a Dirichlet-multinomial draw needs no gamma variates. Successive classes have the null's predictive probabilities.
template <std::size_t Classes, std::size_t Alternatives>
double mean_evidence(const DirichletModel<Classes, Alternatives>& model, int observations, int keys,
                     std::uint64_t seed) {
  Random random(seed);
  double sum = 0;
  for (int key = 0; key < keys; ++key) {
    DirichletMixture<Classes, Alternatives> mixture;
    mixture.restart();
    std::array<double, Classes> weight = model.null;
    double evidence = 1;
    for (int i = 0; i < observations; ++i) {
      double total = 0;
      for (const double w : weight) total += w;
      double at = random.unit() * total;
      std::size_t drawn = 0;
      while (drawn + 1 < Classes && at >= weight[drawn]) at -= weight[drawn++];
      evidence = mixture.observe(model, drawn);
      weight[drawn] += 1;
    }
    sum += evidence;
  }
  return sum / keys;
}

// Exactly one in expectation; the sample mean of a heavy-tailed ratio is mostly below and now and then above.
TEST(DirichletMixture, MeanEvidenceUnderTheNullIsOne) {
  for (const int observations : {1, 2, 3, 5}) {
    EXPECT_NEAR(mean_evidence(matured_model(8), observations, 200'000, 7), 1, .1) << observations;
    EXPECT_NEAR(mean_evidence(kAtOnceModel, observations, 200'000, 8), 1, .1) << observations;
  }
  EXPECT_LE(mean_evidence(matured_model(8), 30, 40'000, 9), 1.15);
  EXPECT_LE(mean_evidence(kAtOnceModel, 30, 40'000, 10), 1.15);
}

// Ville: at most one key in A ever reaches A.
TEST(DirichletMixture, FewKeysOfTheNullEverReachAHundred) {
  Random random(11);
  const auto model = matured_model(8);
  constexpr int kKeys = 20'000;
  int reached = 0;
  for (int key = 0; key < kKeys; ++key) {
    Matured mixture;
    mixture.restart();
    std::array<double, 3> weight = model.null;
    bool high = false;
    for (int i = 0; i < 60; ++i) {
      double at = random.unit() * (8 + i);
      std::size_t drawn = 0;
      while (drawn < 2 && at >= weight[drawn]) at -= weight[drawn++];
      high = high || mixture.observe(model, drawn) >= 100;
      weight[drawn] += 1;
    }
    reached += high ? 1 : 0;
  }
  EXPECT_LE(reached, kKeys / 100);
  EXPECT_GT(reached, 0);
}

TEST(DirichletMixture, StaysFiniteAndNamesTheBestAlternative) {
  const auto model = matured_model(8);
  Matured mixture;
  mixture.restart();
  for (int i = 0; i < 70'000; ++i) ASSERT_LT(mixture.observe(model, kUnknown), 1.1e30);
  EXPECT_EQ(mixture.best(model), 0U);
  EXPECT_EQ(mixture.count[kUnknown], UINT16_MAX);
  mixture.restart();
  for (int i = 0; i < 70; ++i) mixture.observe(model, kBad);
  EXPECT_EQ(mixture.best(model), 1U);
  mixture.restart();
  for (int i = 0; i < 70'000; ++i) ASSERT_GT(mixture.observe(model, kOk), 0);
}

}  // namespace
}  // namespace stuffwatch::detectors
