// log10 without the mathematical library, whose last bit depends on the processor: binary exponent plus a table of mantissas. Error below 0.002.
#pragma once

namespace stuffwatch::detectors {

// log10(x) for finite x > 0; -400 for x <= 0.
[[nodiscard]] double power_of_ten(double x);

}  // namespace stuffwatch::detectors
