"""Breach lists in a running daemon and in a replay: alerts name them, and nothing stops when they change, break or are gone."""

import json
import os
import shutil
import subprocess

import pytest

from support.wait import wait_until
from traffic import config, send, traffic


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def held(stuffwatch, tmp_path_factory):
    """A folder with a scenario (attack_spread_prefixes, which walks shop2021) and a corpus of the lists of its site."""
    folder = tmp_path_factory.mktemp("held")

    def command(*arguments):
        return subprocess.run([str(stuffwatch), *map(str, arguments)], check=True, capture_output=True, text=True, cwd=folder)

    command("simulate", "--scenario", "attack_spread_prefixes", "--seed", "5", "--out", "scenario")
    command("simulate", "--lists", "lists", "--seed", "5")
    command("corpus", "init", "corpus")
    for file in sorted((folder / "lists").iterdir()):
        command("corpus", "add", "corpus", "--name", file.stem, "--date", "2021", file)
    return folder


@pytest.fixture
def corpus(held, tmp_path):
    """A copy of it, to be hurt."""
    return shutil.copytree(held / "corpus", tmp_path / "corpus")


def test_a_replay_names_the_list_that_is_walked(run, held, tmp_path):
    events = held / "scenario" / "attack_spread_prefixes" / "events.ndjson"
    said = run("replay", "--corpus", held / "corpus", events, "--alerts", "alerts.jsonl", "--summary", "summary.json")
    assert "of its accounts are in shop2021, where" in said.stdout and "public key" not in said.stderr
    assert json.loads((tmp_path / "summary.json").read_text())["key"] == "configured"
    alerts = lines(tmp_path / "alerts.jsonl")
    digest = json.loads(run("corpus", "list", held / "corpus", "--json").stdout)["digest"]
    for alert in alerts:
        lists = {each["name"]: each for each in alert["lists"]}
        assert lists["shop2021"]["share"] > 0.95 > 0.2 > lists["shop2021"]["expected_share"]
        for name in ("forum2019", "social2016"):
            assert abs(lists[name]["share"] - lists[name]["expected_share"]) < 0.2, "as among all people"
        assert lists["shop2021"]["accounts"] <= alert["counts"]["looked_up"] <= alert["counts"]["accounts"]
        assert alert["data_quality"]["corpus"] == "ok" and alert["producer"]["corpus_digest"] == digest
    for threads in (1, 3):
        for batch in (1, 5000):
            options = ["--threads", threads, "--set", f"pipeline.batch_events={batch}", "--set", f"corpus.memory={1 if batch == 1 else 0}B"]
            run("replay", "--corpus", held / "corpus", *options, events, "--alerts", "again.jsonl")
            assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "alerts.jsonl").read_bytes(), options
    # The same without a corpus, but for what the lists say.
    run("replay", "--set", f"privacy.key_file={held / 'corpus' / 'key'}", events, "--alerts", "without.jsonl")
    without = lines(tmp_path / "without.jsonl")
    assert [(a["id"], a["revision"], a["counts"]["attempts"]) for a in without] == [(a["id"], a["revision"], a["counts"]["attempts"]) for a in alerts]
    assert all(a["lists"] == [] and "looked_up" not in a["counts"] and a["data_quality"]["corpus"] == "none" for a in without)


@pytest.mark.parametrize("harm", ["gone", "no manifest", "damaged", "other key"])
def test_a_replay_without_the_lists_it_was_asked_for_is_an_error(run, held, corpus, tmp_path, harm):
    if harm == "gone":
        shutil.rmtree(corpus)
    elif harm == "no manifest":
        (corpus / "MANIFEST").unlink()
    elif harm == "damaged":
        segment = corpus / "000002.bcs"
        segment.chmod(0o600)
        data = bytearray(segment.read_bytes())
        data[len(data) // 2] ^= 1
        segment.write_bytes(data)
    else:
        (corpus / "key").chmod(0o600)
        (corpus / "key").write_text("5a" * 32 + "\n")
        (corpus / "key").chmod(0o400)
    events = held / "scenario" / "attack_spread_prefixes" / "events.ndjson"
    said = run("replay", "--corpus", corpus, events, "--alerts", "alerts.jsonl", status=None)
    assert said.returncode in (1, 2) and str(corpus) in said.stderr
    assert not (tmp_path / "alerts.jsonl").exists()


def simulated(corpus, memory="1GiB", **more):
    return {"inputs": [{"name": "logins", "simulated": True, "simulated_rate": 200}], "corpus": {"path": str(corpus), "memory": memory}, **more}


@pytest.fixture(scope="module")
def live(stuffwatch, tmp_path_factory):
    """A corpus of the lists that the simulated input walks."""
    folder = tmp_path_factory.mktemp("live")
    subprocess.run([str(stuffwatch), "simulate", "--lists", str(folder / "lists")], check=True)
    subprocess.run([str(stuffwatch), "corpus", "init", str(folder / "corpus")], check=True, capture_output=True)
    for file in sorted((folder / "lists").iterdir()):
        subprocess.run([str(stuffwatch), "corpus", "add", str(folder / "corpus"), "--name", file.stem, str(file)], check=True, capture_output=True)
    return folder


def test_the_daemon_names_the_list_and_shows_the_corpus(daemon, live, run):
    one = daemon(simulated(live / "corpus"))
    alert = one.wait_alerts()[0]
    first = alert["lists"][0]
    assert first["name"] == "forum2019" and first["share"] > 0.9 and first["expected_share"] < 0.3
    assert "of its accounts are in forum2019" in alert["summary"]
    assert one.metric("stuffwatch_corpus_up") == 1 and one.metric("stuffwatch_corpus_lists") == 3
    assert one.metric("stuffwatch_corpus_entries") == 190_000
    one.wait_metric("stuffwatch_corpus_lookups_total", lambda n: n and n > 1000)
    one.wait_metric("stuffwatch_corpus_hits_total", lambda n: n and n > 100, list="forum2019")
    assert one.metric("stuffwatch_corpus_loaded_bytes") == one.metric("stuffwatch_corpus_bytes") > 190_000 * 8
    status = json.loads(one.get("/api/v1/status")[1])
    assert status["corpus"]["up"] and status["corpus"]["accounts"] == 190_000 and "problem" not in status["corpus"]
    shown = run("show", "--url", one.url, alert["id"]).stdout
    assert "forum2019" in shown
    assert one.terminate() == 0


def test_a_corpus_that_changes_breaks_and_comes_back_stops_nothing(daemon, live, run, tmp_path):
    corpus = shutil.copytree(live / "corpus", tmp_path / "corpus")
    one = daemon(simulated(corpus))
    run("corpus", "remove", corpus, "shop2021")
    one.wait_metric("stuffwatch_corpus_lists", lambda n: n == 2)
    (tmp_path / "more.txt").write_text("somebody@example.com\n")
    run("corpus", "add", corpus, "--name", "more", "more.txt")
    one.wait_metric("stuffwatch_corpus_lists", lambda n: n == 3)

    manifest = (corpus / "MANIFEST").read_bytes()
    (corpus / "MANIFEST").write_bytes(os.urandom(200))
    one.wait_metric("stuffwatch_corpus_loads_total", lambda n: n and n >= 1, result="failed")
    wait_until(lambda: "corpus: " in one.get("/readyz")[1], 20, one.log)
    assert one.metric("stuffwatch_corpus_up") == 1, "what was read before stays in use"
    (corpus / "MANIFEST").write_bytes(manifest)
    wait_until(lambda: "corpus: " not in one.get("/readyz")[1], 20, one.log)
    assert one.terminate() == 0


def test_a_mapped_corpus_that_is_cut_short_is_survived(daemon, live, tmp_path):
    corpus = shutil.copytree(live / "corpus", tmp_path / "corpus")
    one = daemon(simulated(corpus, memory="1B"))
    assert one.metric("stuffwatch_corpus_loaded_bytes") == 0 and one.metric("stuffwatch_corpus_up") == 1
    one.wait_metric("stuffwatch_corpus_lookups_total", lambda n: n and n > 1000)
    for segment in corpus.glob("*.bcs"):
        segment.chmod(0o600)
        os.truncate(segment, 0)
    one.wait_metric("stuffwatch_corpus_up", lambda n: n == 0)
    wait_until(lambda: "corpus: " in one.get("/readyz")[1], 20, one.log)
    events = one.metric("stuffwatch_pipeline_events_total")
    one.wait_metric("stuffwatch_pipeline_events_total", lambda n: n > events)
    assert [a["data_quality"]["corpus"] for a in one.wait_alerts()][-1] == "unavailable"
    assert one.terminate() == 0


def test_a_corpus_that_is_not_there_at_the_start_is_waited_for(daemon, live, tmp_path):
    corpus = tmp_path / "corpus"
    shutil.copytree(live / "corpus", tmp_path / "elsewhere")
    one = daemon(simulated(corpus, privacy={"key_file": str(tmp_path / "elsewhere" / "key")}), wait_ready=False)
    one.wait_log("stuffwatch starts")
    wait_until(lambda: one.metric("stuffwatch_corpus_up") == 0, 20, one.log)
    assert "corpus: " in one.get("/readyz")[1] and str(corpus) in one.get("/readyz")[1]
    (tmp_path / "elsewhere").rename(corpus)
    one.wait_metric("stuffwatch_corpus_up", lambda n: n == 1, timeout=60)
    assert one.terminate() == 0


def test_the_key_of_the_corpus_is_the_key_of_the_accounts(daemon, live, kafka, topic, producer, tmp_path):
    """Also while the corpus cannot be read: the state goes on with the same hashes."""
    corpus = shutil.copytree(live / "corpus", tmp_path / "corpus")
    name = topic(partitions=2)
    send(producer, name, traffic(8), partitions=2)
    one = daemon(config(kafka, name, corpus={"path": str(corpus)}))
    one.wait_alerts()
    one.wait_metric("stuffwatch_state_checkpoints_total", lambda n: n and n >= 1, result="ok")
    assert one.terminate() == 0
    corpus.rename(tmp_path / "away")
    one.start(wait_ready=False)
    wait_until(lambda: one.get("/livez")[0] == 200, 30, one.log)
    one.wait_metric("stuffwatch_pipeline_events_total", lambda n: n is not None)
    assert "checkpoint refused" not in one.log() and one.metric("stuffwatch_corpus_up") == 0
    assert one.terminate() == 0
    assert (one.folder / "state" / "corpus_key").read_bytes() == (tmp_path / "away" / "key").read_bytes()
    assert (one.folder / "state" / "corpus_key").stat().st_mode & 0o777 == 0o400
