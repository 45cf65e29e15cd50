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

# shellcheck source=scripts/demo_common.sh
. scripts/demo_common.sh

check_arguments()
{
	[[ $rows =~ ^[1-9][0-9]{0,6}$ ]] || die "DEMO_ROWS must be a number from 1 to 9999999"
	[[ $rate =~ ^[0-9]{1,7}$ && $rate -le 6000000 ]] || die "RATE must be a number up to 6000000"
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
	local singles_pid
	send_singles &
	singles_pid=$!
	helper_pids+=("$singles_pid")
	sql -qAt -c "SELECT rcs_campaign_start(rcs_campaign_id('demo'))" >/dev/null
	show_progress
	touch "$scratch/stop"
	wait "$singles_pid" || { cat "$scratch/log/singles.log" >&2; die "sending single messages failed"; }
	helper_pids=()
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
