"""`stuffwatch corpus` as people use it: lists in, questions answered, and nothing left of a password."""

import gzip
import json
import os
import random
import shutil
import signal
import stat
import subprocess

import pytest

from support.wait import wait_until

SECRET = "corRect-h0rse"


@pytest.fixture
def corpus(run, tmp_path):
    """corpus(command, ...): `stuffwatch corpus command FOLDER ...`; of one corpus, which is there already."""

    def ask(command, *arguments, **options):
        return run("corpus", command, "held", *arguments, **options)

    ask("init")
    return ask


def write_list(file, numbers, line="user{0}@example.com:" + SECRET + "\n"):
    file.write_text("".join(line.format(i) for i in numbers))


def lists_of(corpus, account):
    found = json.loads(corpus("check", "--json", account).stdout)
    assert found["account"] == account
    return [(hit["name"], hit.get("line")) for hit in found["lists"]]


def test_lists_are_added_asked_merged_and_taken_out(corpus, tmp_path):
    write_list(tmp_path / "a.txt", range(1000))
    shuffled = list(range(500, 1500))
    random.Random(1).shuffle(shuffled)
    packed = gzip.compress("".join(f"https://shop.example/login:User{i}@EXAMPLE.com:{SECRET}\n" for i in shuffled).encode())
    (tmp_path / "b.gz").write_bytes(packed)
    corpus("add", "--name", "alpha", "--date", "2012-05", "a.txt")
    added = json.loads(corpus("add", "--name", "beta", "--json", "b.gz").stdout)
    assert (added["format"], added["lines"], added["accounts"]) == ("url:login:pass", 1000, 1000)
    corpus("add", "--name", "gamma", "--no-positions", "--format", "user", "-", input="user700@example.com\nsolo\n")

    def expect(account, *lists):
        assert lists_of(corpus, account) == list(lists)

    for compacted in (False, True):
        if compacted:
            assert "3 segments before, 1 now" in corpus("compact").stdout
        expect("user3@example.com", ("alpha", 4))
        expect(" USER700@example.COM", ("alpha", 701), ("beta", shuffled.index(700) + 1), ("gamma", None))
        expect("user1200@example.com", ("beta", shuffled.index(1200) + 1))
        expect("solo", ("gamma", None))
        expect("nobody@example.org")
        corpus("verify")
    many = corpus("check", "--json", "-", input="".join(f"user{i}@example.com\n" for i in range(2000))).stdout.splitlines()
    assert [len(json.loads(line)["lists"]) for line in many] == [(i < 1000) + (500 <= i < 1500) + (i == 700) for i in range(2000)]

    corpus("forget", "user700@example.com")
    expect("user700@example.com")
    corpus("remove", "alpha")
    expect("user3@example.com")
    expect("user1200@example.com", ("beta", shuffled.index(1200) + 1))
    held = json.loads(corpus("list", "--json").stdout)
    assert [(each["name"], each["accounts"], each["positions"]) for each in held["lists"]] == [("beta", 999, True), ("gamma", 1, False)]
    assert held["forgotten"] == 0, "its entries are gone from the files"


def test_no_password_and_no_name_is_kept_or_printed(corpus, tmp_path):
    write_list(tmp_path / "a.txt", range(300))
    said = [corpus("add", "--name", "alpha", "a.txt"), corpus("list"), corpus("check", "nobody@example.org"), corpus("verify")]
    kept = b"".join(file.read_bytes() for file in (tmp_path / "held").iterdir())
    for text in [kept, *((each.stdout + each.stderr).encode() for each in said)]:
        assert SECRET.encode() not in text and b"user7@" not in text
    assert stat.S_IMODE((tmp_path / "held" / "key").stat().st_mode) == 0o400


def test_what_is_wrong_with_a_list_is_counted_by_reason(corpus, tmp_path):
    lines = [b"a@example.com:x", b"", b"no address:x", b"b@nodot:x", b"\xff\xfe@example.com:x", b"A@example.com:y", b"c@example.com:" + b"x" * 5000]
    (tmp_path / "a.txt").write_bytes(b"\n".join(lines * 3))
    added = json.loads(corpus("add", "--name", "alpha", "--format", "email:pass", "--json", "a.txt").stdout)
    assert (added["lines"], added["valid"], added["accounts"], added["duplicates"]) == (21, 6, 1, 5)
    assert sum(added["invalid"].values()) == 15 and added["invalid"]["empty"] == 3 and added["invalid"]["too_long"] == 3
    assert lists_of(corpus, "a@example.com") == [("alpha", 1)]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--name", "alpha", "b.txt"), "there is a list called alpha already"),
        (("--name", "copy", "a.txt"), "the same input was added as alpha"),
        (("--name", "beta", "absent.txt"), "absent.txt"),
        (("--name", "beta", "empty.txt"), "holds no line"),
        (("--name", "beta", "words.txt"), "no account in 2 lines"),
        (("--name", "beta", "cut.gz"), "cut"),
        (("--name", "beta", "--format", "email:nonsense", "b.txt"), "nonsense"),
        (("--name", "beta", "--date", "May 2012", "b.txt"), "2012-05-17"),
        (("--name", "beta", "--memory", "1M", "b.txt"), "at least 16MiB"),
        (("--name", "be\x1bta", "b.txt"), "name of one line"),
        (("--name", "beta", "--ordering-of", "delta", "b.txt"), "no list called delta"),
    ],
)
def test_what_cannot_be_added_says_why_and_leaves_nothing(corpus, tmp_path, arguments, says):
    write_list(tmp_path / "a.txt", range(100))
    write_list(tmp_path / "b.txt", range(200))
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "words.txt").write_text("one\ntwo\n")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(os.urandom(1000).hex().encode())[:-20])
    corpus("add", "--name", "alpha", "a.txt")
    before = sorted((file.name, file.read_bytes()) for file in (tmp_path / "held").iterdir())
    refused = corpus("add", *arguments, status=None)
    assert refused.returncode in (1, 2) and says in refused.stderr, refused.stderr
    assert sorted((file.name, file.read_bytes()) for file in (tmp_path / "held").iterdir()) == before


def test_the_same_list_is_the_same_file_whatever_it_may_use(run, tmp_path):
    write_list(tmp_path / "a.txt", [i % 9000 for i in range(20_000)])
    files = []
    for number, arguments in enumerate([("--threads", "1"), ("--threads", "8"), ("--memory", "16M", "--threads", "3")]):
        folder = f"held{number}"
        run("corpus", "init", folder)
        if number == 0:
            empty = (tmp_path / folder / "MANIFEST").read_bytes()
        else:  # of one key
            (tmp_path / folder / "MANIFEST").write_bytes(empty)
            (tmp_path / folder / "key").unlink()
            shutil.copy(tmp_path / "held0" / "key", tmp_path / folder / "key")
        run("corpus", "add", folder, "--name", "alpha", *arguments, "a.txt")
        files.append((tmp_path / folder / "000001.bcs").read_bytes())
    assert files[0] == files[1] == files[2]


def test_a_stop_leaves_nothing(corpus, stuffwatch, tmp_path):
    os.mkfifo(tmp_path / "endless")
    adding = subprocess.Popen([stuffwatch, "corpus", "add", "held", "--name", "alpha", "endless"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    lines = b"user@example.com:x\n" * 100_000
    with pytest.raises(BrokenPipeError), open(tmp_path / "endless", "wb", buffering=0) as pipe:
        pipe.write(lines)
        adding.send_signal(signal.SIGINT)
        for _ in range(1000):
            pipe.write(lines)
    assert "nothing was added" in adding.communicate(timeout=30)[1]
    assert adding.returncode == -signal.SIGINT, "the signal has its usual effect, and callers see what ended the process"
    assert sorted(file.name for file in (tmp_path / "held").iterdir()) == ["MANIFEST", "key", "lock"]
    assert "No lists yet" in corpus("list").stdout


def test_another_key_and_a_damaged_file_are_named(corpus, tmp_path):
    write_list(tmp_path / "a.txt", range(3000))
    corpus("add", "--name", "alpha", "a.txt")
    (tmp_path / "other").write_text("ab" * 32 + "\n")
    (tmp_path / "other").chmod(0o400)
    assert "another key" in corpus("check", "--key-file", "other", "user1@example.com", status=2).stderr
    segment = tmp_path / "held" / "000001.bcs"
    whole = segment.read_bytes()
    segment.chmod(0o600)
    segment.write_bytes(whole[:9000] + bytes([whole[9000] ^ 1]) + whole[9001:])
    assert "damaged in its entries" in corpus("verify", status=1).stderr
    segment.write_bytes(whole[:-1])
    for command in [("check", "user1@example.com"), ("remove", "alpha")]:
        said = corpus(*command, status=1).stderr
        assert "another length" in said and "corpus remove held 000001.bcs" in said
    corpus("remove", "000001.bcs")
    assert "No lists yet" in corpus("list").stdout
    corpus("add", "--name", "alpha", "a.txt")
    assert lists_of(corpus, "user1@example.com") == [("alpha", 2)]


def test_other_files_and_segments_without_a_manifest_stay(corpus, run, tmp_path):
    write_list(tmp_path / "a.txt", range(100))
    held = tmp_path / "held"
    for name in ["notes.new", "mine.bcs", "list.new"]:
        (held / name).write_text("mine@example.com:x\n")
    corpus("add", "--name", "alpha", "a.txt")
    corpus("add", "--name", "beta", "held/list.new")
    assert {"notes.new", "mine.bcs", "list.new"} <= {file.name for file in held.iterdir()}
    (held / "000009.bcs").write_text("of one that was killed")
    (held / "000010.bcs.new").write_text("of one that was killed")
    corpus("forget", "nobody@example.org")
    assert not {"000009.bcs", "000010.bcs.new"} & {file.name for file in held.iterdir()}

    (held / "MANIFEST").rename(tmp_path / "saved")
    for command in [("list",), ("forget", "x"), ("init",)]:
        assert "bring back a copy" in corpus(*command, status=2).stderr
    (tmp_path / "saved").rename(held / "MANIFEST")
    assert lists_of(corpus, "user1@example.com") == [("alpha", 2)]


def test_what_may_be_a_name_and_its_password_is_not_taken(corpus, tmp_path):
    lines = [f"name{i}:{SECRET}{i}" for i in range(200)] + [f"joe;{SECRET}", f"ann {SECRET}", f"x@example.com|{SECRET}"]
    (tmp_path / "a.txt").write_text("\n".join(lines) + "\n")
    added = json.loads(corpus("add", "--name", "alpha", "--format", "user:pass", "--json", "a.txt").stdout)
    assert (added["accounts"], added["lines"]) == (200, 203)
    for line in lines[200:]:
        assert lists_of(corpus, line) == []
    assert lists_of(corpus, "name7") == [("alpha", 8)]


def test_every_list_of_an_account_is_named(corpus, tmp_path):
    for i in range(11):
        (tmp_path / "a.txt").write_text("x@example.com\n" + f"other{i}@example.com\n" * i + "y@example.com\n")
        corpus("add", "--name", f"list{i:02}", "a.txt")
    assert lists_of(corpus, "y@example.com") == [(f"list{i:02}", i + 2) for i in range(11)]


def test_all_accounts_of_standard_input_are_forgotten_or_none(corpus, tmp_path):
    write_list(tmp_path / "a.txt", range(10))
    corpus("add", "--name", "alpha", "a.txt")
    assert json.loads(corpus("forget", "--json", "-", input="user1@example.com\n\n USER2@example.com\r\n").stdout) == {"forgotten": 2}
    assert [lists_of(corpus, f"user{i}@example.com") != [] for i in range(4)] == [True, False, False, True]
    for nobody in [("forget", "-"), ("forget", " ")]:
        assert "no account is named" in corpus(*nobody, status=2, input="\n").stderr


def test_a_first_line_that_is_too_long_does_not_decide_the_format(corpus, tmp_path):
    (tmp_path / "a.txt").write_text("x" * 1_200_000 + "\n" + "".join(f"user{i}@example.com;{SECRET}\n" for i in range(100)))
    added = corpus("add", "--name", "alpha", "a.txt", status=None)
    assert lists_of(corpus, "user5@example.com") == [("alpha", 7)], added.stderr


def test_a_folder_that_is_no_corpus_says_what_to_do(run, tmp_path):
    for arguments in [("check", ".", "x@example.com"), ("list", "."), ("add", ".", "--name", "alpha", "-"), ("verify", "absent")]:
        assert "stuffwatch corpus init" in run("corpus", *arguments, status=2, input="").stderr
    run("corpus", "init", "held")
    assert "is a corpus already" in run("corpus", "init", "held", status=2).stderr
