#!/usr/bin/env bash
# Copies the installed PostgreSQL into a directory, so that the extension can be installed and
# tried by any user without touching the system.  Prints the path of the copy's pg_config.
#
# It works because PostgreSQL finds its files relative to its own binary, by the part that
# the compiled-in paths have in common; hence full paths are kept below the directory.
set -euo pipefail

if [ $# -ne 1 ]; then
	echo "usage: scripts/private-pg.sh DIR" >&2
	exit 2
fi
mkdir -p "$1"
dir=$(cd "$1" && pwd)

# Debian's pg_config in PATH is a wrapper; the one next to the binaries is the real one.
bindir=$("${PG_CONFIG:-pg_config}" --bindir)
real="$bindir/pg_config"
if [ ! -x "$real" ] || [ ! -x "$bindir/postgres" ]; then
	echo "private-pg: no server in $bindir" >&2
	exit 1
fi
if [ -e "$dir$bindir" ]; then
	echo "$dir$bindir/pg_config"
	exit 0
fi

copy()
{
	if [ -d "$1" ] && [ ! -e "$dir$1" ]; then
		mkdir -p "$dir${1%/*}"
		cp -a --no-preserve=ownership "$1" "$dir$1"
	fi
}

copy "$("$real" --pkglibdir)"
copy "$("$real" --sharedir)"
# The headers are only read: a link will do.
include=$("$real" --includedir)
if [ ! -e "$dir$include" ]; then
	mkdir -p "$dir${include%/*}"
	ln -s "$include" "$dir$include"
fi
# Last, because its presence is what says that the copy is complete.
copy "$bindir"

if [ "$("$dir$real" --sharedir)" != "$dir$("$real" --sharedir)" ]; then
	echo "private-pg: this PostgreSQL does not find its files relative to its binary" >&2
	exit 1
fi
echo "$dir$real"
