"""`stuffwatch accounts` as people use it: an export of the directory in, counts out, and no name kept."""

import datetime
import gzip
import json
import os
import signal
import stat
import subprocess

import pytest

SECRET = "corRect-h0rse"
CSV = f"""email,password_hash,user_id,created_at,closed_at,type
ann@example.com,{SECRET},u1,2019-03-04,,staff
bob@example.com,{SECRET},u2,2020-05-06 07:08:09,,customer
cay@example.com,{SECRET},,1700000000000,2024-01-01T00:00:00Z,customer
"dee@example.com",{SECRET},u4,NULL,9999-12-31,
"""


@pytest.fixture
def corpus(run, tmp_path):
    run("corpus", "init", "held")
    return tmp_path / "held"


@pytest.fixture
def load(run, corpus):
    """load(text, ...): `stuffwatch accounts load reg --corpus held ...` of an export on standard input; its JSON."""

    def feed(text, *arguments, **options):
        done = run("accounts", "load", "reg", "--corpus", "held", "--json", *arguments, "-", input=text, **options)
        return json.loads(done.stdout) if done.returncode == 0 else done

    return feed


def listed(run, *arguments):
    return json.loads(run("accounts", "list", "reg", "--json", *arguments).stdout)


def test_an_export_is_loaded_counted_and_no_name_is_kept(run, corpus, tmp_path):
    (tmp_path / "users.csv.gz").write_bytes(gzip.compress(CSV.encode()))
    said = run("accounts", "load", "reg", "--corpus", "held", "users.csv.gz")
    assert "4 accounts in 4 rows, from the columns email, user_id, created_at, closed_at, type" in said.stdout
    assert "the column password_hash was not read" in said.stderr
    register = tmp_path / "reg" / "accounts.reg"
    assert stat.S_IMODE(register.stat().st_mode) == 0o600
    shown = run("accounts", "list", "reg").stdout
    assert "4 accounts: 3 open, 1 closed, 3 with the provider's id" in shown and "2019" in shown and "customer" in shown
    for text in [register.read_bytes(), said.stdout.encode(), said.stderr.encode(), shown.encode()]:
        assert SECRET.encode() not in text and b"ann@" not in text and b"u1" not in text
    found = listed(run)
    assert (found["accounts"], found["open"], found["closed"], found["with_id"], found["rows"]) == (4, 3, 1, 3, 4)
    assert found["classes"] == [{"name": "staff", "accounts": 1, "open": 1}, {"name": "customer", "accounts": 2, "open": 1}]
    years = {each.get("year"): each["accounts"] for each in found["created"]}
    assert years == {None: 1, 2019: 1, 2020: 1, 2023: 1}
    assert "lists" not in found


def test_who_of_ours_is_in_which_list(run, corpus, load, tmp_path):
    load("".join(f"user{i}@example.com\n" for i in range(1000)))
    (tmp_path / "a.txt").write_text("".join(f"user{i}@example.com:x\n" for i in range(900, 1500)))
    (tmp_path / "b.txt").write_text("".join(f"user{i}@example.com:x\n" for i in range(1499, 899, -1)))
    (tmp_path / "c.txt").write_text("".join(f"User{i}@EXAMPLE.com:x\n" for i in range(950, 980)))
    run("corpus", "add", "held", "--name", "alpha", "a.txt")
    run("corpus", "add", "held", "--name", "reversed", "--ordering-of", "alpha", "b.txt")
    run("corpus", "add", "held", "--name", "gamma", "--no-positions", "c.txt")
    found = listed(run, "--corpus", "held")
    assert found["lists"] == [
        {"name": "alpha", "accounts": 100, "open": 100, "base_rate": 0.1},
        {"name": "reversed", "accounts": 100, "open": 100, "base_rate": 0.1},
        {"name": "gamma", "accounts": 30, "open": 30, "base_rate": 0.03},
    ]
    assert found["in_lists"] == {"accounts": 100, "open": 100}
    shown = run("accounts", "list", "reg", "--corpus", "held").stdout
    assert "10.00 %" in shown and "(any list)" in shown


def test_what_is_wrong_with_rows_is_counted_with_its_first_place(run, load, tmp_path):
    (tmp_path / "users.csv").write_bytes(
        b"login;created;class\n"
        b"ann;2020-01-01;a\n"
        b"bob;01/02/2020;a\n"
        b"\n"
        b";2020-01-01;a\n"
        b"c\xff;2020-01-01;a\n"
        b'"dee;2020-01-01;a\n'
        b"eve;2020-01-01;a;more\n"
        b"fay;2020-01-01;\x1b[31m\n"
        b"gil;05/02/2020;a\n"
        b"ANN;2021-01-01;b\n" + b"x" * 5000 + b"\n"
    )
    done = run("accounts", "load", "reg", "--corpus", "held", "--json", "users.csv")
    loaded = json.loads(done.stdout)
    assert (loaded["accounts"], loaded["rows"], loaded["duplicates"]) == (1, 11, 1)
    expected = {"bad_date": (2, 3), "empty": (1, 4), "no_account": (1, 5), "bad_utf8": (1, 6), "bad_quotes": (1, 7), "too_many_columns": (1, 8)}
    expected |= {"bad_class": (1, 9), "too_long": (1, 12)}
    assert loaded["invalid"] == {reason: {"rows": rows, "first": f"users.csv:{line}"} for reason, (rows, line) in expected.items()}
    assert "more than half of the rows" in done.stderr
    found = listed(run)
    assert [each["year"] for each in found["created"]] == [2021], "the last row counts"
    shown = run("accounts", "load", "reg", "--corpus", "held", "users.csv").stdout
    assert "users.csv:3" in shown and "bad_date" in shown


@pytest.mark.parametrize(
    ("text", "arguments", "says"),
    [
        (f"joe@example.com:{SECRET}\n", (), "standard input:1: more than a name, and no header"),
        (f"joe,{SECRET}\n", (), "--columns"),
        (f"joe,{SECRET}\n", ("--columns", "account,nonsense"), "nonsense is no column"),
        ("joe,x\n", ("--columns", "skip,created"), "no column of"),
        ("email,created\nx,yesterday\n", (), "no account in 1 rows, most of them bad_date, the first at standard input:2"),
        ("email,created\n", (), "a header and no account below it"),
        ("", (), "holds no line"),
        ("email,type\n" + "".join(f"u{i}@example.com,class {i}\n" for i in range(300)), (), "standard input:258: more than 256 different classes"),
    ],
)
def test_what_cannot_be_loaded_says_why_and_leaves_the_old_one(run, load, tmp_path, text, arguments, says):
    load("old@example.com\n")
    before = (tmp_path / "reg" / "accounts.reg").read_bytes()
    refused = load(text, *arguments, status=None)
    assert refused.returncode in (1, 2) and says in refused.stderr and SECRET not in refused.stderr, refused.stderr
    assert (tmp_path / "reg" / "accounts.reg").read_bytes() == before
    assert {file.name for file in (tmp_path / "reg").iterdir()} == {"accounts.reg", "accounts.lock"}


def test_columns_that_are_said(run, load):
    columns = ("--columns", "skip;account;skip;closed")
    loaded = load("1;ann;x;\n2;bob;y;2020-01-01\n3;cay\n", *columns)
    assert (loaded["accounts"], loaded["columns"]) == (3, {"account": "account", "closed": "closed"})
    assert listed(run)["open"] == 2
    assert load("id;login;password;closed_at\n1;ann;x;\n", *columns)["rows"] == 1, "a header is none of them"
    assert load("a,b:c\n", "--columns", "account")["accounts"] == 1
    assert load("ann\t2020-01-01\n", "--columns", r"account\tcreated")["accounts"] == 1


def test_the_key_is_that_of_the_lists_and_never_a_new_one(run, corpus, tmp_path):
    (tmp_path / "users").write_text("ann@example.com\n")
    refused = run("accounts", "load", "reg", "users", status=2).stderr
    assert "holds no key" in refused and "--corpus" in refused and not (tmp_path / "reg").exists()
    run("accounts", "load", "held", "users")
    run("accounts", "list", "held", "--corpus", "held")
    (tmp_path / "other").write_text("ab" * 32 + "\n")
    (tmp_path / "other").chmod(0o400)
    run("accounts", "load", "reg", "--key-file", "other", "users")
    assert listed(run)["accounts"] == 1, "counting needs no key"
    assert "another key" in run("accounts", "list", "reg", "--corpus", "held", status=2).stderr
    assert "another key" in run("accounts", "load", "reg", "--corpus", "held", "--key-file", "other", "users", status=2).stderr
    assert "another key" in run("accounts", "list", "held", "--key-file", "other", status=2).stderr


def test_a_stop_leaves_the_old_one(run, corpus, stuffwatch, tmp_path):
    (tmp_path / "users").write_text("ann@example.com\n")
    run("accounts", "load", "reg", "--corpus", "held", "users")
    before = (tmp_path / "reg" / "accounts.reg").read_bytes()
    os.mkfifo(tmp_path / "endless")
    loading = subprocess.Popen([stuffwatch, "accounts", "load", "reg", "--corpus", "held", "endless"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    lines = b"user@example.com\n" * 100_000
    with pytest.raises(BrokenPipeError), open(tmp_path / "endless", "wb", buffering=0) as pipe:
        pipe.write(lines)
        loading.send_signal(signal.SIGINT)
        for _ in range(1000):
            pipe.write(lines)
    assert "the register is as it was" in loading.communicate(timeout=30)[1]
    assert loading.returncode == -signal.SIGINT
    assert (tmp_path / "reg" / "accounts.reg").read_bytes() == before
    assert {file.name for file in (tmp_path / "reg").iterdir()} == {"accounts.reg", "accounts.lock"}


def test_damage_and_another_version_are_named(run, load, tmp_path):
    load("ann@example.com\n")
    register = tmp_path / "reg" / "accounts.reg"
    whole = register.read_bytes()
    for bytes_, status, says in [
        (whole[:100], 1, "cut short"),
        (whole[:-1], 1, "another length"),
        (whole[:8] + b"\x02" + whole[9:], 2, "has version 2"),
        (whole[:-1] + bytes([whole[-1] ^ 1]), 1, "damaged"),
        (b"x" * 300, 1, "no register of accounts"),
    ]:
        register.write_bytes(bytes_)
        said = run("accounts", "list", "reg", status=status).stderr
        assert says in said and "reg/accounts.reg" in said
    register.unlink()
    os.mkfifo(register)
    assert "no register of accounts" in run("accounts", "list", "reg", status=1).stderr, "and it does not wait"
    register.unlink()
    assert "stuffwatch accounts load reg FILE" in run("accounts", "list", "reg", status=2).stderr


def test_a_disk_that_is_full_leaves_the_old_one(run, corpus, tmp_path, stuffwatch):
    (tmp_path / "users").write_text("ann@example.com\n")
    run("accounts", "load", "reg", "--corpus", "held", "users")
    before = (tmp_path / "reg" / "accounts.reg").read_bytes()
    (tmp_path / "users").write_text("".join(f"user{i}@example.com\n" for i in range(1000)))
    # A limit on the size of files is the nearest to a full disk that a test may have.
    full = subprocess.run(
        ["bash", "-c", f"trap '' XFSZ; ulimit -f 8; exec {stuffwatch} accounts load reg --corpus held users"], cwd=tmp_path, capture_output=True, text=True
    )
    assert full.returncode == 1 and "cannot write to reg/accounts.reg.new" in full.stderr
    assert (tmp_path / "reg" / "accounts.reg").read_bytes() == before
    assert not (tmp_path / "reg" / "accounts.reg.new").exists()


def test_a_folder_of_exports_is_one_register(run, corpus, tmp_path):
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "a.csv").write_text("email,class\nann@example.com,staff\n")
    (tmp_path / "exports" / "b.tsv").write_text("id\tclosed_at\tlogin\n1\t2020-01-01\tbob\n2\tsoon\tcay\n")
    (tmp_path / "exports" / "c\x1b[31m.txt").write_text("dee\n" + "x" * 5000)
    loaded = json.loads(run("accounts", "load", "reg", "--corpus", "held", "--json", "exports").stdout)
    assert (loaded["accounts"], loaded["rows"]) == (3, 5)
    assert loaded["invalid"] == {
        "bad_date": {"rows": 1, "first": "exports/b.tsv:3"},
        "too_long": {"rows": 1, "first": "exports/c?[31m.txt:2"},
    }
    found = listed(run)
    assert (found["accounts"], found["open"], found["with_id"]) == (3, 2, 1)


def test_two_at_once_are_told(run, corpus, tmp_path):
    (tmp_path / "users").write_text("ann@example.com\n")
    run("accounts", "load", "reg", "--corpus", "held", "users")
    holder = subprocess.Popen(["flock", "reg/accounts.lock", "sh", "-c", "echo held; read _"], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    assert "another process" in run("accounts", "load", "reg", "--corpus", "held", "users", status=1).stderr
    holder.communicate(b"\n")
    run("accounts", "load", "reg", "--corpus", "held", "users")


def at(days_ago):
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days_ago)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def test_triage_says_how_many_accounts_of_a_dump_are_ours(run, tmp_path):
    """Active, closed, attacked lately and to be checked: each account once, whatever the dump repeats."""
    run("corpus", "init", "corpus")
    (tmp_path / "list.txt").write_text("".join(f"user{i}@example.com\n" for i in range(500)))
    run("corpus", "add", "corpus", "--name", "alpha", "list.txt")
    rows = [f"user{i}@example.com,{'2020-01-01' if i % 10 == 0 else ''}" for i in range(400, 600)]
    (tmp_path / "users.csv").write_text("email,closed_at\n" + "\n".join(rows) + "\n")
    run("accounts", "load", "ours", "--corpus", "corpus", "users.csv")
    (tmp_path / "dump.txt").write_text("".join(f"User{i}@example.com:x\n" for i in [*range(450, 1000), *range(450, 500)]))

    told = json.loads(run("corpus", "triage", "corpus", "--json", "--accounts", "ours", "dump.txt").stdout)
    assert told["site"] == {"in_dump": 150, "active": 135, "closed": 15}
    assert "150 of them are accounts of yours, 135 open" in told["summary"]

    # What the daemon writes: alerts name accounts by the hash that a replay with the same key gives them.
    events = [
        {"time": f"2026-11-01T10:{i // 60:02d}:{i % 60:02d}Z", "account": f"user{500 + i}@example.com", "outcome": "failure", "reason": "unknown_account", "ip": "192.0.2.7"}
        for i in range(60)
    ]
    (tmp_path / "log.ndjson").write_text("".join(json.dumps(e) + "\n" for e in events))
    run("replay", "--corpus", "corpus", "log.ndjson", "--alerts", "alerts.jsonl")
    alerts = [json.loads(line) for line in (tmp_path / "alerts.jsonl").read_text().splitlines()]
    named = set(alerts[-1]["accounts"])
    assert len(named) >= 30
    victim = sorted(named)[0]
    for days_ago, attacked in ((3, len(named)), (40, 0)):
        (tmp_path / "recent.jsonl").write_text("".join(json.dumps({**a, "end_time": at(days_ago)}) + "\n" for a in alerts))
        record = {"schema": "stuffwatch.account/1", "id": f"0123456789abcdef/{victim}", "revision": 1, "account": victim, "time": at(days_ago), "tier": "verify", "state": "open"}
        (tmp_path / "victims.jsonl").write_text(json.dumps(record) + "\n")
        told = json.loads(run("corpus", "triage", "corpus", "--json", "--accounts", "ours", "--alerts", "recent.jsonl", "--alerts", "victims.jsonl", "dump.txt").stdout)
        assert (told["site"]["attacked_30d"], told["site"]["likely_compromised"]) == (attacked, min(attacked, 1))
        text = run("corpus", "triage", "corpus", "--accounts", "ours", "--alerts", "recent.jsonl", "dump.txt").stdout
        assert "Your own accounts in it" in text and "attacked in the last 30 days" in text

    # A register that lies beside the lists is found; one of another key, and files that are no alerts, are errors.
    run("accounts", "load", "corpus", "users.csv")
    assert json.loads(run("corpus", "triage", "corpus", "--json", "dump.txt").stdout)["site"]["in_dump"] == 150
    said = run("corpus", "triage", "corpus", "--alerts", "dump.txt", "dump.txt", status=2).stderr
    assert "dump.txt:1" in said and "User" not in said
    run("corpus", "init", "other")
    run("accounts", "load", "theirs", "--corpus", "other", "users.csv")
    assert "key" in run("corpus", "triage", "corpus", "--accounts", "theirs", "dump.txt", status=2).stderr
