#!/usr/bin/env bash
# What a hiccup of the carrier costs: how the rate comes back, and what messages of a refused account
# cost those of another.  Side by side with another commit, each in a private server of its own, one after the
# other, through the stand-in carrier of this one.  Writes bench/hiccups.md and draws bench/hiccups.svg.
#
# Environment (or: make bench BENCH=hiccups NAME=VALUE):
#   BASE=DIR BASE_NAME=      a checkout of the commit to compare with (bench/hiccups.md: 9ec5bec), and what to call it
#   HICCUPS="rate churn"     only these parts: rate recovery quiet churn
#   QUICK=1                  small sizes and short times: does it run?
#   HICCUP_RATE=12000        contract rate, a minute
#   HICCUP_N=100000          messages that wait for refused accounts
#   PATIENCE_S=300           how long a recovery is waited for
#   OUT=bench                where to write
#   PG_CONFIG=...            another PostgreSQL
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=lib.sh
. bench/lib.sh
# shellcheck source=parts.sh
. bench/parts.sh

parts=${HICCUPS:-rate recovery quiet churn}
size HICCUP_RATE 6000 12000
size HICCUP_N 3000 100000
size PATIENCE_S 20 300
size LOCKOUT_S 3 10
size CHURN_S 5 30
size SINGLE_PER_S 50 50
size SINGLE_S 3 10
# shellcheck disable=SC2154
per_second=$((hiccup_rate / 60))
out=$(realpath -m "${OUT:-bench}")
who=rcs
contestants=(rcs)
base_name=nothing
if [ -n "${BASE:-}" ]; then
	contestants=(base rcs)
	# an export has no history of its own
	base_name=${BASE_NAME:-$(git -C "$BASE" rev-parse --short HEAD 2>/dev/null || basename "$BASE")}
fi
for part in $parts; do
	[[ " rate recovery quiet churn " == *" $part "* ]] || die "there is no part \"$part\""
done

# ---------- two installations ----------

# Its directories, binaries and server become the ones that lib.sh works with.
enter()
{
	who=$1
	scratch=$top/$who
	rcs_db=${db_of[$who]:-}
	mkdir -p "$scratch"/{log,run}
	[ -z "$user" ] || chown "$user" "$scratch" "$scratch"/{log,run}
	if [ -z "${built[$who]:-}" ]; then
		say "building $who, in $scratch"
		build
		# both are measured with this commit's carrier
		[ "$who" = rcs ] || cp "$top/rcs/tree/ktsim/ktsim" "$scratch/tree/ktsim/ktsim"
		built[$who]=$bin
	fi
	bin=${built[$who]}
	if [ -d "$scratch/data" ]; then
		quietly server-start "$bin/pg_ctl" -D "$scratch/data" -l "$scratch/log/server.log" -w start
		postmaster=$(head -n 1 "$scratch/data/postmaster.pid")
	else
		start_server
	fi
}

leave()
{
	db_of[$who]=${rcs_db:-}
	stop_carrier
	quietly server-stop "$bin/pg_ctl" -D "$scratch/data" -m fast -w stop
}

# shellcheck disable=SC2317
finish_all()
{
	local status=$?
	trap '' INT TERM HUP
	trap - EXIT
	stop_all
	if [ "$status" -ne 0 ] && [ "$status" -lt 128 ]; then
		rm -rf "${top:?}"/*/{data,pg,tree}
		echo "bench: logs are kept in $top" >&2
	else
		rm -rf "${top:?}"
	fi
	exit "$status"
}

# ---------- the carrier's limit ----------

set_carrier()
{
	curl -sf -o /dev/null "$carrier_root/_ktsim/set" -d "$1"
}

# begin_campaign SECONDS: an account at its contract rate, and a campaign for so long.
begin_campaign()
{
	start_carrier --account "limited:bench:$hiccup_rate"
	fresh_database bench_hiccups "ADD rate_per_minute '$hiccup_rate'"
	sql -c "SET client_min_messages = warning" -c "ALTER USER MAPPING FOR PUBLIC SERVER kt OPTIONS (SET rcs_id 'limited')"
	campaign=$(fill hiccups $((per_second * $1)))
	sql -c "SELECT rcs_campaign_start('$campaign')" >/dev/null
	until [ "$(carrier_accepted)" -gt 0 ]; do sleep 0.1; done
	begun=$(now)
}

# at SECOND SWITCHES PERCENT: from then on the carrier takes so much of the contract.
at()
{
	perl -e 'select undef, undef, undef, $ARGV[0] > 0 ? $ARGV[0] : 0' -- "$(calc "$begun + $1 - $(now)")"
	[ "$2" = - ] || set_carrier "$2"
	printf '%s\t%s\n' "$1" "$(calc "$per_second * $3 / 100")" >>"$top/limit.tsv"
}

# Accepted, and refused as too fast, in each second.
by_second()
{
	BEGUN=$begun perl -F'\t' -lane '
		next if /^#/;
		my $s = int($F[1] / 1e6 - $ENV{BEGUN});
		next if $s < 0;
		$n{$s}{$F[6]}++;
		$last = $s if !defined $last || $s > $last;
		END { print join "\t", $_, $n{$_}{accepted} // 0, $n{$_}{throttled} // 0 for 0 .. $last }' "$scratch/ledger.tsv"
}

# The whole story in one picture: a lock-out, a quarter of the contract, a neighbour who uses half of it.
part_rate()
{
	local s
	: >"$top/limit.tsv"
	s=$((lockout_s / 2))
	begin_campaign $((s * 34))
	at 0 - 100
	at $((2 * s)) '{"account_code":{"limited":"72104"}}' 0
	at $((4 * s)) '{"account_code":{}}' 100
	at $((12 * s)) "{\"account_rate\":{\"limited\":\"$((hiccup_rate / 4))\"}}" 25
	at $((16 * s)) "{\"account_rate\":{\"limited\":\"$hiccup_rate\"}}" 100
	at $((22 * s)) '{"neighbour_pct":50}' 50
	at $((28 * s)) '{"neighbour_pct":0}' 100
	at $((34 * s)) - 100
	by_second >"$top/rate-$who.tsv"
	measured rate "$who" 1 "percent of what the carrier would take" "$(perl -F'\t' -lane '
		BEGIN { open my $l, "<", "'"$top/limit.tsv"'"; while (<$l>) { chomp; push @step, [ split /\t/ ]; } }
		my ($limit) = (0);
		for (@step) { $limit = $_->[1] if $_->[0] <= $F[0] }
		$may += $limit; $did += $F[1] < $limit ? $F[1] : $limit;
		END { printf "%.1f", 100 * $did / $may }' "$top/rate-$who.tsv")"
	measured rate "$who" 1 "seconds with a refusal" "$(awk -F'\t' '$3 > 0 { n++ } END { print n + 0 }' "$top/rate-$who.tsv")"
}

# From the end of a lock-out until a whole second had that share of the contract.
recovered()
{
	local from=$1 share=$2
	by_second | FROM=$(calc "$from - $begun") awk -F'\t' -v least="$(calc "$per_second * $share")" -v patience="$patience_s" '
		BEGIN { from = ENVIRON["FROM"] }
		$1 >= from - 1 && $2 >= least && !found { found = 1; t = $1 + 1 - from }
		END { print found ? (t < 0.5 ? 0.5 : t) : patience }'
}

part_recovery()
{
	local end
	begin_campaign $((patience_s + 40))
	at "$lockout_s" - 100
	set_carrier '{"account_code":{"limited":"72104"}}'
	sleep "$lockout_s"
	set_carrier '{"account_code":{}}'
	end=$(now)
	until [ "$(calc "$(recovered "$end" 0.95) < $patience_s ? 1 : 0")" = 1 ] || [ "$(calc "$(now) > $end + $patience_s ? 1 : 0")" = 1 ]; do sleep 1; done
	measured recovery "$who" 1 "s to half of the contract" "$(recovered "$end" 0.5)"
	measured recovery "$who" 1 "s to all of it" "$(recovered "$end" 0.95)"
}

# An account without a limit is told once that it is too fast, at a single message.
part_quiet()
{
	local c t n=3000
	start_carrier
	fresh_database bench_quiet
	set_carrier '{"account_code":{"bench":"72104"}}'
	sql -c "SELECT rcs_send('01012345678', 'hello')" >/dev/null
	until [ "$(curl -sf "$carrier_root/_ktsim/stats" | perl -ne 'print $1 if /"throttled": *(\d+)/')" -gt 0 ]; do sleep 0.05; done
	set_carrier '{"account_code":{}}'
	c=$(fill quiet "$n")
	sql -c "SELECT rcs_campaign_start('$c')" >/dev/null
	t=$(now)
	until [ "$(carrier_accepted)" -gt "$n" ] || [ "$(calc "$(now) > $t + $patience_s / 2 ? 1 : 0")" = 1 ]; do sleep 0.1; done
	measured quiet "$who" 1 "messages/s of a campaign after one refusal" "$(calc "($(carrier_accepted) - 1) / ($(now) - $t)")"
}

# ---------- messages of a refused account ----------

# Messages of the account that works: from COMMIT to the carrier.
good_singles()
{
	sql -c "TRUNCATE public.single"
	as "$bin/pgbench" -h "$scratch/run" -U postgres -n -c 1 -j 1 -R "$single_per_s" -T "$single_s" \
		-f "$scratch/tree/bench/single.sql" "$db" >"$scratch/log/pgbench.log" 2>&1
	until [ "$(sql -c "SELECT rcs_wait('1 s', (SELECT id FROM public.single ORDER BY us DESC LIMIT 1))")" = t ]; do :; done
	sleep 2
	sql -c "SELECT id, us FROM public.single" >"$top/sent"
	perl bench/latency.pl "$scratch/ledger.tsv" "$top/sent" | while read -r metric value; do
		measured churn "$who" 1 "$1, ${metric//_/ }" "$value"
	done
}

updates()
{
	sql -c "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relid = 'rcs.batch'::regclass"
}

part_churn()
{
	local i wal before cpu
	start_carrier --account one:bench --account two:bench --account three:bench
	fresh_database bench_churn
	sql -c "ALTER DATABASE $db SET rcs.chatbot = '0212351235'" -c "CREATE UNLOGGED TABLE public.single (id uuid, us bigint)"
	i=0
	for account in one two three; do
		i=$((i + 1))
		sql -v url="$carrier" -c "SET client_min_messages = warning" \
			-c "CREATE SERVER $account TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url '$carrier')" \
			-c "CREATE USER MAPPING FOR PUBLIC SERVER $account OPTIONS (rcs_id '$account', rcs_secret 'bench')" \
			-c "INSERT INTO rcs.chatbot (chatbot, servers, agency_id, agency_key, brand_key) VALUES ('020000000$i', '{$account}', 'ktbizrcs', 'AK', 'BK')"
	done
	good_singles alone
	set_carrier '{"account_code":{"one":"72105","two":"72105","three":"72105"}}'
	for i in 1 2 3; do
		sql -c "SELECT count(rcs_send('010' || i, 'hello', chatbot => '020000000$i')) FROM generate_series(20000000, 20000000 + $hiccup_n / 3) i" >/dev/null
	done
	sleep 5
	sql -c CHECKPOINT
	before=$(updates)
	wal=$(sql -c "SELECT pg_current_wal_insert_lsn()")
	cpu=$(cpu_of "$postmaster")
	sleep "$churn_s"
	cpu=$(calc "$(cpu_of "$postmaster") - $cpu")
	wal=$(sql -c "SELECT pg_current_wal_insert_lsn() - '$wal'::pg_lsn")
	sleep 2
	measured churn "$who" 1 "updates of the queue" "$(calc "$(updates) - $before")"
	measured churn "$who" 1 "WAL, MB" "$(calc "$wal / 1048576")"
	measured churn "$who" 1 "CPU, percent of a core" "$(calc "100 * $cpu / $churn_s")"
	good_singles beside
}

# ---------- all of it ----------

draw()
{
	command -v gnuplot >/dev/null || { say "no gnuplot, so no plot"; return 0; }
	local lines=()
	[ ! -s "$top/rate-base.tsv" ] || lines+=("\"$top/rate-base.tsv\" using 1:2 with lines lw 1.5 lc rgb \"#c0504d\" title \"before\"")
	lines+=("\"$top/rate-rcs.tsv\" using 1:2 with lines lw 1.5 lc rgb \"#1f5fa8\" title \"rcs\"")
	gnuplot <<-END
		set terminal svg size 800,360 font "sans,11" background "white"
		set output "$out/hiccups.svg"
		set title "A lock-out, a quarter of the contract, a neighbour who uses half"
		set xlabel "seconds"
		set ylabel "accepted a second"
		set yrange [0:*]
		set grid y lt 1 lc rgb "#cccccc"
		set border 3
		set tics nomirror
		set key outside bottom center horizontal
		plot "$top/limit.tsv" using 1:2 with steps lw 2 lc rgb "#999999" title "the carrier's limit", $(IFS=,; echo "${lines[*]}")
	END
}

# Both in one table; for what is to be small, how many times smaller it has become.
table()
{
	perl -F'\t' -lane '
		my $key = "$F[0]\t$F[3]";
		push @order, $key unless $v{$key};
		$v{$key}{$F[1]} = $F[4];
		END {
			print "| part | what | before | rcs | before / rcs |\n|---|---|---|---|---|";
			for my $key (@order) {
				my ($part, $what) = split /\t/, $key;
				my ($base, $rcs) = @{ $v{$key} }{qw(base rcs)};
				my $ratio = defined $base && defined $rcs ? $rcs > 0 ? sprintf("%.3g", $base / $rcs) : "all of it" : "";
				print "| $part | $what | ", $base // "not given", " | ", $rcs // "", " | $ratio |";
			}
		}' "$raw"
}

prepare_scratch
top=$scratch
declare -A built=() db_of=()
trap finish_all EXIT
mkdir -p "$top"/{rcs,base}
mv "$top/tree" "$top/rcs/tree"
if [ -n "${BASE:-}" ]; then (cd "$BASE" && copy_tree "$top/base/tree"); fi
# shellcheck disable=SC2154
[ -z "$user" ] || chown -R "$user" "$top"
raw="$top/raw.tsv"
: >"$raw"
# its carrier is needed by both
enter rcs
leave
for part in $parts; do
	for each in "${contestants[@]}"; do
		say "$part: $each"
		enter "$each"
		"part_$part"
		leave
	done
done
{
	printf '# Results of `make bench BENCH=hiccups`\n\n%s\n\n' "$(date +%F), commit $(git rev-parse --short HEAD 2>/dev/null || echo '?') beside ${base_name}${QUICK:+, QUICK=1: the figures mean little}; contract $hiccup_rate a minute, lock-out $lockout_s s, $hiccup_n messages of three refused accounts looked at for $churn_s s."
	table
	printf '\nWhat was not reached within %s s stands as that.\n' "$patience_s"
} >"$top/hiccups.md"
cat "$top/hiccups.md"
mkdir -p "$out"
cp "$top/hiccups.md" "$out/hiccups.md"
if [[ " $parts " == *" rate "* ]]; then draw; fi
