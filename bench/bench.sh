#!/usr/bin/env bash
# The benchmark: rcs beside its limits and beside others, in a private server, through the stand-in
# carrier.  Prints one table and writes bench/results.md.  bench/README.md says what the rows mean.
#
# Environment (or: make bench NAME=VALUE):
#   BENCH="drain single"     only these parts: ceiling drain enqueue rate single held backlog;
#                            or, alone, hiccups: bench/hiccups.sh
#   QUICK=1                  small sizes, some minutes; the figures mean little
#   ROUNDS=3                 times that each part runs
#   PG_NET_DIR= PGMQ_DIR=    their sources (pgmq: the top of the tree); without them, rows say "not given"
#   DRAIN_N PEER_N ENQUEUE_N RATE RATE_S SINGLE_S SINGLE_PER_S SINGLE_LOAD HELD_N HELD_SINGLES
#   BACKLOG_N BACKLOG_SMALL CEILING_S PG_NET_BEST PYTHON_THREADS      sizes
#   OUT=bench/results.md     where to write
#   PG_CONFIG=...            another PostgreSQL
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=lib.sh
. bench/lib.sh
# shellcheck source=parts.sh
. bench/parts.sh
# shellcheck source=peers.sh
. bench/peers.sh

# two servers side by side, not one
[ "${BENCH:-}" != hiccups ] || exec bench/hiccups.sh

parts=${BENCH:-ceiling drain enqueue rate single held}
size ROUNDS 3 3
size DRAIN_N 20000 200000
size PEER_N 6000 40000
size ENQUEUE_N 50000 500000
size RATE 12000 12000
size RATE_S 10 60
size SINGLE_S 5 20
size SINGLE_PER_S 50 50
size SINGLE_LOAD 120000 1000000
size HELD_N 50000 1000000
size HELD_SINGLES 4000 100000
size BACKLOG_N 200000 10000000
size BACKLOG_SMALL 100000 100000
size CEILING_S 2 5
size PG_NET_BEST 2000 2000
size PYTHON_THREADS 4 4
for part in $parts; do
	declare -F "part_$part" >/dev/null || die "there is no part \"$part\""
done
if [[ " $parts " == *" drain "* && $peer_n -gt $drain_n ]]; then die "PEER_N is at most DRAIN_N"; fi
out=$(realpath -m "${OUT:-bench/results.md}")

prepare_scratch
raw="$scratch/raw.tsv"
: >"$raw"
drainers=()
missing=()
say "building, in $scratch"
build
start_carrier
start_server
choose_drainers
if [[ " $parts " == *" drain "* || " $parts " == *" ceiling "* ]]; then
	say "the bodies"
	dump_bodies "$drain_n"
	fresh_database bench_drain
	if [[ " $parts " == *" drain "* && ${#drainers[@]} -gt 2 ]]; then prepare_peers; fi
fi
for part in $parts; do
	if [ "$part" = drain ]; then fresh_database bench_drain; fi
	for ((round = 1; round <= rounds; round++)); do
		say "$part, round $round"
		"part_$part" "$round"
	done
done
if [[ " $parts " == *" drain "* && ${#missing[@]} -gt 0 ]]; then printf '%s\t-\t-\t-\n' "${missing[@]}" >>"$raw"; fi
perl bench/report.pl <(
	printf '%s\n' "$(date +%F), commit $(git rev-parse --short HEAD 2>/dev/null || echo '?')${QUICK:+, QUICK=1: small sizes, the figures mean little}." \
		"$(nproc) cores ($(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)), $(awk '/MemTotal/ { printf "%d GB", $2 / 1048576 + 0.5 }' /proc/meminfo) memory, $(uname -sr), $(stat -f -c %T "$scratch"); nothing is pinned, all contestants and the carrier share the cores." \
		"$(as "$bin/postgres" --version), default settings; libcurl $(curl-config --version | sed 's/libcurl //')." \
		"$rounds runs each; drain $drain_n (the others $peer_n), enqueue $enqueue_n, held $held_n and $held_singles, backlog $backlog_small and $backlog_n."
) "$raw" >"$scratch/results.md"
cat "$scratch/results.md"
cp "$scratch/results.md" "$out"
