# shellcheck shell=bash
# ./dev check and ./dev docs: what a compiler and the tests do not see. Sourced by ./dev.

readonly CLANG_FORMAT=clang-format-19 CLANG_TIDY=clang-tidy-19

# Files that are printed by the program itself, so that they cannot differ from it: file|arguments of stuffwatch
readonly GENERATED=(
  'config/stuffwatch.yaml|config print --reference'
  'docs/config.md|config print --markdown'
  'docs/metrics.md|schema metrics --markdown'
)

run_checks() { # preset
  local preset=$1 name status passed=0 failed=0
  mkdir -p "$RESULTS"
  ensure_packages check
  git rev-parse --is-inside-work-tree > /dev/null || die "the checks look at what git tracks: this is not a clone"
  for name in build format includes libm tidy generated lengths; do
    say "Check $name"
    set +e # and on again inside: set -e does not hold where a status is looked at
    ( set -e; "check_$name" "$preset" )
    status=$?
    set -e
    if [ $status = 0 ]; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
      echo "FAILED: $name" >&2
    fi
  done
  echo "$passed $failed 0" > "$RESULTS/check.count"
  echo "check: $passed passed, $failed failed"
  [ $failed = 0 ]
}

check_build() { build "$1"; }

check_format() {
  local file status=0
  while read -r file; do
    "$CLANG_FORMAT" "$file" | cmp -s - "$file" || { echo "$file is not formatted"; status=1; }
  done < <(git ls-files '*.h' '*.cc')
  [ $status = 0 ] || echo "remedy: ./dev format"
  return $status
}

check_includes() { python3 tests/tools/check_includes.py .; }

check_libm() { python3 tests/tools/check_libm.py "build/$1/libsw_detectors.a"; }

check_lengths() { python3 tests/tools/length_report.py . || true; } # a report, not a verdict

# The commit that "changed" is measured from: $SW_BASE, where this branch left origin/main, or the commit before.
change_base() {
  local base
  if [ -n "${SW_BASE:-}" ]; then echo "$SW_BASE"; return; fi
  base=$(git merge-base HEAD origin/main 2>/dev/null || true)
  if [ -n "$base" ] && [ "$base" != "$(git rev-parse HEAD)" ]; then echo "$base"; return; fi
  git rev-parse -q --verify HEAD~1 || git hash-object -t tree /dev/null # the empty tree
}

check_tidy() { # preset; SW_TIDY_MAX files at most, and it says which it left out
  local changed files=() file limit=${SW_TIDY_MAX:-24}
  changed=$(git diff --name-only --diff-filter=d "$(change_base)" -- '*.cc') || return 1
  while read -r file; do
    [ -z "$file" ] || ! grep -qF "\"$ROOT/$file\"" "build/$1/compile_commands.json" || files+=("$file")
  done <<< "$changed"
  if [ ${#files[@]} -gt "$limit" ]; then
    warn "${#files[@]} files changed; clang-tidy looks at the first $limit (SW_TIDY_MAX=999 for all); left out: ${files[*]:$limit}"
    files=("${files[@]:0:$limit}")
  fi
  [ ${#files[@]} -gt 0 ] || { echo "no source changed"; return 0; }
  echo "${#files[@]} files"
  printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 1 "$CLANG_TIDY" -p "build/$1" --quiet --warnings-as-errors='*' \
    --extra-arg=-Wno-unknown-warning-option 2> >(grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header-filter' >&2)
}

check_generated() { # preset
  local entry file status=0
  for entry in "${GENERATED[@]}"; do
    file=${entry%%|*}
    if [ ! -e "$file" ]; then
      echo "$file is missing"
      status=1
    elif ! diff -u --label "$file" --label "stuffwatch ${entry#*|}" "$file" <(print_generated "$1" "$entry"); then
      status=1
    fi
  done
  [ $status = 0 ] || echo "remedy: ./dev docs"
  return $status
}

print_generated() { # preset entry
  # shellcheck disable=SC2086 # the arguments are words
  "build/$1/stuffwatch" ${2#*|}
}

write_generated() { # preset
  local entry file
  build "$1" stuffwatch
  for entry in "${GENERATED[@]}"; do
    file=${entry%%|*}
    print_generated "$1" "$entry" > "$file.new" || { rm -f "$file.new"; die "stuffwatch ${entry#*|} failed"; }
    mv "$file.new" "$file"
    say "$file"
  done
}
