# What "make bench" measures of rcs itself and of the two limits (a bare libcurl loop, a plain INSERT);
# sourced by bench.sh.  Each part takes the number of the round and writes lines of raw figures.
# shellcheck shell=bash

# Of a campaign: start it, wait until nothing of it is unsent; seconds.  The wait is made of short
# statements, because a snapshot held for all that time would be a handicap that is measured elsewhere.
drain()
{
	local t
	t=$(now)
	sql -c "SELECT rcs_campaign_start('$1')" >/dev/null
	until [ "$(sql -c "SELECT rcs_wait('1 s', '$1')")" = t ]; do :; done
	calc "$(now) - $t"
}

fill()
{
	sql -c "SELECT fill('$1', $2)"
}

# The bodies that rcs posts, for those who have to post the same.
dump_bodies()
{
	rm -f "$scratch/bodies.all"
	start_carrier --dump-bodies "$scratch/bodies.all"
	fresh_database bench_bodies
	drain "$(fill bodies "$1")" >/dev/null
	# one that was in doubt has been offered twice
	perl -F'\t' -ane 'print unless $seen{$F[0]}++' "$scratch/bodies.all" >"$scratch/bodies"
	[ "$(wc -l <"$scratch/bodies")" -eq "$1" ] || die "the carrier has not seen all bodies"
	start_carrier
}

# ---------- drain, WAL, CPU, memory ----------

drain_rcs()
{
	local c seconds cpu wal
	c=$(fill "drain $1" "$drain_n")
	sql -c CHECKPOINT
	wal=$(sql -c "SELECT pg_current_wal_insert_lsn()")
	cpu=$(cpu_of "$postmaster")
	seconds=$(drain "$c")
	cpu=$(calc "$(cpu_of "$postmaster") - $cpu")
	wal=$(sql -c "SELECT pg_current_wal_insert_lsn() - '$wal'::pg_lsn")
	[ "$(carrier_accepted)" -eq "$drain_n" ] || die "the carrier has not accepted everything"
	measured drain rcs "$1" "messages/s" "$(calc "$drain_n / $seconds")"
	measured drain rcs "$1" "CPU us/message" "$(calc "$cpu / $drain_n * 1e6")"
	measured drain rcs "$1" "WAL bytes/message" "$(calc "$wal / $drain_n")"
	measured drain rcs "$1" "worker MB" "$(worker_mb)"
}

drain_rawcurl()
{
	local out
	head -n "$drain_n" "$scratch/bodies" >"$scratch/bodies.now"
	out=$( (
		ulimit -c 0
		export TIMEFORMAT='cpu %U %S'
		time as "$scratch/rawcurl" "$carrier" bench bench "$scratch/bodies.now"
	) 2>&1) || die "rawcurl: $out"
	measured drain rawcurl "$1" "messages/s" "$(perl -ne 'print $1 if /([\d.]+) a second/' <<<"$out")"
	measured drain rawcurl "$1" "CPU us/message" "$(perl -ne "printf '%.6g', (\$1 + \$2) / $drain_n * 1e6 if /cpu ([\d.]+) ([\d.]+)/" <<<"$out")"
}

part_drain()
{
	local who i
	for ((i = 0; i < ${#drainers[@]}; i++)); do
		who=${drainers[(i + $1 - 1) % ${#drainers[@]}]}
		carrier_forget
		"drain_$who" "$1"
	done
}

# What the carrier itself can take, from a client that does nothing else.
part_ceiling()
{
	local token
	command -v wrk >/dev/null || return 0
	carrier_forget
	token=$(curl -sf "$carrier/token" -d '{"rcsId":"bench","rcsSecret":"bench","grantType":"clientCredentials"}' |
		perl -ne 'print $1 if /"accessToken": *"([^"]+)"/')
	measured ceiling ktsim "$1" "requests/s" "$(BODIES="$scratch/bodies" TOKEN="$token" ROUND="$1" \
		wrk -t1 -c100 -d"${ceiling_s}s" -s bench/wrk.lua "$carrier/message" | awk '/^Requests\/sec/ { print $2 }')"
	[ "$(carrier_accepted)" -gt 0 ] || die "wrk: nothing was accepted"
}

# ---------- enqueue ----------

# The same columns and keys, filled by one statement.
prepare_enqueue()
{
	sql -c "CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\"" \
		-c "CREATE TABLE recipient AS SELECT '010' || i AS phone, '고객' || i AS name, i AS \"order\"
			FROM generate_series(20000000, 20000000 + $enqueue_n - 1) i" \
		-c "VACUUM ANALYZE recipient"
}

enqueue_rcs()
{
	local c t
	c=$(sql -c "SELECT fill('enqueue', 0)")
	sql -c CHECKPOINT
	t=$(now)
	sql -c "SELECT added FROM rcs_campaign_add('$c', 'SELECT phone, name, \"order\" FROM recipient')" >/dev/null
	measured enqueue rcs "$1" "recipients/s" "$(calc "$enqueue_n / ($(now) - $t)")"
}

enqueue_plain()
{
	local t
	sql -c "DROP TABLE IF EXISTS plain; CREATE TABLE plain (LIKE rcs.message INCLUDING ALL)" -c CHECKPOINT
	t=$(now)
	sql -c "INSERT INTO plain (campaign_no, batch_id, ord, id, created_at, phone, params)
		SELECT 1, 1 + (r.n - 1) / 500, 1 + (r.n - 1) % 500, uuid_generate_v5('$(sql -c "SELECT gen_random_uuid()")', r.phone),
			now(), r.phone, jsonb_build_object('name', r.name, 'order', r.order)
		FROM (SELECT row_number() OVER () AS n, * FROM recipient) r
		ON CONFLICT DO NOTHING"
	measured enqueue plain "$1" "recipients/s" "$(calc "$enqueue_n / ($(now) - $t)")"
}

part_enqueue()
{
	[ "$1" -gt 1 ] || { fresh_database bench_enqueue; prepare_enqueue; }
	enqueue_rcs "$1"
	enqueue_plain "$1"
	# or the second round would also measure the vacuum of the first
	sql -c "VACUUM rcs.message, plain"
}

# ---------- rate ----------

# What the ledger says: share of the contract rate in the time after the first offer, and the most in
# any second and any ten.
part_rate()
{
	local c n
	start_carrier --account "limited:bench:$rate"
	fresh_database bench_rate "ADD rate_per_minute '$rate'"
	sql -c "ALTER USER MAPPING FOR PUBLIC SERVER kt OPTIONS (SET rcs_id 'limited')"
	n=$((rate * (rate_s + 5) / 60))
	c=$(fill "rate" "$n")
	sql -c "SELECT rcs_campaign_start('$c')" >/dev/null
	sleep $((rate_s + 3))
	perl bench/ledger.pl "$rate" "$rate_s" <"$scratch/ledger.tsv" | while read -r metric value; do
		measured rate rcs "$1" "${metric//_/ }" "$value"
	done
	start_carrier
}

# ---------- singles ----------

# So many a second for a while; the time is taken within the transaction, so it includes the COMMIT.
singles()
{
	local accepted t
	accepted=$(carrier_accepted)
	t=$(now)
	as "$bin/pgbench" -h "$scratch/run" -U postgres -n -c 2 -j 1 -R "$single_per_s" -T "$single_s" \
		-f "$scratch/tree/bench/single.sql" "$db" >"$scratch/log/pgbench.log" 2>&1
	[ "$1" = idle ] ||
		measured single "$1" "$2" "campaign messages/s" "$(calc "($(carrier_accepted) - $accepted) / ($(now) - $t) - $single_per_s")"
	[ "$(sql -c "SELECT rcs_wait('1 minute', (SELECT id FROM public.single ORDER BY us DESC LIMIT 1))")" = t ]
	sleep 1
	sql -c "SELECT id, us FROM public.single" >"$scratch/sent"
	perl bench/latency.pl "$scratch/ledger.tsv" "$scratch/sent" |
		while read -r metric value; do
			measured "single" "$1" "$2" "${metric//_/ }" "$value"
		done
}

part_single()
{
	local c d
	fresh_database bench_single
	carrier_forget
	sql -c "CREATE UNLOGGED TABLE public.single (id uuid, us bigint)"
	c=$(fill load "$single_load")
	d=$(sql -c "SELECT fill('load too', $single_load, 40000000)")
	singles idle "$1"
	sql -c "TRUNCATE public.single" -c "SELECT rcs_campaign_start('$c')" >/dev/null
	singles loaded "$1"
	sql -c "TRUNCATE public.single" -c "SELECT rcs_campaign_start('$d')" >/dev/null
	singles "two campaigns" "$1"
	sql -c "ALTER SERVER kt OPTIONS (ADD rate_per_minute '$rate')"
	sleep 2
	sql -c "TRUNCATE public.single"
	singles "contract rate" "$1"
	[ "$(sql -c "SELECT min(queued) > 0 FROM rcs.campaign_progress WHERE campaign IN ('$c', '$d')")" = t ] ||
		say "single: a campaign was drained before the singles were sent: raise SINGLE_LOAD"
}

# ---------- a transaction held open ----------

hold()
{
	as "$bin/psql" -X -q -h "$scratch/run" -U postgres -d "$db" \
		-c "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT txid_current(); SELECT pg_sleep(100000)" >/dev/null 2>&1 </dev/null &
	holder_pid=$!
	until [ "$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(100000)%' AND pid <> pg_backend_pid()")" = 1 ]; do sleep 0.1; done
}

let_go()
{
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(100000)%' AND pid <> pg_backend_pid()" >/dev/null
	wait "$holder_pid" 2>/dev/null || true
	holder_pid=
}

# Several clients send; the time until the last one is recorded.
many_singles()
{
	local t
	t=$(now)
	as "$bin/pgbench" -h "$scratch/run" -U postgres -n -c 4 -j 1 -t $((held_singles / 40)) \
		-f "$scratch/tree/bench/singles.sql" "$db" >"$scratch/log/pgbench.log" 2>&1
	until [ "$(sql -c "SELECT rcs_wait('1 s')")" = t ]; do :; done
	measured held "singles, $1" "$2" "messages/s" "$(calc "$held_singles / ($(now) - $t)")"
}

part_held()
{
	local c
	fresh_database bench_held
	carrier_forget
	many_singles free "$1"
	hold
	many_singles held "$1"
	let_go
	c=$(fill held "$held_n")
	carrier_forget
	hold
	drain "$c" >/dev/null
	let_go
	perl bench/tenths.pl <"$scratch/ledger.tsv" | while read -r metric value; do
		measured held "campaign, $metric tenth" "$1" "messages/s" "$value"
	done
}

# ---------- backlog ----------

# How fast the first BACKLOG_SMALL leave when so many wait, without the tenths at both ends.
backlog_of()
{
	local c
	fresh_database bench_backlog
	carrier_forget
	c=$(fill backlog "$1")
	sql -c "VACUUM ANALYZE" -c CHECKPOINT
	sql -c "SELECT rcs_campaign_start('$c')" >/dev/null
	until [ "$(carrier_accepted)" -ge "$backlog_small" ]; do sleep 0.5; done
	measured backlog "$1" "$2" "worker MB" "$(worker_mb)"
	sql -c "ALTER SERVER kt OPTIONS (ADD rate_per_minute '1')"
	measured backlog "$1" "$2" "messages/s" "$(perl bench/middle.pl "$backlog_small" <"$scratch/ledger.tsv")"
}

part_backlog()
{
	backlog_of "$backlog_small" "$1"
	backlog_of "$backlog_n" "$1"
}
