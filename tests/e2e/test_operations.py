"""What an operator does to a daemon, and what a cluster does: reload, live checks, take-over, a broker that goes, an input that is late."""

import datetime
import json
import socket
import time

from support.wait import wait_until
from traffic import beats, check_story, config, event, just_now, send, traffic


def test_reload_takes_what_it_can_and_says_what_it_cannot(kafka, topic, daemon):
    one = daemon(config(kafka, topic(partitions=1)))
    one.write_config(log={"level": "debug"}, site="elsewhere")
    one.reload()
    one.wait_log("reloaded")
    log = one.log()
    assert "needs a restart" in log and "key=site" in log and "key=log.level" in log
    one.write_config(merge={"idle_after": "soon"})
    one.reload()
    one.wait_log("nothing changes")
    assert one.terminate() == 0


def test_a_feed_that_falls_silent_is_not_taken_for_calm(kafka, topic, producer, daemon):
    name = topic(partitions=2)
    settings = config(kafka, name)
    settings["inputs"][0]["expected_silence"] = "3s"
    one = daemon(settings)
    for _ in beats(40):  # one of the two partitions is enough
        just_now(producer, name, 1, 1)
        assert "input_silent" not in one.get("/readyz")[1]
    wait_until(lambda: "input_silent" in one.get("/readyz")[1], 20, lambda: one.get("/readyz")[1])
    assert "logins: no record for 3s" in one.get("/readyz")[1]
    assert one.terminate() == 0


def test_live_check_tells_what_stands_and_what_is_wrong(kafka, topic, producer, daemon, run):
    name = topic(partitions=2)
    send(producer, name, traffic(1, seconds=30), partitions=2)
    one = daemon(config(kafka, name), start=False)
    said = run("config", "check", "--live", one.config_file).stdout
    assert "WRONG" not in said and "records are logins as native" in said and "jsonl-alerts" in said
    one.write_config(inputs=[{"name": "logins", "topic": name + "-absent", "format": "native"}])
    said = run("config", "check", "--live", one.config_file, status=1).stdout
    assert "WRONG" in said and name + "-absent" in said


def test_a_standby_takes_over_from_a_dead_owner(kafka, topic, producer, daemon):
    name = topic(partitions=3)
    settings = config(kafka, name)
    owner = daemon(settings)
    standby = daemon(settings, wait_ready=False)
    wait_until(lambda: "standby" in standby.get("/readyz")[1], 30, lambda: standby.tail())
    just_now(producer, name, 150, 3)
    assert producer.flush(30) == 0
    owner.wait_metric("stuffwatch_pipeline_events_total", lambda n: n == 150)
    assert not standby.metric("stuffwatch_pipeline_events_total")
    owner.kill()
    began = time.monotonic()
    standby.wait_ready(timeout=60)
    assert time.monotonic() - began <= 30, "the take-over took more than 30 s"
    just_now(producer, name, 150, 3, attacker="203.0.113.9")
    assert producer.flush(30) == 0
    check_story(standby.wait_alerts())
    assert standby.terminate() == 0


def test_a_broker_that_restarts_under_load_loses_nothing(fresh_kafka, daemon):
    name = fresh_kafka.create_topic(None, 3, None)
    one = daemon(config(fresh_kafka, name))
    producer = fresh_kafka.producer(enable_idempotence=True)  # else what it repeats after the break is in the topic twice
    just_now(producer, name, 300, 3)
    one.wait_metric("stuffwatch_pipeline_events_total", lambda n: n > 0)
    just_now(producer, name, 300, 3)
    fresh_kafka.down()
    just_now(producer, name, 300, 3)  # wait in the client until the broker is back
    wait_until(lambda: not one.ready(), 60, lambda: one.tail())
    fresh_kafka.up()
    assert producer.flush(60) == 0
    just_now(producer, name, 300, 3, attacker="203.0.113.9")
    assert producer.flush(60) == 0
    assert sum(fresh_kafka.end_offsets(name).values()) == 1200
    one.wait_metric("stuffwatch_input_records_total", lambda n: n >= 1200, timeout=90)
    one.wait_metric("stuffwatch_pipeline_events_total", lambda n: n == 1200, timeout=60)
    check_story(one.wait_alerts())
    assert not one.metric("stuffwatch_kafka_gap_messages_total")
    assert one.terminate() == 0


def live(producer, topic, behind, seconds, condition):
    """Events as they happen on `topic`, and the same `behind` seconds old on the topics of `behind`, until `condition`."""
    deadline = time.monotonic() + seconds
    n = 0
    while time.monotonic() < deadline:
        now = datetime.datetime.now(datetime.timezone.utc)
        for name, late in [(topic, 0), *behind]:
            e = event(-late, f"user{n % 50}@example.com", f"10.2.0.{n % 200 + 1}", "success", start=now)
            producer.produce(name, value=json.dumps(e).encode())
        producer.flush(5)
        n += 1
        if condition():
            return True
        wait_until(lambda until=time.monotonic() + 0.1: time.monotonic() >= until, 5, interval=0.02)
    return False


def late_setup(kafka, topic, daemon, **delay):
    fast, slow = topic(partitions=1), topic(partitions=1)
    settings = config(kafka, fast, merge={"idle_after": "1s", "max_delay": "5s"})
    settings["inputs"].append({"name": "audit", "topic": slow, "format": "native", **delay})
    return fast, slow, daemon(settings)


def test_an_input_that_is_late_by_nature_is_left_out_and_the_log_names_the_remedy(kafka, topic, producer, daemon):
    fast, slow, one = late_setup(kafka, topic, daemon)
    assert live(producer, fast, [(slow, 20)], 40, lambda: "declare inputs[].delay" in one.log()), one.tail()
    one.wait_metric("stuffwatch_view_partial", lambda v: v == 1)
    assert one.terminate() == 0


def test_with_its_delay_declared_nobody_waits_for_it(kafka, topic, producer, daemon):
    fast, slow, one = late_setup(kafka, topic, daemon, delay="20s")
    assert live(producer, fast, [(slow, 20)], 40, lambda: (one.metric("stuffwatch_pipeline_events_total") or 0) >= 100), one.tail()
    assert "left out" not in one.log()
    assert one.metric("stuffwatch_pipeline_late_events_total") == 0
    assert one.terminate() == 0


def test_a_dead_letter_topic_that_takes_nothing_holds_and_can_be_stopped(daemon, tmp_path):
    records = tmp_path / "bad.ndjson"
    records.write_text("no login\n" * 30_000)  # more than may wait for the topic
    with socket.create_server(("127.0.0.1", 0)) as silent:  # a broker that never answers: nothing is wrong, nothing is taken
        patient = {"api.version.request.timeout.ms": "120000"}
        settings = {
            "kafka": {"brokers": f"127.0.0.1:{silent.getsockname()[1]}", "properties": patient},
            "inputs": [{"name": "logins", "file": str(records), "format": "native"}],
            "dead_letter": {"topic": "letters"},
        }
        one = daemon(settings, wait_ready=False)
        wait_until(lambda: "held" in one.get("/readyz")[1], 30, lambda: one.tail())
        assert one.terminate() == 1
    assert "no checkpoint" in one.log()


def test_an_outbox_that_cannot_be_written_is_said_and_does_not_keep_it_from_stopping(kafka, topic, producer, daemon):
    name = topic(partitions=2)
    one = daemon(config(kafka, name))
    outbox, elsewhere = one.folder / "state" / "outbox", one.folder / "elsewhere"
    outbox.rename(elsewhere)
    outbox.write_text("in the way")
    send(producer, name, traffic(8), partitions=2)
    wait_until(lambda: '"outbox"' in one.get("/readyz?verbose")[1], 60, lambda: one.tail())
    assert one.terminate(timeout=45) == 1
    assert "revisions are not on the disk" in one.log()
    outbox.unlink()
    elsewhere.rename(outbox)
    one.start()
    check_story(one.wait_alerts())
    assert one.terminate() == 0
