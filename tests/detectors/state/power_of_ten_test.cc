#include "detectors/state/power_of_ten.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "tests/detectors/streams.h"

namespace stuffwatch::detectors {
namespace {

TEST(PowerOfTen, IsWithinTwoThousandthsOfTheLogarithm) {
  Random random(1);
  for (int exponent = -307; exponent <= 307; ++exponent)
    for (int i = 0; i < 50; ++i) {
      const double x = std::pow(10.0, exponent) * (1 + 9 * random.unit());
      ASSERT_NEAR(power_of_ten(x), std::log10(x), .002) << x;
    }
}

TEST(PowerOfTen, HoldsAtTheEdgesOfItsTable) {
  for (int i = 0; i <= 256; ++i) {
    const double edge = 1 + i / 256.0;
    for (const double x : {std::nextafter(edge, 0.0), edge, std::nextafter(edge, 3.0)})
      EXPECT_NEAR(power_of_ten(x), std::log10(x), .002) << x;
  }
  for (const double x :
       {std::numeric_limits<double>::max(), std::numeric_limits<double>::min(),
        std::numeric_limits<double>::min() / 3, std::numeric_limits<double>::denorm_min(), 1e-310})
    EXPECT_NEAR(power_of_ten(x), std::log10(x), .002) << x;
}

TEST(PowerOfTen, HasAnAnswerForWhatHasNone) {
  EXPECT_EQ(power_of_ten(0), -400);
  EXPECT_EQ(power_of_ten(-1), -400);
  EXPECT_EQ(power_of_ten(std::numeric_limits<double>::quiet_NaN()), -400);
}

}  // namespace
}  // namespace stuffwatch::detectors
