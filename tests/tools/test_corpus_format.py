"""The program in docs/corpus-format.md finds in a segment what stands in it, so that the page cannot rot."""

import re

import pytest

PAGE = "docs/corpus-format.md"
# The seeds of the fuzz target; lists of 4, 1 (without positions) and 3 lines.
ENTRIES = {0xFEDCBA9876543210: [(1, 1), (2, 0), (3, 1)], 1: [(1, 4)], 2**64 - 1: [(3, 3)], 1 << 63: [], 0x1234567812345678: []}


@pytest.mark.parametrize("segment", ["eight", "four"])
def test_the_example_finds_accounts(source_root, segment):
    (block,) = re.findall(r"^```python\n(.*?)^```$", (source_root / PAGE).read_text(), re.DOTALL | re.MULTILINE)
    names = {}
    exec(block, names)
    data = (source_root / "tests/fuzz/corpus/segment" / segment).read_bytes()
    assert {hash: list(names["find"](data, hash)) for hash in ENTRIES} == ENTRIES
