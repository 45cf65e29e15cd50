#!/usr/bin/env bash
# The whole test run, for root or anybody: copies the tree to a scratch directory and runs
# scripts/run_tests.sh there as an unprivileged user, against a private PostgreSQL.
# Neither the tree nor the system's PostgreSQL nor any cluster is touched.
#
# Environment:
#   ONLY=lint|ktsim|regress|isolation|tap|fuzz   one part of it (fuzz: only when named)
#   REGRESS="phone render"                  only these tests of sql/ (and no other part)
#   REGRESS_ENCODING=EUC_KR                 the tests of sql/ in databases of this encoding
#   ISOLATION="claim"                       only these of specs/
#   TESTS="t/media/*.pl"                    only these of t/ (here a feature), or with ONLY=fuzz of fuzz/
#   JOBS=3                                  TAP files at a time
#   RCS_LONG=1                              the long tests too (make check-long)
#   RCS_TIMES=1                             limits of time count (a quiet machine); else only a hang fails
#   RCS_AGAIN=1                             TAP files that failed once more, alone (busy build machines)
#   SCRATCH=DIR                             use and keep DIR: the next run compiles less
#   PG_CONFIG=...                           another PostgreSQL
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=scripts/common.sh
. scripts/common.sh

if [ -n "${SCRATCH:-}" ]; then
	mkdir -p "$SCRATCH"
	scratch=$(cd "$SCRATCH" && pwd)
	keep=yes
else
	make_scratch rcs-check
	keep=
fi
choose_user

# What the test of the web console drives a browser with, once a scratch directory.  We may reach a
# registry where the tests, with their clean environment, do not; without it that test is skipped.
fetch_browser_driver()
{
	local dir="$scratch/browser"
	[ -x /usr/bin/chromium ] && command -v npm >/dev/null || return 0
	[[ " ${ONLY:-tap} " == *" tap "* && -z "${REGRESS:-}${ISOLATION:-}" && "${TESTS:-console}" =~ console|listener/\*|t/\*/ ]] || return 0
	if ! cmp -s t/console/package.json "$dir/package.json"; then
		mkdir -p "$dir"
		if ! npm install --prefix "$dir" --no-package-lock --ignore-scripts --no-audit --no-fund --silent \
			"$(sed -nE 's/.*"(playwright-core)": "([0-9.]+)".*/\1@\2/p' t/console/package.json)" </dev/null >&2; then
			echo "check: no playwright-core, so the test in a browser is skipped" >&2
			return 0
		fi
		cp t/console/package.json "$dir/"
	fi
}

tree="$scratch/tree"
if [ -d "$tree" ]; then
	find "$tree" -type f ! -name '*.o' ! -name '*.d' ! -name '*.so' ! -name kt_codes.h ! -name console_files.h ! -name ktsim -delete
fi
copy_tree "$tree"
mkdir -p "$scratch/home"
fetch_browser_driver
give_scratch_to_user

# A clean environment: a PGHOST or PGOPTIONS of the caller must not reach the tests.
# LC_ALL is for our tools; PostgreSQL's test modules drop it and make UTF-8 databases by LANG.
vars=(PATH="$PATH" HOME="$scratch/home" USER="${user:-$(id -un)}" TMPDIR=/tmp
	LANG=C.UTF-8 LC_ALL=C RCS_SCRATCH="$scratch" RCS_BROWSER="$scratch/browser")
for v in ONLY REGRESS REGRESS_ENCODING ISOLATION TESTS JOBS RCS_LONG RCS_SEED RCS_NEMESIS_SECONDS RCS_ATTACK_SECONDS RCS_AGAIN RCS_TIMES FUZZ_N FUZZ_SEED FUZZ_FIRST PG_CONFIG PG_TEST_TIMEOUT_DEFAULT; do
	if [ -n "${!v:-}" ]; then
		vars+=("$v=${!v}")
	fi
done

status=0
(cd "$tree" && "${as_user[@]}" env -i "${vars[@]}" bash scripts/run_tests.sh </dev/null) || status=$?

if [ "$status" -eq 0 ] && [ -z "$keep" ]; then
	rm -rf "$scratch"
elif [ "$status" -ne 0 ]; then
	echo "logs and results are kept in $scratch" >&2
fi
exit "$status"
