"""A real Kafka broker on loopback for one test session, through kafka/kafka.sh, and an independent client to it."""

import functools
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import uuid

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from support.ports import free_port_range

_SCRIPT = pathlib.Path(__file__).parent / "kafka" / "kafka.sh"


class KafkaBroker:
    """Starts on construction; `stop()` ends it and removes its data. It also ends when this process is gone.

    Listeners of a secure broker (see `client_config`): plaintext, sasl_plain, sasl_scram256, sasl_scram512 (each also over TLS
    with the suffix _tls), tls, mtls.
    """

    def __init__(self, secure=False, nodes=1, heap="256m"):
        self.secure = secure
        self.nodes = nodes
        self.port = free_port_range(10 * nodes)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sw-kafka-"))
        self.tls = self.folder / "tls"
        self._environment = {
            **os.environ,
            "KDIR": str(self.folder),
            "KPORT": str(self.port),
            "KNODES": str(nodes),
            "KHEAP": heap,
            "KWATCH": str(os.getpid()),
            "PYTHON": sys.executable,
        }
        if secure:
            self._environment["KSEC"] = "1"
        try:
            self._run("start", timeout=180)
        except BaseException:
            self.stop()
            raise

    def _run(self, *arguments, timeout=120):
        done = subprocess.run(
            [str(_SCRIPT), *arguments], env=self._environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout
        )
        if done.returncode != 0:
            raise RuntimeError(f"kafka.sh {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")

    @property
    def bootstrap(self):
        return f"127.0.0.1:{self.port}"

    def client_config(self, listener="plaintext", user=None, password=None):
        """librdkafka settings for one of the listeners of loopback; `user` and `password` default to ones that are let in."""
        if listener == "plaintext":
            return {"bootstrap.servers": self.bootstrap}
        assert self.secure, f"{listener} needs the secure broker"
        ca = {"ssl.ca.location": str(self.tls / "ca.crt")}
        if listener in ("tls", "mtls"):
            settings = {"bootstrap.servers": f"127.0.0.1:{self.port + 4}", "security.protocol": "SSL", **ca}
            if listener == "mtls":
                settings["ssl.certificate.location"] = str(self.tls / "client.crt")
                settings["ssl.key.location"] = str(self.tls / "client.key")
            return settings
        over_tls = listener.endswith("_tls")
        mechanism = {"sasl_plain": "PLAIN", "sasl_scram256": "SCRAM-SHA-256", "sasl_scram512": "SCRAM-SHA-512"}[
            listener.removesuffix("_tls")
        ]
        known = ("alice", "alice-secret") if mechanism == "PLAIN" else ("bob", "bob-secret")
        return {
            "bootstrap.servers": f"127.0.0.1:{self.port + (3 if over_tls else 2)}",
            "security.protocol": "SASL_SSL" if over_tls else "SASL_PLAINTEXT",
            "sasl.mechanism": mechanism,
            "sasl.username": user or known[0],
            "sasl.password": password or known[1],
            **(ca if over_tls else {}),
        }

    @functools.cached_property
    def admin(self):
        """One for the broker's whole life: what a client was asked for dies with the client."""
        return AdminClient(self.client_config())

    def create_topic(self, name=None, partitions=4, config=None):
        """Creates a topic and returns its name, a unique one by default."""
        name = name or f"t-{uuid.uuid4().hex[:12]}"
        self.admin.create_topics([NewTopic(name, partitions, config=config or {})], operation_timeout=30)[name].result(30)
        return name

    def add_partitions(self, name, total):
        self.admin.create_partitions([NewPartitions(name, total)])[name].result(30)

    def producer(self, **settings):
        return Producer({**self.client_config(), "linger.ms": 5, "acks": "all", **{k.replace("_", "."): v for k, v in settings.items()}})

    def end_offsets(self, topic):
        """{partition: offset of the next record}"""
        consumer = self._consumer()
        try:
            partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
            return {p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=30)[1] for p in partitions}
        finally:
            consumer.close()

    def committed(self, group, topic):
        """{partition: committed offset}, without those the group has not committed"""
        partitions = [TopicPartition(topic, p) for p in self.end_offsets(topic)]
        consumer = self._consumer(group)
        try:
            return {c.partition: c.offset for c in consumer.committed(partitions, timeout=30) if c.offset >= 0}
        finally:
            consumer.close()

    def read(self, topic, count=None, timeout=30.0, start=None):
        """Messages of `topic` from the first one, or from `start` ({partition: offset}): `count` of them, else all up to now.

        Raises AssertionError when fewer than `count` came within `timeout` seconds. Partitions are not interleaved in any
        promised order; inside one, order is that of the offsets.
        """
        ends = self.end_offsets(topic)
        start = start or {}
        consumer = self._consumer()
        messages = []
        deadline = time.monotonic() + timeout
        try:
            consumer.assign([TopicPartition(topic, p, start.get(p, 0)) for p in ends])
            wanted = count if count is not None else sum(max(0, end - start.get(p, 0)) for p, end in ends.items())
            while len(messages) < wanted and time.monotonic() < deadline:
                for message in consumer.consume(min(1000, wanted - len(messages)), timeout=0.2):
                    assert message.error() is None, message.error()
                    messages.append(message)
        finally:
            consumer.close()
        assert len(messages) >= wanted, f"{topic}: {len(messages)} of {wanted} messages within {timeout} s"
        return messages

    def _consumer(self, group=None):
        return Consumer(
            {**self.client_config(), "group.id": group or f"reader-{uuid.uuid4().hex[:8]}", "enable.auto.commit": False, "auto.offset.reset": "earliest"}
        )

    def kill(self, node=1):
        self._run("kill", str(node))

    def down(self, node=1):
        """SIGTERM, and waits until the node has left."""
        self._run("down", str(node))

    def up(self, node=1):
        """Starts a killed or stopped node on its old data and waits until all nodes answer."""
        self._run("up", str(node))

    def pause(self, node=1):
        """The node stands still and its connections stay open."""
        self._run("pause", str(node))

    def resume(self, node=1):
        self._run("resume", str(node))

    def stop(self):
        try:
            self._run("stop", timeout=30)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
