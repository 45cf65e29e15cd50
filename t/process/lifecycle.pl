# The life of the launcher and the workers of one database.  doc/lifecycle.md lists the events.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main');

sub launchers
{
	return "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'rcs launcher'";
}

# CREATE EXTENSION

poll($node, 'postgres', launchers(), 1, 10, 'server start: one launcher');
is($node->safe_psql('postgres', worker_count('postgres')), 0, 'no workers without the extension');

$node->safe_psql('postgres', 'BEGIN; CREATE EXTENSION rcs; ROLLBACK');
settled($node, 'postgres', 0, 'a rolled back CREATE EXTENSION starts nothing');

$node->safe_psql('postgres', 'BEGIN; SAVEPOINT a; CREATE EXTENSION rcs; ROLLBACK TO a; COMMIT');
settled($node, 'postgres', 0, 'nor one that is rolled back to a savepoint');

my $psql = $node->background_psql('postgres');
$psql->query_safe('BEGIN; SAVEPOINT a; CREATE EXTENSION rcs; RELEASE a');
settled($node, 'postgres', 0, 'CREATE EXTENSION starts nothing before COMMIT');
$psql->query_safe('COMMIT');
poll($node, 'postgres', worker_count('postgres'), 2, 2, 'at COMMIT both lanes get a worker');
is( $node->safe_psql('postgres',
		'SELECT string_agg(kind, $$,$$ ORDER BY kind) FROM rcs.worker_status'),
	'campaign,launcher,single', 'rcs.worker_status shows them');

# Idle workers

poll($node, 'postgres', "SELECT count(*) FROM rcs.worker_status WHERE state <> 'starting'", 3, 5,
	'the workers have begun');
is( $node->safe_psql('postgres', q{
		SELECT count(*), count(backend_xid), count(backend_xmin)
		FROM pg_stat_activity WHERE backend_type LIKE 'rcs%'}),
	'3|0|0', 'idle, they hold back no vacuum');
is( $node->safe_psql('postgres', q{
		SELECT count(*), count(DISTINCT objid) FROM pg_locks
		WHERE locktype = 'userlock' AND objsubid = 21059}),
	'2|2', 'each holds the lock of its generation');
is( $node->safe_psql('postgres', q{
		SELECT bool_and(pg_try_advisory_lock((classid::bigint << 32) | objid::bigint)
			AND pg_try_advisory_lock(classid::int, objid::int)), count(*)
		FROM pg_locks WHERE locktype = 'userlock';
		SELECT count(*) FROM pg_locks WHERE locktype = 'userlock' AND pid = pg_backend_pid()}),
	"t|2\n0", 'advisory locks of users are other locks');
is($node->psql('postgres', 'SET ROLE pg_database_owner; SELECT * FROM rcs.worker_status'),
	3, 'not everybody may see the processes');
is($node->psql('postgres', 'SET ROLE pg_monitor; SELECT * FROM rcs.worker_status'),
	0, 'monitoring roles may');

# Termination, one worker and the launcher

my $pids = worker_pids($node, 'postgres');
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM rcs.worker_status WHERE kind <> 'launcher'");
sleep(0.5);
is(worker_pids($node, 'postgres'), $pids, 'pg_cancel_backend does not end an idle worker');

for my $round (1, 2)
{
	my $pid = (split /,/, worker_pids($node, 'postgres'))[0];
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 5000)");
	poll($node, 'postgres', worker_count('postgres'), 2, 3,
		"a terminated worker comes back soon, round $round");
	unlike(worker_pids($node, 'postgres'), qr/\b$pid\b/, "and it is another process, round $round");
}

$pids = worker_pids($node, 'postgres');
my $launcher =
  "SELECT pid FROM pg_stat_activity WHERE backend_type = 'rcs launcher'";
my $old = $node->safe_psql('postgres', $launcher);
$node->safe_psql('postgres', "SELECT pg_terminate_backend($old, 5000)");
poll($node, 'postgres', launchers() . " AND pid <> $old", 1, 5, 'a terminated launcher comes back');
settled($node, 'postgres', 2, 'it adds no workers');
is(worker_pids($node, 'postgres'), $pids, 'it adopts those that are there');

# Counts follow a reload

$node->safe_psql('postgres', 'ALTER SYSTEM SET rcs.single_workers = 3');
$node->safe_psql('postgres', 'ALTER SYSTEM SET rcs.campaign_workers = 2');
$node->reload;
poll($node, 'postgres', worker_count('postgres'), 5, 5, 'a reload adds workers');
$node->safe_psql('postgres', 'ALTER SYSTEM SET rcs.single_workers = 1');
$node->safe_psql('postgres', 'ALTER SYSTEM SET rcs.campaign_workers = 0');
$node->reload;
poll($node, 'postgres',
	"SELECT string_agg(kind, ',' ORDER BY kind) FROM rcs.worker_status",
	'launcher,single', 5, 'and takes them away');
$node->safe_psql('postgres', 'ALTER SYSTEM SET rcs.campaign_workers = 1');
$node->reload;
poll($node, 'postgres', worker_count('postgres'), 2, 5, 'and adds them again');

# DROP EXTENSION

$pids = worker_pids($node, 'postgres');
$psql->query_safe('BEGIN; DROP EXTENSION rcs');
sleep(0.5);
$psql->query_safe('ROLLBACK');
settled($node, 'postgres', 2, 'a rolled back DROP EXTENSION leaves the workers');
is(worker_pids($node, 'postgres'), $pids, 'the same processes');

$psql->query_safe('BEGIN; DROP EXTENSION rcs');
settled($node, 'postgres', 2, 'before COMMIT of DROP EXTENSION they are there', 0.3);
$psql->query_safe('COMMIT');
poll($node, 'postgres', worker_count('postgres'), 0, 2, 'at COMMIT they leave');
settled($node, 'postgres', 0, 'and stay away');

$node->safe_psql('postgres', 'CREATE EXTENSION rcs');
poll($node, 'postgres', worker_count('postgres'), 2, 2, 'CREATE EXTENSION after DROP EXTENSION');
$pids = worker_pids($node, 'postgres');
$node->safe_psql('postgres', 'BEGIN; DROP EXTENSION rcs; CREATE EXTENSION rcs; COMMIT');
poll($node, 'postgres', worker_count('postgres') . " AND pid NOT IN ($pids)",
	2, 5, 'DROP and CREATE in one transaction: workers of the new one');
settled($node, 'postgres', 2, 'and no others');

$node->safe_psql('postgres', q{
	CREATE ROLE boss SUPERUSER;
	DROP EXTENSION rcs;
	SET ROLE boss;
	CREATE EXTENSION rcs;});
poll($node, 'postgres', worker_count('postgres'), 2, 5, 'workers of an extension of another role');
$node->safe_psql('postgres', 'DROP OWNED BY boss CASCADE');
poll($node, 'postgres', worker_count('postgres'), 0, 2, 'DROP OWNED stops them');
$node->safe_psql('postgres', 'DROP ROLE boss');

# Two-phase commit

$node->safe_psql('postgres', "BEGIN; CREATE EXTENSION rcs; PREPARE TRANSACTION 'a'");
settled($node, 'postgres', 0, 'PREPARE TRANSACTION starts nothing');
$node->safe_psql('postgres', "COMMIT PREPARED 'a'");
poll($node, 'postgres', worker_count('postgres'), 2, 2, 'COMMIT PREPARED starts the workers');

# A long DROP EXTENSION holds its lock; a worker that waits for it must still obey

$psql->query_safe('BEGIN; DROP EXTENSION rcs');
$pids = worker_pids($node, 'postgres');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid, 5000) FROM unnest('{$pids}'::int[]) AS pid");
sleep(1.5);
$pids = worker_pids($node, 'postgres');
isnt($pids, '', 'new workers wait for the lock of the extension');
my $start = time();
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid, 5000) FROM unnest('{$pids}'::int[]) AS pid");
took(time() - $start, 1, 'and can be terminated while they wait');
$psql->query_safe('ROLLBACK');
poll($node, 'postgres', worker_count('postgres'), 2, 5, 'and all is well after the rollback');

# Failing workers are not started in a tight loop

$node->safe_psql('postgres', 'ALTER SEQUENCE rcs.generation_seq RENAME TO generation_gone');
my $offset = -s $node->logfile;
$pids = worker_pids($node, 'postgres');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid, 5000) FROM unnest('{$pids}'::int[]) AS pid");
sleep(4);
my $failures = log_count($node, 'sequence rcs.generation_seq is missing', $offset);
cmp_ok($failures, '>=', 2, 'workers that fail at once are tried again');
cmp_ok($failures, '<=', 4, 'but with pauses');
$node->safe_psql('postgres', 'ALTER SEQUENCE rcs.generation_gone RENAME TO generation_seq');
poll($node, 'postgres', worker_count('postgres'), 2, 15, 'and come back by themselves');

# The version of the SQL differs from that of the library

$offset = -s $node->logfile;
my $version = $node->safe_psql('postgres', "SELECT extversion FROM pg_extension WHERE extname = 'rcs'");
$node->safe_psql('postgres', "UPDATE pg_extension SET extversion = '99.0' WHERE extname = 'rcs'");
$pids = worker_pids($node, 'postgres');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid, 5000) FROM unnest('{$pids}'::int[]) AS pid");
sleep(1);
settled($node, 'postgres', 0, 'no worker runs on an extension of another version');
cmp_ok(log_count($node, 'does not fit the loaded library', $offset), '<=', 2, 'it is said once a worker');
cmp_ok(log_count($node, 'does not fit the loaded library', $offset), '>=', 1, 'it is said');
$node->safe_psql('postgres', "UPDATE pg_extension SET extversion = '$version' WHERE extname = 'rcs'");
$node->safe_psql('postgres', 'SELECT rcs._request_workers()');
poll($node, 'postgres', worker_count('postgres'), 2, 5, 'when asked they look again');
$psql->quit;

# A crash of another process

$node->safe_psql('postgres', q{SELECT 1});
my $victim = $node->background_psql('postgres');
my $pid = $victim->query_safe('SELECT pg_backend_pid()');
kill 'KILL', $pid;
$victim->{run}->finish;
poll($node, 'postgres', worker_count('postgres'), 2, 20, 'after a crash of a backend the workers come back');
is(log_count($node, 'all server processes terminated; reinitializing'), 1, 'there was one crash');

# Shutdown

$start = time();
$node->stop('fast');
took(time() - $start, 3, 'a fast shutdown is quick');
$node->start;
poll($node, 'postgres', worker_count('postgres'), 2, 5, 'a server start starts the workers');
$node->stop('immediate');

# Too few worker processes

$node = rcs_node('few',
	max_worker_processes => 2,
	max_logical_replication_workers => 0,
	'rcs.campaign_workers' => 0);
rcs_database($node, 'a');
poll($node, 'postgres', worker_count('a'), 1, 5, 'the first database gets the only process');
rcs_database($node, 'b');
settled($node, 'b', 0, 'the second gets none', 7);
is(log_count($node, 'WARNING:  no worker of rcs can be started for database "b"'),
	1, 'which is said once, though it is tried again');
is(log_count($node, 'HINT:  Raise max_worker_processes and restart the server'), 1, 'with the setting');
is(log_count($node, 'DETAIL:  All 2 worker processes of the server are in use; rcs alone needs 3'), 1, 'and how many are needed');
$node->safe_psql('a', 'DROP EXTENSION rcs');
poll($node, 'postgres', worker_count('b'), 1, 8, 'and gets it when it is free');
$node->stop;

# Standby and promotion

$node = rcs_node('primary', streaming => 1);
rcs_database($node, 'shop');
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
sleep(1);
is($standby->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'rcs%'"),
	0, 'a standby runs no process of rcs');
is($standby->safe_psql('shop', 'SELECT count(*) FROM rcs.worker_status'), 0, 'and shows none');
$node->stop;
$standby->promote;
poll($standby, 'postgres', worker_count('shop'), 2, 10, 'promotion starts the workers');
$standby->stop;

# Not preloaded

$node = rcs_node('bare', preload => 0);
my ($rc, $out, $err) = $node->psql('postgres', 'CREATE EXTENSION rcs');
is($rc, 0, 'CREATE EXTENSION works without preloading');
like($err, qr/WARNING:  rcs is not in shared_preload_libraries, so nothing will be sent/, 'and warns');
like($err, qr/HINT:.*restart the server/, 'and says what to do');
($rc, $out, $err) = $node->psql('postgres', 'SELECT rcs._request_workers(); SELECT rcs._request_workers()');
is(() = $err =~ /WARNING/g, 1, 'once a session');
is($node->safe_psql('postgres', 'SELECT count(*) FROM rcs.worker_status'), 0, 'there are no processes');
is($node->psql('postgres', 'CREATE DATABASE b; '), 0, 'DDL works as ever');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'rcs'");
$node->restart;
poll($node, 'postgres', worker_count('postgres'), 2, 5, 'with preloading the workers start');
$node->stop;

done_testing();
