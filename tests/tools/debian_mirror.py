"""Prints the Debian mirror that this machine's apt uses for a release: debian_mirror.py CODENAME [FOLDER].

Reads FOLDER/sources.list, FOLDER/sources.list.d/*.list (one line a source) and *.sources (deb822), FOLDER being /etc/apt, and
prints the first URI that offers CODENAME's `main`. Comments and disabled sources are passed over. Exit 1 when there is none.
"""

import pathlib
import re
import sys


def one_line_sources(text):
    """Yields (uri, suite, components) of `deb [options] uri suite component...` lines."""
    for line in text.splitlines():
        line = re.sub(r"\[[^\]]*\]", " ", line.split("#", 1)[0])
        words = line.split()
        if len(words) >= 3 and words[0] in ("deb", "deb-src"):
            yield words[1], words[2], words[3:]


def deb822_sources(text):
    """Yields (uri, suite, components) of the stanzas of a .sources file."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields = {}
        for match in re.finditer(r"^([A-Za-z-]+):((?:.*\n?)(?:[ \t].*\n?)*)", stanza, re.MULTILINE):
            fields[match[1].lower()] = match[2].split()
        if fields.get("enabled", ["yes"])[0].lower() in ("no", "false", "0"):
            continue
        for uri in fields.get("uris", []):
            for suite in fields.get("suites", []):
                yield uri, suite, fields.get("components", [])


def sources(folder):
    for path in [folder / "sources.list", *sorted(folder.glob("sources.list.d/*.list"))]:
        if path.is_file():
            yield from one_line_sources(path.read_text(errors="replace"))
    for path in sorted(folder.glob("sources.list.d/*.sources")):
        yield from deb822_sources(path.read_text(errors="replace"))


def find_mirror(codename, folder):
    for uri, suite, components in sources(folder):
        if suite == codename and "main" in components and "security" not in uri:
            return uri
    return None


if __name__ == "__main__":
    mirror = find_mirror(sys.argv[1], pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "/etc/apt"))
    if mirror is None:
        sys.exit(1)
    print(mirror)
