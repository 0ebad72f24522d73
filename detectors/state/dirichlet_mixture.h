// Evidence that a sequence of classes does not come from the benign Dirichlet-multinomial but from one of a few alternatives (detection.md 4.1, 4.9).
//
// Each observation multiplies an alternative's likelihood ratio by the quotient of two predictive probabilities; under the null the mixture is a
// test martingale (Ville: it reaches A with probability <= 1/A). Counts only ever grow by one and a class never changes after it entered, so
// products suffice: no logarithm, no gamma function, the same bits everywhere.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace stuffwatch::detectors {

template <std::size_t Classes, std::size_t Alternatives>
struct DirichletModel {
  std::array<double, Classes> null;
  std::array<std::array<double, Classes>, Alternatives> alternative;
  std::array<double, Alternatives> weight;
};

template <std::size_t Classes, std::size_t Alternatives>
struct DirichletMixture {
  std::array<float, Alternatives> ratio{};
  std::array<std::uint16_t, Classes> count{};  // saturates: a key restarts long before

  void restart() { ratio.fill(1.0F), count.fill(0); }

  // Takes in one observation and returns the mixture's evidence.
  double observe(const DirichletModel<Classes, Alternatives>& model, std::size_t observed) {
    double total = 0, null_total = 0;
    for (std::size_t c = 0; c < Classes; ++c) total += count[c], null_total += model.null[c];
    const double seen = count[observed];
    const double null_p = (model.null[observed] + seen) / (null_total + total);
    double evidence = 0;
    for (std::size_t k = 0; k < Alternatives; ++k) {
      double prior = 0;
      for (const double a : model.alternative[k]) prior += a;
      const double step = (model.alternative[k][observed] + seen) / (prior + total) / null_p;
      ratio[k] = static_cast<float>(std::clamp(static_cast<double>(ratio[k]) * step, 1e-30, 1e30));
      evidence += model.weight[k] * static_cast<double>(ratio[k]);
    }
    if (count[observed] != UINT16_MAX) ++count[observed];
    return evidence;
  }

  // The alternative that explains most of the evidence.
  [[nodiscard]] std::size_t best(const DirichletModel<Classes, Alternatives>& model) const {
    std::size_t best = 0;
    for (std::size_t k = 1; k < Alternatives; ++k)
      if (model.weight[k] * static_cast<double>(ratio[k]) >
          model.weight[best] * static_cast<double>(ratio[best]))
        best = k;
    return best;
  }
};

}  // namespace stuffwatch::detectors
