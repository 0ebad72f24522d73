"""What a running daemon shows of itself: every metric there is, its folders, a sink that it cannot write to."""

import gzip
import json
import re
import stat

from support.wait import wait_until
from traffic import config, send, traffic

# Those that wait for something that does not happen in a calm run.
ABSENT = {
    "stuffwatch_input_skipped_records_total",  # a good record that is no login
    "stuffwatch_input_rejected_records_total",  # a bad record
    "stuffwatch_dead_letter_records_total",  # a bad record
    "stuffwatch_config_reloads_total",  # a reload
}


def families(text):
    """Names of the metrics that have a value."""
    names = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if line and not line.startswith("#")}
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}


def test_every_metric_of_the_table_is_filled(kafka, topic, producer, daemon, run, tmp_path):
    name = topic(partitions=2)
    events = traffic(8)
    send(producer, name, events, partitions=2)
    run("corpus", "init", "corpus")
    (tmp_path / "list.txt").write_text("".join(sorted({e["account"] + "\n" for e in events})))
    run("corpus", "add", "corpus", "--name", "walked", "--format", "user", "list.txt")
    one = daemon(config(kafka, name, corpus={"path": str(tmp_path / "corpus")}))
    one.wait_alerts()
    one.wait_metric("stuffwatch_state_checkpoints_total", lambda n: n and n >= 1, result="ok")
    one.wait_metric("stuffwatch_alert_delay_seconds_count", lambda n: n and n >= 1)
    one.wait_metric("stuffwatch_pipeline_events_total", lambda n: n == len(events))
    table = set(re.findall(r"^\| `(stuffwatch_\w+)`", run("schema", "metrics", "--markdown").stdout, re.MULTILINE))
    assert len(table) > 50
    wait_until(lambda: table - families(one.get("/metrics")[1]) == ABSENT, 30, lambda: str(table - families(one.get("/metrics")[1])))
    shown = families(one.get("/metrics")[1])
    assert {name for name in shown if name.startswith("stuffwatch_")} <= table

    # Zero is a value too, but not one of these.
    for metric in (
        "input_records_total", "input_bytes_total", "input_events_total", "input_silent_seconds", "pipeline_stage_seconds_count",
        "pipeline_queue_capacity_bytes", "opened_campaigns_total", "oldest_compromised_account_age_seconds", "outbox_records",
        "sink_delivered_revisions_total", "corpus_lookups_total", "corpus_hits_total", "config_last_reload_success_timestamp_seconds",
    ):
        one.wait_metric(f"stuffwatch_{metric}", lambda n: n and n > 0)
    assert one.metric("stuffwatch_evidence_lives_total", reached="1") > 0
    assert one.metric("stuffwatch_config_last_reload_successful") == 1
    one.wait_metric("stuffwatch_input_lag_records", lambda n: n == 0)
    bytes_sent = sum(len(m.value()) for m in kafka.read(name, count=len(events)))
    assert one.metric("stuffwatch_input_bytes_total") == bytes_sent
    assert one.terminate() == 0


def test_what_it_keeps_is_its_owners_only(daemon):
    one = daemon({"inputs": [{"simulated": True}], "state": {"checkpoint_interval": "1s"}})
    one.wait_metric("stuffwatch_state_checkpoints_total", lambda n: n and n >= 1, result="ok")
    state = one.folder / "state"
    for folder in (state, state / "checkpoints", state / "outbox", state / "cursors"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
    assert one.terminate() == 0


def test_events_a_second_are_those_of_the_input(daemon, run):
    one = daemon({"inputs": [{"simulated": True, "simulated_rate": 100}]})
    socket = one.folder / "state" / "control.sock"

    def rate():
        return json.loads(run("status", "--socket", socket, "--json", status=None).stdout)["inputs"][0]["events_per_second"]

    wait_until(lambda: rate() > 20, 30, lambda: one.tail())
    assert one.terminate() == 0


def test_a_sink_that_cannot_be_written_to_shows_before_the_first_alert(daemon):
    one = daemon({"inputs": [{"simulated": True}], "sinks": [{"type": "jsonl", "path": "/proc/no/alerts.jsonl"}]}, wait_ready=False)
    wait_until(lambda: "sink_down" in one.get("/readyz")[1], 30, lambda: one.tail())
    assert one.get("/readyz")[0] == 503
    assert one.metric("stuffwatch_sink_up") == 0
    assert one.terminate() == 0


def test_an_unreachable_broker_is_told_once(daemon, run):
    settings = {"kafka": {"brokers": "127.0.0.1:9"}, "inputs": [{"topic": "one"}, {"topic": "two"}]}
    one = daemon(settings, start=False)
    said = run("config", "check", "--live", one.config_file, status=1).stdout
    assert said.count("WRONG brokers") == 1, said


def test_trust_that_ends_is_warned_of(daemon):
    trusted = [{"cidr": "198.51.100.0/24", "reason": "office", "expires": "2026-01-01"}]
    one = daemon({"inputs": [{"simulated": True}], "trusted_sources": trusted})
    one.wait_log("trusted source 198.51.100.0/24 (office) expired")
    assert one.terminate() == 0


def test_a_file_that_ends_damaged_is_down_under_its_name(daemon, tmp_path):
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"Mar  1 00:17:01 web1 CRON[8]: session opened\n" * 1000)[:-12])
    one = daemon({"inputs": [{"name": "ssh", "file": str(tmp_path / "cut.gz")}, {"name": "demo", "simulated": True}]}, wait_ready=False)
    wait_until(lambda: "input_failed" in one.get("/readyz")[1], 30, lambda: one.tail())
    assert one.metric("stuffwatch_input_up", input="ssh") == 0
    state = {i["name"]: i for i in json.loads(one.get("/api/v1/status")[1])["inputs"]}["ssh"]
    assert state["state"] == "failed" and "cut short" in state["problem"]
    assert one.terminate() == 0
