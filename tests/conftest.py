"""What every pytest suite here can ask for."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def source_root():
    """The top of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def stuffwatch():
    """The binary under test: $STUFFWATCH, else what `./dev build release` leaves."""
    path = pathlib.Path(os.environ.get("STUFFWATCH", ROOT / "build" / "release" / "stuffwatch")).resolve()
    if not path.exists():
        pytest.fail(f"no binary at {path}: run ./dev build release, or set STUFFWATCH", pytrace=False)
    return path


@pytest.fixture
def run(stuffwatch, tmp_path):
    """run(*arguments, input=None, status=0): a subcommand in a fresh folder; fails unless its exit status is `status`.

    The answer has .stdout and .stderr as text; status=None accepts any and leaves it to the test (.returncode).
    """

    def run_command(*arguments, input=None, status=0, timeout=120, env=None):
        done = subprocess.run(
            [str(stuffwatch), *map(str, arguments)],
            cwd=tmp_path,
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, **(env or {})},
        )
        if status is not None and done.returncode != status:
            shown = " ".join(map(str, arguments))
            pytest.fail(f"stuffwatch {shown}: exit status {done.returncode}, not {status}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        return done

    return run_command
