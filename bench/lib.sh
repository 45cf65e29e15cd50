# Shared by bench.sh and grow.sh, which source it from the top of the tree: a private server, the
# stand-in carrier, clocks.  What is measured stands in parts.sh and peers.sh.
# shellcheck shell=bash

# shellcheck source=../scripts/common.sh
. scripts/common.sh

carrier_pid=
holder_pid=
load_pid=

die()
{
	echo "bench: $*" >&2
	exit 1
}

say()
{
	printf '%s %s\n' "$(date +%T)" "$*" >&2
}

# size NAME QUICK FULL: the caller's value, else one of these
size()
{
	local value=${!1:-}
	if [ -z "$value" ]; then
		value=$3
		[ -z "${QUICK:-}" ] || value=$2
	fi
	[[ $value =~ ^[1-9][0-9]{0,8}$ ]] || die "$1 must be a number"
	declare -g "${1,,}=$value"
}

# As the user that may run servers, without the caller's PGHOST and the like.
as()
{
	"${as_user[@]}" env -i "${environment[@]}" "$@"
}

sql()
{
	as "$bin/psql" -X -qAt -F ' ' -P pager=off -v ON_ERROR_STOP=1 -h "$scratch/run" -U postgres -d "$db" "$@" </dev/null
}

# Runs quietly; what it said is shown if it fails.
quietly()
{
	local log="$scratch/log/$1.log"
	shift
	as "$@" >"$log" 2>&1 </dev/null || {
		tail -n 40 "$log" >&2
		die "that failed: $*"
	}
}

# ---------- beginning and end ----------

# shellcheck disable=SC2317
stop_all()
{
	local p
	for p in "$holder_pid" "$load_pid" "$carrier_pid"; do
		[ -z "$p" ] || kill "$p" 2>/dev/null || true
	done
	if [ -f "$scratch/data/postmaster.pid" ]; then
		as "$bin/pg_ctl" -D "$scratch/data" -m immediate -s stop >/dev/null 2>&1 || true
	fi
}

# shellcheck disable=SC2317
finish()
{
	local status=$?
	trap '' INT TERM HUP
	trap - EXIT
	stop_all
	if [ "$status" -ne 0 ] && [ "$status" -lt 128 ]; then
		rm -rf "${scratch:?}"/{data,pg,tree,home,run}
		echo "bench: logs are kept in $scratch" >&2
	else
		rm -rf "${scratch:?}"
	fi
	exit "$status"
}

prepare_scratch()
{
	make_scratch rcs-bench
	trap finish EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	[ ${#scratch} -le 80 ] || die "the path of TMPDIR is too long: $scratch"
	choose_user
	mkdir -p "$scratch"/{home,log,run}
	copy_tree "$scratch/tree"
	for p in "${PG_NET_DIR:-}" "${PGMQ_DIR:-}"; do
		[ -z "$p" ] || [ -d "$p" ] || die "there is no directory $p"
	done
	[ -z "${PG_NET_DIR:-}" ] || cp -r "$PG_NET_DIR" "$scratch/pg_net"
	[ -z "${PGMQ_DIR:-}" ] || cp -r "$PGMQ_DIR" "$scratch/pgmq"
	give_scratch_to_user
	environment=(PATH="$PATH" HOME="$scratch/home" USER="${user:-$(id -un)}" TMPDIR=/tmp
		LANG=C LC_ALL=C PGCLIENTENCODING=UTF8)
	[ -z "${PG_CONFIG:-}" ] || environment+=(PG_CONFIG="$PG_CONFIG")
}

build()
{
	quietly private-pg bash "$scratch/tree/scripts/private-pg.sh" "$scratch/pg"
	pg_config=$(tail -n 1 "$scratch/log/private-pg.log")
	bin=$(as "$pg_config" --bindir)
	quietly build make -s -C "$scratch/tree" -j"$(nproc)" PG_CONFIG="$pg_config"
	quietly install make -s -C "$scratch/tree" install PG_CONFIG="$pg_config"
	quietly build-carrier make -s -C "$scratch/tree" ktsim
	# shellcheck disable=SC2046
	quietly build-rawcurl "${CC:-cc}" -O2 -o "$scratch/rawcurl" "$scratch/tree/bench/rawcurl.c" $(curl-config --cflags) $(curl-config --libs)
	preload=rcs
	if [ -n "${PG_NET_DIR:-}" ]; then
		# its installation script, once built, is found by a second make only; its headers are for
		# others, and those of the private copy are only linked to
		quietly build-pg_net make -s -C "$scratch/pg_net" PG_CONFIG="$pg_config"
		quietly pg_net make -s -C "$scratch/pg_net" PG_CONFIG="$pg_config" HEADERS= install
		preload=rcs,pg_net
	fi
	[ -z "${PGMQ_DIR:-}" ] || quietly build-pgmq make -s -C "$scratch/pgmq/pgmq-extension" PG_CONFIG="$pg_config"
	[ -z "${PGMQ_DIR:-}" ] || quietly pgmq make -s -C "$scratch/pgmq/pgmq-extension" PG_CONFIG="$pg_config" install
}

# Everything at its default; a place to listen and what to load are all that is said.
start_server()
{
	quietly initdb "$bin/initdb" -D "$scratch/data" -U postgres --auth=trust -E UTF8 --no-locale
	as bash -c 'cat >>"$1"' - "$scratch/data/postgresql.conf" <<-END
		shared_preload_libraries = '$preload'
		listen_addresses = ''
		unix_socket_directories = '$scratch/run'
		log_line_prefix = '%m [%p] %b '
		${extra_conf:-}
	END
	[ -z "${PG_NET_DIR:-}" ] || as bash -c 'echo "pg_net.database_name = bench_peers" >>"$1"' - "$scratch/data/postgresql.conf"
	quietly server-start "$bin/pg_ctl" -D "$scratch/data" -l "$scratch/log/server.log" -w start
	# else the worker of pg_net would look for it every second, whatever is measured
	[ -z "${PG_NET_DIR:-}" ] || as "$bin/createdb" -h "$scratch/run" -U postgres bench_peers
	postmaster=$(head -n 1 "$scratch/data/postmaster.pid")
}

# fresh_database NAME [OPTIONS OF THE SERVER]: with the extension, an account and a chatbot.
fresh_database()
{
	db=postgres
	[ -z "${rcs_db:-}" ] || sql -c "DROP DATABASE $rcs_db"
	rcs_db=$1
	sql -c "CREATE DATABASE $rcs_db"
	db=$rcs_db
	sql -v url="$carrier" -f "$scratch/tree/bench/setup.sql" >/dev/null
	[ -z "${2:-}" ] || sql -c "ALTER SERVER kt OPTIONS ($2)"
}

# ---------- the carrier ----------

# start_carrier [OPTIONS]: a new one, with an empty ledger.
start_carrier()
{
	local i
	stop_carrier
	rm -f "$scratch/run/carrier-port" "$scratch/ledger.tsv"
	# no function, so that the process we know the number of is the carrier itself
	"${as_user[@]}" env -i "${environment[@]}" "$scratch/tree/ktsim/ktsim" --account bench:bench \
		--ledger "$scratch/ledger.tsv" --port-file "$scratch/run/carrier-port" --die-with-parent "$@" \
		>"$scratch/log/carrier.log" 2>&1 </dev/null &
	carrier_pid=$!
	for ((i = 0; i < 100; i++)); do
		[ -s "$scratch/run/carrier-port" ] && break
		kill -0 "$carrier_pid" 2>/dev/null || die "the carrier did not start"
		sleep 0.1
	done
	carrier_root="http://127.0.0.1:$(cat "$scratch/run/carrier-port")"
	carrier="$carrier_root/corp/v1"
}

stop_carrier()
{
	[ -n "$carrier_pid" ] || return 0
	kill "$carrier_pid"
	wait "$carrier_pid" 2>/dev/null || true
	carrier_pid=
}

carrier_post()
{
	curl -sf -o /dev/null "$carrier_root/_ktsim/$1" -d "${2:-{\}}"
}

# Nothing has been accepted before, and the ledger is empty: for the next contestant.
carrier_forget()
{
	carrier_post forget
	carrier_post reset-stats
	: >"$scratch/ledger.tsv"
}

carrier_accepted()
{
	curl -sf "$carrier_root/_ktsim/stats" | perl -ne 'print $1 if /"accepted": *(\d+)/'
}

# ---------- clocks ----------

# CPU seconds so far of a process and its children, the finished ones included.
cpu_of()
{
	perl -e '
		my ($hz, $sum) = (100, 0);
		for my $top (@ARGV) {
			for my $f (glob "/proc/[0-9]*/stat") {
				open my $h, "<", $f or next;
				my $line = <$h> // next;
				my ($pid, $rest) = $line =~ /^(\d+) \(.*\) \S (.*)/ or next;
				my @f = split / /, $rest;    # ppid is the first
				next if $pid != $top && $f[0] != $top;
				$sum += $f[10] + $f[11];
				$sum += $f[12] + $f[13] if $pid == $top;
			}
		}
		printf "%.2f\n", $sum / $hz' "$@"
}

# Private memory of the campaign worker of this database, MB.
worker_mb()
{
	local pid
	pid=$(sql -c "SELECT pid FROM rcs.worker_status WHERE kind = 'campaign' AND database = current_database() LIMIT 1")
	awk '/^RssAnon/ { printf "%.1f\n", $2 / 1024 }' "/proc/$pid/status"
}

now()
{
	date +%s.%N
}

calc()
{
	perl -e 'printf "%.6g\n", eval $ARGV[0]' "$1"
}

# measured PART CONTESTANT ROUND METRIC VALUE
measured()
{
	printf '%s\t%s\t%s\t%s\t%s\n' "$@" >>"$raw"
	say "$1: $2: $4 $5"
}
