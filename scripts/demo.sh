#!/usr/bin/env bash
# The demo: a private PostgreSQL with the extension, a stand-in carrier, a campaign to 100,000
# customers with single messages in between, and at the end a comparison of what the database says
# with what the carrier wrote down.  Works in a scratch directory and leaves nothing behind.
#
# Environment (or: make demo NAME=VALUE):
#   DEMO_ROWS=100000   customers in the file
#   RATE=12000         contract rate, messages a minute; none: as fast as it goes
#   KEEP=1             keep the server and the carrier, and say how to use and stop them
#   PG_CONFIG=...      another PostgreSQL
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

rows=${DEMO_ROWS:-100000}
rate=${RATE:-0}
keep=${KEEP:-}
stall_seconds=60

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

check_arguments()
{
	[[ $rows =~ ^[1-9][0-9]{0,6}$ ]] || die "DEMO_ROWS must be a number from 1 to 9999999"
	[[ $rate =~ ^[0-9]{1,7}$ && $rate -le 6000000 ]] || die "RATE must be a number up to 6000000"
}

# ---------- beginning and end ----------

carrier_pid=
singles_pid=
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
	touch "$scratch/stop" 2>/dev/null || true
	if [ -n "$singles_pid" ]; then
		kill "$singles_pid" 2>/dev/null || true
		wait "$singles_pid" 2>/dev/null || true
	fi
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

start_carrier()
{
	local account=demo:demo i survive=() die=(--die-with-parent)
	[ "$rate" -eq 0 ] || account="$account:$rate"
	# kept, it must survive the terminal; else it must not survive us
	if [ -n "$keep" ]; then survive=(setsid) die=(); fi
	# no function, so that the process we know the number of is the carrier itself
	"${as_user[@]}" env -i "${environment[@]}" "${survive[@]}" "$scratch/tree/ktsim/ktsim" \
		--account "$account" --latency-ms 20 --set latency_jitter_ms=10 --ledger "$scratch/ledger.tsv" \
		--port-file "$scratch/run/carrier-port" "${die[@]}" >"$scratch/log/carrier.log" 2>&1 </dev/null &
	carrier_pid=$!
	for ((i = 0; i < 100; i++)); do
		[ -s "$scratch/run/carrier-port" ] && break
		kill -0 "$carrier_pid" 2>/dev/null || die "the carrier did not start"
		sleep 0.1
	done
	carrier="http://127.0.0.1:$(cat "$scratch/run/carrier-port")/corp/v1"
}

# About ten one-time passwords a second.  The time is taken within the transaction, so what is
# measured includes the COMMIT.
send_singles()
{
	while [ ! -e "$scratch/stop" ]; do
		echo "SELECT rcs_send('010-1234-5678', '인증번호 #{code}', params => jsonb_build_object('code', '$RANDOM')), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;"
		sleep 0.1
	done | sql -qAt -F $'\t' >"$scratch/singles.tsv" 2>"$scratch/log/singles.log"
}

# ---------- the show ----------

# Seconds as 1:05, or nothing if they are not known.
clock()
{
	if [ -n "$1" ] && [ "$1" -ge 0 ]; then
		printf '%d:%02d' $(($1 / 60)) $(($1 % 60))
	fi
}

show_progress()
{
	local state bar percent done_n total left now speed=0
	local last_n=0 last_us=${EPOCHREALTIME/[.,]/} moved=$SECONDS pause=1
	if [ -n "$terminal" ]; then pause=0.3; fi
	while :; do
		IFS=$'\t' read -r state bar percent done_n total left < <(sql -qAt -F $'\t' -f "$scratch/tree/demo/progress.sql") || true
		[ -n "${total:-}" ] || die "the campaign cannot be seen"
		now=${EPOCHREALTIME/[.,]/}
		speed=$(((done_n - last_n) * 1000000 / (now - last_us + 1)))
		if [ "$done_n" -gt "$last_n" ]; then moved=$SECONDS; fi
		last_n=$done_n last_us=$now
		printf '%s%s %5s%%  %d of %d sent  %d/s  %s' "${terminal:+$'\r'}" "$bar" "$percent" \
			"$done_n" "$total" "$speed" "${left:+$(clock "$left") left}"
		if [ -n "$terminal" ]; then printf '\e[K'; else echo; fi
		[ "$state" != finished ] || break
		[ $((SECONDS - moved)) -lt $stall_seconds ] || die "nothing was sent for $stall_seconds seconds"
		sleep "$pause"
	done
	if [ -n "$terminal" ]; then echo; fi
}

run_campaign()
{
	send_singles &
	singles_pid=$!
	sql -qAt -c "SELECT rcs_campaign_start(rcs_campaign_id('demo'))" >/dev/null
	show_progress
	touch "$scratch/stop"
	wait "$singles_pid" || { cat "$scratch/log/singles.log" >&2; die "sending single messages failed"; }
	singles_pid=
	[ "$(sql -qAt -c "SELECT rcs_wait('30 seconds')")" = t ] || die "some messages are still unsent"
}

compare()
{
	local verdict
	sql -q -c "CREATE TABLE single (id uuid PRIMARY KEY, time_us bigint)" \
		-c "CREATE TABLE carrier_offer (n bigint, time_us bigint, account text, msg_id text, phone text,
			chatbot text, decision text, code text, http_status text, answered text, body_crc32 text)"
	sql -q -c "COPY single FROM STDIN" <"$scratch/singles.tsv"
	tail -n +2 "$scratch/ledger.tsv" | sql -q -c "COPY carrier_offer FROM STDIN WITH (NULL '-')"
	sql -f "$scratch/tree/demo/report.sql" </dev/null >"$scratch/log/report.txt"
	verdict=$(tail -n 1 "$scratch/log/report.txt")
	sed '$d' "$scratch/log/report.txt"
	[ "$verdict" = "they agree" ] || die "the database and the carrier DO NOT AGREE"
	printf '%sThe database and the carrier agree: %s%s\n' "$green$bold" "nothing lost, nothing sent twice." "$off"
}

say_how_to_go_on()
{
	cat >"$scratch/stop-demo" <<-END
		#!/bin/sh
		# Stops the demo's server and carrier, and removes its directory.
		server=\$(head -n 1 '$scratch/data/postmaster.pid' 2>/dev/null)
		for p in \$server $carrier_pid; do
			case \$(ps -o comm= -p \$p) in
				postgres | ktsim) kill -INT \$p ;;
			esac
		done
		while [ -n "\$server" ] && kill -0 \$server 2>/dev/null; do sleep 0.2; done
		rm -rf '$scratch'
	END
	cat <<-END

		${bold}The server and the carrier are still running.${off}

		Connect:
		  $bin/psql postgresql://postgres:$password@127.0.0.1:$port/demo
		Look:
		  SELECT name, state, bar, percent, total, accepted, failed FROM rcs.campaign_progress;
		  SELECT phone, status, code, reason FROM rcs.message_status_masked LIMIT 10;
		  SELECT phone, ref, reason FROM rcs.rejected LIMIT 10;
		  SELECT * FROM rcs.queue_depth;   SELECT * FROM rcs.account_status;   SELECT * FROM rcs.worker_status;
		Send:
		  SELECT rcs_send('010-1234-5678', '안녕하세요');
		The carrier's ledger:
		  $scratch/ledger.tsv
		Stop and remove everything:
		  sh $scratch/stop-demo
	END
}

check_arguments
prepare_scratch
began=$SECONDS
step "building, in $scratch"
build
step "starting PostgreSQL and the stand-in carrier"
start_server
start_carrier
sql -q -v url="$carrier" -v rate="$rate" -f "$scratch/tree/demo/setup.sql" </dev/null
step "a campaign to the customers in a CSV file of $rows rows"
as perl "$scratch/tree/demo/customers.pl" "$rows" "$scratch/customers.csv"
sql -q -f "$scratch/tree/demo/campaign.sql" <"$scratch/customers.csv"
if [ "$rate" -gt 0 ]; then
	step "sending at $rate a minute, which takes about $(clock $((rows * 60 / rate))); single messages in between"
else
	step "sending as fast as it goes, with single messages in between"
fi
run_campaign
step "what the database says, and what the carrier wrote down"
compare
printf '%s%d seconds in all%s\n' "$dim" $((SECONDS - began)) "$off"
if [ -n "$keep" ]; then say_how_to_go_on; fi
