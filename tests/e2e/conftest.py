"""A real Kafka, an independent client (confluent-kafka), and the daemon between them."""

import pytest

from support.broker import KafkaBroker
from support.daemon import Daemon


@pytest.fixture(scope="session")
def kafka():
    """A broker with the plain listener, shared by the session. Tests keep apart by their topics and groups; one that kills or
    pauses the broker makes its own (`fresh_kafka`)."""
    broker = KafkaBroker()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def secure_kafka():
    """A broker with the SASL, TLS and mutual-TLS listeners as well (KafkaBroker.client_config)."""
    broker = KafkaBroker(secure=True)
    yield broker
    broker.stop()


@pytest.fixture
def fresh_kafka():
    """A broker of this test's own, to kill, pause and start again."""
    broker = KafkaBroker()
    yield broker
    broker.stop()


@pytest.fixture
def topic(kafka):
    """topic(partitions=4, config=None, name=None): creates a topic on `kafka` and returns its name."""

    def create(partitions=4, config=None, name=None):
        return kafka.create_topic(name, partitions, config)

    return create


@pytest.fixture
def producer(kafka):
    """A confluent-kafka Producer to `kafka` (acks=all); what is still queued at the end is flushed."""
    client = kafka.producer()
    yield client
    assert client.flush(30) == 0, "records were still queued when the test ended"


@pytest.fixture
def daemon(stuffwatch):
    """daemon(config, start=True, **options): a support.daemon.Daemon, started and ready; all are ended after the test.

    A test may start several. When the test fails, the end of each log is in the message of whatever waited in vain.
    """
    daemons = []

    def create(config, start=True, wait_ready=True, timeout=60.0, **options):
        one = Daemon(stuffwatch, config, **options)
        daemons.append(one)
        if start:
            one.start(wait_ready, timeout)
        return one

    yield create
    for one in daemons:
        one.close()


@pytest.fixture
def key(tmp_path):
    """A key of the test's own, so that two daemons name the same account alike."""
    file = tmp_path / "key"
    file.write_text("5a" * 32 + "\n")
    file.chmod(0o400)
    return {"key_file": str(file)}
