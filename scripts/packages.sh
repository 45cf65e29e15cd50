#!/usr/bin/env bash
# Builds the Debian packages of this tree for each PostgreSQL of this Debian, in a scratch copy and as an unprivileged user, checks
# them with lintian and leaves them in packages/.
# usage: packages.sh [try]   try: installs them here, too, and runs the test that is for the installed ones (in a chroot, say)
set -euo pipefail
cd "$(dirname "$0")/.."
export DEBIAN_FRONTEND=noninteractive

# shellcheck source=scripts/common.sh
. scripts/common.sh

root=()
[ "$(id -u)" = 0 ] || root=(sudo)
# neither brings a cluster with it
no_cluster=/etc/postgresql-common/createcluster.d/rcs-no-cluster.conf
"${root[@]}" mkdir -p "${no_cluster%/*}"
echo "create_main_cluster = false" | "${root[@]}" tee "$no_cluster" >/dev/null
make_scratch rcs-packages
trap '"${root[@]}" rm -rf "$no_cluster" "$scratch"' EXIT

"${root[@]}" apt-get update -q </dev/null
"${root[@]}" apt-get install -q -y --no-install-recommends dpkg-dev fakeroot lintian postgresql-common </dev/null
choose_user
mkdir "$scratch/home"
copy_tree "$scratch/tree"
give_scratch_to_user
build()
{
	(cd "$scratch/tree" && "${as_user[@]}" env HOME="$scratch/home" "$@")
}
"${root[@]}" apt-get build-dep -q -y --no-install-recommends "$scratch/tree" </dev/null
build pg_buildext updatecontrol
build env DEB_BUILD_OPTIONS="parallel=$(nproc)" dpkg-buildpackage -us -uc
# the authors have no public address; whoever uploads puts his own into debian/control.in
(cd "$scratch" && "${as_user[@]}" lintian --fail-on error,warning --suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog ./*.changes)
mkdir -p packages
cp "$scratch"/*.deb "$scratch"/*.tar.* "$scratch"/*.dsc packages/
echo "packages: lintian has nothing to say; they are in packages/"

if [ "${1:-}" = try ]; then
	"${root[@]}" apt-get install -q -y --no-install-recommends "$scratch"/postgresql-[0-9]*-rcs_*.deb "$scratch"/ktsim_*.deb </dev/null
	build debian/tests/message
	echo "packages: installed, and a message was sent"
fi
