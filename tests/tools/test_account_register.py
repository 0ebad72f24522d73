"""The program in docs/account-register.md finds in a register what stands in it, so that the page cannot rot."""

import re

PAGE = "docs/account-register.md"
# The seed of the fuzz target.
ACCOUNTS = {1: (0, 0, 0, ""), 0xFEDCBA9876543210: (0x1122334455667788, 18_000, 19_000, "staff"), 0: None, 2: None, 2**64 - 1: None}


def test_the_example_finds_accounts(source_root):
    (block,) = re.findall(r"^```python\n(.*?)^```$", (source_root / PAGE).read_text(), re.DOTALL | re.MULTILINE)
    names = {}
    exec(block, names)
    data = (source_root / "tests/fuzz/corpus/account_register/two").read_bytes()
    assert {hash: names["find"](data, hash) for hash in ACCOUNTS} == ACCOUNTS
