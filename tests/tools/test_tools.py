"""The other small tools: where a wrong answer would go unnoticed."""

import pathlib
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import debian_mirror
import length_report
import tally

ONE_LINE = """
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg] http://vendor.example/apt cloud-bookworm main
deb [arch=amd64] http://mirror.example/debian bookworm main contrib  # ours
deb http://other.example/debian bookworm main
"""

DEB822 = """\
# http://snapshot.example/debian
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
Enabled: no

Types: deb
# a comment inside
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main

Types: deb deb-src
URIs: http://one.example/debian
  http://two.example/debian
Suites: bookworm
 bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


def test_mirror_of_one_line_sources(tmp_path):
    (tmp_path / "sources.list").write_text(ONE_LINE)
    assert debian_mirror.find_mirror("bookworm", tmp_path) == "http://mirror.example/debian"


def test_mirror_of_deb822_sources(tmp_path):
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEB822)
    assert debian_mirror.find_mirror("bookworm", tmp_path) == "http://one.example/debian"
    assert debian_mirror.find_mirror("trixie", tmp_path) is None


JUNIT = '<testsuite name="s" tests="{}" failures="{}" errors="{}" skipped="{}"/>'


def test_tally_sums_junit_counts_and_stages_that_did_not_build(tmp_path):
    (tmp_path / "unit.xml").write_text(JUNIT.format(10, 1, 0, 2))
    (tmp_path / "unit.status").write_text("8\n")
    (tmp_path / "pytest.xml").write_text(f"<testsuites>{JUNIT.format(5, 0, 1, 0)}</testsuites>")
    (tmp_path / "fuzz.count").write_text("3 1 0\n")
    (tmp_path / "asan.status").write_text("1\n")
    (tmp_path / "asan.log").write_text("did not build\n")
    assert tally.tally(tmp_path) == (7 + 4 + 3, 1 + 1 + 1 + 1, 2)
    assert tally.tally(tmp_path, ["fuzz", "asan"]) == (11, 2, 2)


def test_tally_counts_a_stage_that_failed_after_its_tests_passed(tmp_path):
    (tmp_path / "unit.xml").write_text(JUNIT.format(4, 0, 0, 0))
    (tmp_path / "unit.status").write_text("1\n")
    assert tally.tally(tmp_path) == (4, 1, 0)


def test_failed_tests_are_named(tmp_path):
    failed = '<testcase classname="A" name="{}"><{}/></testcase>'
    cases = failed.format("one", "failure") + failed.format("two", "error") + '<testcase classname="A" name="three"/>'
    (tmp_path / "unit.xml").write_text(f'<testsuite tests="3" failures="1" errors="1">{cases}</testsuite>')
    (tmp_path / "cut.xml").write_text("<testsuite><testcase")
    assert tally.failed_tests(tmp_path) == ["unit: A.one", "unit: A.two"]
    assert tally.failed_tests(tmp_path, ["unit"]) == []


def test_long_function_is_reported_and_a_long_class_is_not(tmp_path):
    (tmp_path / "config").mkdir()
    body = "  x += 1;\n" * 61
    (tmp_path / "config" / "a.cc").write_text(f"namespace n {{\nint f(int x) {{\n{body}}}\nclass C {{\n{body}}};\n}}\n")
    (line,) = length_report.report(tmp_path)
    assert line == "config/a.cc:2: 63 lines: int f(int x)"


@pytest.mark.skipif(shutil.which("g++") is None or shutil.which("ar") is None, reason="no compiler")
@pytest.mark.parametrize("body, status", [("std::sqrt(x) + std::ldexp(x, 2) + std::floor(x)", 0), ("std::log(x)", 1), ("std::pow(x, 1.5f)", 1)])
def test_inexact_libm_calls_are_found(tmp_path, body, status):
    (tmp_path / "a.cc").write_text(f"#include <cmath>\ndouble f(double x) {{ return {body}; }}\n")
    subprocess.run(["g++", "-c", "-O1", "a.cc"], cwd=tmp_path, check=True)
    subprocess.run(["ar", "qc", "liba.a", "a.o"], cwd=tmp_path, check=True)
    tool = pathlib.Path(__file__).parent / "check_libm.py"
    assert subprocess.run([sys.executable, str(tool), str(tmp_path / "liba.a")], capture_output=True).returncode == status
