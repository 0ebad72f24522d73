"""`stuffwatch schema`: what is documented is what is read and written, to the last enumerator."""

import json
import re

import pytest
from jsonschema import Draft202012Validator

from pairs import expected_of, name_of, pairs, replay_arguments, write_key

PAIRS = pairs()
ALERTS = [json.loads(line) for p in PAIRS for line in expected_of(p).read_text().splitlines()]
EVENT = {"time": "2026-01-02T03:04:05Z", "account": "a", "outcome": "failure", "ip": "192.0.2.7"}
ACCOUNT = {"schema": "stuffwatch.account/1", "id": "00000000000000aa/acct:00000000000000bb", "revision": 1, "campaign": "00000000000000aa",
           "account": "acct:00000000000000bb", "time": "2026-01-02T03:04:05.678Z", "tier": "verify", "state": "open"}


@pytest.fixture
def schema(run):
    return lambda name: json.loads(run("schema", name).stdout)


@pytest.fixture
def wrong(schema):
    """wrong(name, documents): what the schema says against them, as "path: message"."""

    def errors(name, documents):
        validator = Draft202012Validator(schema(name))
        return [f"{e.json_path}: {e.message}" for d in documents for e in validator.iter_errors(d)]

    return errors


def objects(schema):
    """Every object in a schema that names properties: (path, it)."""
    found, waiting = [], [("", schema)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(value.get("properties"), dict):
                found.append((path, value))
            waiting += [(f"{path}/{key}", inner) for key, inner in value.items()]
    return found


@pytest.mark.parametrize("name", ["config", "event", "alert", "account"])
def test_a_schema_is_one(schema, name):
    printed = schema(name)
    assert printed["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(printed)


@pytest.mark.parametrize("name", ["event", "alert", "account"])
def test_every_property_is_described_and_others_are_tolerated(schema, name):
    found = objects(schema(name))
    assert found
    for path, inner in found:
        assert inner["additionalProperties"] is True, path
        assert set(inner.get("required", [])) <= set(inner["properties"]), path
        assert [key for key, p in inner["properties"].items() if not p.get("description", "").endswith(".")] == [], path


def test_what_is_printed_is_the_file(run, source_root):
    for name in ("event", "alert", "account"):
        assert run("schema", name).stdout == (source_root / "daemon" / "commands" / "schemas" / f"{name}.json").read_text()
    run("schema", "alert", "--markdown", status=2), run("schema", "metrics", status=2), run("schema", "allert", status=2)


# --- what the program reads and writes ---


def test_every_event_of_the_pairs_is_valid(wrong):
    events = [json.loads(line) for p in PAIRS for line in p.read_text().splitlines()]
    assert events and wrong("event", events) == []


def test_every_expected_alert_is_valid(wrong):
    assert ALERTS and wrong("alert", ALERTS) == []


def test_alerts_and_accounts_as_written_are_valid(run, tmp_path, wrong):
    key, written = write_key(tmp_path), {"alert": [], "account": []}
    for events in PAIRS:
        for how in ([], ["--set", "privacy.account_names=clear"]):
            run(*replay_arguments(events, key), *how, "--alerts", "alert.jsonl", "--accounts", "account.jsonl")
            for name, documents in written.items():
                documents += map(json.loads, (tmp_path / f"{name}.jsonl").read_text().splitlines())
    assert len(written["alert"]) == 2 * len(ALERTS)
    for name, documents in written.items():
        assert documents and wrong(name, documents) == []


# Nearly events: what the decoder makes of them, the schema must say too.
READ = [{}, {"time": 0}, {"time": 253402300799999}, {"time": "2026-01-02 03:04:05.1234+01:00"}, {"account": ""}, {"reason": None}, {"reason": ""}, {"mfa": None},
        {"mfa": "passed"}, {"asn": 4294967295}, {"asn": None}, {"app": None}, {"country": "Nowhere"}, {"ip": "[2001:db8::1]:443"}, {"new": {"a": [1]}}, {"password": "x"}]
REFUSED = [{"time": None}, {"time": -1}, {"time": 253402300800000}, {"time": "2026-01-02T03:04:05"}, {"time": "yesterday"}, {"account": 7}, {"account": None},
           {"outcome": "maybe"}, {"outcome": None}, {"ip": ""}, {"ip": 7}, {"reason": "bored"}, {"mfa": "maybe"}, {"mfa": True}, {"asn": -1}, {"asn": 4294967296},
           {"asn": "64500"}, {"user_agent": 7}, {"app": ["web"]}, {"event_id": 12}]


@pytest.mark.parametrize("change", READ + REFUSED + [dict.fromkeys([name]) for name in EVENT], ids=json.dumps)
def test_the_event_schema_agrees_with_the_decoder(run, tmp_path, wrong, change):
    event = EVENT | change
    status = 0 if change in READ else 1  # nothing was left
    run("replay", "--format", "native", "-", "--alerts", "a", "--summary", "summary.json", input=json.dumps(event) + "\n", status=status)
    decoded = json.loads((tmp_path / "summary.json").read_text())["events"]["decoded"] == 1
    assert decoded == (change in READ)
    assert (wrong("event", [event]) == []) == decoded


def test_a_wrong_record_is_noticed(wrong):
    alert = next(a for a in ALERTS if a["compromised"] and a["sources"])

    def changed(document, path, value):
        copy = inner = json.loads(json.dumps(document))
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value
        return copy

    assert wrong("alert", [alert | {"new": 1}]) == wrong("account", [ACCOUNT, ACCOUNT | {"new": 1}]) == []
    for name in ("id", "revision", "attack", "counts", "data_quality"):
        assert wrong("alert", [{k: v for k, v in alert.items() if k != name}]) != [], name
    for path, value in ((["attack"], "stuffing"), (["severity"], "awful"), (["status"], "new"), (["id"], "17"), (["time"], "2026-01-02"), (["site"], None),
                        (["schema"], "stuffwatch.alert/2"), (["counts", "attempts"], -1), (["compromised", 0, "tier"], "sure"),
                        (["sources", 0, "class"], "unknown"), (["recommended_actions", 0, "code"], "panic"), (["factors", 0, "value"], "1")):
        assert wrong("alert", [changed(alert, path, value)]) != [], path
    for name in ("id", "account", "campaign", "tier"):
        assert wrong("account", [{k: v for k, v in ACCOUNT.items() if k != name}]) != [], name
    for change in ({"id": "00000000000000aa"}, {"tier": "sure"}, {"state": "gone"}, {"mfa": ""}, {"account_id": None}):
        assert wrong("account", [ACCOUNT | change]) != [], change


# --- the tables in the sources ---


@pytest.fixture
def source(source_root):
    return lambda path: (source_root / path).read_text()


def words(text, pattern):
    """The strings in what the pattern's group finds."""
    return re.findall(r'"([^"]*)"', re.search(pattern, text, re.S)[1])


def test_the_event_schema_has_the_fields_and_words_of_the_decoder(schema, source):
    properties, decoder = schema("event")["properties"], source("ingest/decode_native.cc")
    assert list(properties) == words(decoder, r"kPaths\[\] = \{(.*?)\n\};")
    assert properties["reason"]["enum"] == [*words(decoder, r"kReasons\[\] = \{(.*?)\n\};"), "", None]
    assert properties["mfa"]["enum"] == [*words(decoder, r"kMfas\[\] = \{(.*?)\};"), "", None]


def test_the_enumerations_are_those_of_the_program(schema, source):
    alert, text = schema("alert")["properties"], source("detectors/campaigns/alert_json.cc")
    for name, kind in (("severity", "Severity"), ("urgency", "Urgency"), ("status", "CampaignStatus"), ("reason", "RevisionReason")):
        assert alert[name]["enum"] == words(text, rf"name_of\({kind} \w+\) \{{.*?kNames\{{(.*?)\}};"), name
    tiers = words(text, r"name_of\(Tier \w+\) \{.*?kNames\{(.*?)\};")
    assert alert["compromised"]["items"]["properties"]["tier"]["enum"] == schema("account")["properties"]["tier"]["enum"] == tiers
    assert alert["attack"]["enum"] == re.findall(r'\{"([a-z_]+)", "', re.search(r"kAttacks\{(.*?)\};", text, re.S)[1])
    networks = re.findall(r'NetworkClass::k\w+: return "(\w+)"', source("detectors/event.cc"))
    assert ["unknown", *alert["sources"]["items"]["properties"]["class"]["enum"]] == networks
    actions = re.findall(r'write_action\(\s*w, "(\w+)"', text)
    assert sorted(alert["recommended_actions"]["items"]["properties"]["code"]["enum"]) == sorted(actions)
    lifecycle = "".join(source(f"detectors/campaigns/{name}.cc") for name in ("campaigns", "joining", "told"))
    closed = re.findall(r'\b(?:close\([*\w]+, |close_reason = )"(\w+)"', lifecycle)
    assert set(alert["close_reason"]["enum"]) == set(closed)


def test_the_schemas_name_every_field_that_is_written_and_no_other(schema, source):
    text = source("detectors/campaigns/alert_json.cc")
    body, record = text.split("Revision render_account(")
    written = r'(?:member|key|write_truncated)\((?:w, )?"(\w+)"'
    assert set(re.findall(written, body)) == {key for _, inner in objects(schema("alert")) for key in inner["properties"]}
    assert re.findall(written, record) == list(schema("account")["properties"])
