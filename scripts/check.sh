#!/usr/bin/env bash
# The whole test run, for root or anybody: copies the tree to a scratch directory and runs
# scripts/run_tests.sh there as an unprivileged user, against a private PostgreSQL.
# Neither the tree nor the system's PostgreSQL nor any cluster is touched.
#
# Environment:
#   ONLY=lint|ktsim|regress|isolation|tap   one part of it
#   REGRESS="phone render"                  only these tests of sql/ (and no other part)
#   ISOLATION="claim"                       only these of specs/
#   TESTS="t/003_*.pl"                      only these of t/
#   JOBS=2                                  TAP files at a time
#   RCS_LONG=1                              the long tests too (make check-long)
#   SCRATCH=DIR                             use and keep DIR: the next run compiles less
#   PG_CONFIG=...                           another PostgreSQL
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -n "${SCRATCH:-}" ]; then
	mkdir -p "$SCRATCH"
	scratch=$(cd "$SCRATCH" && pwd)
	keep=yes
elif [ "$(id -u)" = 0 ]; then
	# not TMPDIR: root's may be closed to the user that runs the tests
	scratch=$(mktemp -d /tmp/rcs-check.XXXXXX)
	keep=
else
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/rcs-check.XXXXXX")
	keep=
fi

# PostgreSQL refuses to run as root.
as_user=()
if [ "$(id -u)" = 0 ]; then
	user=postgres
	if ! id "$user" >/dev/null 2>&1; then
		user=rcs_check
		id "$user" >/dev/null 2>&1 || useradd --system --shell /bin/sh "$user"
	fi
	as_user=(setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups)
fi

# Everything but build products; times are kept, so that a kept SCRATCH compiles only changes.
tree="$scratch/tree"
if [ -d "$tree" ]; then
	find "$tree" -type f ! -name '*.o' ! -name '*.so' ! -name kt_codes.h ! -name ktsim -delete
fi
mkdir -p "$tree" "$scratch/home"
tar -cf - --exclude=./.git --exclude='*.o' --exclude='*.so' --exclude='*.bc' \
	--exclude=./src/kt_codes.h --exclude='./rcs--*.sql' --exclude=./ktsim/ktsim \
	--exclude=./demo/customers.csv --exclude=./tmp_check . | tar -xf - -C "$tree"
if [ ${#as_user[@]} -gt 0 ]; then
	chown -R "$user" "$scratch"
fi

# A clean environment: a PGHOST or PGOPTIONS of the caller must not reach the tests.
# LC_ALL is for our tools; PostgreSQL's test modules drop it and make UTF-8 databases by LANG.
vars=(PATH="$PATH" HOME="$scratch/home" USER="${user:-$(id -un)}" TMPDIR=/tmp
	LANG=C.UTF-8 LC_ALL=C RCS_SCRATCH="$scratch")
for v in ONLY REGRESS ISOLATION TESTS JOBS RCS_LONG PG_CONFIG PG_TEST_TIMEOUT_DEFAULT; do
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
