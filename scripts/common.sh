# Shared by check.sh and demo.sh, which source it from the top of the tree: where to work, as whom,
# and on which copy of the tree.
# shellcheck shell=bash

# Sets scratch to a new directory.  Root's TMPDIR may be closed to the user that runs the servers.
make_scratch()
{
	local base=${TMPDIR:-/tmp}
	if [ "$(id -u)" = 0 ]; then
		base=/tmp
	fi
	scratch=$(mktemp -d "$base/$1.XXXXXX")
}

# PostgreSQL refuses to run as root.  Sets user (empty: whoever we are) and as_user, a command
# prefix, for the scripts that source this.
choose_user()
{
	user=
	# shellcheck disable=SC2034
	as_user=()
	if [ "$(id -u)" = 0 ]; then
		user=postgres
		if ! id "$user" >/dev/null 2>&1; then
			user=rcs_check
			id "$user" >/dev/null 2>&1 || useradd --system --shell /bin/sh "$user"
		fi
		# shellcheck disable=SC2034
		as_user=(setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups)
	fi
}

# Everything but build products; times are kept, so that a kept copy compiles only changes.
copy_tree()
{
	mkdir -p "$1"
	tar -cf - --exclude=./.git --exclude='*.o' --exclude='*.so' --exclude='*.bc' --exclude='*.d' \
		--exclude=./src/kt/kt_codes.h --exclude=./src/listener/console_files.h --exclude='./rcs--*.sql' --exclude=./ktsim/ktsim \
		--exclude=./demo/customers.csv --exclude=./tmp_check --exclude=./packages . | tar -xf - -C "$1"
}

give_scratch_to_user()
{
	if [ -n "$user" ]; then
		chown -R "$user" "$scratch"
	fi
}
