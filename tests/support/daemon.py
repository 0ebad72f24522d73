"""`stuffwatch run` as a child process: start, wait, read what it says, hurt it, start it again."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request

from support.ports import free_port
from support.wait import wait_until

_METRIC = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def read_json_lines(path):
    """The complete lines of a JSONL file; what follows the last line end is still being written. No file: no lines."""
    try:
        content = pathlib.Path(path).read_bytes()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines() if line.strip()]


def merged(base, extra):
    """`extra` over `base`; mappings are merged key by key, everything else is replaced."""
    result = dict(base)
    for key, value in extra.items():
        result[key] = merged(result[key], value) if isinstance(value, dict) and isinstance(result.get(key), dict) else value
    return result


class Daemon:
    """One `stuffwatch run` in its own folder.

    `config` is a mapping, written as the configuration file; http.listen (a free port), state.path and a JSONL sink to
    `alerts.jsonl` are filled in where it says nothing. Relative paths in it are relative to `folder`, the working directory.
    The configuration and the folder outlive the process: `kill()` then `start()` is a crash and a restart.
    """

    def __init__(self, binary, config, folder=None, arguments=(), environment=None):
        self.binary = pathlib.Path(binary)
        self._owns_folder = folder is None
        # short, because the control socket's path has a limit of 107 bytes
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="sw-run-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.arguments = list(arguments)
        self.environment = {**os.environ, **(environment or {})}
        self.config = merged(
            {
                "http": {"listen": f"127.0.0.1:{free_port()}"},
                "state": {"path": str(self.folder / "state")},
                "sinks": [{"type": "jsonl", "path": str(self.folder / "alerts.jsonl")}],
            },
            config,
        )
        self.config_file = self.folder / "stuffwatch.yaml"
        self.log_file = self.folder / "daemon.log"
        self.process = None
        self.write_config()

    # --- life ---

    def write_config(self, **changes):
        """Writes the file again, with `changes` merged in (JSON is YAML); `reload()` makes a running daemon read it."""
        self.config = merged(self.config, changes)
        self.config_file.write_text(json.dumps(self.config, indent=2) + "\n")

    def start(self, wait_ready=True, timeout=60.0):
        assert not self.running, "already running"
        command = [str(self.binary), "run", "--config", str(self.config_file), *self.arguments]
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        if wait_ready:
            self.wait_ready(timeout)
        return self

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self):
        self.signal(signal.SIGHUP)

    def wait_exit(self, timeout=30.0):
        """The exit status; negative for the signal that ended it."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {timeout} s\n{self.tail()}") from None

    def terminate(self, timeout=30.0):
        """SIGTERM, which drains; returns the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait_exit(timeout)

    def kill(self):
        """SIGKILL: nothing is flushed, nothing is said."""
        self.process.kill()
        self.process.wait(30)

    def restart(self, wait_ready=True, timeout=60.0):
        """Drains and starts again."""
        status = self.terminate()
        assert status == 0, f"exit status {status}\n{self.tail()}"
        return self.start(wait_ready, timeout)

    def close(self):
        """For the fixture: ends the process whatever its state, and removes the folder if it made it."""
        if self.running:
            self.process.send_signal(signal.SIGCONT)  # a stopped one would not take the next
            self.process.kill()
            self.process.wait(30)
        if self._owns_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- what it says over HTTP ---

    @property
    def url(self):
        return f"http://{self.config['http']['listen']}"

    def get(self, path, timeout=5.0):
        """(status, body text) of a GET; (0, reason) when nobody answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def ready(self):
        return self.get("/readyz")[0] == 200

    def wait_ready(self, timeout=60.0):
        def look():
            assert self.running, f"ended with status {self.process.poll()} before it was ready\n{self.tail()}"
            return self.ready()

        wait_until(look, timeout, lambda: f"/readyz answers {self.get('/readyz')}\n{self.tail()}")

    def metrics(self):
        """{(name, frozenset of (label, value)): number} of /metrics"""
        status, body = self.get("/metrics")
        assert status == 200, (status, body)
        result = {}
        for line in body.splitlines():
            match = _METRIC.match(line)
            if match and not line.startswith("#"):
                result[match[1], frozenset(_LABEL.findall(match[2] or ""))] = float(match[3])
        return result

    def metric(self, name, **labels):
        """The sum over all series of `name` that carry these labels; None when there is no such series."""
        wanted = set(labels.items())
        found = [value for (series, has), value in self.metrics().items() if series == name and wanted <= has]
        return sum(found) if found else None

    def wait_metric(self, name, condition, timeout=30.0, **labels):
        """Waits until `condition(value)` holds and returns the value."""

        def look():
            value = self.metric(name, **labels)
            return (value,) if value is not None and condition(value) else None

        return wait_until(look, timeout, lambda: f"{name}{labels or ''} is {self.metric(name, **labels)}\n{self.tail()}")[0]

    # --- what it writes ---

    def alerts(self, path=None):
        """Every revision written so far, in order."""
        return read_json_lines(path or self.folder / "alerts.jsonl")

    def wait_alerts(self, condition=bool, timeout=60.0):
        """Waits until `condition(list of revisions)` is true, by default until there is one; returns the list."""

        def look():
            alerts = self.alerts()
            return (alerts,) if condition(alerts) else None

        return wait_until(look, timeout, lambda: f"{len(self.alerts())} alert revisions\n{self.tail()}")[0]

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def wait_log(self, text, timeout=30.0):
        wait_until(lambda: text in self.log(), timeout, lambda: f"{text!r} in the log\n{self.tail()}")

    def tail(self, lines=30):
        return "--- last lines of its log ---\n" + "\n".join(self.log().splitlines()[-lines:])

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024
