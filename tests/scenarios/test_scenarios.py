"""Golden pairs: what each detector finds and what it leaves alone, byte for byte, on any machine and with any number of threads."""

import json
import re

import pytest

import generate
from pairs import FOLDER, PRODUCER, expected_of, name_of, pairs, replay_arguments, signed, timeless, write_key

PAIRS = pairs()
ATTACKS = [p for p in PAIRS if expected_of(p).exists() and expected_of(p).read_text()]
BENIGN = [p for p in PAIRS if p not in ATTACKS]
OUTPUTS = ("alerts", "accounts", "attributions")
OLD_PROCESSOR = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-AVX2"}


def each(paths):
    return pytest.mark.parametrize("events", paths, ids=name_of)


@pytest.fixture
def key(tmp_path):
    return write_key(tmp_path)


@pytest.fixture
def outputs(run, tmp_path, key):
    """outputs(events, ...): what a replay writes: alerts, accounts, attributions."""

    def replay(events, threads=1, env=None, **how):
        files = [a for name in OUTPUTS for a in (f"--{name}", f"{name}.out")]
        run(*replay_arguments(events, key, **how), "--threads", threads, *files, env=env)
        return [(tmp_path / f"{name}.out").read_text() for name in OUTPUTS]

    return replay


@pytest.fixture
def expect(run, tmp_path, key):
    """expect(events, expected, status): replay --expect, with the expectation signed as this binary signs."""

    def compare(events, expected, status):
        run(*replay_arguments(events, key), "--alerts", "said.jsonl")
        found = PRODUCER.search((tmp_path / "said.jsonl").read_text())
        (tmp_path / "expected.jsonl").write_text(signed(expected, found.group() if found else ""))
        return run(*replay_arguments(events, key), "--expect", "expected.jsonl", status=status)

    return compare


@each(PAIRS)
def test_it_says_what_is_expected(expect, outputs, events):
    one, two = outputs(events, threads=1), outputs(events, threads=2)
    assert one == two, "the number of threads decides what is said"
    assert timeless(one[0]) == expected_of(events).read_text(), "if that is meant: tests/scenarios/refresh.py"
    expect(events, expected_of(events).read_text(), status=0)


@each(ATTACKS)
def test_an_attack_is_found_by_the_detector_of_its_folder(events):
    alerts = [json.loads(line) for line in expected_of(events).read_text().splitlines()]
    assert events.parent.name in {factor["detector"] for alert in alerts for factor in alert["factors"]}
    assert all(alert["producer"] == {} and alert["site"] == "golden" for alert in alerts)


def gist(alerts):
    """What was found at last, without when it was said."""
    last = {alert["id"] if alert["status"] == "open" else "closed": alert for alert in map(json.loads, alerts.splitlines())}
    return sorted(
        json.dumps([alert[name] for name in ("attack", "start_time", "end_time", "counts", "sources", "accounts", "detectors")]) for alert in last.values()
    )


@each(PAIRS)
def test_a_declared_delay_changes_when_it_is_told_but_not_what(outputs, tmp_path, events):
    own = events.with_suffix(".yaml")
    late = tmp_path / "late.yaml"
    late.write_text((own.read_text() if own.exists() else "") + f"\ninputs:\n  - {{file: {events}, delay: 30m}}\n")
    assert gist(outputs(events, config=late)[0]) == gist(outputs(events)[0])


def test_a_changed_expectation_is_noticed(expect):
    events = FOLDER / "source_fanout" / "attack_bad_passwords.jsonl"
    lines = expected_of(events).read_text().splitlines(keepends=True)
    assert len(lines) > 1
    expect(events, "".join(lines), status=0)
    changed = lines[:-1] + [lines[-1].replace('"compromised":3', '"compromised":4')]
    assert changed != lines
    assert f"at line {len(lines)}" in expect(events, "".join(changed), status=3).stderr
    assert f"at line {len(lines)}" in expect(events, "".join(lines[:-1]), status=3).stderr, "a line less"
    assert f"at line {len(lines) + 1}" in expect(events, "".join(lines + lines[:1]), status=3).stderr, "a line more"
    quiet = FOLDER / "source_fanout" / "benign_office.jsonl"
    assert "at line 1" in expect(quiet, lines[0], status=3).stderr, "nothing was said"
    assert "at line 1" in expect(events, "", status=3).stderr, "nothing was to be said"


def test_an_older_processor_says_the_same(outputs):
    for events in PAIRS:
        assert outputs(events, env=OLD_PROCESSOR) == outputs(events), name_of(events)


# --- why benign traffic is left alone: take that one thing away, and it must be reported ---


def nobody_gets_in(events):
    return [{"reason": "bad_password"} | e | {"outcome": "failure"} for e in events]


def for_a_bad_password(events):
    return [e | ({"reason": "bad_password"} if e["outcome"] == "failure" else {}) for e in events]


def not_tried_so_often(events):
    counts = {}
    for e in events:
        counts[e["account"]] = counts.get(e["account"], 0) + 1
        if e["outcome"] == "success" or counts[e["account"]] <= 5:
            yield e


REASONS = {
    "source_fanout/benign_office": nobody_gets_in,
    "source_fanout/benign_carrier_nat": nobody_gets_in,
    "source_fanout/benign_retry_loop": not_tried_so_often,
    "source_fanout/benign_outage": for_a_bad_password,
    "source_fanout/benign_expired_passwords": lambda events: [e for e in events if e["time"] >= "2026-03-04" or "person" in e["account"]],
    "source_fanout/benign_trusted_source": lambda events: events,  # without its configuration
    "account_fanin/benign_traveller": lambda events: sorted((e | {"time": "2026-03-02" + e["time"][10:]} for e in events), key=lambda e: e["time"]),
    "account_fanin/benign_phone_with_old_password": lambda events: [e | {"user_agent": f"{e['user_agent']} {e['outcome']}"} for e in events],
    "account_fanin/benign_typos": lambda events: [e | {"account": re.sub(r"\d+", "", e["account"])} for e in events],
    "account_fanin/benign_kiosks_in_outage": for_a_bad_password,
}


@each(BENIGN)
def test_benign_traffic_is_left_alone_for_its_reason(outputs, tmp_path, events):
    """A pair that would stay quiet whatever it said would test nothing."""
    assert name_of(events) in REASONS, "say in REASONS which change would make it an attack"
    story = [json.loads(line) for line in events.read_text().splitlines()]
    spoiled = tmp_path / "spoiled.jsonl"
    spoiled.write_text("".join(json.dumps(e) + "\n" for e in REASONS[name_of(events)](story)))
    alerts = outputs(spoiled)[0].splitlines()
    assert any(events.parent.name in json.loads(alert)["detectors"] for alert in alerts), "this is not why it was left alone"


# --- that nothing is missing ---


def missing(name, root):
    """What a detector called `name` has not got."""
    own = [p for p in pairs(root / "tests" / "scenarios") if p.parent.name == name and expected_of(p).exists()]
    attacks = [p for p in own if f'"detector":"{name}"' in expected_of(p).read_text()]
    wanted = {
        f"tests/detectors/{name}_test.cc": (root / "tests" / "detectors" / f"{name}_test.cc").exists(),
        f"tests/scenarios/{name}/: an attack that it finds": bool(attacks),
        f"tests/scenarios/{name}/: benign traffic that it leaves alone": any(not expected_of(p).read_text() for p in own),
    }
    return [what for what, there in wanted.items() if not there]


def test_every_detector_has_its_tests(run, source_root):
    names = list(json.loads(run("schema", "config").stdout)["properties"]["detectors"]["properties"])
    made = re.findall(r"^std::unique_ptr<DetectorKind> make_(\w+)\(\);", (source_root / "detectors" / "registry.cc").read_text(), re.M)
    assert names and names == made, "the binary is not of this tree"
    assert [what for name in names for what in missing(name, source_root)] == []


def test_what_is_missing_is_named(tmp_path):
    assert len(missing("clairvoyance", tmp_path)) == 3
    folder, unit = tmp_path / "tests" / "scenarios" / "clairvoyance", tmp_path / "tests" / "detectors"
    folder.mkdir(parents=True), unit.mkdir(parents=True)
    (unit / "clairvoyance_test.cc").touch()
    for case, expected in (("quiet", ""), ("of_another", '{"factors":[{"detector":"source_fanout"}]}\n')):
        (folder / f"{case}.jsonl").touch()
        (folder / f"{case}.expected.jsonl").write_text(expected)
    assert missing("clairvoyance", tmp_path) == ["tests/scenarios/clairvoyance/: an attack that it finds"]


def test_no_file_is_alone():
    assert PAIRS and [name_of(p) for p in PAIRS if not expected_of(p).exists()] == []
    events = {p.with_suffix("") for p in PAIRS}
    for path in [*FOLDER.glob("*/*.expected.jsonl"), *FOLDER.glob("*/*.yaml")]:
        assert path.with_name(path.name.split(".")[0]) in events, f"{path}: nothing is replayed with it"


@pytest.mark.parametrize("name", generate.CASES)
def test_the_events_are_those_of_the_story(name):
    assert (FOLDER / f"{name}.jsonl").read_text() == generate.text_of(name), "tests/scenarios/generate.py writes them again"
