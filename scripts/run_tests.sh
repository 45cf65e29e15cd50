#!/usr/bin/env bash
# Builds and tests the tree it is in.  Called by scripts/check.sh, which gives it a scratch copy,
# an unprivileged user and a clean environment; it is not meant to be called by hand.
set -euo pipefail
cd "$(dirname "$0")/.."
shopt -s nullglob

tree=$PWD
out=$RCS_SCRATCH
passed=0
failed=0

# Which parts: naming tests of one part means that part only.
parts=${ONLY:-}
if [ -z "$parts" ]; then
	[ -n "${REGRESS:-}" ] && parts="$parts regress"
	[ -n "${ISOLATION:-}" ] && parts="$parts isolation"
	[ -n "${TESTS:-}" ] && parts="$parts tap"
fi
parts=${parts:-lint ktsim regress isolation tap}

wants()
{
	[[ " $parts " == *" $1 "* ]]
}

# These run again in a database that is not in UTF-8.  The other tests that it changes hold characters
# that it does not have.
in_other_encodings="message_id validate rights"

# However this ends, the last line says how many passed and failed.
# shellcheck disable=SC2317
finish()
{
	local status=$?
	if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
		failed=1
	fi
	printf '\n%d passed, %d failed\n' "$passed" "$failed"
	exit $((failed > 0))
}
trap finish EXIT

title()
{
	printf '\n=== %s\n' "$1"
}

# count NAME PASSED FAILED STATUS: a part that ended badly without a failed test failed too.
count()
{
	local bad=$3
	if [ "$4" -ne 0 ] && [ "$bad" -eq 0 ]; then
		bad=1
	fi
	passed=$((passed + $2))
	failed=$((failed + bad))
	echo "--- $1: $2 passed, $bad failed"
}

build()
{
	local system_config jobs
	system_config=${PG_CONFIG:-pg_config}
	jobs=$(nproc)
	PG_CONFIG=$(PG_CONFIG=$system_config bash scripts/private-pg.sh "$out/pg")
	make -s -j"$jobs" FAULTS=1 PG_CONFIG="$PG_CONFIG"
	make -s install FAULTS=1 PG_CONFIG="$PG_CONFIG" >"$out/install.log"
	bin=$("$PG_CONFIG" --bindir)
	# the test programs are next to PGXS, in the copy as in the original
	pgxs_src=$("$PG_CONFIG" --pgxs)
	pgxs_src=${pgxs_src%/makefiles/pgxs.mk}
	export PATH="$bin:$PATH"
}

# What the server of the regression and isolation tests is started with.
server_settings()
{
	cat <<-EOF
		shared_preload_libraries = 'rcs'
		max_worker_processes = 16
		max_prepared_transactions = 4
		fsync = off
		log_line_prefix = '%m [%p] %q%a '
	EOF
}

# Counts the lines of pg_regress: "test x ... ok" up to 15, TAP from 16.
regress_counts()
{
	awk '/^(test| ) .*\.\.\. ok |^ok [0-9]+/ { p++ }
		/^(test| ) .*\.\.\. FAILED|^not ok [0-9]+/ { f++ }
		END { print p + 0, f + 0 }' "$1"
}

# run_regress NAME PROGRAM DATABASE ENCODING TESTS...
run_regress()
{
	local name=$1 program=$2 database=$3 encoding=$4 status=0 dir="$out/$1" p f
	shift 4
	title "$name"
	if [ $# -eq 0 ]; then
		echo "no tests"
		return
	fi
	rm -rf "$dir"
	mkdir -p "$dir"
	server_settings >"$dir/server.conf"
	"$program" --inputdir="$tree" --outputdir="$dir" --bindir="$bin" --dbname="$database" \
		--temp-instance="$dir/instance" --temp-config="$dir/server.conf" \
		--encoding="$encoding" --no-locale --launcher="env PGCLIENTENCODING=UTF8" "$@" 2>&1 | tee "$dir/output.log" || status=$?
	read -r p f < <(regress_counts "$dir/output.log")
	if [ "$status" -ne 0 ]; then
		if [ -s "$dir/regression.diffs" ]; then
			cat "$dir/regression.diffs"
		elif [ -f "$dir/log/postmaster.log" ]; then
			tail -n 40 "$dir/log/postmaster.log"
		fi
	fi
	count "$name" "$p" "$f" "$status"
}

# names DIR SUFFIX: the tests of a directory, in name order.
names()
{
	local f
	for f in "$1"/*"$2"; do
		basename "$f" "$2"
	done
}

# Sums prove's report; a file that ended badly without a failed test counts as one failure.
tap_counts()
{
	awk '/^Files=/ { split($2, t, "="); total = t[2] + 0 }
		/\(Wstat: / {
			n = $0; sub(/.*Failed: /, "", n); n += 0
			f += n; pending = (n == 0)
		}
		pending && /Non-zero|Parse errors|No plan|No tests run/ { f++; lost++; pending = 0 }
		END { print total - (f - lost), f + 0 }' "$1"
}

# A long file that begins last is waited for alone, so these begin first, in this order.  (What a
# file takes is in the report of prove.)
long_files=(delivery/nemesis process/clock delivery/torture delivery/crash_points hold/restore process/kill_server
	hold/failover process/lifecycle campaign/campaign_rates listener/console_browser delivery/single_lane
	hold/hold hold/pg_upgrade report/overdue process/kill_worker campaign/campaign_steered message/message_corpus)

longest_first()
{
	local f
	for f in "${long_files[@]}"; do
		printf '%s\n' "$@" | grep -Fx "t/$f.pl" || true
	done
	printf '%s\n' "$@" | grep -Fxv -f <(printf 't/%s.pl\n' "${long_files[@]}") || true
}

run_tap()
{
	local status=0 p f files=()
	title tap
	# unquoted on purpose: TESTS holds patterns
	# shellcheck disable=SC2206
	files=(${TESTS:-t/*/*.pl})
	if [ ${#files[@]} -eq 0 ]; then
		if [ -n "${TESTS:-}" ]; then
			echo "no file matches $TESTS"
			count tap 0 1 1
		else
			echo "no tests"
		fi
		return
	fi
	mapfile -t files < <(longest_first "${files[@]}")
	prove_files "$out/tap" "${JOBS:-3}" "${files[@]}" || status=$?
	read -r p f < <(tap_counts "$out/tap/output.log")
	if [ "$status" -ne 0 ] && [ -n "${RCS_AGAIN:-}" ]; then
		again_alone
	fi
	count tap "$p" "$f" "$status"
}

# prove_files DIR JOBS FILES: its report is in DIR/output.log.
prove_files()
{
	local dir=$1 jobs=$2
	shift 2
	rm -rf "$dir"
	mkdir -p "$dir/log"
	TESTDIR="$dir" TESTDATADIR="$dir/tmp_check" TESTLOGDIR="$dir/log" \
		PG_REGRESS="$pgxs_src/test/regress/pg_regress" KTSIM="$tree/ktsim/ktsim" \
		PERL5LIB="$pgxs_src/test/perl:$tree/t/lib" PGPORT=65432 \
		prove --timer -j "$jobs" "$@" 2>&1 | tee "$dir/output.log"
}

# On a build machine that others use, a test of time-outs may be late: files that failed run once
# more, alone, and the report says so.  What fails again has failed.
again_alone()
{
	local failed
	mapfile -t failed < <(sed -nE 's/^(t\/[^ ]+\.pl) +\(Wstat: .*/\1/p' "$out/tap/output.log")
	if [ ${#failed[@]} -eq 0 ] || [ ${#failed[@]} -gt 4 ]; then
		return
	fi
	title "tap, again and alone: ${failed[*]}"
	if prove_files "$out/tap-again" 1 "${failed[@]}"; then
		echo "FLAKY, passed when alone: ${failed[*]}"
		p=$((p + f))
		f=0
		status=0
	fi
}

run_lint()
{
	local status=0
	title lint
	bash scripts/lint.sh || status=$?
	count lint $((status == 0)) $((status != 0)) "$status"
}

run_ktsim()
{
	local status=0 p=0 f=0 log="$out/ktsim.log"
	title ktsim
	if [ ! -f ktsim/test.sh ]; then
		echo "no tests"
		return
	fi
	(cd ktsim && bash test.sh) >"$log" 2>&1 || status=$?
	read -r p f < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$log" | tail -n 1) || true
	if [ "$status" -ne 0 ]; then
		cat "$log"
	fi
	count ktsim "${p:-0}" "${f:-0}" "$status"
}

# The extension and the module of the fuzzer under AddressSanitizer, in a copy of its own.
build_fuzz()
{
	local dir=$out/fuzz flags
	flags="-O1 -g -fno-omit-frame-pointer -fsanitize=address"
	mkdir -p "$dir"
	rm -rf "$dir/tree"
	cp -r "$tree" "$dir/tree"
	find "$dir/tree" -name '*.o' -delete
	PG_CONFIG=$(PG_CONFIG=${PG_CONFIG:-pg_config} bash scripts/private-pg.sh "$dir/pg")
	make -s -C "$dir/tree" -j"$(nproc)" PG_CONFIG="$PG_CONFIG" COPT="$flags"
	make -s -C "$dir/tree" install PG_CONFIG="$PG_CONFIG" COPT="$flags" >"$dir/install.log"
	# unquoted on purpose: words
	# shellcheck disable=SC2086
	"${CC:-cc}" $flags -fsanitize=undefined -fno-sanitize-recover=undefined -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -Wno-sign-compare \
		-D_GNU_SOURCE -fPIC -shared -fno-strict-aliasing -fwrapv -Wl,-Bsymbolic \
		-Isrc -I"$("$PG_CONFIG" --includedir-server)" -o "$dir/rcs_fuzz.so" \
		fuzz/rcs_fuzz.c fuzz/fuzz_sql.c fuzz/fuzz_strings.c fuzz/malloc_context.c src/message/*.c src/kt/payload.c src/base/jsonb_members.c -luuid
	"${CC:-cc}" -fPIC -shared -fno-builtin -Wl,-z,initfirst -o "$dir/asan_first.so" fuzz/asan_first.c
}

run_fuzz()
{
	local status=0 p f dir=$out/fuzz files=()
	# unquoted on purpose: TESTS holds patterns
	# shellcheck disable=SC2206
	files=(${TESTS:-fuzz/*.pl})
	title "build under AddressSanitizer"
	build_fuzz
	bin=$("$PG_CONFIG" --bindir)
	pgxs_src=$("$PG_CONFIG" --pgxs)
	pgxs_src=${pgxs_src%/makefiles/pgxs.mk}
	title fuzz
	mkdir -p "$dir/log"
	rm -rf "$dir/tmp_check"
	PATH="$bin:$PATH" TESTDIR="$dir" TESTDATADIR="$dir/tmp_check" TESTLOGDIR="$dir/log" \
		PG_REGRESS="$pgxs_src/test/regress/pg_regress" PERL5LIB="$pgxs_src/test/perl:$tree/t/lib" PGPORT=65434 \
		RCS_FUZZ_MODULE="$dir/rcs_fuzz.so" RCS_FUZZ_PRELOAD="$("${CC:-cc}" -print-file-name=libasan.so) $dir/asan_first.so" \
		prove -v "${files[@]}" 2>&1 | tee "$dir/output.log" || status=$?
	read -r p f < <(tap_counts "$dir/output.log")
	count fuzz "$p" "$f" "$status"
}

if [ -f ktsim/Makefile ] && { wants ktsim || wants tap; }; then
	title "build of the stand-in carrier"
	make -s ktsim
fi
wants ktsim && run_ktsim
if wants lint || wants regress || wants isolation || wants tap; then
	title build
	build
fi
# It looks at the objects, too.
wants lint && run_lint
if wants regress; then
	# unquoted on purpose: a list of names
	# shellcheck disable=SC2046,SC2086
	run_regress regress "$pgxs_src/test/regress/pg_regress" contrib_regression \
		"${REGRESS_ENCODING:-UTF8}" ${REGRESS:-$(names sql .sql)}
	if [ -z "${REGRESS:-}${REGRESS_ENCODING:-}" ]; then
		# shellcheck disable=SC2086
		run_regress regress-euc-kr "$pgxs_src/test/regress/pg_regress" contrib_regression \
			EUC_KR $in_other_encodings
	fi
fi
if wants isolation; then
	# shellcheck disable=SC2046,SC2086
	run_regress isolation "$pgxs_src/test/isolation/pg_isolation_regress" isolation_regression UTF8 \
		${ISOLATION:-$(names specs .spec)}
fi
wants tap && run_tap
wants fuzz && run_fuzz

exit 0
