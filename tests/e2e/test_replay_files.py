"""What `stuffwatch replay` reads and writes, and what it says when little came of it.

Devices are pseudo-terminals and standard output is its name in /proc: a replay that replaces what it should write to cannot harm them.
"""

import gzip
import json
import os
import random
import signal
import subprocess

import pytest

from support.wait import wait_until

EVENTS = "".join(
    json.dumps({"time": 1_772_362_800_000 + 1000 * i, "account": f"user{i}", "outcome": "failure", "ip": "192.0.2.7"}) + "\n" for i in range(600)
)


@pytest.fixture
def events(tmp_path):
    (tmp_path / "events.ndjson").write_text(EVENTS)
    return tmp_path / "events.ndjson"


@pytest.fixture
def attack(source_root):
    """Events that say several KiB of alerts."""
    return source_root / "tests" / "scenarios" / "source_fanout" / "attack_bad_passwords.jsonl"


def partial_files(folder):
    return [path.name for path in folder.iterdir() if "partial" in path.name]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--alerts", "events.ndjson"),
        ("--alerts", "./hard"),
        ("--summary", "soft"),
        ("--accounts", "golden.jsonl", "--expect", "golden.jsonl"),
        ("--attributions", "site.yaml", "--config", "site.yaml"),
        ("--alerts", "new", "--accounts", "./new"),
        ("--alerts", "dangling", "--accounts", "new"),
        ("--alerts", "-", "--summary", "/proc/self/fd/1"),
    ],
)
def test_an_output_that_is_read_or_written_twice_is_refused(run, events, tmp_path, arguments):
    os.link(events, tmp_path / "hard")
    (tmp_path / "soft").symlink_to("events.ndjson")
    (tmp_path / "dangling").symlink_to("new")
    (tmp_path / "golden.jsonl").write_text("")
    (tmp_path / "site.yaml").write_text("site: here\n")
    before = sorted(path.name for path in tmp_path.iterdir())
    refused = run("replay", "events.ndjson", *arguments, status=2)
    assert "is the same file as" in refused.stderr
    assert events.read_text() == EVENTS and (tmp_path / "site.yaml").read_text() == "site: here\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_standard_input_is_not_overwritten_either(stuffwatch, events, tmp_path):
    with open(events) as source:
        done = subprocess.run([stuffwatch, "replay", "-", "--alerts", events], stdin=source, capture_output=True, text=True)
    assert done.returncode == 2 and "is the same file as -, which is read" in done.stderr
    assert events.read_text() == EVENTS


def test_outputs_are_not_touched_when_an_input_is_not_there(run, events, tmp_path):
    (tmp_path / "alerts.jsonl").write_text("of yesterday\n")
    run("replay", "events.ndjson", "absent.ndjson", "--alerts", "alerts.jsonl", "--accounts", "accounts.jsonl", status=1)
    run("replay", "events.ndjson", "--expect", "absent.jsonl", "--alerts", "alerts.jsonl", "--accounts", "accounts.jsonl", status=2)
    assert (tmp_path / "alerts.jsonl").read_text() == "of yesterday\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alerts.jsonl", "events.ndjson"]


def test_links_stay_and_devices_are_written_through(run, attack, tmp_path):
    run("replay", attack, "--alerts", "alerts.jsonl")
    alerts = (tmp_path / "alerts.jsonl").read_text()
    assert alerts
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    device, name = os.openpty()
    terminal = os.ttyname(name)
    run("replay", attack, "--alerts", "link", "--accounts", terminal, "--summary", terminal)
    assert (tmp_path / "link").is_symlink() and (tmp_path / "target").read_text() == alerts
    assert b'"events":{"read":' in os.read(device, 65536)
    for name in ("-", "/proc/self/fd/1"):
        assert run("replay", attack, "--alerts", name).stdout == alerts, "and nothing else"


def test_a_pipe_is_written_through(run, events, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    run("replay", "events.ndjson", "--summary", "pipe")
    assert json.loads(os.read(reader, 65536))["events"]["read"] == 600
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_replay_leaves_nothing_behind(stuffwatch, tmp_path, signum):
    command = [stuffwatch, "replay", "--format", "native", "-", "--alerts", "alerts.jsonl", "--summary", "summary.json"]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as replay:
        wait_until(lambda: len(partial_files(tmp_path)) == 2)
        replay.send_signal(signum)
        assert replay.wait(20) == -signum, "callers see what ended it"
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_simulation_leaves_only_whole_files(stuffwatch, tmp_path):
    command = [stuffwatch, "simulate", "--scenario", "bench", "--scale", "20", "--out", "out"]
    events = tmp_path / "out" / "bench"
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as simulation:
        wait_until(lambda: events.is_dir() and partial_files(events))
        simulation.send_signal(signal.SIGTERM)
        assert simulation.wait(20) == -signal.SIGTERM
    assert list(events.iterdir()) == []


def test_a_reader_that_goes_takes_the_other_outputs_with_it(stuffwatch, attack, tmp_path):
    """`replay --alerts - | head -1`: ends by SIGPIPE as everybody does, says nothing, and leaves no half summary."""
    command = [stuffwatch, "replay", attack, "--alerts", "-", "--summary", "summary.json"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as replay:
        replay.stdout.close()
        assert "cannot write" not in replay.stderr.read()
        assert replay.wait(60) == -signal.SIGPIPE
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name,said",
    [("ocsf", "none of 600 records (ocsf) became a login event: 600 "), ("sshd", "none of 600 records (sshd) became a login event: 600 not_this_format")],
)
def test_the_wrong_format_fails_and_says_so(run, events, name, said):
    failed = run("replay", "events.ndjson", "--format", name, "--alerts", "alerts.jsonl", status=1)
    assert said in failed.stderr and "--format" in failed.stderr.split(said)[1]


def test_a_log_without_logins_says_so_and_is_no_failure(run):
    line = "Mar  1 08:00:00 host cron[1]: (root) CMD (true)\n"
    assert "none of 3 records (sshd) became a login event: 3 not_a_login" in run("replay", "--format", "sshd", "-", input=3 * line).stderr


def test_a_shuffled_file_says_what_was_lost(run, events, tmp_path):
    assert "out of order" not in run("replay", "events.ndjson").stderr
    lines = EVENTS.splitlines(keepends=True)
    random.Random(7).shuffle(lines)
    (tmp_path / "shuffled.ndjson").write_text("".join(lines))
    said = run("replay", "shuffled.ndjson", "--summary", "summary.json").stderr
    counts = json.loads((tmp_path / "summary.json").read_text())["events"]
    lost = counts["late"] + counts["rejected"].get("clock_ahead", 0)
    assert lost > 100
    assert f"{lost} of 600 login events were out of order" in said and f"{counts['late']} more than merge.allowed_lateness (30s) behind" in said
    patient = ("--set", "merge.allowed_lateness=1h", "--set", "merge.max_clock_skew=1h")
    assert "out of order" not in run("replay", "shuffled.ndjson", *patient).stderr


def test_the_years_of_stamps_without_one_are_said(run, tmp_path):
    failed = "host sshd[1]: Failed password for root from 192.0.2.7 port 4242 ssh2\n"
    (tmp_path / "auth.log").write_text(f"Dec 31 23:59:58 {failed}Jan  1 00:00:03 {failed}")
    year = ("--set", "inputs=[{file: auth.log, year: 2025}]")
    assert "stamps without a year were read as 2025 to 2026\n" in run("replay", "auth.log", *year).stdout
    run("replay", "auth.log", *year, "--summary", "summary.json")
    assert json.loads((tmp_path / "summary.json").read_text())["years"] == {"first": 2025, "last": 2026}
    (tmp_path / "events.ndjson").write_text(EVENTS)
    run("replay", "events.ndjson", "--summary", "summary.json")
    assert "years" not in json.loads((tmp_path / "summary.json").read_text())


def syslog(stamp):
    return f"{stamp} host sshd[1]: Failed password for root from 192.0.2.7 port 4242 ssh2\n"


@pytest.mark.parametrize(("year", "first"), [((), 2000), (("--set", "inputs=[{file: x, year: 2025}]"), 2025)])
def test_a_rotated_log_comes_out_in_order_over_new_year(run, tmp_path, year, first):
    logs = {
        "auth.log.2.gz": [f"Dec {day:2} 12:00:00" for day in range(2, 29)],
        "auth.log.1": ["Dec 30 12:00:00", "Dec 31 23:59:59", "Jan  1 00:00:01", "Jan  2 12:00:00"],
        "auth.log": ["Jan  3 12:00:00", "Jan  4 12:00:00"],
    }
    (tmp_path / "logs").mkdir()
    for name, stamps in logs.items():
        text = "".join(map(syslog, stamps)).encode()
        (tmp_path / "logs" / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    said = run("replay", "logs", *year, "--summary", "summary.json")
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["years"] == {"first": first, "last": first + 1}
    assert "out of order" not in said.stderr and summary["events"]["late"] == 0
    assert summary["events"]["decoded"] == sum(map(len, logs.values()))


def test_bytes_behind_gzip_data_are_told_and_cost_nothing(run, tmp_path):
    (tmp_path / "events.gz").write_bytes(gzip.compress(EVENTS.encode()) + b"garbage")
    assert "events.gz: 7 bytes behind the gzip data" in run("replay", "events.gz", "--summary", "summary.json").stderr
    assert json.loads((tmp_path / "summary.json").read_text())["events"]["decoded"] == 600
