"""The whole program against its ceiling, side by side in one run: medians of five, CPU seconds per million events.

Run by `./dev bench whole`. STUFFWATCH_BENCH_SCALE (default 1 = 5 million events) makes it smaller. DuckDB's row needs the PyPI package duckdb;
without it the row says so.
"""

import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
BUILD = ROOT / "build" / "release"
RUNS = int(os.environ.get("STUFFWATCH_BENCH_RUNS", "5"))
SCALE = os.environ.get("STUFFWATCH_BENCH_SCALE", "1")

RULE = """
SELECT count(*) FROM (
  SELECT DISTINCT ip, w FROM (
    SELECT ip, account, unnest(generate_series(CAST(floor(epoch(time::TIMESTAMPTZ) / 60) AS BIGINT) - 4, CAST(floor(epoch(time::TIMESTAMPTZ) / 60) AS BIGINT))) AS w
    FROM read_json('{file}', format='newline_delimited', columns={{time: 'VARCHAR', ip: 'VARCHAR', account: 'VARCHAR', outcome: 'VARCHAR'}})
    WHERE outcome = 'failure')
  GROUP BY ip, w HAVING count(DISTINCT account) >= 10)
"""


def once(command):
    """(CPU seconds, wall seconds, peak resident MB) of one run."""
    begin = time.monotonic()
    child = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{command}: exit status {child.returncode}\n{said.decode()[-2000:]}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - begin, usage.ru_maxrss / 1024


def table(title, rows, events):
    """Rows are run in turn, A B C A B C ..., so that a drift of the machine hits all alike. Prints and returns the median CPU of each."""
    measured = {name: [] for name, _ in rows}
    for _ in range(RUNS):
        for name, command in rows:
            measured[name].append(once(command))
    print(f"\n{title}\n{'':38s} {'CPU s/M':>8s} {'events/s':>10s} {'MB':>6s}", flush=True)
    medians = {}
    for name, runs in measured.items():
        cpu, wall, rss = (statistics.median(run[i] for run in runs) for i in range(3))
        medians[name] = cpu, wall
        print(f"{name:38s} {cpu / events * 1e6:8.3f} {events / wall:10,.0f} {rss:6.0f}", flush=True)
    return medians


def replay(source, workers, folder):
    return [BUILD / "stuffwatch", "replay", "--format", "native", "--threads", workers, "--progress", "none", "--alerts", folder / "alerts.jsonl", source]


def duckdb_row(file):
    try:
        import duckdb  # noqa: F401
    except ImportError:
        print("no row for DuckDB: pip install duckdb into the project's environment")
        return []
    program = f"import duckdb; c = duckdb.connect(); c.execute('SET threads = 1'); print(c.execute({RULE.format(file=file)!r}).fetchall())"
    return [("DuckDB, the one rule, 1 thread", [sys.executable, "-c", program])]


def file_table(events_file, events, folder):
    ceiling = BUILD / "bench" / "ceiling"
    rows = [
        ("count lines", [ceiling, "count", events_file]),
        ("parse only", [ceiling, "parse", events_file]),
        ("the whole, 1 worker", replay(events_file, 1, folder)),
        ("the whole, 2 workers", replay(events_file, 2, folder)),
        *duckdb_row(events_file),
    ]
    medians = table("file", rows, events)
    whole, parse = medians["the whole, 1 worker"], medians["parse only"]
    print(f"\nwhole / parse only, CPU: {whole[0] / parse[0]:.2f} (goal: <= 3)")
    print(f"two workers / one, events/s: {whole[1] / medians['the whole, 2 workers'][1]:.2f} (goal: >= 1.6)")


def kafka_table(events_file, events, folder):
    from support.broker import KafkaBroker

    broker = KafkaBroker(heap="512m")
    try:
        topic = broker.create_topic("bench", 4, None)
        producer = broker.producer(**{"compression.type": "lz4", "linger.ms": 50, "queue.buffering.max.messages": 500_000})
        with open(events_file, "rb") as lines:
            for n, line in enumerate(lines):
                while True:
                    try:
                        producer.produce(topic, value=line.rstrip(b"\n"), partition=n // 1000 % 4)
                        break
                    except BufferError:
                        producer.poll(0.5)
                if n % 10_000 == 0:
                    producer.poll(0)
        producer.flush(60)
        ceiling, where = BUILD / "bench" / "ceiling", f"kafka:{broker.bootstrap}/{topic}"
        source = f"kafka:{topic}?brokers={broker.bootstrap}"
        medians = table(
            "Kafka, 4 partitions, lz4",
            [
                ("count messages", [ceiling, "count", where]),
                ("parse only", [ceiling, "parse", where]),
                ("the whole, 1 worker", replay(source, 1, folder)),
                ("the whole, 2 workers", replay(source, 2, folder)),
            ],
            events,
        )
        print(f"\nwhole / parse only, CPU: {medians['the whole, 1 worker'][0] / medians['parse only'][0]:.2f} (goal: <= 1.8)")
    finally:
        broker.stop()


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sw-bench-"))
    try:
        subprocess.run([str(BUILD / "stuffwatch"), "simulate", "--scenario", "bench", "--seed", "1", "--scale", SCALE, "--out", str(folder / "data")], check=True)
        events_file = folder / "data" / "bench" / "events.ndjson"
        with open(events_file, "rb") as lines:
            events = sum(block.count(b"\n") for block in iter(lambda: lines.read(1 << 20), b""))
        print(f"{events:,} events of {events_file.stat().st_size / events:.0f} bytes, {os.cpu_count()} processors, {RUNS} runs")
        file_table(events_file, events, folder)
        kafka_table(events_file, events, folder)
        print(f"\npeak of this program's children: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MB")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
