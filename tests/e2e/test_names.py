"""One canonical form for list lines and logins, held against RFC 8265 (UsernameCaseMapped) by an implementation that is not ours: what that takes as one name must
be one name here, on both sides, or a login of a listed account would be missed. The other way round it may be stricter: this form also folds what looks the same
to a person who types (German sharp s, ligatures, the final sigma)."""

import json
import sys
import unicodedata

import precis_i18n
import pytest

PROFILE = precis_i18n.get_profile("UsernameCaseMapped")


def mapped(name):
    """The name as RFC 8265 maps it; None for what it allows nobody to be called."""
    try:
        return PROFILE.enforce(name)
    except UnicodeEncodeError:
        return None


def spellings():
    """(as typed, as RFC 8265 maps it): every character that may be in a name, between letters of its own direction, as it is and decomposed."""
    found = []
    for code in range(0x21, sys.maxunicode + 1):
        char = chr(code)
        if unicodedata.category(char)[0] in "CZ" or unicodedata.bidirectional(char) in ("R", "AL", "AN"):
            continue
        for typed in (f"a{char}b", unicodedata.normalize("NFD", f"a{char}b")):
            known = mapped(typed)
            if known is not None and not set(known) & set(":;,|"):  # of a list's line these part the name from the rest
                found.append((typed, known))
    return found


@pytest.fixture(scope="module")
def names():
    found = spellings()
    assert len(found) > 100_000 and sum(typed != known for typed, known in found) > 2_000
    return found


@pytest.mark.parametrize("domain", ["", "@example.com"])
def test_what_rfc_8265_takes_as_one_name_is_one_here(run, tmp_path, names, domain):
    """A list of the mapped names; asked for as they are typed."""
    differing = [(typed + domain, known + domain) for typed, known in names if typed != known]
    known = sorted({each for _, each in differing})
    (tmp_path / "list.txt").write_text("".join(f"{name}\n" for name in known))
    run("corpus", "init", "corpus")
    run("corpus", "add", "corpus", "--name", "mapped", "--format", "user", "list.txt")

    def lines_of(asked):
        told = run("corpus", "check", "corpus", "--json", "-", input="".join(f"{name}\n" for name in asked)).stdout.splitlines()
        assert len(told) == len(asked)
        return [[hit["line"] for hit in json.loads(line)["lists"]] for line in told]

    typed_lines, known_lines = lines_of([typed for typed, _ in differing]), lines_of([each for _, each in differing])
    missed = [(pair, a, b) for pair, a, b in zip(differing, typed_lines, known_lines) if not a or a != b]
    assert missed == []


def test_a_login_as_it_is_typed_is_found_in_a_list_as_it_is_mapped(run, tmp_path, names):
    """The same through decoder and pipeline: every account of the attack is in the list."""
    differing = [pair for pair in names if pair[0] != pair[1]]
    some = differing[:: max(1, len(differing) // 300)]
    (tmp_path / "list.txt").write_text("".join(f"{known}@example.com\n" for _, known in some))
    run("corpus", "init", "corpus")
    run("corpus", "add", "corpus", "--name", "mapped", "--format", "email", "list.txt")
    events = [
        {"time": 1_790_000_000_000 + i * 1000, "account": f"{typed}@EXAMPLE.com", "outcome": "failure", "reason": "unknown_account", "ip": "192.0.2.7"}
        for i, (typed, _) in enumerate(some)
    ]
    (tmp_path / "log.ndjson").write_text("".join(json.dumps(e, ensure_ascii=i % 2 == 0) + "\n" for i, e in enumerate(events)))
    run("replay", "--corpus", "corpus", "--format", "native", "log.ndjson", "--alerts", "alerts.jsonl", "--set", "campaign.doubled_min=1", "--set", "campaign.cool_down=1s")
    last = json.loads((tmp_path / "alerts.jsonl").read_text().splitlines()[-1])
    assert last["counts"]["looked_up"] > 100
    assert [(each["name"], each["share"]) for each in last["lists"]] == [("mapped", 1)]
