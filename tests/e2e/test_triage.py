"""`stuffwatch corpus triage` as people use it: an alleged dump in, shares of known lists out, and nothing kept of it."""

import gzip
import html.parser
import json
import os
import random
import signal
import subprocess
import xml.etree.ElementTree

import pytest

SECRET = "corRect-h0rse"
PART = 60  # one per cent of the claim


def lines_of(numbers, line="user{0}@example.com:" + SECRET + "\n"):
    return [line.format(i) for i in numbers]


@pytest.fixture
def corpus(run, tmp_path):
    """corpus(command, ...): of a corpus with the lists alpha (accounts 0 to 99 parts) and beta (200 to 299 parts), both in order."""

    def ask(command, *arguments, **options):
        return run("corpus", command, "held", *arguments, **options)

    ask("init")
    for name, date, first in [("alpha", "2012-05", 0), ("beta", "2019", 200)]:
        (tmp_path / "list.txt").write_text("".join(lines_of(range(first * PART, (first + 100) * PART))))
        ask("add", "--name", name, "--date", date, "list.txt")
    (tmp_path / "list.txt").unlink()
    return ask


def claim():
    """61 % of alpha in its order, and strewn into it 23 % of beta, 12 % that are new, 3 % that repeat, 1 % junk."""
    ordered = lines_of(range(10 * PART, 71 * PART))
    others = lines_of([*range(210 * PART, 233 * PART), *range(500 * PART, 512 * PART), *range(10 * PART, 13 * PART)]) + ["no account here\n"] * PART
    draw = random.Random(1)
    draw.shuffle(others)
    mixed = []
    while ordered or others:
        from_ordered = draw.random() < 0.61 if ordered and others else bool(ordered)
        mixed.append(ordered.pop(0) if from_ordered else others.pop())
    return mixed


@pytest.fixture
def dump(tmp_path):
    (tmp_path / "dump.txt").write_text("".join(claim()))
    return "dump.txt"


def triage(corpus, *arguments, **options):
    told = json.loads(corpus("triage", "--json", *arguments, **options).stdout)
    assert told["valid"] + sum(told["invalid"].values()) == told["lines"]
    assert told["new_accounts"] + told["known_accounts"] == told["accounts"]
    return told


def test_a_claim_is_taken_apart_exactly(corpus, dump):
    told = triage(corpus, dump)
    assert (told["lines"], told["valid"], told["invalid"]) == (100 * PART, 99 * PART, {"no_at": PART})
    assert (told["duplicates"], told["accounts"], told["known_accounts"]) == (3 * PART, 96 * PART, 84 * PART)
    alpha, beta = told["lists"]
    assert (alpha["name"], alpha["accounts"], alpha["date"]) == ("alpha", 61 * PART, "2012-05")
    assert (beta["name"], beta["accounts"]) == ("beta", 23 * PART)
    for each in (alpha, beta):
        assert each["share"] == pytest.approx(each["accounts"] / told["accounts"])
        assert each["interval"][0] < each["share"] < each["interval"][1]
        assert each["expected_share"] == pytest.approx(100 * PART / 8e9)
    assert alpha["in_order_share"] > 0.9 and beta["in_order_share"] < 0.02
    assert [(each["name"], each["share_so_far"]) for each in told["explained_by"]] == [("alpha", pytest.approx(61 / 96)), ("beta", pytest.approx(84 / 96))]
    assert told["domains"] == [{"name": "example.com", "accounts": 96 * PART}]
    assert told["sampled"] is False and len(told["dump_sha256"]) == 64
    assert told["corpus_digest"] == json.loads(corpus("list", "--json").stdout)["digest"]
    assert triage(corpus, "--population", "1e6", dump)["lists"][0]["expected_share"] == pytest.approx(100 * PART / 1e6)


def test_it_reads_as_a_paragraph_and_tables(corpus, dump):
    text = corpus("triage", dump).stdout
    paragraph = text.split("\n\n")[0]
    assert paragraph.startswith("6,000 lines, 5,760 accounts: 64 % (62.3 to 64.8 %) are in alpha, in that list's order, a further 24 %")
    assert "in no list you hold; consistent with a recycled third-party breach" in paragraph
    assert paragraph.endswith("Says nothing about whether passwords work.")
    for said in ["Its SHA-256", "alpha (2012-05), beta (2019)", "without: no_at", "example.com", "yes (9"]:
        assert said in text


def test_the_same_dump_says_the_same_whatever_it_may_use(corpus, tmp_path, dump):
    def without_time(*arguments):
        told = triage(corpus, *arguments)
        del told["time"], told["dump"], told["dump_sha256"]
        return told

    expected = without_time(dump)
    for arguments in [("--threads", "1"), ("--threads", "8"), ("--memory", "16M", "--threads", "3", "--temp", "."), ("--format", "email:pass")]:
        assert without_time(*arguments, dump) == expected
    (tmp_path / "dump.gz").write_bytes(gzip.compress((tmp_path / dump).read_bytes()))
    assert without_time("dump.gz") == expected
    text = (tmp_path / dump).read_text()
    assert triage(corpus, "-", input=text)["lists"] == expected["lists"]
    (tmp_path / "parts").mkdir()
    half = text.index("\n", len(text) // 2) + 1
    (tmp_path / "parts" / "1.txt").write_text(text[:half])
    (tmp_path / "parts" / "2.txt").write_text(text[half:])
    assert without_time("parts") == without_time("parts/1.txt", "parts/2.txt") == expected


def test_an_excerpt_is_too_short_for_reasons(corpus, tmp_path):
    (tmp_path / "excerpt.txt").write_text("".join(claim()[:40]))
    told = triage(corpus, "excerpt.txt")
    low, high = told["lists"][0]["interval"]
    assert high - low > 0.2
    paragraph = corpus("triage", "excerpt.txt").stdout.split("\n\n")[0]
    assert paragraph.startswith("too few lines to ") and "consistent" not in paragraph and "whether passwords work" in paragraph


def test_user_names_are_told_apart(corpus, tmp_path):
    (tmp_path / "list.txt").write_text("".join(f"name{i}:{SECRET}\n" for i in range(1000)))
    corpus("add", "--name", "names", "--format", "user:pass", "list.txt")
    numbers = [i % 900 + 500 for i in range(1000)]
    random.Random(3).shuffle(numbers)
    (tmp_path / "names.txt").write_text("".join(lines_of(numbers, "name{0}:" + SECRET + "\n")))
    only = triage(corpus, "--format", "user:pass", "names.txt")
    assert (only["accounts"], only["known_accounts"], only["duplicates"], only["accounts_are"]) == (900, 500, 100, "user_name")
    assert only["lists"][0]["name"] == "names" and "user_names" not in only and only["domains"] == []
    assert "not e-mail addresses" in only["summary"] and "consistent" not in only["summary"]
    (tmp_path / "both.txt").write_text("".join(lines_of(range(1000))) + (tmp_path / "names.txt").read_text())
    both = triage(corpus, "--format", "user:pass", "both.txt")
    assert (both["valid"], both["accounts"], both["known_accounts"], both["duplicates"]) == (2000, 1000, 1000, 0)
    assert both["user_names"] == {"lines": 1000, "accounts": 900, "known_accounts": 500}
    assert {each["name"]: each["accounts"] for each in both["lists"]} == {"alpha": 1000, "beta": 0, "names": 0}


def test_orderings_of_a_list_are_one_and_a_list_may_have_no_order(corpus, tmp_path, dump):

    def backwards(line):
        return line[: line.index("@")][::-1]

    (tmp_path / "again.txt").write_text("".join(sorted(lines_of(range(100 * PART)), key=backwards)))
    corpus("add", "--name", "alpha sorted", "--ordering-of", "alpha", "again.txt")
    (tmp_path / "some.txt").write_text("".join(lines_of(range(20 * PART, 30 * PART))))
    corpus("add", "--name", "some", "--no-positions", "some.txt")
    lists = {each["name"]: each for each in triage(corpus, dump)["lists"]}
    assert set(lists) == {"alpha", "beta", "some"} and lists["alpha"]["accounts"] == 61 * PART
    assert "ordering" not in lists["alpha"] and "in_order_share" not in lists["some"]
    (tmp_path / "sorted.txt").write_text("".join(sorted(lines_of(range(10 * PART, 90 * PART)), key=backwards)))
    ordered = triage(corpus, "sorted.txt")["lists"][0]
    assert (ordered["name"], ordered["ordering"]) == ("alpha", "alpha sorted") and ordered["in_order_share"] > 0.95
    corpus("forget", "user1200@example.com")
    assert triage(corpus, dump)["lists"][0]["accounts"] == 61 * PART - 1


def test_a_dump_without_an_account_and_a_corpus_without_a_list(corpus, run, tmp_path, dump):
    (tmp_path / "words.txt").write_text("one\n\ntwo\n")
    told = triage(corpus, "words.txt")
    assert (told["lines"], told["valid"], told["accounts"], told["lists"][0]["share"]) == (3, 0, 0, 0)
    assert "no account in any of them" in corpus("triage", "words.txt").stdout
    run("corpus", "init", "empty")
    assert "holds no list" in run("corpus", "triage", "empty", dump).stdout
    assert json.loads(run("corpus", "triage", "empty", "--json", dump).stdout)["new_accounts"] == 96 * PART


class Page(html.parser.HTMLParser):
    """What a page would fetch or run, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.text = set(), [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [(name, value) for name, value in attrs if name in ("src", "href", "onload", "onclick", "onerror", "action", "xlink:href")]

    def handle_data(self, data):
        self.text += data


def test_the_page_is_whole_by_itself_and_names_are_text(corpus, tmp_path, dump):
    hostile = """<script>alert('x')</script><img src="x"/>&amp;"""
    (tmp_path / "list.txt").write_text("".join(lines_of(range(15 * PART, 65 * PART))))
    corpus("add", "--name", hostile, "list.txt")
    corpus("triage", "--html", "page.html", dump)
    written = (tmp_path / "page.html").read_text()
    page = Page(written)
    assert not page.links and not {"script", "img", "link", "iframe", "object", "form"} & page.tags
    assert hostile in page.text and "consistent with a recycled" in page.text
    assert "url(" not in written and "@import" not in written
    xml.etree.ElementTree.fromstring(written.removeprefix("<!DOCTYPE html>"))
    assert written.count("<rect") == 4 + 2 + 1, "lists and their union, the choice of lists, domains"
    alone = corpus("triage", "--html", "-", dump).stdout
    assert alone.startswith("<!DOCTYPE html>") and alone.endswith("</html>\n")


def test_nothing_of_the_dump_is_kept_or_printed_and_no_verdict_is_given(corpus, tmp_path, dump):
    before = sorted(file.name for file in (tmp_path / "held").iterdir())
    said = corpus("triage", "--html", "page.html", dump)
    told = corpus("triage", "--json", dump)
    everything = (tmp_path / "page.html").read_text() + said.stdout + said.stderr + told.stdout + told.stderr
    assert SECRET not in everything and "user1" not in everything
    for word in ("authentic", "proves", "proven"):
        assert word not in everything.lower()
    assert sorted(file.name for file in (tmp_path / "held").iterdir()) == before
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(["held", dump, "page.html"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("absent.txt",), "absent.txt"),
        (("cut.gz",), "cut.gz"),
        (("empty.txt",), "holds no line"),
        (("--format", "email:nonsense", "dump.txt"), "nonsense"),
        (("--memory", "1M", "dump.txt"), "at least 16MiB"),
        (("--population", "0", "dump.txt"), "--population"),
        (("--temp", "absent", "dump.txt"), "--temp"),
        (("--html", "absent/page.html", "dump.txt"), "absent/page.html"),
        (("--html", "dump.txt", "dump.txt"), "is the dump"),
        (("--html", "-", "--json", "dump.txt"), "name a file"),
        (("--key-file", "other", "dump.txt"), "another key"),
    ],
)
def test_what_cannot_be_done_says_why_and_leaves_nothing(corpus, tmp_path, dump, arguments, says):
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(os.urandom(1000).hex().encode())[:-20])
    (tmp_path / "other").write_text("ab" * 32 + "\n")
    (tmp_path / "other").chmod(0o400)
    before = sorted((file.name, file.stat().st_size) for file in tmp_path.rglob("*"))
    refused = corpus("triage", *arguments, status=None)
    assert refused.returncode in (1, 2) and says in refused.stderr, refused.stderr
    assert refused.stdout == ""
    assert sorted((file.name, file.stat().st_size) for file in tmp_path.rglob("*")) == before


def test_what_is_damaged_on_the_way_leaves_no_page(corpus, tmp_path):
    packed = gzip.compress("".join(lines_of(random.Random(2).sample(range(10**9), 100_000))).encode())
    (tmp_path / "cut.gz").write_bytes(packed[: len(packed) // 2])
    failed = corpus("triage", "--html", "page.html", "cut.gz", status=1)
    assert "cut.gz" in failed.stderr and "lines" in failed.stderr and failed.stdout == ""
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cut.gz", "held"]


def test_a_full_disk_behind_standard_output_is_an_error(stuffwatch, corpus, tmp_path, dump):
    with open("/dev/full", "w") as full:
        done = subprocess.run([stuffwatch, "corpus", "triage", "held", dump], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1 and "No space left" in done.stderr


def test_a_stop_says_nothing_of_a_part(corpus, stuffwatch, tmp_path):
    os.mkfifo(tmp_path / "endless")
    asking = subprocess.Popen(
        [stuffwatch, "corpus", "triage", "held", "--html", "page.html", "endless"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    lines = b"user@example.com:x\n" * 100_000
    with pytest.raises(BrokenPipeError), open(tmp_path / "endless", "wb", buffering=0) as pipe:
        pipe.write(lines)
        asking.send_signal(signal.SIGINT)
        for _ in range(1000):
            pipe.write(lines)
    out, err = asking.communicate(timeout=30)
    assert out == "" and "stopped" in err
    assert asking.returncode == -signal.SIGINT
    assert sorted(file.name for file in tmp_path.iterdir()) == ["endless", "held"]


def test_the_page_never_lands_where_lists_keys_or_alerts_are(corpus, run, dump, tmp_path):
    (tmp_path / "users.csv").write_text("email\nuser1@example.com\n")
    run("accounts", "load", "ours", "--corpus", "held", "users.csv")
    (tmp_path / "alerts.jsonl").write_text('{"schema":"stuffwatch.alert/1"}\n')
    (tmp_path / "link").symlink_to("held")
    kept = {file: file.read_bytes() for folder in ("held", "ours") for file in (tmp_path / folder).iterdir()}
    kept[tmp_path / "alerts.jsonl"] = (tmp_path / "alerts.jsonl").read_bytes()
    for page in ("held/key", "held/MANIFEST", "held/page.html", "link/key", "ours/accounts.reg", "alerts.jsonl"):
        corpus("triage", "--accounts", "ours", "--alerts", "alerts.jsonl", "--html", page, dump, status=2)
    assert {file: file.read_bytes() for file in kept} == kept
    assert not (tmp_path / "held" / "page.html").exists()
    corpus("triage", "--accounts", "ours", "--html", "page.html", dump)
