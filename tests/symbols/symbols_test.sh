#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Links the archives given into one shared object, whole, and looks at the names:
#   exported by the shared object: aml_…, and not aml_internal_…
#   global in an archive: aml_… too, since a static link has no other protection of a user's names;
#   and what is not aml_internal_… is exported, or a shared library would lack it
# Planted libraries show that each can fail.

set -u

CC=${CC:-cc}
scratch=${TEST_TMPDIR:-$(mktemp -d)}

# Leaves out what the linker and sanitizers add.
ours() {
  grep -vE '^(__bss_start|_edata|_end|_init|_fini|\.L.*)$' |
    grep -vE '^__(start_|stop_)?_*(asan|odr_asan|tsan|ubsan|sancov|gcov|llvm)'
}

# Prints the names that a shared object of the archives given exports.
exported() {
  "$CC" -shared -nostdlib -o "$scratch/lib.so" \
    -Wl,--whole-archive "$@" -Wl,--no-whole-archive -lgcc || return
  nm --dynamic --defined-only --format=posix "$scratch/lib.so" 2>/dev/null | cut -d' ' -f1 | ours
}

# Prints the global names of the archives given: hidden ones as well.
global() {
  nm --extern-only --defined-only --format=posix "$@" 2>/dev/null | grep -v ':$' | cut -d' ' -f1 |
    grep . | ours
}

# Says what is wrong with the archives given.
faults() {
  local name
  for name in $(exported "$@" | grep -v '^aml_'; exported "$@" | grep '^aml_internal_'); do
    echo "exported: $name"
  done
  for name in $(global "$@" | grep -v '^aml_'); do
    echo "global: $name"
  done
  for name in $(global "$@" | grep '^aml_' | grep -v '^aml_internal_' |
    grep -vxF "$(exported "$@")"); do
    echo "hidden: $name"
  done
}

# Makes an archive of one source line.
planted() {
  echo "$2" | "$CC" -x c -fPIC -c -o "$scratch/$1.o" - && ar rc "$scratch/$1.a" "$scratch/$1.o" &&
    echo "$scratch/$1.a"
}

# expect FAULTS ARCHIVE: exits unless these are the archive's faults.
expect() {
  local found
  found=$(faults "$2" | tr '\n' ';')
  if [ "$found" != "$1" ]; then
    echo "planted: expected '$1', found '$found'"
    exit 1
  fi
}

hidden='__attribute__((visibility("hidden")))'
expect '' "$(planted good "void aml_f(void) {} $hidden void aml_internal_f(void) {}")"
expect 'exported: stray;global: stray;' "$(planted stray 'void stray(void) {}')"
expect 'exported: aml_internal_f;' "$(planted internal 'void aml_internal_f(void) {}')"
expect 'global: collides;' "$(planted collides "$hidden void collides(void) {}")"
expect 'hidden: aml_h;' "$(planted hidden "void aml_f(void) {} $hidden void aml_h(void) {}")"

count=$(exported "$@" | wc -l)
if [ "$count" -eq 0 ]; then
  echo "nothing is exported from: $*"
  exit 1
fi
found=$(faults "$@")
if [ -n "$found" ]; then
  echo "$found"
  exit 1
fi
echo "$count names exported from $# archives"
