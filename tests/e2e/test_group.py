"""One consumer group: a member that stands still stays in it, and two members miss nothing and count nothing twice."""

import re

import pytest

from support.wait import wait_until
from traffic import beats, check_story, config, event, just_now, send, traffic

POLLED_OR_OUT = {"session.timeout.ms": "6000", "max.poll.interval.ms": "10000"}


def assert_stayed_in_the_group(one):
    log = one.log()
    assert log.count("gives this process") == 1 and "away: lost" not in log and "poll interval" not in log, one.tail()


def members(kafka, group):
    return kafka.admin.describe_consumer_groups([group])[group].result(30).members


def test_a_merge_that_stands_still_for_a_minute_stays_in_the_group(kafka, topic, producer, daemon):
    """An input without a record keeps the merge waiting for idle_after; meanwhile the other one's queues are full."""
    busy, silent = topic(partitions=2), topic(partitions=1)
    settings = config(kafka, busy, merge={"idle_after": "60s", "max_delay": "70s"})
    settings["inputs"].append({"name": "silent", "topic": silent, "format": "native"})
    settings["kafka"] |= {"properties": POLLED_OR_OUT, "fetch_memory": "1MiB"}
    backlog = [event(i / 100, f"user{i % 500}@example.com", "10.6.0.1", "success") for i in range(40_000)]
    send(producer, busy, backlog, partitions=2)
    one = daemon(settings)
    one.wait_log("gives this process 3 partitions")
    with pytest.raises(AssertionError, match="not within 45"):  # it does stand still
        one.wait_metric("stuffwatch_pipeline_events_total", lambda n: n > 0, timeout=45)
    one.wait_metric("stuffwatch_pipeline_events_total", lambda n: n > 0, timeout=40)
    assert_stayed_in_the_group(one)
    for _ in beats(30):
        just_now(producer, busy, 150, 2, attacker="203.0.113.9")
        just_now(producer, silent, 1, 1)
        if one.alerts():
            break
    check_story(one.wait_alerts(timeout=1))
    assert_stayed_in_the_group(one)
    assert one.terminate() == 0


def test_a_dead_letter_topic_that_takes_nothing_costs_no_membership(kafka, topic, producer, daemon):
    """Bad records wait, and the pipeline with them; the group must not notice. Once the topic takes them nothing is missing."""
    name = topic(partitions=1)
    letters = f"{name}-letters"  # not there yet
    settings = config(kafka, name, dead_letter={"topic": letters})
    settings["kafka"]["properties"] = POLLED_OR_OUT
    good, bad = traffic(8), b'{"account":"nobody"}'
    one = daemon(settings)
    send(producer, name, [bad])
    for beat in beats(3):
        send(producer, name, [good[beat]])
    send(producer, name, good[30:])
    one.wait_log("no checkpoint")
    with pytest.raises(AssertionError, match="not within 25"):  # more than twice the time in which it has to poll
        wait_until(lambda: not members(kafka, settings["kafka"]["group"]), 25, "the member is put out", interval=0.5)
    assert_stayed_in_the_group(one)
    topic(partitions=1, name=letters)
    one.wait_metric("stuffwatch_pipeline_events_total", lambda n: n == len(good), timeout=60)
    assert [m.value() for m in kafka.read(letters, count=1)] == [bad]
    check_story(one.wait_alerts())
    assert one.terminate() == 0


def events_of(stopped):
    return int(re.search(r"stopped events=(\d+)", stopped.log())[1])


def test_shared_ownership_misses_nothing_and_counts_nothing_twice(kafka, topic, producer, daemon):
    name = topic(partitions=4)
    settings = config(kafka, name)
    settings["kafka"] |= {"ownership": "shared", "start": "latest"}  # a new member reads nothing again to warm up

    def more(total, *daemons):
        """400 further events; waits until `daemons` have processed `total` in all."""
        just_now(producer, name, 400, 4, attacker="203.0.113.9")
        assert producer.flush(30) == 0
        for one in daemons:
            one.wait_metric("stuffwatch_pipeline_events_total", bool)
        processed = lambda: sum(d.metric("stuffwatch_pipeline_events_total") for d in daemons)
        wait_until(lambda: processed() >= total, 30, lambda: f"{processed()} of {total}\n" + "\n".join(d.tail() for d in daemons))

    first = daemon(settings)
    more(400, first)
    second = daemon(settings)
    second.wait_log("gives this process 2 partitions")
    more(800, first, second)
    assert second.terminate() == 0
    wait_until(lambda: first.log().count("gives this process 4 partitions") == 2, 30, first.tail)
    more(1200 - events_of(second), first)
    check_story(first.wait_alerts())
    assert first.terminate() == 0
    assert events_of(first) + events_of(second) == 1200, f"{events_of(first)} here and {events_of(second)} there\n{first.tail()}"
    assert kafka.committed(f"g-{name}", name) == kafka.end_offsets(name)


def test_a_share_of_the_partitions_is_a_partial_view(kafka, topic, producer, daemon):
    name = topic(partitions=4)
    settings = config(kafka, name)
    settings["kafka"]["ownership"] = "shared"
    both = [daemon(settings), daemon(settings)]
    for one in both:
        one.wait_log("gives this process 2 partitions")
    just_now(producer, name, 400, 4, attacker="203.0.113.9")
    assert producer.flush(30) == 0
    for one in both:
        assert all(a["data_quality"].get("partial") for a in one.wait_alerts()), one.tail()
        one.wait_metric("stuffwatch_view_partial", lambda v: v == 1)
        assert one.terminate() == 0
