"""Files and functions longer than we aim for: length_report.py [ROOT]. Only a report; a well argued exception beats a rule."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from check_includes import sources, without

FILE_LINES, FUNCTION_LINES, DETECTOR_LINES = 500, 60, 200
NOT_A_FUNCTION = re.compile(r"^\s*(?:(?:inline\s+)?namespace|class|struct|enum|union|extern|concept)\b|=\s*$|^\s*$")


def functions(text):
    """(first line, lines, heading) of every function body outside of any other."""
    code = without(text, keep_strings=False)
    code = re.sub(r"^[ \t]*#.*(?:\\\n.*)*", "", code, flags=re.MULTILINE)
    depth, start, function_depth, heading = 0, 0, None, ""
    for match in re.finditer(r"[{};]", code):
        character, position = match[0], match.start()
        if character == "{":
            depth += 1
            text_before = code[start:position]
            template_free = re.sub(r"template\s*<[^{}]*?>\s*(?=class|struct|\w)", "", text_before).strip()
            if function_depth is None and "(" in text_before and not NOT_A_FUNCTION.search(template_free):
                function_depth, heading = depth, " ".join(text_before.split())
                first = code.count("\n", 0, start + len(text_before) - len(text_before.lstrip())) + 1
        elif character == "}":
            if depth == function_depth:
                yield first, code.count("\n", 0, position) + 2 - first, heading
                function_depth = None
            depth -= 1
        start = position + 1


def report(root):
    for path, text in sources(root):
        lines = text.count("\n")
        is_detector = re.fullmatch(r"detectors/[^/]+\.cc", path) is not None
        if lines > (DETECTOR_LINES if is_detector else FILE_LINES):
            yield f"{path}: {lines} lines"
        for first, length, heading in functions(text):
            if length > FUNCTION_LINES:
                yield f"{path}:{first}: {length} lines: {heading[:90]}"


if __name__ == "__main__":
    found = list(report(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
    print("\n".join(f"long: {line}" for line in found) or f"no file above {FILE_LINES} lines, no function above {FUNCTION_LINES}")
