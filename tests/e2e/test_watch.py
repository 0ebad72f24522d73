"""The live view on a real (pseudo-)terminal: what it shows, and that it leaves the terminal as it found it."""

import os
import re
import signal

import pytest

from support.ports import free_port
from support.wait import wait_until
from support.watched import Watched

TAKEN, GIVEN_BACK = "\x1b[?1049h\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h\x1b[?1049l"
SIMULATED = {"site": "shop", "inputs": [{"name": "logins", "simulated": True}]}


@pytest.fixture
def watched(stuffwatch, tmp_path):
    """watched(*arguments, **options): a support.watched.Watched that runs stuffwatch; all are ended after the test."""
    started = []

    def start(*arguments, **options):
        started.append(Watched([str(stuffwatch), *map(str, arguments)], tmp_path, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture(autouse=True)
def demo_corpus(run, tmp_path):
    """The lists of the demo, as ./dev run makes them."""
    run("simulate", "--lists", "lists")
    (tmp_path / "run").mkdir()
    run("corpus", "init", "run/demo-corpus")
    for file in sorted((tmp_path / "lists").iterdir()):
        run("corpus", "add", "run/demo-corpus", "--name", file.stem, file)


def local():
    return ["--set", f"http.listen=127.0.0.1:{free_port()}"]


def check_restored(one):
    """What follows the view."""
    assert one.output.count(TAKEN) == one.output.count(GIVEN_BACK) == 1
    assert one.current_modes() == one.modes
    return one.output.split(GIVEN_BACK)[1]


def test_the_attack_of_the_demo_appears(watched, source_root):
    one = watched("run", "--watch", "--config", source_root / "config" / "demo.yaml", *local(), rows=40, columns=120)
    page = one.wait_page(lambda text: re.search(r"^logins +reading", text, re.M) and re.search(r"^success .*[▁-█]", text, re.M))
    assert "full\x1b[0m  stuffwatch " in page[0] and len(page) == 40
    assert "No campaign." in page
    page = one.wait_page(lambda text: re.search(r"credential_stuffing.*^SINK.* INFO    Credential stuffing from ", text, re.M | re.S), 120)
    at = next(i for i, line in enumerate(page) if "credential_stuffing" in line)
    assert page[at + 1].startswith("  Credential stuffing from ")
    assert "of its accounts are in forum2019" in "\n".join(page)
    assert "CAMPAIGNS: " in page[at - 2] and "No campaign." not in page
    one.resize(20, 60)
    page = one.wait_page(lambda text: text.count("\n") == 19, 5)
    assert max(len(re.sub("\x1b\\[[0-9;]*m", "", line)) for line in page) <= 60
    assert "credential_stuffing" in "\n".join(page)
    one.type("q\x03")  # Ctrl-C, as from a keyboard
    assert one.wait_exit() == 0
    after = check_restored(one)
    assert " stopping: " in after and " stopped " in after


def test_no_colours_where_none_are_wanted(watched, source_root):
    one = watched("run", "--watch", "--config", source_root / "config" / "demo.yaml", *local(), environment={"NO_COLOR": "1"})
    one.wait_page(lambda text: text.startswith("full  stuffwatch"))
    os.kill(one.pid, signal.SIGTERM)
    assert one.wait_exit() == 0
    check_restored(one)
    assert not re.search("\x1b\\[[0-9;]*m", one.output)


def test_an_error_is_told_on_the_terminal_that_was_there_before(watched, tmp_path):
    (tmp_path / "logins.log").write_text("no login of any format\n" * 9)
    (tmp_path / "stuffwatch.yaml").write_text("inputs: [{file: logins.log}]\n")
    one = watched("run", "--watch", "--config", "stuffwatch.yaml", *local())
    assert one.wait_exit() == 1
    assert "stuffwatch: logins.log: no known format fits" in check_restored(one)


def test_a_window_that_is_closed_ends_the_daemon(watched, source_root, tmp_path):
    one = watched("run", "--watch", "--config", source_root / "config" / "demo.yaml", *local())
    one.wait_page(lambda text: "INPUT" in text)
    one.hang_up()
    assert one.wait_exit() == 0
    assert list((tmp_path / "run" / "demo" / "checkpoints").iterdir()), "it drained"


@pytest.mark.parametrize("hang", [Watched.stop_reading, Watched.stop_output])
def test_a_terminal_that_hangs_keeps_nobody(watched, source_root, tmp_path, hang):
    one = watched("run", "--watch", "--config", source_root / "config" / "demo.yaml", *local(), rows=200, columns=500)
    one.wait_page(lambda text: "INPUT" in text)
    hang(one)
    os.kill(one.pid, signal.SIGTERM)
    assert one.wait_exit() == 0
    assert list((tmp_path / "run" / "demo" / "checkpoints").iterdir()), "it drained"
    assert one.current_modes() == one.modes


def test_the_log_on_a_terminal_that_hangs_keeps_nobody(watched, source_root, tmp_path):
    one = watched("run", "--config", source_root / "config" / "demo.yaml", *local())
    wait_until(lambda: "detectors warm up" in one.output, 60, lambda: one.output)
    one.stop_output()
    os.kill(one.pid, signal.SIGTERM)
    assert one.wait_exit() == 0
    assert list((tmp_path / "run" / "demo" / "checkpoints").iterdir()), "it drained"


def test_a_terminal_that_cannot_be_drawn_on_is_refused(watched, source_root):
    one = watched("run", "--watch", "--config", source_root / "config" / "demo.yaml", environment={"TERM": "dumb"})
    assert one.wait_exit() == 2
    assert "set TERM" in one.output and "\x1b" not in one.output


def test_a_running_daemon_can_be_watched_from_elsewhere(watched, daemon):
    running = daemon(SIMULATED)
    one = watched("status", "--watch", "--url", running.url)
    one.wait_page(lambda text: re.search(r"^logins +reading", text, re.M) and "site shop" in text)
    running.kill()
    one.wait_page(lambda text: "blind" in text and "no daemon answers" in text)
    running.start()
    one.wait_page(lambda text: "site shop" in text)
    one.type("\x03")
    assert one.wait_exit() == 0
    check_restored(one)
    assert running.terminate() == 0
