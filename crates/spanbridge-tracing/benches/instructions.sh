#!/bin/sh
# Instructions per operation, by callgrind: application thread, all threads.
# usage: benches/instructions.sh "registry/a0@800" "spanbridge/a0@800" "lean/a0@800"
# Build first: cargo bench -p spanbridge-tracing --bench spans --no-run
set -eu
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
bench=$(ls -t "$target"/release/deps/spans-* | grep -v '\.d$' | head -n 1)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for one in "$@"; do
    name=${one%@*}
    rm -f "$out"/*
    valgrind --tool=callgrind --separate-threads=yes --dump-before=measure_from_here --dump-before=measure_to_here \
        --callgrind-out-file="$out/o" "$bench" one "$name" "${one#*@}" 2>"$out/log" >/dev/null
    operations=$(sed -n 's/^operations \([0-9]*\) of .*/\1/p' "$out/log")
    all=$(sed -n 's/^operations [0-9]* of \([0-9]*\)/\1/p' "$out/log")
    total() { cat "$@" 2>/dev/null | awk '/^totals:/ { n += $2 } END { print n + 0 }'; }
    # The application's thread has a dump between the marks; the others have one for all their life.
    application=$(total "$out"/o.2-01)
    others=$(total $(ls "$out"/o-* | grep -v -- '-01$'))
    awk -v n="$name" -v a="$application" -v o="$operations" -v t="$others" -v l="$all" \
        'BEGIN { printf "| %s | %.1f | %.1f |\n", n, a / o, a / o + t / l }'
done
