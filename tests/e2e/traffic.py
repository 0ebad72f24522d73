"""Login events for the end-to-end tests, and what an alert stream must never do."""

import datetime
import json
import random

START = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) - datetime.timedelta(minutes=30)


def event(seconds, account, ip, outcome="failure", reason="unknown_account", start=START, **more):
    time = (start + datetime.timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields = {"time": time, "account": account, "outcome": outcome, "ip": ip, "user_agent": "Mozilla/5.0", **more}
    if outcome == "failure":
        fields["reason"] = reason
    return fields


def traffic(seed, seconds=300):
    """Honest logins every half second, and from 60 s on one address that walks a list of unknown accounts."""
    dice = random.Random(seed)
    events = []
    for half in range(2 * seconds):
        user = f"user{dice.randrange(500)}@example.com"
        events.append(event(half / 2, user, f"10.1.{dice.randrange(200)}.{dice.randrange(1, 250)}", "success"))
    for i in range(200):
        events.append(event(60 + i * 0.7, f"listed{i}@example.org", "203.0.113.7", "success" if i % 60 == 59 else "failure"))
    events.sort(key=lambda e: e["time"])
    for i, e in enumerate(events):
        e["event_id"] = f"{seed}-{i}"
    return events


def config(kafka, topic, group=None, **more):
    base = {
        "site": "e2e",
        "kafka": {
            "brokers": kafka.bootstrap,
            "group": group or f"g-{topic}",
            "start": "earliest",
            "properties": {"session.timeout.ms": "6000"},
        },
        "inputs": [{"name": "logins", "topic": topic, "format": "native"}],
        "merge": {"idle_after": "500ms"},
        "state": {"checkpoint_interval": "1s"},
    }
    base.update(more)
    return base


def send(producer, topic, events, partitions=1):
    for i, e in enumerate(events):
        producer.produce(topic, value=e if isinstance(e, bytes) else json.dumps(e).encode(), partition=i % partitions)
    assert producer.flush(30) == 0


def final(alerts):
    """The last body of each campaign."""
    return {a["id"]: a for a in alerts}


def check_story(alerts):
    """Nothing contradicts: one body a revision, counts never fall, nothing opens after it closed."""
    seen, told = {}, {}
    for a in alerts:
        key = (a["id"], a["revision"])
        assert seen.setdefault(key, a) == a, f"two bodies under {key}"
        attempts, revision, status = told.get(a["id"], (0, 0, "open"))
        if a["revision"] > revision:
            assert a["counts"]["attempts"] >= attempts and not (status == "closed" and a["status"] == "open")
            told[a["id"]] = (a["counts"]["attempts"], a["revision"], a["status"])
