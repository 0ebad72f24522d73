"""The test bed itself: is what the other tests lean on there?"""

import uuid

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer, libversion
from confluent_kafka.admin import AdminClient

from support.broker import KafkaBroker


def send(client, topic, values):
    failures = []
    for value in values:
        client.produce(topic, value, on_delivery=lambda error, _: failures.append(error) if error else None)
    assert client.flush(30) == 0
    assert failures == []


def test_the_client_is_not_the_one_we_link(kafka):
    version, _ = libversion()
    assert tuple(map(int, version.split(".")[:2])) > (2, 8)


def test_what_is_produced_is_read_back(kafka, topic, producer):
    name = topic(partitions=3)
    sent = [f"event {number}".encode() for number in range(1000)]
    send(producer, name, sent)
    assert sorted(message.value() for message in kafka.read(name)) == sorted(sent)
    assert sum(kafka.end_offsets(name).values()) == 1000


def test_reading_more_than_there_is_fails(kafka, topic, producer):
    name = topic(partitions=1)
    send(producer, name, [b"one"])
    with pytest.raises(AssertionError, match="1 of 2 messages"):
        kafka.read(name, count=2, timeout=1)


def test_read_starts_where_it_is_told(kafka, topic, producer):
    name = topic(partitions=1)
    send(producer, name, [b"a", b"b", b"c"])
    assert [message.value() for message in kafka.read(name, start={0: 2})] == [b"c"]


LISTENERS = ["sasl_plain", "sasl_scram256", "sasl_scram512", "sasl_plain_tls", "sasl_scram512_tls", "tls", "mtls"]


@pytest.mark.parametrize("listener", LISTENERS)
def test_each_secured_listener_lets_the_right_one_in(secure_kafka, listener):
    name = secure_kafka.create_topic(partitions=1)
    send(Producer(secure_kafka.client_config(listener)), name, [b"hello"])
    assert [message.value() for message in secure_kafka.read(name)] == [b"hello"]


@pytest.mark.parametrize("listener", ["sasl_plain", "sasl_scram512_tls"])
def test_a_wrong_password_is_refused(secure_kafka, listener):
    errors = []
    settings = secure_kafka.client_config(listener, password="wrong")
    client = AdminClient({**settings, "error_cb": errors.append, "log_level": 0})
    with pytest.raises(KafkaException):
        client.list_topics(timeout=3)
    client.poll(0)
    assert KafkaError._AUTHENTICATION in [error.code() for error in errors]


@pytest.fixture(scope="module")
def own_kafka():
    broker = KafkaBroker()
    yield broker
    broker.stop()


@pytest.mark.parametrize("end", ["kill", "down"])
def test_a_broker_comes_back_with_its_records(own_kafka, end):
    name = own_kafka.create_topic(partitions=1)
    mark = uuid.uuid4().hex.encode()
    send(own_kafka.producer(), name, [mark])
    getattr(own_kafka, end)()
    own_kafka.up()
    assert [message.value() for message in own_kafka.read(name)] == [mark]


def test_a_paused_broker_takes_nothing_until_it_goes_on(own_kafka):
    name = own_kafka.create_topic(partitions=1)
    client = own_kafka.producer()
    send(client, name, [b"before"])
    own_kafka.pause()
    client.produce(name, b"during")
    assert client.flush(1) == 1
    own_kafka.resume()
    assert client.flush(30) == 0
    assert [message.value() for message in own_kafka.read(name)] == [b"before", b"during"]
