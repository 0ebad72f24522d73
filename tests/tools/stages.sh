# shellcheck shell=bash
# The stages of ./dev test: each runs whatever the ones before it gave, its output goes to the terminal and to
# build/results/<stage>.log, its verdicts to a JUnit file beside it. Sourced by ./dev.

STAGES=() # "name status seconds"

start_results() {
  mkdir -p "$RESULTS"
  find "$RESULTS" -mindepth 1 ! -name 'check.*' -delete
}

stage() { # name command...
  local name=$1 begin=$SECONDS status=0
  shift
  say "Stage $name"
  set +e # and on again inside: the stages that follow run whatever this one gives
  ( set -e; STAGE=$name "$@" ) 2>&1 | tee "$RESULTS/$name.log"
  status=${PIPESTATUS[0]}
  set -e
  [ "$status" = 0 ] || echo "$status" > "$RESULTS/$name.status"
  STAGES+=("$name $status $((SECONDS - begin))")
}

# The end of ./dev test: a table, then each runner's own closing line once more, then the sum of them all.
finish_results() {
  local entry name status seconds failed=0
  echo
  printf '%-16s %-8s %7s\n' stage result seconds
  for entry in "${STAGES[@]}"; do
    read -r name status seconds <<< "$entry"
    [ "$status" = 0 ] || failed=1
    printf '%-16s %-8s %7s\n' "$name" "$([ "$status" = 0 ] && echo ok || echo "FAILED")" "$seconds"
  done
  echo
  for entry in "${STAGES[@]}"; do closing_line "${entry%% *}"; done
  python3 tests/tools/tally.py "$RESULTS" --except check
  return $failed
}

closing_line() { # stage: what its runner said last, if it came that far
  grep -aE '^[0-9]+% tests passed|^No tests were found|^=+ .*(passed|failed|error|no tests ran|deselected).* =+$|^fuzz: [0-9]+ passed' "$RESULTS/$1.log" | tail -1 || true
}

build_for_tests() {
  ensure_packages build python kafka
  ensure_librdkafka
  ensure_venv
  ensure_kafka
  build release
}

ctest_of() { # preset ctest-options...
  local preset=$1
  shift
  ctest --test-dir "build/$preset" --output-on-failure --timeout 300 -j"$(nproc)" --output-junit "$RESULTS/$STAGE.xml" "$@"
}

pytest_of() { # pytest-options...; exit 5 means that the filter left no test
  local suites=() folder status=0
  for folder in tools scenarios real_logs e2e; do
    [ -z "$(find "tests/$folder" -name 'test_*.py' -print -quit 2>/dev/null)" ] || suites+=("tests/$folder")
  done
  "$VENV/bin/python" -m pytest -c tests/pytest.ini --junitxml="$RESULTS/$STAGE.xml" "$@" "${suites[@]}" || status=$?
  if [ $status = 5 ] && [ $# -gt 0 ]; then
    status=0
    grep -aq '<testcase' "$RESULTS/release-unit.xml" || { warn "no test matches"; status=1; }
  fi
  return $status
}

asan_tests() {
  build asan
  ctest_of asan --no-tests=error
}

tsan_tests() { # what has threads of ours: pipeline, sinks, HTTP (tests/CMakeLists.txt)
  build tsan daemon_tests
  ctest_of tsan --no-tests=error -R '^daemon\.'
}

# Every fuzz target in turn, as many at once as there are processors; a crash leaves its input in build/fuzz/artifacts.
run_fuzzers() { # seconds in all
  build fuzz fuzz_targets
  local targets=() program each passed=0 failed=0
  for program in build/fuzz/tests/fuzz/*_fuzz; do [ ! -x "$program" ] || targets+=("$program"); done
  if [ ${#targets[@]} = 0 ]; then
    say "There is no fuzz target yet (tests/fuzz/*_fuzz.cc)"
    return 0
  fi
  each=$(($1 * $(nproc) / ${#targets[@]}))
  [ $each -ge 1 ] || each=1
  mkdir -p build/fuzz/artifacts build/fuzz/logs
  say "Fuzzing ${#targets[@]} targets, $each s each"
  printf '%s\n' "${targets[@]}" | ROOT=$ROOT xargs -P "$(nproc)" -I{} tests/tools/fuzz_one.sh {} "$each" || true
  for program in "${targets[@]}"; do
    program=$(basename "$program")
    if [ "$(cat "build/fuzz/logs/$program.status")" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  done
  mkdir -p "$RESULTS"
  echo "$passed $failed 0" > "$RESULTS/fuzz.count"
  echo "fuzz: $passed passed, $failed failed"
  [ $failed = 0 ]
}
