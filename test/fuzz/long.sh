#!/bin/sh
# Each fuzz target searches for FUZZ_SECONDS, from its corpus, where clang and its runtime are:
# FUZZ_SECONDS=60 make check TESTS=test/fuzz/long.sh. What was ever found, and all of the corpus, is
# tried by corpus.sh each time.
[ -n "${FUZZ_SECONDS:-}" ] || { echo "SKIP: takes minutes: FUZZ_SECONDS=60"; exit 77; }
set -u
source=$(cd "${MONITORD_SOURCE:?}" && pwd)
mkdir -p "${MONITORD_BUILD:?}/fuzzers" && cd "$MONITORD_BUILD/fuzzers" || exit 1
echo 'int LLVMFuzzerTestOneInput(const char *b, unsigned long n) { return b[0] == n; }' >try.c
clang -fsanitize=fuzzer,address try.c -o try 2>/dev/null || {
	echo "SKIP: clang with its runtime (Debian: clang libclang-rt-14-dev) is not there"
	exit 77
}
unset MAKEFLAGS MFLAGS MAKELEVEL
[ -f Makefile ] || "$source/configure" -q CC=clang --enable-fuzzers CFLAGS=-O1 >configure.log 2>&1 ||
	{ cat configure.log; exit 1; }
targets=$(cd "$source/test/fuzz/corpus" && for name in *; do echo "test/fuzz/$name"; done)
# shellcheck disable=SC2086
make -s -j 2 $targets >build.log 2>&1 || { tail -n 40 build.log; exit 1; }
# one way through, so that what a change breaks shows; `make fuzz` goes others
FUZZ_SEED=1 "$source/test/fuzz/run" "$FUZZ_SECONDS"
