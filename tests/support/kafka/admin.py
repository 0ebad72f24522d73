"""The two things kafka.sh asks of a client, without starting a JVM for them.

admin.py ready BOOTSTRAP NODES PID...   wait until Metadata lists NODES brokers; fail at once when a PID is gone
admin.py topic BOOTSTRAP NAME PARTITIONS   create a topic, unless it is there
"""

import pathlib
import sys
import time

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

QUIET = {"log_level": 0, "reconnect.backoff.ms": 50, "reconnect.backoff.max.ms": 200}


def alive(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
    return "State:\tZ" not in status  # a zombie is dead


def wait_ready(bootstrap, nodes, pids, seconds=90):
    client = AdminClient({"bootstrap.servers": bootstrap, **QUIET})
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not all(alive(pid) for pid in pids):
            return "a Kafka node died while it started"
        try:
            if len(client.list_topics(timeout=1).brokers) == nodes:
                return None
        except KafkaException:
            pass  # not there yet
    return f"Kafka on {bootstrap} was not ready after {seconds} s"


def create_topic(bootstrap, name, partitions):
    client = AdminClient({"bootstrap.servers": bootstrap, **QUIET})
    try:
        client.create_topics([NewTopic(name, partitions)], operation_timeout=30)[name].result(30)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            return f"topic {name}: {error}"
    return None


if __name__ == "__main__":
    if sys.argv[1] == "ready":
        problem = wait_ready(sys.argv[2], int(sys.argv[3]), [int(pid) for pid in sys.argv[4:]])
    else:
        problem = create_topic(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    if problem:
        sys.exit(f"kafka: {problem}")
