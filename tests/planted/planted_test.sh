#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Plants errors in the use of arenas' memory, and requires that the tool which the program was built
# for reports each of those that it can see, and that nothing else is reported:
#   asan      use after free, use after reset, overflow
#   msan      these, when what was read matters, and contents that were never written
#   valgrind  all
# In builds for none of them each program must run through. AML_PLANTED_TOOL says which one it must
# be, if any, so that a build cannot lose it silently.
#
# usage: planted_test.sh PROGRAM

set -u

program=$1
scratch=${TEST_TMPDIR:-$(mktemp -d)}
output=$scratch/output

"$program" >"$scratch/cases" || {
  cat "$scratch/cases"
  exit 1
}
read -r _ tool <"$scratch/cases"
if [ "${AML_PLANTED_TOOL:-$tool}" != "$tool" ]; then
  echo "built for the tool $tool, not for $AML_PLANTED_TOOL"
  exit 1
fi

# Prints the report that a tool must make of an error; nothing if it must be silent.
report() {
  case $tool-$1 in
    *-none | none-* | asan-uninitialised) ;;
    asan-*) echo 'AddressSanitizer: use-after-poison' ;;
    msan-*) echo 'MemorySanitizer: use-of-uninitialized-value' ;;
    valgrind-uninitialised) echo 'depends on uninitialised value' ;;
    valgrind-*) echo 'Invalid read of size 1' ;;
  esac
}

run() {
  if [ "$tool" = valgrind ]; then
    valgrind --quiet --error-exitcode=99 "$program" "$@"
  else
    "$program" "$@"
  fi
}

failures=0
count=0
while read -r arena error; do
  run "$arena" "$error" >"$output" 2>&1
  status=$?
  expected=$(report "$error")
  if [ -n "$expected" ]; then
    [ $status -ne 0 ] && grep -q "$expected" "$output"
  else
    [ $status -eq 0 ] && [ "$(cat "$output")" = "ran through" ]
  fi || {
    echo "$arena, $error: expected '${expected:-ran through}', and it was (status $status):"
    head -n 20 "$output"
    failures=$((failures + 1))
  }
  count=$((count + 1))
done < <(tail -n +2 "$scratch/cases")

echo "$count cases, tool $tool, $failures failed"
[ $count -ne 0 ] && [ $failures -eq 0 ]
