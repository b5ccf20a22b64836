#!/bin/sh
# Each fuzz target searches for FUZZ_SECONDS (1), from its corpus, where clang and its runtime
# are. The whole of it, as doc/figures.md tells: MONITORD_LONG=1 FUZZ_SECONDS=60 make check
# TESTS=test/fuzz/long.sh
[ -n "${MONITORD_LONG:-}" ] || { echo "SKIP: takes minutes: MONITORD_LONG=1"; exit 77; }
set -u
source=$(cd "${MONITORD_SOURCE:?}" && pwd)
fast=-O1
[ -n "${FUZZ_SECONDS:-}" ] || fast=-O0 # a second is less than what it takes to compile for speed
mkdir -p "${MONITORD_BUILD:?}/fuzzers$fast" && cd "$MONITORD_BUILD/fuzzers$fast" || exit 1
echo 'int LLVMFuzzerTestOneInput(const char *b, unsigned long n) { return b[0] == n; }' >try.c
clang -fsanitize=fuzzer,address try.c -o try 2>/dev/null || {
	echo "SKIP: clang with its runtime (Debian: clang libclang-rt-14-dev) is not there"
	exit 77
}
unset MAKEFLAGS MFLAGS MAKELEVEL
[ -f Makefile ] || "$source/configure" -q CC=clang --enable-fuzzers CFLAGS=$fast >configure.log 2>&1 ||
	{ cat configure.log; exit 1; }
targets=$(cd "$source/test/fuzz/corpus" && for name in *; do echo "test/fuzz/$name"; done)
# shellcheck disable=SC2086
make -s -j 2 $targets >build.log 2>&1 || { tail -n 40 build.log; exit 1; }
# one way through, so that what a change breaks shows; `make fuzz` goes others
FUZZ_SEED=1 "$source/test/fuzz/run" "${FUZZ_SECONDS:-1}"
