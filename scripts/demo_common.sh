#!/usr/bin/env bash
# What the demos share: a scratch directory with a private PostgreSQL and a stand-in carrier, and the end
# of all of them.  To be sourced, when keep (empty: nothing stays) and rate (0: no limit) are set.
# shellcheck disable=SC2034,SC2154

bold='' dim='' red='' green='' off=''
terminal=
if [ -t 1 ]; then
	terminal=yes
	if [ -z "${NO_COLOR:-}" ]; then
		bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' off=$'\e[0m'
	fi
fi

step()
{
	printf '%s== %s%s\n' "$bold" "$*" "$off"
}

die()
{
	printf '%sdemo: %s%s\n' "$red" "$*" "$off" >&2
	exit 1
}

# ---------- beginning and end ----------

carrier_pid=
# what runs beside them
helper_pids=()
step_log=

# as COMMAND...: as the user that may run servers, without the caller's PGHOST and the like.
as()
{
	"${as_user[@]}" env -i "${environment[@]}" "$@"
}

sql()
{
	as "$bin/psql" -X -P pager=off -v ON_ERROR_STOP=1 -h "$scratch/run" -p "$port" -U postgres -d demo "$@"
}

# Runs quietly; what it said is shown if it fails.
quietly()
{
	step_log="$scratch/log/$1.log"
	shift
	as "$@" >"$step_log" 2>&1 </dev/null || {
		tail -n 40 "$step_log" >&2
		die "that failed: $*"
	}
}

# shellcheck disable=SC2317
stop_all()
{
	local pid
	touch "$scratch/stop" 2>/dev/null || true
	for pid in "${helper_pids[@]}"; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	if [ -f "$scratch/data/postmaster.pid" ]; then
		as "$bin/pg_ctl" -D "$scratch/data" -m fast -t 20 -s stop >/dev/null 2>&1 ||
			as "$bin/pg_ctl" -D "$scratch/data" -m immediate -s stop >/dev/null 2>&1 || true
	fi
	if [ -n "$carrier_pid" ]; then
		kill "$carrier_pid" 2>/dev/null || true
		wait "$carrier_pid" 2>/dev/null || true
	fi
}

# shellcheck disable=SC2317
finish()
{
	local status=$?
	trap '' INT TERM HUP
	trap - EXIT
	if [ "$status" -eq 0 ] && [ -n "$keep" ]; then
		exit 0
	fi
	stop_all
	if [ "$status" -ne 0 ] && [ "$status" -lt 128 ]; then
		rm -rf "${scratch:?}"/{data,pg,tree,home,run,password,stop}
		echo "demo: logs are kept in $scratch" >&2
	else
		rm -rf "${scratch:?}"
	fi
	exit "$status"
}

prepare_scratch()
{
	make_scratch rcs-demo
	trap finish EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	# a socket's path is at most 107 bytes long
	[ ${#scratch} -le 80 ] || die "the path of TMPDIR is too long: $scratch"
	choose_user
	mkdir -p "$scratch"/{home,log,run}
	copy_tree "$scratch/tree"
	give_scratch_to_user
	environment=(PATH="$PATH" HOME="$scratch/home" USER="${user:-$(id -un)}" TMPDIR=/tmp
		LANG=C LC_ALL=C PGCLIENTENCODING=UTF8)
	if [ -n "${PG_CONFIG:-}" ]; then
		environment+=(PG_CONFIG="$PG_CONFIG")
	fi
}

# ---------- the players ----------

build()
{
	local pg_config
	quietly private-pg bash "$scratch/tree/scripts/private-pg.sh" "$scratch/pg"
	pg_config=$(tail -n 1 "$step_log")
	bin=$(as "$pg_config" --bindir)
	quietly build make -s -C "$scratch/tree" -j"$(nproc)" PG_CONFIG="$pg_config"
	quietly install make -s -C "$scratch/tree" install PG_CONFIG="$pg_config"
	quietly build-carrier make -s -C "$scratch/tree" ktsim
}

# wait_for_file FILE PID WHO
wait_for_file()
{
	local i
	for ((i = 0; i < 100; i++)); do
		if [ -s "$1" ]; then return; fi
		kill -0 "$2" 2>/dev/null || break
		sleep 0.1
	done
	die "$3 did not start"
}

free_port()
{
	perl -MIO::Socket::INET -e '
		my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1", LocalPort => 0) or die "$!\n";
		print $s->sockport'
}

# Others on this machine must not get in: the socket's directory is closed to them, and the port,
# which is there with KEEP=1 only, asks for a password.
start_server()
{
	local address=''
	port=5432
	if [ -n "$keep" ]; then
		port=$(free_port)
		address=127.0.0.1
	fi
	password=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
	as bash -c 'umask 077; printf "%s\n" "$1" >"$2"' - "$password" "$scratch/password"
	quietly initdb "$bin/initdb" -D "$scratch/data" -U postgres --pwfile="$scratch/password" \
		--auth-local=trust --auth-host=scram-sha-256 -E UTF8 --no-locale
	as bash -c 'cat >>"$1"' - "$scratch/data/postgresql.conf" <<-END
		shared_preload_libraries = 'rcs'
		listen_addresses = '$address'
		port = $port
		unix_socket_directories = '$scratch/run'
		log_line_prefix = '%m [%p] %b '
	END
	quietly server-start "$bin/pg_ctl" -D "$scratch/data" -l "$scratch/log/server.log" -w start
	as "$bin/createdb" -h "$scratch/run" -p "$port" -U postgres demo
}

# start_carrier OPTION...
start_carrier()
{
	local account=demo:demo survive=() die=(--die-with-parent)
	[ "$rate" -eq 0 ] || account="$account:$rate"
	# kept, it must survive the terminal; else it must not survive us
	if [ -n "$keep" ]; then survive=(setsid) die=(); fi
	# no function, so that the process we know the number of is the carrier itself
	"${as_user[@]}" env -i "${environment[@]}" "${survive[@]}" "$scratch/tree/ktsim/ktsim" \
		--account "$account" --latency-ms 20 --set latency_jitter_ms=10 --ledger "$scratch/ledger.tsv" "$@" \
		--port-file "$scratch/run/carrier-port" "${die[@]}" >"$scratch/log/carrier.log" 2>&1 </dev/null &
	carrier_pid=$!
	wait_for_file "$scratch/run/carrier-port" "$carrier_pid" "the carrier"
	carrier="http://127.0.0.1:$(cat "$scratch/run/carrier-port")/corp/v1"
}
