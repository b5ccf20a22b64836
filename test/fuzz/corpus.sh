#!/bin/sh
# Each fuzz target takes its corpus.
corpus=${MONITORD_SOURCE:?}/test/fuzz/corpus
bad=0
for folder in "$corpus"/*/; do
	name=$(basename "$folder")
	"${MONITORD_BUILD:?}/test/fuzz/$name" -runs=0 "$folder" || { echo "$name failed"; bad=1; }
done
exit $bad
