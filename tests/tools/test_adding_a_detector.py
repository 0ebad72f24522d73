"""The worked example of docs/adding-a-detector.md compiles against the tree, so that the page cannot rot."""

import re
import subprocess

import pytest

PAGE = "docs/adding-a-detector.md"


@pytest.fixture(scope="module")
def example(source_root, tmp_path_factory):
    """The page's files, in a folder of their own."""
    folder = tmp_path_factory.mktemp("example")
    files = {"detectors/account_resale.cc": "// account_resale:", "tests/detectors/account_resale_test.cc": "#include <gtest/gtest.h>"}
    blocks = re.findall(r"^```cpp\n(.*?)^```$", (source_root / PAGE).read_text(), re.DOTALL | re.MULTILINE)
    for name, beginning in files.items():
        found = [block for block in blocks if block.startswith(beginning)]
        assert len(found) == 1, f"{PAGE}: {name} is one ```cpp block that begins with {beginning}"
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(found[0])
    return folder


@pytest.mark.parametrize("name", ["detectors/account_resale.cc", "tests/detectors/account_resale_test.cc"])
def test_the_example_compiles(source_root, example, name):
    generated = sorted(source_root.glob("build/*/generated"))
    if not generated:
        pytest.skip(f"NOT CHECKED: {PAGE} against the tree, because nothing is configured; run ./dev build first")
    done = subprocess.run(
        ["g++", "-std=c++23", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", f"-I{source_root}", f"-I{generated[0]}", example / name],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{PAGE}: {name}\n{done.stderr[-4000:]}"
