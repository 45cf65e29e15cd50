#!/usr/bin/env bash
# How cost grows with work: one thing is made larger, everything else stays.  Writes bench/grow.tsv and
# draws bench/grow-*.svg; bench/README.md says what is seen.
#
# Environment (or: make bench-grow NAME=VALUE):
#   GROW="backlog workers"   only these: backlog campaigns chatbots workers size latency
#   QUICK=1                  small sizes: does it run?
#   ROUNDS=3 GROW_N GROW_SINGLES BACKLOG_N LATENCY_S      sizes
#   OUT=bench                where to write
#   PG_CONFIG=...            another PostgreSQL
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=lib.sh
. bench/lib.sh
# shellcheck source=parts.sh
. bench/parts.sh

sweeps=${GROW:-campaigns chatbots workers size latency backlog}
size ROUNDS 1 3
size GROW_N 5000 100000
size GROW_SINGLES 2000 20000
size BACKLOG_N 20000 10000000
size LATENCY_S 5 20
out=$(realpath -m "${OUT:-bench}")

# Several campaigns, together as large as one; started by one transaction.
grow_campaigns()
{
	local k t
	for k in 1 10 100; do
		fresh_database bench_grow
		sql -c "SELECT count(fill('grow ' || i, $grow_n / $k, 20000000 + i * 1000000)) FROM generate_series(1, $k) i" >/dev/null
		sql -c CHECKPOINT
		t=$(now)
		sql -c "SELECT count(rcs_campaign_start(id)) FROM rcs.campaign" >/dev/null
		until [ "$(sql -c "SELECT rcs_wait('1 s')")" = t ]; do :; done
		measured campaigns "$k" "$1" "messages/s" "$(calc "$grow_n / ($(now) - $t)")"
	done
}

# Single messages, each of another sender.
grow_chatbots()
{
	local k t
	for k in 1 100 10000; do
		fresh_database bench_grow
		sql -c "INSERT INTO rcs.chatbot (chatbot, servers, agency_id, agency_key, brand_key)
			SELECT '02' || 10000000 + i, '{kt}', 'ktbizrcs', 'AK', 'BK' FROM generate_series(0, $k - 1) i" \
			-c "ANALYZE rcs.chatbot" -c CHECKPOINT
		t=$(now)
		as "$bin/pgbench" -h "$scratch/run" -U postgres -n -c 4 -j 1 -t $((grow_singles / 40)) -D "k=$k" \
			-f "$scratch/tree/bench/chatbots.sql" "$db" >"$scratch/log/pgbench.log" 2>&1
		until [ "$(sql -c "SELECT rcs_wait('1 s')")" = t ]; do :; done
		measured chatbots "$k" "$1" "messages/s" "$(calc "$grow_singles / ($(now) - $t)")"
	done
}

set_workers()
{
	sql -c "ALTER SYSTEM SET rcs.campaign_workers = $1" -c "SELECT pg_reload_conf()" >/dev/null
	until [ "$(sql -c "SELECT count(*) FROM rcs.worker_status WHERE kind = 'campaign' AND pid IS NOT NULL AND database = current_database()")" = "$1" ]; do sleep 0.2; done
}

# Of the whole machine so far: seconds that its cores were idle, and switches from one process to another.
idle_and_switches()
{
	awk '/^cpu / { printf "%.2f ", $5 / 100 } /^ctxt/ { print $2 }' /proc/stat
}

# With where the cores' time goes, to see why more workers stop helping.
grow_workers()
{
	local k c seconds server peer idle switches idle_before switches_before
	for k in 1 2 4 8 16; do
		fresh_database bench_grow
		set_workers "$k"
		c=$(fill grow "$grow_n")
		server=$(cpu_of "$postmaster")
		peer=$(cpu_of "$carrier_pid")
		read -r idle_before switches_before < <(idle_and_switches)
		seconds=$(drain "$c")
		read -r idle switches < <(idle_and_switches)
		measured workers "$k" "$1" "messages/s" "$(calc "$grow_n / $seconds")"
		measured workers "$k" "$1" "CPU us/message" "$(calc "($(cpu_of "$postmaster") - $server) / $grow_n * 1e6")"
		measured workers "$k" "$1" "CPU us/message, carrier" "$(calc "($(cpu_of "$carrier_pid") - $peer) / $grow_n * 1e6")"
		measured workers "$k" "$1" "switches/message" "$(calc "($switches - $switches_before) / $grow_n")"
		measured workers "$k" "$1" "percent idle" "$(calc "($idle - $idle_before) / $seconds / $(nproc) * 100")"
		set_workers 1
	done
}

# The body of a request: as it is, and with all that the longest text, buttons and fallback may hold.
grow_size()
{
	local k c
	for k in 200 10000; do
		fresh_database bench_grow
		if [ "$k" = 200 ]; then
			c=$(fill grow "$grow_n")
		else
			c=$(sql -f "$scratch/tree/bench/large.sql" -v n="$grow_n")
		fi
		carrier_forget
		measured size "$k" "$1" "messages/s" "$(calc "$grow_n / $(drain "$c")")"
	done
}

# At a contract of 12,000 a minute the requests under way follow the latency by themselves.
grow_latency()
{
	local k c
	for k in 0 50 300 2000; do
		start_carrier --account limited:bench:12000 --latency-ms "$k"
		fresh_database bench_grow "ADD rate_per_minute '12000', ADD connections '512'"
		sql -c "ALTER USER MAPPING FOR PUBLIC SERVER kt OPTIONS (SET rcs_id 'limited')"
		c=$(fill grow $((200 * (latency_s + 10))))
		sql -c "SELECT rcs_campaign_start('$c')" >/dev/null
		sleep $((latency_s - 1))
		measured latency "$k" "$1" "under way" "$(sql -c "SELECT sum(in_flight) FROM rcs.worker_status")"
		sleep 3
		measured latency "$k" "$1" "percent of the rate" "$(perl bench/ledger.pl 12000 "$latency_s" <"$scratch/ledger.tsv" | awk '/^percent/ { print $2 }')"
	done
	start_carrier
}

grow_backlog()
{
	local k
	backlog_small=$((backlog_n / 100))
	for k in $((backlog_n / 100)) $((backlog_n / 10)) "$backlog_n"; do
		backlog_of "$k" "$1"
	done
}

for sweep in $sweeps; do
	declare -F "grow_$sweep" >/dev/null || die "there is no sweep \"$sweep\""
done
prepare_scratch
raw="$scratch/raw.tsv"
: >"$raw"
extra_conf='max_worker_processes = 32'
say "building, in $scratch"
build
start_carrier
start_server
for sweep in $sweeps; do
	for ((round = 1; round <= rounds; round++)); do
		carrier_forget
		"grow_$sweep" "$round"
	done
done
mkdir -p "$out"
cp "$raw" "$out/grow.tsv"
bash bench/plot.sh "$out/grow.tsv" "$out"
