#!/usr/bin/env bash
# fuzz_one.sh PROGRAM SECONDS: one libFuzzer target for so long, on what it found before plus the seeds of tests/fuzz/corpus.
# Its log and exit status go to build/fuzz/logs; one line is printed, and the log as well when it failed.
set -euo pipefail
program=$1 seconds=$2 name=$(basename "$1") logs=build/fuzz/logs
corpus=build/fuzz/corpus/$name seeds=tests/fuzz/corpus/${name%_fuzz}
mkdir -p "$corpus" "$logs"
folders=("$corpus")
[ ! -d "$seeds" ] || folders+=("$seeds")
dictionary=()
[ ! -e "tests/fuzz/${name%_fuzz}.dict" ] || dictionary=(-dict="tests/fuzz/${name%_fuzz}.dict")
status=0
UBSAN_OPTIONS=print_stacktrace=1 timeout -k 5 $((seconds + 120)) "$program" -max_total_time="$seconds" -timeout=10 \
  -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="build/fuzz/artifacts/$name-" "${dictionary[@]}" "${folders[@]}" \
  > "$logs/$name.log" 2>&1 < /dev/null || status=$?
echo $status > "$logs/$name.status"
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$logs/$name.log")
if [ $status = 0 ]; then
  printf '%-28s ok      %9s runs, %5s inputs kept\n' "$name" "${runs:-0}" "$(find "$corpus" -type f | wc -l)"
else
  printf '%-28s FAILED  exit status %s; run again: %s %s\n' "$name" "$status" "$program" \
    "$(sed -n 's/.*Test unit written to //p' "$logs/$name.log" | tail -1)"
  tail -60 "$logs/$name.log"
fi
exit $status
