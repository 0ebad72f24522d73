"""Files from one start of the daemon to the next."""

import gzip

import pytest

LIFE = {"site": "shop", "inputs": [{"name": "logins", "file": "logins"}]}


def logins(first, count):
    return "".join(
        f'{{"time":"2026-03-05T08:{i // 60:02}:{i % 60:02}Z","account":"user{i}","ip":"192.0.2.7","outcome":"success"}}\n'
        for i in range(first, first + count)
    )


@pytest.fixture
def live(daemon):
    """live(bytes of the file): one life of the daemon, to the end of its file; returns (events of all its lives, what it logged)."""
    one = daemon(LIFE, start=False)

    def run(content):
        (one.folder / "logins").write_bytes(content)
        logged = len(one.log())
        one.start(wait_ready=False)
        assert one.wait_exit() == 0, one.tail()
        said = one.log()[logged:]
        return int(said.rpartition("stopped events=")[2]), said

    return run


# Its text begins as it did, so that it is the same file; how long the text is shows only when it has been unpacked.
def test_a_compressed_file_that_is_shorter_than_before_is_read_from_its_start(live):
    begin = logins(0, 60)
    assert len(begin) > 4096
    assert live(gzip.compress((begin + logins(60, 60)).encode()))[0] == 120
    events, said = live(gzip.compress((begin + logins(180, 20)).encode()))
    assert events == 120 + 20, "those that are told again are late"
    assert "it is read from its start" in said


def test_a_line_that_is_being_written_at_a_stop_is_whole_after_it(live):
    text = logins(0, 11).encode()
    events, said = live(text[:-40])
    assert events == 10
    assert "its last line has no end yet" in said
    events, said = live(text + logins(11, 5).encode())
    assert events == 16
    assert "WARNING" not in said
