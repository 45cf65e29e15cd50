# Versions: an updated extension is the same as a fresh one, nothing is sent while library and SQL are of different versions, and
# a running server does not mind that its files are replaced.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use File::Basename;
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;

my $tree = "$FindBin::RealBin/../..";
my $tmp = PostgreSQL::Test::Utils::tempdir();

# A PostgreSQL of its own, for files are replaced in it

chomp(my $system_config = `command -v pg_config`);
chomp(my $config = `PG_CONFIG=$system_config bash $tree/scripts/private-pg.sh $tmp/pg`);
chomp(my ($bin, $lib, $share) = map { `$config --$_` } qw(bindir pkglibdir sharedir));
like($lib, qr{^\Q$tmp\E/}, 'it is a copy');
my $scripts = "$share/extension";
my ($now) = slurp_file("$tree/rcs.control") =~ /^default_version = '(.*)'/m;
my $fresh = slurp_file("$scripts/rcs--$now.sql");

sub script
{
	my ($versions, $text) = @_;
	unlink "$scripts/rcs--$versions.sql";
	append_to_file("$scripts/rcs--$versions.sql", $text);
	return;
}

# An older version that lacks a comment, an index and a right; and a newer one.
my $old = $fresh;
my ($comment) = $old =~ /^(COMMENT ON VIEW rcs\.queue_depth IS '[^']*';)$/m;
my @lacks = (
	$comment,
	'CREATE INDEX result_uncertain ON rcs.result (at) WHERE outcome = \'u\';',
	'GRANT EXECUTE ON FUNCTION rcs_metrics() TO pg_monitor;');
is($old =~ s/^\Q$_\E$//m, 1, "the older version lacks: $_") for @lacks;
script('0.0.9', $old);
script("0.0.9--$now", join "\n", 'SELECT rcs._needs_library();', @lacks);
script('99.0.0', $fresh);
script("$now--99.0.0", "SELECT rcs._needs_library();\n");

my $node = rcs_node('main', install => dirname($bin));
my $sim = start_ktsim();

# All that a version is made of, one line for each object
my $catalogs = q{
WITH member AS (SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'rcs'),
rel AS (SELECT c.* FROM pg_class c JOIN member m ON m.objid = c.oid AND m.classid = 'pg_class'::regclass),
line(what, def, acl, described) AS (
	SELECT pg_describe_object(m.classid, m.objid, 0), NULL::text, NULL::aclitem[], obj_description(m.objid, (m.classid::regclass)::text) FROM member m
	UNION ALL SELECT 'function ' || p.oid::regprocedure, pg_get_functiondef(p.oid), p.proacl, NULL
	FROM pg_proc p JOIN member m ON m.objid = p.oid AND m.classid = 'pg_proc'::regclass WHERE p.prokind IN ('f', 'p')
	UNION ALL SELECT 'relation ' || r.oid::regclass, concat(r.relkind, r.relpersistence, r.reloptions::text,
		CASE WHEN r.relkind = 'v' THEN pg_get_viewdef(r.oid) END), r.relacl, NULL FROM rel r
	UNION ALL SELECT 'column ' || a.attrelid::regclass || '.' || a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attstorage,
		a.attgenerated, a.attidentity, a.attcollation::regcollation, pg_get_expr(d.adbin, d.adrelid)), a.attacl, col_description(a.attrelid, a.attnum)
	FROM pg_attribute a JOIN rel r ON r.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
	WHERE a.attnum > 0 AND NOT a.attisdropped
	UNION ALL SELECT 'constraint ' || c.conname || ' of ' || c.conrelid::regclass, pg_get_constraintdef(c.oid), NULL, obj_description(c.oid, 'pg_constraint')
	FROM pg_constraint c JOIN rel r ON r.oid = c.conrelid
	UNION ALL SELECT 'index ' || i.indexrelid::regclass, concat(pg_get_indexdef(i.indexrelid), i.indisreplident), NULL, obj_description(i.indexrelid, 'pg_class')
	FROM pg_index i JOIN rel r ON r.oid = i.indrelid
	UNION ALL SELECT 'trigger ' || t.tgname || ' of ' || t.tgrelid::regclass, concat(pg_get_triggerdef(t.oid), t.tgenabled), NULL, NULL
	FROM pg_trigger t JOIN rel r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
	UNION ALL SELECT 'event trigger ' || e.evtname, concat_ws(' ', e.evtevent, e.evtfoid::regproc, e.evtenabled, e.evttags::text), NULL, NULL
	FROM pg_event_trigger e JOIN member m ON m.objid = e.oid AND m.classid = 'pg_event_trigger'::regclass
	UNION ALL SELECT 'wrapper', concat_ws(' ', w.fdwhandler::regproc, w.fdwvalidator::regproc, w.fdwoptions::text), w.fdwacl, NULL
	FROM pg_foreign_data_wrapper w JOIN member m ON m.objid = w.oid AND m.classid = 'pg_foreign_data_wrapper'::regclass
	UNION ALL SELECT 'schema', NULL, n.nspacl, NULL FROM pg_namespace n JOIN member m ON m.objid = n.oid AND m.classid = 'pg_namespace'::regclass
	UNION ALL SELECT 'dumped ' || x.rel::regclass, x.condition, NULL, NULL FROM pg_extension e, unnest(e.extconfig, e.extcondition) x(rel, condition) WHERE e.extname = 'rcs'
	UNION ALL SELECT 'version', e.extversion, NULL, NULL FROM pg_extension e WHERE e.extname = 'rcs')
SELECT (to_json(l.what || ': ' || coalesce(l.def, '') || ' ' || coalesce((SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(l.acl) a), '')
	|| ' ' || coalesce(l.described, '')))::text FROM line l ORDER BY 1};

sub catalogs
{
	my ($db) = @_;
	return [ split /\n/, $node->safe_psql($db, $catalogs) ];
}

# What differs, most telling when empty
sub differences
{
	my ($a, $b) = @_;
	my (%a, %b);
	@a{@$a} = ();
	@b{@$b} = ();
	return join "\n", (map { "only updated: $_" } grep { !exists $b{$_} } sort keys %a), (map { "only fresh: $_" } grep { !exists $a{$_} } sort keys %b);
}

sub updated
{
	my ($db, $from) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, "CREATE EXTENSION rcs VERSION '$from'; ALTER EXTENSION rcs UPDATE");
	return catalogs($db);
}

# An update leads to what a fresh install is

rcs_database($node, 'fresh');
my $wanted = catalogs('fresh');
cmp_ok(scalar @$wanted, '>', 500, 'the catalogs are compared in full');
is(differences(updated('from_old', '0.0.9'), $wanted), '', 'an update that leaves nothing out');
for my $n (0 .. $#lacks)
{
	my @others = @lacks;
	splice @others, $n, 1;
	script("0.0.9--$now", join "\n", 'SELECT rcs._needs_library();', @others);
	like(differences(updated("bad$n", '0.0.9'), $wanted), qr/^only fresh: /m, "one that forgets a part is seen: $lacks[$n]");
}
script("0.0.9--$now", join "\n", 'SELECT rcs._needs_library();', @lacks);

# Each released version has its script, and a way from it to this one
my @released = slurp_file("$tree/CHANGELOG.md") =~ /^## (\S+)(?! \(unreleased\))(?=\s)/mg;
for my $version (grep { $_ ne $now } @released)
{
	ok(-f "$tree/updates/rcs--$version.sql", "the install script of $version is kept") or next;
	script($version, slurp_file("$tree/updates/rcs--$version.sql"));
	(my $db = "from_$version") =~ tr/./_/;
	is(differences(updated($db, $version), $wanted), '', "the update from $version");
}
note 'released versions: ', scalar @released;

# The library is newer than the SQL: messages wait, and it is said where one looks

$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->safe_psql('shop', "CREATE EXTENSION rcs VERSION '0.0.9'");
setup_account($node, 'shop', $sim);
my ($rc, $out, $err) = $node->psql('shop', "SELECT rcs_send('010-1111-2222', 'hello'); SELECT rcs_send('010-1111-2222', 'again')");
is($rc, 0, 'messages are taken');
like($err, qr/^[^\n]*WARNING:  the extension rcs has version 0\.0\.9 and the loaded library \Q$now\E, so nothing will be sent\n(?!.*WARNING)/s, 'with one warning');
like($err, qr/ALTER EXTENSION rcs UPDATE/, 'that says what to do');
settled($node, 'shop', 0, 'no worker runs');
is($sim->stats->{offers} // 0, 0, 'nothing was offered');
is($node->safe_psql('shop', q{SELECT severity FROM rcs_health() WHERE "check" = 'worker_slots' AND detail LIKE '%version 0.0.9%'}), 'critical', 'health says so');
$node->safe_psql('shop', 'ALTER EXTENSION rcs UPDATE');
drained($node, 'shop', 30, 'after the update they leave');

# The SQL is newer than the library, which runs until the server is started again

($rc, $out, $err) = $node->psql('shop', "ALTER EXTENSION rcs UPDATE TO '99.0.0'");
like($err, qr/rcs 99\.0\.0 needs its own library, and the server still runs that of \Q$now\E/, 'an update says what is missing');
like($err, qr/Restart the server/, 'and what to do');
$node->safe_psql('postgres', 'CREATE DATABASE newer');
($rc, $out, $err) = $node->psql('newer', "CREATE EXTENSION rcs VERSION '99.0.0'");
like($err, qr/rcs 99\.0\.0 needs its own library/, 'so does an installation');

# The files are replaced under a running server: it uses those that it has loaded, in new processes, too

unlink "$lib/rcs.so";
append_to_file("$lib/rcs.so", 'no library');
my $pids = worker_pids($node, 'shop');
$node->safe_psql('shop', "SELECT pg_terminate_backend(pid, 5000) FROM unnest('{$pids}'::int[]) AS pid");
my $id = $node->safe_psql('shop', "SELECT rcs_send('010-1111-2223', 'hello')");
drained($node, 'shop', 30, 'a message leaves while other files are there', $id);
is($node->safe_psql('shop', "SELECT status FROM rcs.message_status WHERE id = '$id'"), 'sent', 'it is sent');

oracle($node, 'shop', $sim);
$node->stop;
done_testing();
