"""Logs of real hosts, read where they stand ($STUFFWATCH_TESTDATA, else ../shared/testdata beside the repository)."""

import csv
import json
import os
import pathlib

import pytest

FOLDER = pathlib.Path(os.environ.get("STUFFWATCH_TESTDATA", pathlib.Path(__file__).resolve().parents[3] / "shared" / "testdata"))

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"NO REAL LOGS: {FOLDER} is absent; set STUFFWATCH_TESTDATA")


def replay(run, tmp_path, *inputs):
    run("replay", *inputs, "--alerts", "alerts.jsonl", "--summary", "summary.json")
    alerts = [json.loads(line) for line in (tmp_path / "alerts.jsonl").read_text().splitlines()]
    return alerts, json.loads((tmp_path / "summary.json").read_text())


def alarmed(alerts):
    return {s["network"].split("/")[0] for a in alerts for s in a["sources"]}


def test_a_cloud_host_with_its_operator(run, tmp_path):
    folder = FOLDER / "elastic-examples-auth"
    alerts, summary = replay(run, tmp_path, folder / "auth.log")
    assert summary["formats"] == {"sshd": 1}
    assert summary["events"]["read"] == 7121 and summary["events"]["rejected"] == {}
    labels = json.loads((folder / "labels.json").read_text())
    operators = {s["ip"] for s in labels["sources"] if s["successes"] > s["attempts"] / 2}
    assert operators and not alarmed(alerts) & operators


@pytest.mark.parametrize("log", sorted(p.relative_to(FOLDER) for p in FOLDER.glob("crowdsec-hub/ssh*/*.log")) if FOLDER.is_dir() else [])
def test_short_sshd_logs_are_read_whole(run, tmp_path, log):
    _, summary = replay(run, tmp_path, "--format", "sshd", FOLDER / log)
    # sshd-logs.log is a collection of lines of many dates: its jumps ahead and back look like a bad clock, and are
    jumps = 2 if log.name == "sshd-logs.log" else 0
    assert sum(summary["events"]["rejected"].values()) == summary["events"]["rejected"].get("clock_ahead", 0) == jumps
    assert summary["events"]["decoded"] > 0


def test_a_host_under_attack(run, tmp_path):
    _, summary = replay(run, tmp_path, FOLDER / "loghub-openssh" / "OpenSSH_2k.part1.log")
    assert summary["events"]["read"] == 1000 and summary["events"]["rejected"] == {} and summary["events"]["decoded"] == 311


@pytest.mark.parametrize("name", ["scriptzteam_2017_10.tsv", "kareiva_2018_05.tsv"])
def test_honeypots(run, tmp_path, name):
    """Everything there is hostile: an address that tries enough unknown accounts within ten minutes must be reported."""
    folder = FOLDER / "honeypot-facts"
    by_address = {}
    with open(folder / name, newline="") as rows, open(tmp_path / "events.ndjson", "w") as out:
        events = []
        for row in csv.DictReader(rows, delimiter="\t", quoting=csv.QUOTE_NONE):
            time = row["time"].replace("+0000", "Z").replace("Z", "+00:00") if row["time"].endswith(("Z", "+0000")) else row["time"]
            events.append((time, row))
        for time, row in sorted(events, key=lambda e: e[0]):
            event = {"time": time, "account": row["username"] or "", "outcome": "success" if row["outcome"] == "success" else "failure", "ip": row["src_ip"]}
            if event["outcome"] == "failure":
                event["reason"] = "unknown_account"
            out.write(json.dumps(event) + "\n")
            by_address.setdefault(row["src_ip"], {}).setdefault(row["username"], []).append((time, event["outcome"]))
    alerts, summary = replay(run, tmp_path, "--format", "native", "events.ndjson")
    assert summary["events"]["rejected"] == {}
    many = {ip for ip, names in by_address.items() if len(names) >= 100 and not any(o == "success" for tries in names.values() for _, o in tries)}
    found = alarmed(alerts)
    assert many <= found, f"not reported: {sorted(many - found)}"
    few = {ip for ip, names in by_address.items() if len(names) < 5}
    named = {a["factors"][0]["detector"] for a in alerts}
    assert not alerts or named <= {"source_fanout", "account_fanin"}
    assert few
