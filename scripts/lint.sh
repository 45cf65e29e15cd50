#!/usr/bin/env bash
# The rules of the sources that a script can check: who may include what, who may use which
# part of PostgreSQL, and how long things may be.  Prints offenders as file:line: rule.
set -euo pipefail
cd "$(dirname "$0")/.."
shopt -s nullglob

# Tiers, lowest first.  A file may include headers of its own tier and of those below.
tiers=$(cat <<'END'
platform: pg_compat monotonic evloop net_address net_cidr secret_file http_client http_transfer foreign_json statement rows
rules: phone message_id builders template template_sql media_file media_url kt_file kt_payload kt_response kt_codes message message_text message_schema message_check message_string message_body message_cross message_form validate carrier_time rate_limit ad_hours
extension: guc shmem slots account_state account_breaker account_shared campaign_rate campaign_verdict ext_state wakeup ddl_hooks txn worker worker_status owner hold_shared media_shared media_segment listener_shared fault health
storage: trace throughput hold identity resolve result_code outbox outbox_lease outbox_record outbox_people outbox_purge account account_validator account_watch data_server data_request fetch people handler reply media media_check media_store poll_store rights rejected single send message_fn campaign campaign_life campaign_change campaign_tools campaign_watch campaign_add campaign_chunk campaign_judge campaign_row wait
processes: launcher launcher_db listener_secret listener_judge listener_http listener_answer listener_routes listener_session listener_file listener_console listener_store listener_worker chat_claim chat_worker delivery delivery_worker delivery_account delivery_choice delivery_campaign delivery_single delivery_lease delivery_record delivery_retry delivery_fate delivery_people delivery_hold delivery_sweep delivery_clock delivery_purge delivery_media delivery_upload delivery_fetch delivery_image delivery_answer delivery_status delivery_offer delivery_stop delivery_poll delivery_question delivery_overdue rcs
END
)
tier_order="platform rules extension storage processes"

# Who may use what: pattern (Perl), files allowed (a shell pattern each), what the rule says.
# Rules that allow no file hold for the stand-in carrier too.
uses=$(cat <<'END'
^\s*#\s*include\s*[<"]curl/ ~ src/http_client.[ch] src/http_transfer.[ch] ~ only http_client and its transfers know libcurl
^\s*#\s*include\s*[<"]microhttpd ~ src/listener*.c ~ only the listener knows libmicrohttpd
\bSPI_ ~ src/txn.c src/statement.[ch] src/account.c src/single.c src/send.c src/rights.c src/rejected.c src/message_fn.c src/campaign*.c src/wait.c src/hold.c src/resolve.c src/media.c src/data_server.c src/reply.c src/people.c src/trace.c ~ SPI belongs to storage
\b(WaitLatch|WaitEventSet|epoll) ~ src/evloop.[ch] src/launcher.c src/wait.c src/ddl_hooks.c src/slots.c src/worker.c src/account_watch.c src/hold.c src/media.c src/campaign_watch.c src/listener_http.c ~ only these files may wait
\bPG_VERSION_NUM\b ~ src/pg_compat.h ~ versions differ in pg_compat.h only
\bDefineCustom ~ src/guc.c ~ settings are defined in guc.c only
\bPG_TRY\b ~ src/txn.c src/foreign_json.c src/ddl_hooks.c src/campaign_add.c src/send.c src/fetch.c src/handler.c ~ PG_TRY only where an error must be caught
\belog\s*\(\s*INFO\b ~  ~ no elog(INFO
\bsprintf\s*\( ~  ~ sprintf has no bound: use snprintf or psprintf
\bstrcpy\s*\( ~  ~ strcpy has no bound: use strlcpy
\bstrcat\s*\( ~  ~ strcat has no bound: use strlcat or StringInfo
// ~  ~ comments are /* */
END
)

max_file_lines=500
max_function_lines=150

bad=0
report()
{
	echo "$1"
	bad=1
}

sources=()
for f in src/*.[ch] ktsim/*.[ch]; do
	if [ "$f" != src/kt_codes.h ] && [ "$f" != src/console_files.h ]; then
		sources+=("$f")
	fi
done

# Copies without comments and text of strings, with the same line numbers.
plain=$(mktemp -d)
trap 'rm -rf "$plain"' EXIT
mkdir "$plain/src" "$plain/ktsim"

strip_c()
{
	perl -0777 -pe '
		sub blank { my $t = shift; $t =~ s/[^\n]//g; $t }
		s{(^[ \t]*\#[ \t]*include[ \t]*[<"][^>"\n]*[>"])|("(?:\\.|[^"\\\n])*")|(\x27(?:\\.|[^\x27\\\n])*\x27)|(/\*.*?\*/)}
		 {defined $1 ? $1 : defined $2 ? q("") : defined $3 ? q(0) : " " . blank($4)}gmse' "$1"
}

check_uses()
{
	local pattern allowed rule f a line files
	while IFS='~' read -r pattern allowed rule; do
		pattern=${pattern% }
		allowed=${allowed# }
		files=()
		for f in "${sources[@]}"; do
			[[ -n "${allowed% }" && "$f" == ktsim/* ]] && continue
			for a in $allowed; do
				# unquoted on purpose: a may be a pattern
				# shellcheck disable=SC2053
				[[ $f == $a ]] && continue 2
			done
			files+=("$f")
		done
		[ ${#files[@]} -gt 0 ] || continue
		while read -r line; do
			report "$line:$rule"
		done < <(cd "$plain" && PATTERN=$pattern perl -ne '
			print "$ARGV:$.\n" if /$ENV{PATTERN}/;
			close ARGV if eof' "${files[@]}")
	done <<<"$uses"
}

# What every file must be, whoever includes it.
check_shape()
{
	local f n line
	for f in "${sources[@]}"; do
		n=$(wc -l <"$f")
		if [ "$n" -gt "$max_file_lines" ]; then
			report "$f:$n: a file has at most $max_file_lines lines"
		fi
		if [ "$(head -c 2 "$f")" != '/*' ]; then
			report "$f:1: a file opens with a comment that says what it is for"
		fi
		while read -r line; do
			report "$f:$line"
		done < <(awk -v max="$max_function_lines" '
			/^\{/ && before ~ /\)[ \t]*$/ { start = FNR }
			/^\}/ && start {
				if (FNR - start + 1 > max)
					printf "%d: a function has at most %d lines, this one %d\n", start, max, FNR - start + 1
				start = 0
			}
			/[^ \t]/ { before = $0 }' "$plain/$f")
	done
}

declare -A tier_of rank
check_tiers()
{
	local tier names name f base n line header
	n=0
	for tier in $tier_order; do
		rank[$tier]=$((n++))
	done
	while IFS=: read -r tier names; do
		for name in $names; do
			tier_of[$name]=$tier
		done
	done <<<"$tiers"

	for f in "${sources[@]}"; do
		[[ "$f" == src/* ]] || continue
		base=$(basename "${f%.*}")
		if [ -z "${tier_of[$base]:-}" ]; then
			report "$f:1: not in the table of tiers (scripts/lint.sh)"
			continue
		fi
		while IFS=: read -r line header; do
			# PostgreSQL's own headers are quoted too; ours are those that are here
			[ -n "${tier_of[$header]:-}" ] || continue
			if [ "${rank[${tier_of[$header]}]}" -gt "${rank[${tier_of[$base]}]}" ]; then
				report "$f:$line: ${tier_of[$base]} must not include \"$header.h\" of ${tier_of[$header]}"
			fi
		done < <(perl -ne 'print "$.:$1\n" if /^\s*#\s*include\s*"([^"\/]+)\.h"/' "$plain/$f")
	done
}

# The install script: CREATE OR REPLACE and IF NOT EXISTS would adopt an object that somebody
# else left there, and a definer's function without a search_path runs the caller's objects.
check_sql()
{
	local f line
	for f in schema/*.sql updates/*.sql; do
		# what is not ASCII has no place in some encodings of databases
		while IFS=: read -r line _; do
			report "$f:$line: the install script is ASCII: it installs in a database of any encoding"
		done < <(LC_ALL=C grep -nP '[^\x00-\x7F]' "$f")
		while read -r line; do
			report "$f:$line"
		done < <(perl -0777 -e '
			my $sql = <>;
			sub blank { my $t = shift; $t =~ s/[^\n]/ /g; $t }
			$sql =~ s{(--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\2\$|\x27(?:[^\x27]|\x27\x27)*\x27)}{blank($1)}gse;
			sub at { 1 + (substr($sql, 0, $_[0]) =~ tr/\n//) }
			while ($sql =~ /\bIF\s+NOT\s+EXISTS\b/gi)
			{ print at($-[0]), ": no IF NOT EXISTS in an extension script\n"; }
			while ($sql =~ /\bCREATE\s+OR\s+REPLACE\b/gi)
			{ print at($-[0]), ": no CREATE OR REPLACE in an extension script\n"; }
			while ($sql =~ /([^;]*\bSECURITY\s+DEFINER\b[^;]*)/gi)
			{
				my ($statement, $start) = ($1, $-[0]);
				next if $statement =~ /\bSET\s+search_path\b/i;
				$statement =~ /\bSECURITY\s+DEFINER\b/i;
				print at($start + $-[0]), ": a SECURITY DEFINER function needs SET search_path\n";
			}' "$f")
	done
}

for f in "${sources[@]}"; do
	strip_c "$f" >"$plain/$f"
done
check_uses
check_shape
check_tiers
check_sql
if [ "$bad" -eq 0 ]; then
	echo "lint: ${#sources[@]} C files, nothing to report"
fi
exit "$bad"
