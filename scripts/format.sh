#!/usr/bin/env bash
# Lays the C sources out by .clang-format; with --check only says which are not.
# Version 14 is asked for first, because versions disagree in small things.
set -euo pipefail
cd "$(dirname "$0")/.."

tool=${CLANG_FORMAT:-}
if [ -z "$tool" ]; then
	tool=$(command -v clang-format-14 || command -v clang-format) || {
		echo "clang-format is missing: run \"make deps\", or set CLANG_FORMAT" >&2
		exit 1
	}
fi

files=()
for f in src/*.[ch] src/*/*.[ch] ktsim/*.[ch] fuzz/*.[ch]; do
	if [ -f "$f" ] && [ "$f" != src/kt/kt_codes.h ] && [ "$f" != src/listener/console_files.h ]; then
		files+=("$f")
	fi
done
if [ ${#files[@]} -eq 0 ]; then
	echo "no C sources"
	exit 0
fi

case "${1:-}" in
	"") "$tool" -i "${files[@]}" ;;
	--check) "$tool" --dry-run -Werror "${files[@]}" ;;
	*)
		echo "usage: scripts/format.sh [--check]" >&2
		exit 2
		;;
esac
