"""`stuffwatch replay` over generated scenarios: what is found, and that nothing but the input decides the bytes."""

import gzip
import json
import subprocess

import pytest

from traffic import event, send

SCENARIOS = {
    "attack_burst_one_address": "credential_stuffing",
    "attack_spread_prefixes": "credential_stuffing",
    "attack_guessing_fanin": "password_guessing",
    "quiet_day": None,
    "cgnat_crowd": None,
    "mobile_roaming": None,
}


@pytest.fixture(scope="module")
def scenarios(stuffwatch, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenarios") / "all"
    subprocess.run([str(stuffwatch), "simulate", "--scenario", "all", "--seed", "11", "--out", str(folder)], check=True, capture_output=True)
    return folder


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("name,attack", SCENARIOS.items())
def test_scenario(run, scenarios, tmp_path, name, attack):
    folder = scenarios / name
    labels = json.loads((folder / "labels.json").read_text())
    site = json.loads((folder / "site.json").read_text())
    config = tmp_path / "site.yaml"
    config.write_text(json.dumps({"trusted_sources": [{"cidr": c, "reason": "scenario"} for c in site["trusted_sources"]]}))
    run("replay", "--config", config, folder / "events.ndjson", "--alerts", "alerts.jsonl", "--attributions", "events.jsonl", "--accounts", "accounts.jsonl",
        "--summary", "summary.json")
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["events"]["read"] == labels["events"]
    assert summary["events"]["rejected"] == {} and summary["formats"] == {"native": 1}
    alerts = lines(tmp_path / "alerts.jsonl")
    assert summary["alerts"] == len(alerts)
    if attack is None:
        assert alerts == [], "a benign scenario raised an alert"
        return
    assert {a["attack"] for a in alerts} == {attack}
    truth = {event for campaign in labels["campaigns"] for event in campaign["event_ids"]}
    attributed = {row["event_id"] for row in lines(tmp_path / "events.jsonl")}
    assert len(attributed & truth) >= 0.9 * len(attributed), "events of honest people were attributed to a campaign"
    assert len(attributed & truth) >= 0.8 * len(truth), "most of the attack was not attributed"
    for alert in alerts:
        assert alert["factors"] and all(f["value"] >= f["threshold"] for f in alert["factors"])
        assert alert["counts"]["compromised"] == len(alert["compromised"])


def test_the_same_bytes_for_any_number_of_threads_and_any_batch(run, scenarios, tmp_path):
    events = scenarios / "attack_burst_one_address" / "events.ndjson"
    seen = set()
    for threads in (1, 2, 8):
        for batch in (1, 7, 4096):
            run("replay", events, "--alerts", "a.jsonl", "--accounts", "b.jsonl", "--attributions", "c.jsonl", "--threads", threads, "--set",
                f"pipeline.batch_events={batch}")
            seen.add(tuple((tmp_path / f).read_bytes() for f in ("a.jsonl", "b.jsonl", "c.jsonl")))
    assert len(seen) == 1
    assert next(iter(seen))[0].count(b"\n") >= 1


def test_expect_tells_what_differs(run, scenarios, tmp_path):
    events = scenarios / "attack_burst_one_address" / "events.ndjson"
    run("replay", events, "--alerts", "golden.jsonl")
    run("replay", events, "--expect", "golden.jsonl")
    golden = tmp_path / "golden.jsonl"
    golden.write_text(golden.read_text().replace('"revision":1,', '"revision":9,', 1))
    assert "at line 1" in run("replay", events, "--expect", "golden.jsonl", status=3).stderr


def test_packed_and_split_inputs_give_the_same_alerts(run, scenarios, tmp_path):
    source = (scenarios / "attack_burst_one_address" / "events.ndjson").read_bytes()
    rows = source.splitlines(keepends=True)
    (tmp_path / "whole.gz").write_bytes(gzip.compress(source))
    (tmp_path / "even.ndjson").write_bytes(b"".join(rows[0::2]))
    (tmp_path / "odd.ndjson").write_bytes(b"".join(rows[1::2]))
    run("replay", scenarios / "attack_burst_one_address" / "events.ndjson", "--alerts", "a.jsonl")
    run("replay", "whole.gz", "--alerts", "b.jsonl")
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    run("replay", "even.ndjson", "odd.ndjson", "--alerts", "c.jsonl")
    assert len(lines(tmp_path / "c.jsonl")) == len(lines(tmp_path / "a.jsonl"))


def test_bad_input_is_told_and_costs_nothing_else(run, scenarios, tmp_path):
    rows = (scenarios / "attack_burst_one_address" / "events.ndjson").read_bytes().splitlines()
    poison = [b"\x00\xff\xfe random", b'{"time":1', b"[" * 10_000, b'{"a":1,"a":2}', b"x" * 2_000_000, b'{"time":"2026-13-01T00:00:00Z","account":"a","outcome":"success","ip":"10.0.0.1"}']
    mixed = []
    for i, row in enumerate(rows):
        if i % 5_000 == 17:
            mixed.append(poison[(i // 5_000) % len(poison)])
        mixed.append(row)
    (tmp_path / "mixed.ndjson").write_bytes(b"\n".join(mixed) + b"\n")
    run("replay", scenarios / "attack_burst_one_address" / "events.ndjson", "--alerts", "a.jsonl")
    run("replay", "mixed.ndjson", "--format", "native", "--alerts", "b.jsonl", "--summary", "s.json")
    summary = json.loads((tmp_path / "s.json").read_text())
    assert sum(summary["events"]["rejected"].values()) == len(mixed) - len(rows)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


@pytest.fixture
def damaged(scenarios, tmp_path):
    """A cut log, packed, and a whole one: (paths, the events that can be read). The last whole line of the cut one is held for its clock."""
    rows = (scenarios / "attack_burst_one_address" / "events.ndjson").read_bytes().splitlines(keepends=True)
    cut, whole = rows[0::2], rows[1::2]
    ahead = json.loads(cut[-1]) | {"time": "2036-01-01T00:00:00Z", "event_id": "ahead"}
    stored = gzip.compress(b"".join(cut) + json.dumps(ahead).encode() + b"\n" + b"x" * 1000, compresslevel=0)
    (tmp_path / "cut.gz").write_bytes(stored[:-500])
    (tmp_path / "whole.ndjson").write_bytes(b"".join(whole))
    return ["cut.gz", "whole.ndjson"], len(rows) + 1


def test_a_cut_file_costs_only_what_is_lost(run, damaged, tmp_path):
    files, events = damaged
    outputs = ("alerts", "accounts", "attributions", "summary")
    seen = set()
    for threads in (1, 2, 8):
        said = run("replay", *files, "--threads", threads, *(part for name in outputs for part in (f"--{name}", name)), status=1)
        assert "cut.gz: the gzip data is cut short after" in said.stderr and "get the file again" in said.stderr
        summary = json.loads((tmp_path / "summary").read_text())
        assert summary["events"]["read"] == summary["events"]["decoded"] == events
        seen.add(tuple((tmp_path / name).read_bytes() for name in outputs[:3]))
    assert len(seen) == 1
    assert next(iter(seen))[0].count(b"\n") >= 1


def test_run_reads_the_rest_of_a_cut_file_and_does_not_end_calmly(daemon, damaged, tmp_path):
    files, events = damaged
    inputs = [{"name": name, "file": str(tmp_path / name)} for name in files]
    one = daemon({"inputs": inputs}, wait_ready=False)
    assert one.wait_exit() == 1
    assert "the gzip data is cut short" in one.log()
    assert f"stopped events={events}" in one.log()
    assert one.alerts()


GOOD = [{"time": f"2026-01-01T00:00:{second:02}Z", "account": f"a{second}", "outcome": "failure", "ip": "198.51.100.7"} for second in range(10)]
LOG = "".join(json.dumps(e) + "\n" for e in GOOD)


@pytest.mark.parametrize("garbage", ["what is this\n" * 200, "what is this\n" * 20_000, "x" * 1_500_000 + "\n", ("y" * 3_000_000 + "\n") * 2])
@pytest.mark.parametrize("name", ["-", "mixed.log"])
def test_garbage_in_front_of_a_log(run, tmp_path, garbage, name):
    (tmp_path / "mixed.log").write_text(garbage + LOG)
    run("replay", name, "--summary", "summary.json", input=garbage + LOG)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["events"]["decoded"] == len(GOOD) and summary["formats"] == {"native": 1}
    assert sum(summary["events"]["rejected"].values()) == garbage.count("\n")


def test_a_log_in_which_logins_come_late_or_never(run, tmp_path):
    cron = "Mar  1 00:17:01 web1 CRON[812]: pam_unix(cron:session): session opened for user root\n"
    login = "Mar  1 00:17:02 web1 sshd[813]: Failed password for invalid user admin from 203.0.113.9 port 4711 ssh2\n"
    (tmp_path / "late.log").write_text(cron * 6_000 + login)
    (tmp_path / "never.log").write_text(cron * 20)
    for name, logins in (("late.log", 1), ("never.log", 0)):
        run("replay", name, "--summary", "summary.json")
        events = json.loads((tmp_path / "summary.json").read_text())["events"]
        assert (events["decoded"], events["rejected"]) == (logins, {}), name


def test_a_file_of_which_nothing_fits_is_named_and_costs_nothing_else(run, tmp_path):
    (tmp_path / "good.log").write_text(LOG)
    for lines in (1, 5_000):
        (tmp_path / "nonsense.log").write_text("what is this\n" * lines)
        said = run("replay", "nonsense.log", "good.log", "--summary", "summary.json", status=1).stderr
        assert "nonsense.log: no known format fits; name it with --format" in said
        assert json.loads((tmp_path / "summary.json").read_text())["events"]["decoded"] == len(GOOD)


def test_a_broker_that_dies_under_a_replay_costs_no_other_input(fresh_kafka, stuffwatch, tmp_path):
    """What it had handed out is processed, and so is standard input, which holds the topic back until the broker is gone."""
    name = fresh_kafka.create_topic(partitions=1)
    send(fresh_kafka.producer(), name, [event(i / 1000, "a", "10.0.0.1", "success", padding="x" * 4_000) for i in range(10_000)])
    settings = ("--set", "merge.max_delay=5s", "--set", "kafka.fetch_memory=1MiB", "--format", "native")
    command = [str(stuffwatch), "replay", "-", f"kafka:{name}?brokers={fresh_kafka.bootstrap}", "--summary", "s.json", "--progress", "json", *settings]
    child = subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert any(line.startswith("{") for line in child.stderr), "it has opened the topic"
    fresh_kafka.kill()
    assert any("Connection refused" in line for line in child.stderr)
    own = [event(3_600 + i, "b", "10.0.0.2", "success") for i in range(50)]
    child.stdin.write("".join(json.dumps(e) + "\n" for e in own))
    child.stdin.close()
    said = child.stderr.read()
    assert child.wait(60) == 1 and "check kafka.brokers" in said, said
    events = json.loads((tmp_path / "s.json").read_text())["events"]
    assert len(own) <= events["decoded"] == events["read"] < len(own) + 10_000


def test_usage_errors_name_the_remedy(run):
    assert "no such format" in run("replay", "--format", "nonsense", "/dev/null", status=2).stderr
    assert "absent.log" in run("replay", "absent.log", status=None).stderr
    assert "did you mean" in run("replay", "/dev/null", "--set", "mergee.idle_after=2s", status=2).stderr


def test_trust_ends_in_event_time(run, tmp_path):
    """The same log gives the same alerts whenever it is replayed: the clock on the wall does not decide who is trusted."""
    events = [
        {"time": f"2026-02-28T23:59:{second:02}Z", "account": f"a{second}", "outcome": "failure", "ip": "198.51.100.7"} for second in (57, 58, 59)
    ] + [{"time": "2026-03-01T00:00:00Z", "account": "b", "outcome": "failure", "ip": "198.51.100.7"}]
    (tmp_path / "events.ndjson").write_text("".join(json.dumps(e) + "\n" for e in events))
    trusted = [{"cidr": "198.51.100.0/24", "reason": "office", "expires": "2026-03-01"}]
    (tmp_path / "site.yaml").write_text(json.dumps({"trusted_sources": trusted}))
    run("replay", "--config", "site.yaml", "events.ndjson", "--summary", "summary.json")
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["events"]["trusted"] == 3 and summary["events"]["decoded"] == 1
