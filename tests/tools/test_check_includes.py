"""Each rule of check_includes.py, broken once and kept once."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import check_includes


def breaches(tmp_path, **files):
    """What the check says about a tree of these files; `__` in a name stands for the slash, a trailing _h or _cc for the suffix."""
    for name, text in files.items():
        stem, _, suffix = name.rpartition("_")
        path = tmp_path / f"{stem.replace('__', '/')}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return check_includes.check(tmp_path)


def including(header, angle=False):
    return f"#include <{header}>\n" if angle else f'#include "{header}"\n'


@pytest.mark.parametrize(
    "file, header",
    [
        ("config__a_h", "corpus/account_key.h"),
        ("config__a_h", "version.h"),
        ("corpus__a_cc", "detectors/event.h"),
        ("corpus__a_cc", "ingest/source.h"),
        ("detectors__a_cc", "corpus/segment.h"),
        ("detectors__state__a_cc", "ingest/source.h"),
        ("ingest__a_cc", "daemon/metrics.h"),
        ("ingest__a_cc", "detectors/detector.h"),
        ("ingest__a_cc", "detectors/campaigns/alert.h"),
        ("ingest__a_cc", "detectors/state/keyed_slab.h"),
    ],
)
def test_an_include_against_the_direction(tmp_path, file, header):
    (breach,) = breaches(tmp_path, **{file: including(header)})
    assert header in breach and ":1: " in breach


@pytest.mark.parametrize(
    "file, header",
    [
        ("config__a_cc", "config/result.h"),
        ("corpus__a_cc", "config/result.h"),
        ("detectors__a_cc", "detectors/state/keyed_slab.h"),
        ("detectors__a_cc", "corpus/list_hit.h"),
        ("detectors__a_cc", "corpus/account_key.h"),
        ("ingest__a_cc", "detectors/event.h"),
        ("ingest__a_cc", "corpus/segment.h"),
        ("daemon__pipeline__a_cc", "detectors/campaigns/alert.h"),
        ("daemon__main_cc", "version.h"),
        ("tests__config__a_cc", "daemon/metrics.h"),
    ],
)
def test_an_include_along_the_direction(tmp_path, file, header):
    assert breaches(tmp_path, **{file: including(header)}) == []


@pytest.mark.parametrize(
    "file, header",
    [
        ("daemon__a_cc", "yaml-cpp/yaml.h"),
        ("ingest__file_source_cc", "librdkafka/rdkafka.h"),
        ("daemon__pipeline__a_cc", "boost/asio.hpp"),
        ("daemon__pipeline__a_cc", "boost/beast/http.hpp"),
        ("ingest__a_cc", "spdlog/spdlog.h"),
        ("daemon__pipeline__a_cc", "CLI/CLI.hpp"),
        ("ingest__a_cc", "prometheus/counter.h"),
        ("config__a_cc", "simdjson.h"),
        ("detectors__a_cc", "simdjson.h"),
        ("detectors__a_cc", "xxhash.h"),
        ("detectors__a_cc", "boost/asio.hpp"),
        ("detectors__a_cc", "sys/mman.h"),
        ("detectors__a_cc", "fmt/chrono.h"),
    ],
)
def test_a_library_outside_of_its_place(tmp_path, file, header):
    found = breaches(tmp_path, **{file: including(header, angle=True)})
    assert found and all(header in breach for breach in found)


@pytest.mark.parametrize(
    "file, header",
    [
        ("config__a_cc", "yaml-cpp/yaml.h"),
        ("ingest__kafka_source_cc", "librdkafka/rdkafka.h"),
        ("daemon__sinks__kafka_sink_cc", "librdkafka/rdkafka.h"),
        ("daemon__http__server_cc", "boost/beast/http.hpp"),
        ("daemon__control__server_cc", "boost/asio.hpp"),
        ("daemon__commands__run_cc", "CLI/CLI.hpp"),
        ("detectors__a_cc", "cstdint"),
        ("detectors__a_cc", "boost/unordered/unordered_flat_map.hpp"),
        ("detectors__state__a_cc", "sys/mman.h"),
    ],
)
def test_a_library_in_its_place(tmp_path, file, header):
    assert breaches(tmp_path, **{file: including(header, angle=True)}) == []


def test_yaml_cpp_in_two_files(tmp_path):
    text = including("yaml-cpp/yaml.h", angle=True)
    (breach,) = breaches(tmp_path, config__a_cc=text, config__b_cc=text)
    assert "config/a.cc, config/b.cc" in breach


def test_an_include_relative_to_its_own_folder(tmp_path):
    (breach,) = breaches(tmp_path, config__a_cc=including("b.h"), config__b_h="")
    assert 'write the path from the top: "config/b.h"' in breach


@pytest.mark.parametrize(
    "file, line",
    [
        ("ingest__a_cc", "auto t = std::chrono::system_clock::now();"),
        ("detectors__a_cc", "auto t = steady_clock::now();"),
        ("corpus__a_cc", "auto t = std::time(nullptr);"),
        ("config__a_cc", "clock_gettime(CLOCK_REALTIME, &t);"),
        ("detectors__a_cc", "std::mt19937_64 random(1);"),
        ("detectors__a_cc", "std::jthread worker;"),
        ("tests__a_cc", "std::this_thread::sleep_for(1s);"),
        ("ingest__a_cc", "class SourceManager {};"),
        ("daemon__a_cc", "struct EventData {};"),
        ("daemon__a_cc", "int whitelist = 0;"),
        ("config__a_h", "using namespace std;"),
    ],
)
def test_what_may_not_be_written(tmp_path, file, line):
    (breach,) = breaches(tmp_path, **{file: "\n\n" + line + "\n"})
    assert ":3: " in breach


@pytest.mark.parametrize(
    "file, line",
    [
        ("daemon__a_cc", "auto t = std::chrono::system_clock::now();"),
        ("daemon__a_cc", "std::this_thread::sleep_for(backoff);"),
        ("ingest__a_cc", "// no system_clock::now() here"),
        ("ingest__a_cc", "/* a\n steady_clock::now()\n*/"),
        ("ingest__a_cc", 'auto s = "time(nullptr)"; auto c = \'"\'; auto t = "steady_clock::now()";'),
        ("ingest__a_cc", 'auto s = R"(a " time(nullptr))";'),
        ("ingest__a_cc", "auto t = record.time(0); auto u = arrival_time(nullptr);"),
        ("config__a_cc", "using namespace std::chrono_literals;"),
        ("config__a_h", "void f() {\n  using namespace fmt;\n}"),
        ("config__a_h", "using namespace std::chrono_literals;"),
        ("corpus__a_cc", "struct DataBlock {}; class Database {};"),
    ],
)
def test_what_looks_like_it_and_is_not(tmp_path, file, line):
    assert breaches(tmp_path, **{file: line + "\n"}) == []


def test_an_include_in_a_comment(tmp_path):
    assert breaches(tmp_path, config__a_cc='// #include "daemon/metrics.h"\n') == []
