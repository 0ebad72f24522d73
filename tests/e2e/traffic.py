"""Login events for the end-to-end tests, and what an alert stream must never do."""

import datetime
import json
import random
import time

from support.wait import wait_until

START = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) - datetime.timedelta(minutes=30)


def event(seconds, account, ip, outcome="failure", reason="unknown_account", start=START, **more):
    time = (start + datetime.timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields = {"time": time, "account": account, "outcome": outcome, "ip": ip, "user_agent": "Mozilla/5.0", **more}
    if outcome == "failure":
        fields["reason"] = reason
    return fields


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def parse_time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def beats(seconds, every=0.1):
    """Yields at an even pace for so long, for traffic that happens as it is sent."""
    began = time.monotonic()
    for i in range(int(seconds / every)):
        wait_until(lambda until=began + i * every: time.monotonic() >= until, 60, interval=0.01)
        yield i


def ocsf(e):
    """A native event as OCSF's class Authentication."""
    success = e["outcome"] == "success"
    return {
        "class_uid": 3002,
        "activity_id": 1,
        "time": round(parse_time(e["time"]).timestamp() * 1000),
        "status_id": 1 if success else 2,
        **({} if success else {"status_detail": e["reason"]}),
        "user": {"name": e["account"]},
        "src_endpoint": {"ip": e["ip"]},
        "http_request": {"user_agent": e["user_agent"]},
        "metadata": {"version": "1.5.0"},
    }


def sshd(e):
    """A native event as sshd's line in a syslog with full stamps."""
    said = "Accepted password for" if e["outcome"] == "success" else "Failed password for invalid user"
    return f"{e['time']} gate sshd[7]: {said} {e['account']} from {e['ip']} port 50000 ssh2".encode()


def just_now(producer, topic, count, partitions, attacker=None):
    """Queues logins that happen as they are sent, spread over the partitions; nothing waits for the broker."""
    for i in range(count):
        at = now()
        if attacker and i % 3 == 0:
            e = event(0, f"listed{i}@example.org", attacker, start=at)
        else:
            e = event(0, f"user{i % 50}@example.com", f"10.3.0.{i % 200 + 1}", "success", start=at)
        producer.produce(topic, value=json.dumps(e).encode(), partition=i % partitions)
        producer.poll(0)


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


def without_producer(alert):
    """The configurations compared differ in where they read, so their fingerprints may."""
    return {k: v for k, v in alert.items() if k != "producer"}
