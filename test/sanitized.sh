#!/bin/sh
# The suite, but for what takes minutes or measures, once more under AddressSanitizer and
# UndefinedBehaviorSanitizer.
[ -n "${MONITORD_LONG:-}" ] || { echo "SKIP: takes minutes: MONITORD_LONG=1"; exit 77; }
set -u
source=$(cd "${MONITORD_SOURCE:?}" && pwd)
mkdir -p "${MONITORD_BUILD:?}/sanitized" && cd "$MONITORD_BUILD/sanitized" || exit 1
unset MAKEFLAGS MFLAGS MAKELEVEL MONITORD_LONG MONITORD_BUILD MONITORD_SOURCE
[ -f Makefile ] || "$source/configure" -q --enable-sanitizers CFLAGS=-O1 || exit 1
make -s -j 2 all >build.log 2>&1 || { tail -n 40 build.log; exit 1; }
make -s -k -j 2 check LONG_TESTS= LONG_SHARED_TESTS= CHAIN_TESTS= SLOW_TESTS= >check.log 2>&1
status=$?
grep -E '^(PASS|FAIL|SKIP|ERROR): ' check.log
[ "$status" -eq 0 ] || cat test-suite.log
grep -q '^PASS: ' check.log || exit 1
exit "$status"
