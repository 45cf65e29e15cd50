#!/usr/bin/env bash
# The rules of the sources that a script can check: who may include what, who may use which
# part of PostgreSQL, and how long things may be.  Prints offenders as file:line: rule.
set -euo pipefail
cd "$(dirname "$0")/.."
shopt -s nullglob

# Who may use what: pattern (Perl), files allowed (a shell pattern each), what the rule says.
# Rules that allow no file hold for the stand-in carrier too.
uses=$(cat <<'END'
^\s*#\s*include\s*[<"]curl/ ~ src/base/http_client.[ch] src/base/http_transfer.[ch] ~ only http_client and its transfers know libcurl
^\s*#\s*include\s*[<"]microhttpd ~ src/listener/http_server.c src/listener/judge_request.c src/listener/exchange.c ~ only the lowest files of the listener know libmicrohttpd
\bSPI_ ~ src/process/txn.c src/base/statement.[ch] src/account/*.c src/hold/*.c src/queue/*.c src/campaign/*.c src/chat/*.c src/media/media.c ~ SPI is for the folders that keep rows; workers use base/statement
\b(WaitLatch|WaitEventSet|epoll|pg_usleep) ~ src/base/evloop.[ch] src/base/fault_point.c src/process/launcher.c src/process/my_slot.c src/queue/wait.c src/account/account_check.c src/hold/hold.c src/media/media.c src/campaign/watch.c src/account/rights.c src/listener/http_server.c src/delivery/delivery_worker.c ~ only these files may wait
\bPG_VERSION_NUM\b ~ src/base/pg_compat.h ~ versions differ in pg_compat.h only
\bDefineCustom ~ src/process/guc.c ~ settings are defined in guc.c only
\bPG_TRY\b ~ src/process/txn.c src/base/foreign_json.c src/queue/send.c src/chat/fetch.c src/chat/handler.c ~ PG_TRY only where an error must be caught
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
for f in src/*.[ch] src/*/*.[ch] ktsim/*.[ch]; do
	if [ "$f" != src/kt/kt_codes.h ] && [ "$f" != src/listener/console_files.h ]; then
		sources+=("$f")
	fi
done

# Copies without comments and text of strings, with the same line numbers.
plain=$(mktemp -d)
trap 'rm -rf "$plain"' EXIT
mkdir -p "$plain/ktsim" "${plain}"/src/{account,base,campaign,carrier,chat,delivery,hold,kt,listener,media,message,process,queue,report}

# All files by one process each time: a start for each of hundreds took half of the run.
strip_c()
{
	PLAIN=$plain perl -0777 -e '
		sub blank { my $t = shift; $t =~ s/[^\n]//g; $t }
		for my $file (@ARGV)
		{
			open my $in, "<", $file or die "$file: $!\n";
			my $text = <$in>;
			$text =~ s{(^[ \t]*\#[ \t]*include[ \t]*[<"][^>"\n]*[>"])|("(?:\\.|[^"\\\n])*")|(\x27(?:\\.|[^\x27\\\n])*\x27)|(/\*.*?\*/)}
				{defined $1 ? $1 : defined $2 ? q("") : defined $3 ? q(0) : " " . blank($4)}gmse;
			open my $out, ">", "$ENV{PLAIN}/$file" or die "$file: $!\n";
			print $out $text;
		}' "$@"
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
	local line
	while read -r line; do
		report "$line"
	done < <(awk -v max="$max_file_lines" '
			FNR == 1 && substr($0, 1, 2) != "/*" {
				print FILENAME ":1: a file opens with a comment that says what it is for"
			}
			FNR == max + 1 { print FILENAME ":" FNR ": a file has at most " max " lines" }' "${sources[@]}"
		cd "$plain" && awk -v max="$max_function_lines" '
			FNR == 1 { start = 0; before = "" }
			/^\{/ && before ~ /\)[ \t]*$/ { start = FNR }
			/^\}/ && start {
				if (FNR - start + 1 > max)
					printf "%s:%d: a function has at most %d lines, this one %d\n", FILENAME, start, max, FNR - start + 1
				start = 0
			}
			/[^ \t]/ { before = $0 }' "${sources[@]}")
}

# One way of writing: a function stands above those that call it, so that a file is read from its
# parts to its whole and needs no list of what comes; sections are marked in one way.
check_dialect()
{
	local line
	while read -r line; do
		report "$line"
	done < <(PLAIN=$plain perl -0777 -e '
		sub at { 1 + (substr($_[0], 0, $_[1]) =~ tr/\n//) }
		for my $file (@ARGV)
		{
			my ($plain, $text) = map { local @ARGV = ($_); scalar <> } "$ENV{PLAIN}/$file", $file;
			my @lines = split /\n/, $text;
			while ($plain =~ /^static\s[^;{}=()]*?(\w+)\([^;{}]*\);/gm)
			{
				my ($name, $line) = ($1, at($plain, $-[0]));
				next if $line > 1 && $lines[$line - 2] =~ /call each other/;
				print "$file:$line: $name stands above its callers, so that it need not be declared before",
					" (or say that they call each other)\n";
			}
			while ($text =~ m{^[ \t]*/\* ?[-=*#~]{3,}.*$}gm)
			{
				my ($mark, $at) = ($&, $-[0]);
				next if $mark =~ m{^/\* -{10} \S.* -{10} \*/$};
				print "$file:", at($text, $at), ": a section is marked as /* ---------- words ---------- */\n";
			}
		}' "${sources[@]}")
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

# Which folder and file may know which (src/README.md).
check_arrows()
{
	local line
	while read -r line; do
		report "$line"
	done < <(perl scripts/arrows.pl)
}

# The server loads us among other libraries, so each name that we give away begins with ours.
check_exports()
{
	local name
	[ -f rcs.so ] || return 0
	while read -r name; do
		report "rcs.so: exports $name: a name outside its file begins with rcs_"
	done < <(nm -D --defined-only rcs.so | awk '{ print $3 }' |
		grep -vE '^(rcs_|pg_finfo_|Pg_magic_func$|_PG_init$)' || true)
}

# The version stands in rcs.control; what is read by others repeats it.
check_version()
{
	local version file
	version=$(sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" rcs.control)
	for file in META.json debian/changelog rpm/rcs.spec; do
		grep -qE "(\"version\": \"|^postgresql-rcs \(|^Version: +)${version//./\\.}([\")]|\$)" "$file" ||
			report "$file: another version than in rcs.control, $version"
	done
}

strip_c "${sources[@]}"
check_uses
check_shape
check_dialect
check_sql
check_arrows
check_exports
check_version
if [ "$bad" -eq 0 ]; then
	echo "lint: ${#sources[@]} C files, nothing to report"
fi
exit "$bad"
