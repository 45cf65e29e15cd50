#!/usr/bin/env bash
# The demo of answering users: a private PostgreSQL with the extension and its listener, a stand-in
# carrier, and a sample table-order server.  Two users ask for the menu; each gets a carousel with
# pictures, which are uploaded once.  Says when each step happened.  Works in a scratch directory and
# leaves nothing behind.
#
# Environment: PG_CONFIG=...   another PostgreSQL
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

keep=
rate=0
# shellcheck source=scripts/demo_common.sh
. scripts/demo_common.sh

start_table_order()
{
	"${as_user[@]}" env -i "${environment[@]}" perl "$scratch/tree/demo/table_order.pl" --port 0 \
		--port-file "$scratch/run/table-order-port" >"$scratch/log/table-order.log" 2>&1 </dev/null &
	helper_pids+=("$!")
	wait_for_file "$scratch/run/table-order-port" "$!" "the table-order server"
	table_order="http://127.0.0.1:$(cat "$scratch/run/table-order-port")"
}

# The secret of the carrier's pushes is in a file that only the server can read.
start_listener()
{
	local i
	as bash -c 'umask 077; printf "%s\n" "$1" >"$2"' - "$secret" "$scratch/run/listener-secret"
	sql -q -v port="$listener_port" -v secret_file="$scratch/run/listener-secret" -f "$scratch/tree/demo/listener.sql" </dev/null
	for ((i = 0; i < 100; i++)); do
		if [ "$(sql -qAt -c "SELECT count(*) FROM rcs.worker_status WHERE kind = 'listener' AND state = 'listening'")" = 1 ]; then return; fi
		sleep 0.1
	done
	die "the listener did not start"
}

# What the carrier has written down so far, as tables.
load_ledgers()
{
	sql -q -c "SET client_min_messages = warning" -c "DROP TABLE IF EXISTS push, upload, offer" \
		-c "CREATE TABLE push (time_us bigint, account text, what text, id text, says text, tries text, http_status text,
			outcome text, first_us bigint)" \
		-c "CREATE TABLE upload (n bigint, time_us bigint, account text, file_id text, mime_type text, size text, sha256 text,
			decision text, code text, http_status text, answered text, expires_us text)" \
		-c "CREATE TABLE offer (n bigint, time_us bigint, account text, msg_id text, phone text, chatbot text, decision text,
			code text, http_status text, answered text, body_crc32 text)"
	tail -n +2 "$scratch/pushes.tsv" | sql -q -c "COPY push FROM STDIN WITH (NULL '-')"
	tail -n +2 "$scratch/files.tsv" | sql -q -c "COPY upload FROM STDIN WITH (NULL '-')"
	tail -n +2 "$scratch/ledger.tsv" | sql -q -c "COPY offer FROM STDIN WITH (NULL '-')"
}

# user_asks PHONE: the carrier is told that a user has written; returns when the answer is delivered.
user_asks()
{
	local i asked
	asked=$(as perl -MHTTP::Tiny -MJSON::PP -e '
		my $answer = HTTP::Tiny->new->request("POST", shift, { content => encode_json({ chatbotId => "0212351235",
			userContact => shift, text => "menu" }) });
		die "$answer->{content}\n" unless $answer->{success};
		print decode_json($answer->{content})->{replyId}' "${carrier%/corp/v1}/_ktsim/mo" "$1")
	for ((i = 0; i < 300; i++)); do
		if [ "$(sql -qAt -v reply_id="$asked" -f "$scratch/tree/demo/chat_state.sql" </dev/null)" = delivered ]; then
			load_ledgers
			sql -qAt -v reply_id="$asked" -f "$scratch/tree/demo/chat_report.sql" </dev/null
			return
		fi
		sleep 0.1
	done
	sql -c "SELECT event, text, problem FROM rcs.inbound" </dev/null >&2
	die "no answer was delivered"
}

prepare_scratch
began=$SECONDS
step "building, in $scratch"
build
step "starting PostgreSQL, a table-order server and the stand-in carrier"
start_server
start_table_order
secret=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
listener_port=$(free_port)
start_carrier --set report_mode=1 --push-url "http://127.0.0.1:$listener_port/msgstatus" --mo-url "http://127.0.0.1:$listener_port/momsg" \
	--push-authorization "Bearer $secret" --push-ledger "$scratch/pushes.tsv" --file-ledger "$scratch/files.tsv"
sql -q -v url="$carrier" -v rate="$rate" -f "$scratch/tree/demo/setup.sql" </dev/null >/dev/null
start_listener
sql -q -v url="$table_order" -f "$scratch/tree/demo/chat.sql" </dev/null
step "a user asks for the menu"
user_asks 01012345678
step "a second user asks"
user_asks 01087654321
uploads=$(tail -n +2 "$scratch/files.tsv" | wc -l)
[ "$uploads" -eq 5 ] || die "$uploads images were uploaded, and not 5"
printf '%sBoth have their menu, and each image was uploaded once.%s\n' "$green$bold" "$off"
printf '%s%d seconds in all%s\n' "$dim" $((SECONDS - began)) "$off"
