"""Names the tests that failed, then prints `N passed, N failed, N skipped`, summed over a folder of results: tally.py FOLDER [--except STAGE]...

A stage leaves JUnit XML (STAGE.xml) or a line `passed failed skipped` (STAGE.count). One that failed (STAGE.status holds its exit
status) without a failed test, because it did not build for instance, counts as one failure.
"""

import argparse
import pathlib
import xml.etree.ElementTree


def elements(path, tag):
    """All of that tag in a JUnit file; of one that was cut off, none."""
    try:
        return list(xml.etree.ElementTree.parse(path).getroot().iter(tag))
    except xml.etree.ElementTree.ParseError:
        return []


def junit_counts(path):
    """(passed, failed, skipped) of all test suites in a JUnit file."""
    total, failed, skipped = 0, 0, 0
    for suite in elements(path, "testsuite"):
        total += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0)) + int(suite.get("disabled", 0))
    return total - failed - skipped, failed, skipped


def stage_counts(folder, stage):
    passed = failed = skipped = 0
    if (folder / f"{stage}.xml").exists():
        passed, failed, skipped = junit_counts(folder / f"{stage}.xml")
    elif (folder / f"{stage}.count").exists():
        passed, failed, skipped = map(int, (folder / f"{stage}.count").read_text().split())
    if failed == 0 and (folder / f"{stage}.status").exists():
        failed = 1
    return passed, failed, skipped


def failed_tests(folder, left_out=()):
    """Of each, its stage and its name."""
    return [
        f"{path.stem}: {case.get('classname')}.{case.get('name')}"
        for path in sorted(folder.glob("*.xml"))
        if path.stem not in left_out
        for case in elements(path, "testcase")
        if case.find("failure") is not None or case.find("error") is not None
    ]


def tally(folder, left_out=()):
    stages = {path.stem for path in folder.iterdir() if path.suffix in (".xml", ".count", ".status")} - set(left_out)
    counts = [stage_counts(folder, stage) for stage in sorted(stages)]
    return tuple(sum(column) for column in zip(*counts)) if counts else (0, 0, 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--except", dest="left_out", action="append", default=[])
    arguments = parser.parse_args()
    for test in failed_tests(arguments.folder, arguments.left_out):
        print(f"FAILED {test}")
    print("{} passed, {} failed, {} skipped".format(*tally(arguments.folder, arguments.left_out)))
