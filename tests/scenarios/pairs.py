"""Golden pairs: <detector>/<case>.jsonl, what `replay` says of it in <case>.expected.jsonl, and its configuration if it has one (<case>.yaml)."""

import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parent
SITE, KEY = "golden", "5a" * 32  # account names are hashed with it, so they are part of what is expected
PRODUCER = re.compile(r'"producer":\{[^{}]*\}')


def pairs(folder=FOLDER):
    """The files of events; what is expected of one: expected_of."""
    return sorted(p for p in folder.glob("*/*.jsonl") if not p.name.endswith(".expected.jsonl"))


def name_of(events):
    return f"{events.parent.name}/{events.stem}"


def expected_of(events):
    return events.with_name(f"{events.stem}.expected.jsonl")


def write_key(folder):
    path = pathlib.Path(folder) / "key"
    path.write_text(KEY + "\n")
    path.chmod(0o400)
    return path


def replay_arguments(events, key, config=None):
    """What every replay of a pair begins with; `config`: instead of the one beside the events."""
    config = config or events.with_suffix(".yaml")
    settings = ["--set", f"site={SITE}", "--set", f"privacy.key_file={key}"]
    return ["replay", "--format", "native", *(["--config", str(config)] if config.exists() else []), *settings, str(events)]


def timeless(alerts):
    """Without who made them: the version and the hash of all settings change with every release, what is detected need not."""
    return PRODUCER.sub('"producer":{}', alerts)


def signed(expected, producer):
    """The other way round: as this program with these settings signs, for `replay --expect`, which compares whole lines."""
    return expected.replace('"producer":{}', producer)
