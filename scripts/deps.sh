#!/usr/bin/env bash
# Installs what building and testing need on a Debian that has only git, make and a compiler.
# Says first what and why; touches nothing that is there already; creates no database cluster.
# usage: deps.sh [bench|browser|copies]: also what the benchmark needs, the tests with a browser and a web server, or the
# long tests of copies (t/hold/matrix_*.pl).
set -euo pipefail

# Packages that will do, then the reason.  The first that this Debian has is installed.
# The server is added below, since its version depends on what is here.
needs=(
	"libcurl4-openssl-dev libcurl4-gnutls-dev libcurl4-nss-dev: HTTP to the carrier"
	"uuid-dev: message ids made from names (RFC 9562, version 5)"
	"libmicrohttpd-dev: HTTP in, and the stand-in carrier"
	"libjansson-dev: JSON in the stand-in carrier"
	"perl: prove, and the tests in t/"
	"libipc-run-perl: PostgreSQL's own test modules"
	"procps: ps, for the tests that kill processes"
	"curl: the stand-in carrier's own test"
)
if [ "${1:-}" = bench ]; then
	needs+=("wrk: what the stand-in carrier can take"
		"python3-psycopg2: the Python worker to compare with"
		"gnuplot-nox gnuplot-qt gnuplot-x11: the plots of make bench-grow")
fi
optional=(
	"clang-format-14 clang-format: make format-check"
)
if [ "${1:-}" = browser ]; then
	optional+=("chromium: the web console's test in a browser"
		"nginx-light nginx-core nginx-full nginx: the proxy before the listener, as doc/operations.md shows it")
	command -v npm >/dev/null || optional+=("npm: fetches playwright-core, which drives the browser")
fi
if [ "${1:-}" = copies ]; then
	optional+=("patroni: failovers by Patroni, for a long test"
		"python3-etcd: what Patroni needs to ask etcd"
		"etcd-server: where Patroni keeps who leads"
		"pgbackrest: restores by pgBackRest"
		"barman: restores by barman"
		"rsync: a stopped directory is copied")
fi
if ! command -v node >/dev/null; then
	optional+=("nodejs: a front that speaks HTTP/2, for a test")
fi

die()
{
	echo "deps: $*" >&2
	exit 1
}

installed()
{
	local p
	for p in "$@"; do
		if dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed'; then
			return 0
		fi
	done
	return 1
}

# A server from anywhere will do, as long as it can be built against and tested with.  Debian's
# client package brings PGXS along, so that alone does not tell that the headers are here.
server_present()
{
	local pgxs
	pgxs=$("${PG_CONFIG:-pg_config}" --pgxs 2>/dev/null) || return 1
	[ -f "$pgxs" ] &&
		[ -f "$("${PG_CONFIG:-pg_config}" --includedir-server)/postgres.h" ] &&
		[ -x "$("${PG_CONFIG:-pg_config}" --bindir)/postgres" ] &&
		[ -x "${pgxs%/makefiles/pgxs.mk}/test/regress/pg_regress" ]
}

# The major version of the headers that are here, else what this Debian calls "postgresql".
server_major()
{
	local major pgxs
	pgxs=$("${PG_CONFIG:-pg_config}" --pgxs 2>/dev/null) || pgxs=
	if [ -f "$pgxs" ]; then
		"${PG_CONFIG:-pg_config}" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/'
		return
	fi
	major=$(apt-cache show postgresql 2>/dev/null |
		awk '/^Depends:.*postgresql-[0-9]/ && !n { sub(/.*postgresql-/, ""); n = $0 + 0 }
			END { if (n) print n }') || major=
	echo "${major:-15}"
}

if ! command -v dpkg-query >/dev/null; then
	if server_present; then
		echo "deps: not a Debian; taking what is here. Needed:"
		printf '  %s\n' "${needs[@]}"
		exit 0
	fi
	die "not a Debian, and no PostgreSQL with headers, pg_regress and PGXS in PATH"
fi

root=()
can_install=yes
if [ "$(id -u)" != 0 ]; then
	root=(sudo)
	if ! command -v sudo >/dev/null || ! { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
		can_install=
	fi
fi

# Without package lists the server's version cannot be looked up, let alone installed.
lists_read=
read_lists()
{
	if [ -z "$lists_read" ] && [ -n "$can_install" ]; then
		"${root[@]}" apt-get update -q </dev/null
		lists_read=yes
	fi
}

# The first of these packages that this Debian has; versions in names come and go with its releases.
first_known()
{
	local p
	for p in "$@"; do
		if apt-cache show "$p" >/dev/null 2>&1; then
			echo "$p"
			return
		fi
	done
}

# collect required|optional ENTRY...: what is missing, in missing and on standard output.
missing=()
collect()
{
	local kind=$1 entry names name
	shift
	for entry in "$@"; do
		read -r -a names <<<"${entry%%:*}"
		if installed "${names[@]}"; then
			continue
		fi
		name=$(first_known "${names[@]}")
		if [ -z "$name" ]; then
			read_lists >/dev/null
			name=$(first_known "${names[@]}")
		fi
		if [ -z "$name" ] && [ "$kind" = optional ]; then
			continue
		fi
		name=${name:-${names[0]}}
		missing+=("$name")
		printf '  %-26s%s\n' "$name" "${entry#*: }"
	done
}

if ! server_present; then
	apt-cache show postgresql >/dev/null 2>&1 || read_lists
	major=$(server_major)
	needs+=("postgresql-$major: the server to test with"
		"postgresql-server-dev-$major: its headers, PGXS and pg_regress")
fi

# pg_cron is packaged for the servers that Debian (or the PGDG) has packaged, and for no others.
major=$(server_major)
cron="postgresql-$major-cron"
if [[ " ${needs[*]}" == *" postgresql-$major: "* ]] || installed "postgresql-$major"; then
	if ! installed "$cron" && ! apt-cache show "$cron" >/dev/null 2>&1; then
		read_lists || true
	fi
	if installed "$cron" || apt-cache show "$cron" >/dev/null 2>&1; then
		optional+=("$cron: campaigns that recur, for a test")
	fi
fi
if [ "${1:-}" = copies ]; then
	optional+=("postgresql-$major-pglogical: logical copies by pglogical")
fi

listing=$(mktemp)
trap 'rm -f "$listing"' EXIT
collect required "${needs[@]}" >"$listing"
required=${#missing[@]}
collect optional "${optional[@]}" >>"$listing"

if [ ${#missing[@]} -eq 0 ]; then
	echo "deps: everything is here"
	exit 0
fi
echo "deps: missing packages:"
cat "$listing"
if [ -z "$can_install" ]; then
	if [ "$required" -eq 0 ]; then
		echo "deps: going on without them"
		exit 0
	fi
	die "neither root nor sudo; ask for: apt-get install ${missing[*]}"
fi

# Debian makes and starts a cluster with each new server.  Nobody asked for one here, so a
# setting says no while we install; it is removed again, for it is not ours to decide later.
no_cluster=/etc/postgresql-common/createcluster.d/rcs-no-cluster.conf
if [[ " ${missing[*]} " =~ " postgresql-"[0-9]+" " ]] && [ ! -e "$no_cluster" ]; then
	echo "deps: no database cluster will be created or started"
	"${root[@]}" mkdir -p "${no_cluster%/*}"
	echo "create_main_cluster = false" | "${root[@]}" tee "$no_cluster" >/dev/null
	trap 'rm -f "$listing"; "${root[@]}" rm -f "$no_cluster"' EXIT
fi

read_lists
"${root[@]}" env DEBIAN_FRONTEND=noninteractive \
	apt-get install -q -y --no-install-recommends "${missing[@]}" </dev/null
echo "deps: installed ${missing[*]}"
