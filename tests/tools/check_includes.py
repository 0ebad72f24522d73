"""Who may include whom, and what may not be written where: check_includes.py [ROOT]. Exit 1 and one line a breach.

The rules are the tables below; architecture is in docs/architecture.md and the reasons are in the messages.
"""

import pathlib
import re
import sys

ROOMS = ("config", "corpus", "detectors", "ingest", "daemon")
FREE = ("tests", "bench")  # may include every room

# What each room may include of ours, besides its own files: patterns of paths.
MAY_INCLUDE = {
    "config": [],
    "corpus": [r"config/"],
    "detectors": [r"config/", r"corpus/list_hit\.h$", r"corpus/account_key\.h$"],
    # Events, and what events are made of; not the detectors, their state or the campaigns.
    "ingest": [r"config/", r"corpus/", r"detectors/(?!detector\.h|finding|registry)[^/]+\.h$"],
    "daemon": [r"config/", r"corpus/", r"ingest/", r"detectors/", r"version\.h$", r"schema_texts\.h$"],
}

# Other people's headers that have one place: (what, pattern of the include, pattern of the files that may, at most so many files).
KEPT_IN = [
    ("yaml-cpp stays in one file of config/", r"yaml-cpp/", r"config/", 1),
    ("librdkafka stays behind the Kafka source and sink", r"librdkafka/",
     r"ingest/kafka_|daemon/sinks/kafka_|daemon/commands/simulate_kafka|daemon/commands/kafka_", None),
    ("Boost.Asio stays in daemon/http, the control socket and the sinks", r"boost/asio", r"daemon/(http|control|sinks)", None),
    ("Boost.Beast compiles slowly: two files of daemon/http and the sinks", r"boost/beast", r"daemon/(http|sinks)/", 2),
    ("logging is the process's business", r"spdlog/", r"daemon/", None),
    ("the command line is the process's business", r"CLI/", r"daemon/(main\.cc|commands/)", None),
    ("metrics are the process's business", r"prometheus/", r"daemon/", None),
    ("simdjson stays with those who read JSON", r"simdjson", r"ingest/|daemon/|corpus/", None),
]

# What the pure core may include that is not ours. The standard library is a word without slash and suffix.
PURE_CORE = {
    # fmt and inet_pton turn values into text and back: no state, no clock, the same text on every machine
    "detectors": [r"[a-z_0-9]+$", r"boost/unordered", r"fmt/(?!chrono|os|color)", r"arpa/inet\.h$"],
    "detectors/state": [r"sys/mman\.h$"],  # huge pages for the big tables
}

# (rooms, pattern, why not)
NOT_WRITTEN = [
    (("config", "corpus", "detectors", "ingest"),
     r"\b(?:system|steady|high_resolution|utc|file)_clock::now\b|\bclock_gettime\b|\bgettimeofday\b|\blocaltime(?:_r)?\b|(?<![\w.>])(?:std::)?time\(\s*(?:nullptr|NULL|0|&\w+)\s*\)",
     "reads a clock; outside daemon/ time is an argument"),
    (("config", "detectors"), r"\bstd::(?:thread|jthread|async)\b", "starts a thread; only corpus/, ingest/ and daemon/ do"),
    (("detectors",), r"\b(?:std::)?random_device\b|\bmt19937(?:_64)?\b|(?<![\w.>])s?rand\(", "draws random numbers; the same events must give the same findings"),
    (ROOMS + FREE, r"\b(?:this_thread::)?sleep_(?:for|until)\(|(?<![\w.>:])u?sleep\(", "sleeps; wait for the thing itself"),
    (ROOMS + FREE, r"\b(?:class|struct|enum(?: class)?)\s+\w*(?:Manager|Utils?|Helper|Data)\b", "is a name that says nothing (Manager, Util, Helper, Data)"),
    (ROOMS + FREE, r"(?i)\b(?:black|white)list", "allowlist, blocklist"),
]
# Inside a function it harms nobody, nor do the literals of std.
NOT_IN_HEADERS = [(r"^using\s+namespace\b(?!\s+std::\w*literals)", "`using namespace` in a header")]
# Time passes on purpose here: back-off between tries of the process.
MAY_SLEEP = r"daemon/"

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
TOKENS = re.compile(r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^(\s]*)\(.*?\)(?P=d)"|"(?:[^"\\\n]|\\.)*"|(?<!\w)\'(?:[^\'\\\n]|\\.)+\'', re.DOTALL)


def without(text, keep_strings):
    """`text` without comments (and strings), every line where it was."""

    def blank(match):
        token = match[0]
        if keep_strings and not token.startswith("/"):
            return token
        return "\n" * token.count("\n") if token.startswith("/") else '""' + "\n" * token.count("\n")

    return TOKENS.sub(blank, text)


def matches(patterns, path):
    return any(re.match(pattern, path) for pattern in patterns)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def ours(included):
    return included in ("version.h", "schema_texts.h") or included.split("/")[0] in ROOMS


def include_breaches(root, path, text, kept):
    room = path.split("/")[0]
    code = without(text, keep_strings=True)
    for match in INCLUDE.finditer(code):
        where, included = f"{path}:{line_of(code, match.start())}", match[2]
        if room in FREE:
            continue
        if ours(included):
            if not included.startswith(room + "/") and not matches(MAY_INCLUDE[room], included):
                yield f"{where}: {room}/ may not include {included}"
            continue
        if "/" not in included and (root / path).parent.joinpath(included).exists():
            yield f'{where}: write the path from the top: "{pathlib.PurePosixPath(path).parent}/{included}"'
            continue
        for index, (what, pattern, home, _) in enumerate(KEPT_IN):
            if re.match(pattern, included):
                kept[index].add(path)
                if not re.match(home, path):
                    yield f"{where}: <{included}>: {what}"
        if room in PURE_CORE:
            allowed = PURE_CORE[room] + (PURE_CORE["detectors/state"] if path.startswith("detectors/state/") else [])
            if not matches(allowed, included):
                yield f"{where}: {room}/ is the pure core: std, fmt, boost/unordered, config/ and two headers of corpus/, not <{included}>"


def text_breaches(path, text):
    room = path.split("/")[0]
    code = without(text, keep_strings=False)
    for rooms, pattern, why in NOT_WRITTEN:
        if room not in rooms or "sleep" in why and re.match(MAY_SLEEP, path):
            continue
        for match in re.finditer(pattern, code):
            yield f"{path}:{line_of(code, match.start())}: `{match[0].strip()}` {why}"
    if path.endswith(".h"):
        for pattern, why in NOT_IN_HEADERS:
            for match in re.finditer(pattern, code, re.MULTILINE):
                yield f"{path}:{line_of(code, match.end())}: {why}"


def sources(root):
    for folder in ROOMS + FREE:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".h", ".cc"):
                yield path.relative_to(root).as_posix(), path.read_text()


def check(root):
    """All breaches below `root`, in the order of the files."""
    kept = {index: set() for index in range(len(KEPT_IN))}
    breaches = []
    for path, text in sources(root):
        breaches += include_breaches(root, path, text, kept)
        breaches += text_breaches(path, text)
    for index, (what, _, _, most) in enumerate(KEPT_IN):
        if most is not None and len(kept[index]) > most:
            breaches.append(f"{', '.join(sorted(kept[index]))}: {what}, not {len(kept[index])}")
    return breaches


if __name__ == "__main__":
    found = check(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "."))
    print("\n".join(found) if found else "include direction and forbidden words: nothing found")
    sys.exit(1 if found else 0)
