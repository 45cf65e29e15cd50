#!/usr/bin/env bash
# What looking at a large campaign costs, and what purging it does to another that is sent: in a private
# server, through the stand-in carrier.  Prints lines "part: who: metric value" and makes no table.
#
# Environment (or: make bench-views NAME=VALUE):
#   VIEWS="views purge"      only these parts: views changes purge keep
#   QUICK=1                  small sizes
#   VIEWS_N=1000000          messages of the campaign that is looked at and purged
#   CHANGES_N=100000         messages that are sent with the feed of changes and without
#   ROUNDS=3                 of these two
#   PG_CONFIG=...            another PostgreSQL
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=lib.sh
. bench/lib.sh
# shellcheck source=parts.sh
. bench/parts.sh

size VIEWS_N 50000 1000000
size CHANGES_N 10000 100000
size ROUNDS 1 3

# timed NAME SQL [TIMES]: the first in a session, which plans, and the median of the others.
timed()
{
	local i
	{
		echo '\timing on'
		for ((i = 0; i < ${3:-11}; i++)); do echo "$2;"; done
	} >"$scratch/run/timed.sql"
	as "$bin/psql" -X -q -h "$scratch/run" -U postgres -d "$db" -o /dev/null -f "$scratch/run/timed.sql" >"$scratch/run/timed.out"
	measured views "$1" 1 "first, median ms" "$(perl -ne 'push @t, $1 if /^Time: ([\d.]+)/; END { $f = shift @t; @t = sort { $a <=> $b } @t; printf "%.1f %.1f", $f, $t[$#t / 2] }' "$scratch/run/timed.out")"
}

progress()
{
	timed "campaign_progress, $1" "SELECT * FROM rcs.campaign_progress WHERE campaign = '$big'"
}

big=
prepare_big()
{
	[ -z "$big" ] || return 0
	fresh_database bench_views
	carrier_forget
	big=$(fill big "$views_n")
	progress "nothing sent"
	sql -c "SELECT rcs_campaign_start('$big')" >/dev/null
	until [ "$(carrier_accepted)" -ge $((views_n / 4)) ]; do sleep 0.2; done
	progress "being sent"
	until [ "$(sql -c "SELECT rcs_wait('1 s', '$big')")" = t ]; do :; done
	progress "sent"
}

part_views()
{
	prepare_big
	timed "campaign_progress, all campaigns" "SELECT * FROM rcs.campaign_progress"
	timed "throughput" "SELECT * FROM rcs.throughput"
	timed "queue_depth" "SELECT * FROM rcs.queue_depth"
	timed "campaign_result, the campaign" "SELECT * FROM rcs.campaign_result WHERE campaign = '$big'" 3
	measured views "tallies of the campaign" 1 rows "$(sql -c "SELECT count(*) FROM rcs.tally")"
	# as many as 500 batches leave, then the fold as the worker does it, undone
	sql -c "BEGIN" -c "INSERT INTO rcs.tally (campaign_no, what, n, at) SELECT 1, w, 500, now() - interval '1 hour' FROM generate_series(1, 500), unnest('{sent,accepted}'::text[]) w" \
		-c "EXPLAIN (ANALYZE, TIMING OFF) WITH old AS (DELETE FROM rcs.tally t WHERE t.campaign_no = 1 AND t.at < now() - interval '1 minute' RETURNING t.what, t.n, t.at, t.reported)
			INSERT INTO rcs.tally (campaign_no, what, n, at, reported) SELECT 1, old.what, sum(old.n), max(old.at), old.reported FROM old GROUP BY old.what, old.reported" \
		-c "ROLLBACK" | perl -ne 'print "folding 1000 tallies: $1 ms\n" if /Execution Time: ([\d.]+)/'
}

# ---------- the feed of changes ----------

part_changes()
{
	local round value c t
	for ((round = 1; round <= rounds; round++)); do
		for value in off on; do
			sql -c "ALTER SYSTEM SET rcs.changes = $value" -c "SELECT pg_reload_conf()" >/dev/null
			fresh_database bench_changes
			carrier_forget
			c=$(fill changes "$changes_n")
			sql -c CHECKPOINT
			t=$(drain "$c")
			measured changes "$value" "$round" "messages/s" "$(calc "$changes_n / $t")"
		done
	done
	sql -c "ALTER SYSTEM RESET rcs.changes" -c "SELECT pg_reload_conf()" >/dev/null
}

# ---------- purging ----------

tables="rcs.message rcs.result rcs.intent rcs.batch"

sizes()
{
	local t
	for t in $tables; do
		measured purge "$1" 1 "$t: heap, indexes MB" "$(sql -c "SELECT round(pg_table_size('$t') / 1048576.0), round(pg_indexes_size('$t') / 1048576.0)")"
	done
}

# Messages a second at the carrier in the last N seconds.
rate_of_last()
{
	perl -e '
		my ($file, $s) = @ARGV;
		my $end = time();
		my $n = 0;
		open my $h, "<", $file or die;
		seek $h, -40_000_000, 2 or seek $h, 0, 0;
		while (<$h>) { my @f = split /\t/; $n++ if @f > 6 && $f[6] eq "accepted" && $f[1] / 1e6 > $end - $s && $f[1] / 1e6 <= $end }
		printf "%.0f\n", $n / $s' "$scratch/ledger.tsv" "$1"
}

waiting()
{
	sql -c "SELECT count(*) FROM pg_locks WHERE NOT granted"
}

# A campaign is sent all the time; the rate before, while the big one is purged, and after.
sends_meanwhile()
{
	local other
	other=$(sql -c "SELECT fill('other', $views_n, 40000000)")
	sql -c "SELECT rcs_campaign_start('$other')" >/dev/null
	sleep 12
	measured purge "$1, before" 1 "messages/s" "$(rate_of_last 10)"
}

part_purge()
{
	local pid t most=0 n
	prepare_big
	sizes "before"
	sends_meanwhile rcs_purge
	t=$(now)
	sql -c "SELECT rcs_purge('0')" >"$scratch/run/purged" &
	pid=$!
	sleep 6
	measured purge "rcs_purge, during" 1 "messages/s" "$(rate_of_last 5)"
	while kill -0 "$pid" 2>/dev/null; do
		n=$(waiting)
		[ "$n" -le "$most" ] || most=$n
		sleep 0.2
	done
	wait "$pid"
	measured purge "rcs_purge" 1 "messages, seconds, most waiting for locks" "$(cat "$scratch/run/purged") $(calc "$(now) - $t") $most"
	sql -c "VACUUM rcs.message, rcs.result, rcs.intent, rcs.batch"
	sizes "after, vacuumed, another half sent"
	big=
}

# The same by the worker, in chunks.
part_keep()
{
	local t left
	prepare_big
	sends_meanwhile rcs.keep
	sql -c "ALTER SYSTEM SET rcs.keep = '1s'" -c "SELECT pg_reload_conf()" >/dev/null
	left=$(sql -c "SELECT count(*) FROM rcs.message m JOIN rcs.campaign c USING (campaign_no) WHERE c.id = '$big'")
	t=$(now)
	sleep 21
	measured purge "rcs.keep, during" 1 "messages/s" "$(rate_of_last 20)"
	measured purge "rcs.keep" 1 "messages purged a second, waiting for locks" \
		"$(calc "($left - $(sql -c "SELECT count(*) FROM rcs.message m JOIN rcs.campaign c USING (campaign_no) WHERE c.id = '$big'")) / ($(now) - $t)") $(waiting)"
	sql -c "ALTER SYSTEM RESET rcs.keep" -c "SELECT pg_reload_conf()" >/dev/null
	big=
}

prepare_scratch
raw="$scratch/raw.tsv"
: >"$raw"
say "building, in $scratch"
build
start_carrier
start_server
db=postgres
for part in ${VIEWS:-views changes purge keep}; do
	"part_$part"
done
cut -f 1,2,4,5 "$raw"
