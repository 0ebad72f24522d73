#!/usr/bin/env python3
"""Writes the events of all golden pairs and what a binary says of them: refresh.py build/release/stuffwatch. Then read the difference."""

import pathlib
import subprocess
import sys
import tempfile

import generate
import pairs


def main(binary):
    generate.main(pairs.FOLDER)
    with tempfile.TemporaryDirectory() as folder:
        key, alerts = pairs.write_key(folder), pathlib.Path(folder) / "alerts.jsonl"
        for events in pairs.pairs():
            command = [binary, *pairs.replay_arguments(events, key), "--alerts", str(alerts)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            text = pairs.timeless(alerts.read_text())
            pairs.expected_of(events).write_text(text)
            print(f"{pairs.name_of(events)}: {text.count(chr(10))} alerts")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
