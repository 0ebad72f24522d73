"""`stuffwatch run` on a real broker: events in by an independent client, alerts out, through crashes and bad records."""

import json
import random

import pytest

from support.wait import wait_until
from traffic import check_story, config, event, final, send, traffic, without_producer


def test_an_attack_through_a_topic(kafka, topic, producer, daemon):
    name = topic(partitions=4)
    one = daemon(config(kafka, name))
    events = traffic(1)
    send(producer, name, events, partitions=4)
    alerts = one.wait_alerts(lambda a: any(x["reason"] == "first_success" or x["counts"]["compromised"] for x in a))
    check_story(alerts)
    assert {a["attack"] for a in alerts} == {"credential_stuffing"}
    assert any(s["network"] == "203.0.113.7/32" for s in alerts[-1]["sources"])
    assert alerts[0]["data_quality"]["warming"], "a fresh daemon says that it is warming"
    assert one.terminate() == 0


def test_poison_between_good_records(kafka, topic, daemon):
    large = {"max.message.bytes": "12000000"}
    name, letters = topic(partitions=1, config=large), topic(partitions=1, config=large)
    one = daemon(config(kafka, name, dead_letter={"topic": letters}))
    good = traffic(2)
    escaped = json.dumps(good[0] | {"event_id": "escaped"}).replace("account", "acco\\u0075nt").encode()
    poison = [
        bytes(random.Random(3).randbytes(300)),
        json.dumps(good[0] | {"event_id": "large", "padding": "x" * 10_000_000}).encode(),
        b'{"time":"2026-01-01T00:00:00Z","account":"\xff\xfe","outcome":"failure","ip":"10.0.0.1"}',
        b"[" * 10_000,
        json.dumps(event(86_400, "tomorrow", "10.0.0.1")).encode(),
        b'{"account":"a","account":"b","time":"2026-01-01T00:00:00Z","outcome":"failure","ip":"10.0.0.1"}',
        b'{"time":"2026-01-01T00:00:00Z","outcome":"failure","ip":"10.0.0.1"}',
        b'{"time":"2026-01-01T00:00:00Z","account":"a","outcome":"maybe","ip":"10.0.0.1"}',
        b'{"time":"2026-01-01T00:00:00Z","acco\\u0075nt":"a","outcome":"failure","ip":"nowhere"}',
    ]
    mixed = [escaped]
    for i, e in enumerate(good):
        mixed.append(e)
        if i % 50 == 25 and i // 50 < len(poison):
            mixed.append(poison[i // 50])
    send(kafka.producer(message_max_bytes=12_000_000), name, mixed)
    one.wait_metric("stuffwatch_pipeline_events_total", lambda n: n == len(good) + 1)
    one.wait_metric("stuffwatch_input_rejected_records_total", lambda n: n == len(poison))
    for reason in ("too_large", "clock_ahead"):
        assert one.metric("stuffwatch_input_rejected_records_total", reason=reason) == 1
    one.wait_alerts()
    values = [m.value() for m in kafka.read(letters, count=len(poison))]
    assert sorted(values) == sorted(poison), "a dead letter is not the record, byte for byte"
    kept = {"mode": "raw", "to": f"topic {letters}", "records": len(poison)}
    status = wait_until(lambda: (s := json.loads(one.get("/api/v1/status")[1]))["dead_letter"] == kept and s, 10, lambda: one.get("/api/v1/status")[1])
    assert sum(i["rejected"] for i in status["inputs"]) == len(poison)
    assert one.terminate() == 0


def guessed(kafka, name, letters, **more):
    return config(kafka, name, inputs=[{"name": "logins", "topic": name, "format": "auto"}], dead_letter={"topic": letters}, **more)


def test_poison_before_the_format_is_known(kafka, topic, producer, daemon):
    """It is held back: nobody waits for it, it is not committed, and after a restart it is read again and becomes dead letters."""
    name, letters = topic(partitions=2), topic(partitions=1)
    poison = [bytes(random.Random(seed).randbytes(300)) for seed in range(20)]
    for value in poison:
        producer.produce(name, value=value, partition=1)
    assert producer.flush(30) == 0
    one = daemon(guessed(kafka, name, letters))
    good = traffic(5)
    send(producer, name, good)  # partition 0
    one.wait_metric("stuffwatch_pipeline_events_total", lambda n: n == len(good))
    assert one.terminate() == 0
    committed = kafka.committed(one.config["kafka"]["group"], name)
    assert committed[0] == len(good) and committed.get(1, 0) == 0
    assert sum(kafka.end_offsets(letters).values()) == 0

    one.start()
    producer.produce(name, value=json.dumps(good[-1] | {"event_id": "last"}).encode(), partition=1)
    one.wait_metric("stuffwatch_input_rejected_records_total", lambda n: n == len(poison))
    assert [m.value() for m in kafka.read(letters, count=len(poison))] == poison, "lost, changed or out of order"
    one.wait_metric("stuffwatch_input_events_total", lambda n: n == 1, input=f"{name}[1]")
    assert one.terminate() == 0


def test_more_poison_than_is_held_back_is_told_once_and_ends_nothing(kafka, topic, producer, daemon):
    name, letters = topic(partitions=1), topic(partitions=1)
    one = daemon(guessed(kafka, name, letters), wait_ready=False)
    poison = [f"poison {i}".encode() for i in range(450)]
    send(producer, name, poison)
    one.wait_log("no known format fits")
    wait_until(lambda: "input_failed" in one.get("/readyz?verbose")[1], 30, lambda: one.get("/readyz?verbose"))
    send(producer, name, traffic(6))
    one.wait_alerts()
    one.wait_ready()
    assert [m.value() for m in kafka.read(letters, count=len(poison))] == poison, "lost, changed or out of order"
    assert one.log().count("no known format fits") == 1
    assert one.metric("stuffwatch_input_rejected_records_total", reason="not_this_format") >= 201
    assert one.terminate() == 0


def test_killed_at_any_point_it_says_the_same(kafka, topic, producer, daemon, key):
    name = topic(partitions=3)
    events = traffic(4)
    send(producer, name, events, partitions=3)
    calm = daemon(config(kafka, name, group=f"calm-{name}", privacy=key))
    calm.wait_metric("stuffwatch_pipeline_events_total", lambda n: n == len(events))
    calm.wait_alerts()
    assert calm.terminate() == 0
    expected = final(calm.alerts())

    hurt = daemon(config(kafka, name, group=f"hurt-{name}", privacy=key), start=False)
    dice = random.Random(5)
    for _ in range(10):
        hurt.start(wait_ready=False)
        deadline = dice.uniform(0.1, 1.5)
        try:
            wait_until(lambda: False, deadline)
        except AssertionError:
            pass
        hurt.kill()
    hurt.start()
    hurt.wait_metric("stuffwatch_pipeline_events_total", lambda n: n >= len(events))
    assert hurt.terminate() == 0
    alerts = hurt.alerts()
    check_story(alerts)
    got = final(alerts)
    assert got.keys() == expected.keys()
    for id, alert in got.items():
        assert without_producer(alert) == without_producer(expected[id])


def test_replay_of_the_same_events_says_the_same(kafka, topic, producer, daemon, run, tmp_path, key):
    name = topic(partitions=1)
    events = traffic(6)
    send(producer, name, events)
    one = daemon(config(kafka, name, privacy=key))
    one.wait_metric("stuffwatch_pipeline_events_total", lambda n: n == len(events))
    live = one.wait_alerts()
    assert one.terminate() == 0
    (tmp_path / "events.ndjson").write_text("".join(json.dumps(e) + "\n" for e in events))
    run("replay", "--set", "site=e2e", "--set", f"privacy.key_file={key['key_file']}", "events.ndjson", "--alerts", "alerts.jsonl")
    replayed = [json.loads(line) for line in (tmp_path / "alerts.jsonl").read_text().splitlines()]
    live = one.alerts()
    assert [without_producer(a) for a in live] == [without_producer(a) for a in replayed][: len(live)]
    assert live


def test_status_tells_how_it_is(kafka, topic, daemon, run):
    name = topic(partitions=1)
    one = daemon(config(kafka, name))
    socket = one.folder / "state" / "control.sock"
    answer = run("status", "--socket", socket, "--json", status=None)
    status = json.loads(answer.stdout)
    assert status["site"] == "e2e" and [s["name"] for s in status["sinks"]] == ["jsonl-alerts"]
    assert answer.returncode == 0
    assert run("campaigns", "--socket", socket).returncode == 0
    assert one.terminate() == 0


@pytest.mark.parametrize("login", ["sasl_plain", "sasl_scram512", "sasl_scram512_tls", "tls", "mtls"])
def test_listeners(secure_kafka, daemon, login):
    name = secure_kafka.create_topic(None, 1, None)
    producer = secure_kafka.producer()
    client = secure_kafka.client_config(login)
    password = client.pop("sasl.password", None)
    brokers = client.pop("bootstrap.servers")
    settings = config(secure_kafka, name)
    settings["kafka"] |= {"brokers": brokers, "properties": {**{k: str(v) for k, v in client.items()}}}
    one = daemon(settings, start=False)
    if password:
        secret = one.folder / "password"
        secret.write_text(password + "\n")
        one.write_config(kafka={"password_file": str(secret)})
    one.start()
    events = traffic(7)
    send(producer, name, events)
    one.wait_alerts()
    assert one.terminate() == 0
