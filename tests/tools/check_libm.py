"""No libm function that may differ by machine in the detectors: check_libm.py LIBRARY.

libm chooses variants by processor (with or without fused multiply-add), and they differ in the last bit; then the same log gives
other alerts elsewhere. + - * / sqrt, ldexp, frexp, floor and the like are exact and allowed. Exit 1 and one line a use.
"""

import re
import subprocess
import sys

INEXACT = (
    "exp exp2 exp10 expm1 log log2 log10 log1p logb pow cbrt hypot sin cos tan sincos asin acos atan atan2 sinh cosh tanh asinh "
    "acosh atanh erf erfc gamma lgamma lgamma_r tgamma j0 j1 jn y0 y1 yn beta"
).split()
PATTERN = re.compile(r"^(?:__)?(" + "|".join(INEXACT) + r")(?:f|l|f128|_finite|f_finite)?(?:@.*)?$")


def inexact_uses(library):
    """(object file, symbol) of every undefined libm symbol that is not exact."""
    listing = subprocess.run(["nm", "--undefined-only", library], check=True, capture_output=True, text=True)
    if "plugin needed to handle lto object" in listing.stderr:
        sys.exit(f"{library} holds LTO objects, whose symbols cannot be read: check another preset")
    member, found = library, []
    for line in listing.stdout.splitlines():
        if line.endswith(":"):
            member = line[:-1]
        elif line.split() and PATTERN.match(line.split()[-1]):
            found.append((member, line.split()[-1]))
    return found


if __name__ == "__main__":
    uses = inexact_uses(sys.argv[1])
    for member, symbol in uses:
        print(f"{member} calls {symbol}(): not the same on every machine; use a checked-in table or a rising product")
    if not uses:
        print(f"{sys.argv[1]}: no inexact libm call")
    sys.exit(1 if uses else 0)
