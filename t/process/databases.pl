# Statements about whole databases: workers must leave the database in time.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main');

# Runs a statement and says how long it took; the test fails if it does.
sub timed
{
	my ($sql, $limit, $name, @psql) = @_;
	my $start = time();
	my ($rc, $out, $err) = $node->psql('postgres', $sql, @psql);
	my $took = time() - $start;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($err, '', $name);
	took($took, $limit, "$name: in less than $limit s");
	return;
}

sub with_workers
{
	my ($db) = @_;
	rcs_database($node, $db);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	poll($node, 'postgres', worker_count($db), 2, 5, "database $db has workers");
	return;
}

# DROP DATABASE

with_workers('shop');
timed('DROP DATABASE shop', 2, 'DROP DATABASE with workers');
with_workers('shop');
timed('DROP DATABASE shop WITH (FORCE)', 2, 'DROP DATABASE WITH (FORCE)');
is(log_count($node, 'FATAL:  database "shop" does not exist|FATAL:  database \d+ does not exist'),
	0, 'no worker ran after a dropped database');

with_workers('shop');
$node->safe_psql('postgres', 'CREATE DATABASE other');
timed('DROP DATABASE other', 2, 'DROP DATABASE of an unrelated database');

# A DROP that fails brings the workers back

my $user = $node->background_psql('shop');
$user->query_safe('SELECT 1');
my $pids = worker_pids($node, 'shop');
my ($rc, $out, $err) = $node->psql('postgres', 'DROP DATABASE shop');
like($err, qr/is being accessed by other users/, 'DROP DATABASE fails because of a user');
like($err, qr/There is 1 other session/, 'only because of the user');
$user->quit;
poll($node, 'postgres', worker_count('shop'), 2, 3, 'the workers are back after the failure');
unlike(worker_pids($node, 'shop'), qr/^$pids$/, 'they had been away');

# A role without the right to drop the database does not disturb it

$node->safe_psql('postgres', 'CREATE ROLE stranger LOGIN CREATEDB');
$pids = worker_pids($node, 'shop');
($rc, $out, $err) =
  $node->psql('postgres', 'SET ROLE stranger; DROP DATABASE shop');
like($err, qr/must be owner/, 'a stranger may not drop the database');
($rc, $out, $err) =
  $node->psql('postgres', 'SET ROLE stranger; CREATE DATABASE copy TEMPLATE shop');
like($err, qr/permission denied to copy/, 'nor copy it');
sleep(0.5);
is(worker_pids($node, 'shop'), $pids, 'and does not send the workers away');

# A canceled or killed statement lifts its block

$user = $node->background_psql('shop');
$user->query_safe('SELECT 1');
my $dropper = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $dropper->query_safe('SELECT pg_backend_pid()');
$dropper->query_until(qr/started/, "\\echo started\nDROP DATABASE shop;\n");
sleep(1);
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 5000)");
$user->quit;
poll($node, 'postgres', worker_count('shop'), 2, 3, 'the workers are back when the dropper is killed');
$dropper->{run}->finish;

# RENAME, in a transaction that is rolled back, and for good

my $psql = $node->background_psql('postgres');
$psql->query_safe('BEGIN; ALTER DATABASE shop RENAME TO store');
settled($node, 'shop', 0, 'no workers while a RENAME is not committed');
$psql->query_safe('ROLLBACK');
poll($node, 'postgres', worker_count('shop'), 2, 3, 'they are back after its rollback');
timed('ALTER DATABASE shop RENAME TO store', 2, 'ALTER DATABASE RENAME');
poll($node, 'postgres', worker_count('store'), 2, 3, 'the renamed database has workers');
is( $node->safe_psql('store',
		"SELECT count(*) FROM rcs.worker_status WHERE database = 'store' AND pid IS NOT NULL"),
	2, 'rcs.worker_status shows the new name');

# TEMPLATE

timed('CREATE DATABASE clone TEMPLATE store', 10, 'CREATE DATABASE with a busy template');
poll($node, 'postgres', worker_count('store'), 2, 3, 'the workers of the template are back');
poll($node, 'postgres', worker_count('clone'), 2, 3, 'the clone has workers');
timed('DROP DATABASE clone', 2, 'DROP DATABASE of the clone');

$node->safe_psql('postgres', 'ALTER DATABASE store IS_TEMPLATE true');
poll($node, 'postgres', worker_count('store'), 0, 3, 'a template database has no workers');
$node->safe_psql('store', 'SELECT rcs._request_workers()');
settled($node, 'store', 0, 'even if asked for');
$node->safe_psql('postgres', 'ALTER DATABASE store IS_TEMPLATE false');
poll($node, 'postgres', worker_count('store'), 2, 3, 'they come when it is one no more');

$node->safe_psql('template1', 'CREATE EXTENSION rcs');
settled($node, 'template1', 0, 'CREATE EXTENSION in template1 starts nothing');
timed('CREATE DATABASE born', 10, 'CREATE DATABASE from it');
poll($node, 'postgres', worker_count('born'), 2, 3, 'but a new database has workers');
$node->safe_psql('template1', 'DROP EXTENSION rcs');

# ALLOW_CONNECTIONS

$node->safe_psql('postgres', 'ALTER DATABASE born ALLOW_CONNECTIONS false');
poll($node, 'postgres', worker_count('born'), 0, 3, 'a closed database has no workers');
$node->safe_psql('postgres', 'ALTER DATABASE born ALLOW_CONNECTIONS true');
poll($node, 'postgres', worker_count('born'), 2, 3, 'they come when it is opened');

# SET TABLESPACE

my $space = PostgreSQL::Test::Utils::tempdir();
$node->safe_psql('postgres', "CREATE TABLESPACE space LOCATION '$space'");
timed('ALTER DATABASE born SET TABLESPACE space', 10, 'ALTER DATABASE SET TABLESPACE');
poll($node, 'postgres', worker_count('born'), 2, 3, 'the moved database has workers');

# Settings of a database that would harm

$node->safe_psql('postgres', q{
	ALTER DATABASE born SET default_transaction_read_only = on;
	ALTER DATABASE born SET statement_timeout = 1;
	ALTER DATABASE born SET role = stranger;
	ALTER DATABASE born CONNECTION LIMIT 0;});
$pids = worker_pids($node, 'born');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid, 5000) FROM unnest('{$pids}'::int[]) AS pid");
poll($node, 'postgres', worker_count('born') . " AND pid NOT IN ($pids)", 2, 3, 'settings of the database do not stop the workers');
poll($node, 'postgres', "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE l.locktype = 'userlock' AND d.datname = 'born'",
	2, 3, 'they have taken their generations');

# While the carrier does not answer

my $sim = start_ktsim(args => [ '--set', 'hang_pct=100' ]);
rcs_database($node, 'busy');
setup_account($node, 'busy', $sim, options => { rate_per_minute => 60000 });
$node->safe_psql('busy', "SELECT rcs_send('01012345678', 'hello')");
poll($node, 'busy', "SELECT sum(in_flight) FROM rcs.worker_status WHERE database = 'busy'",
	1, 10, 'a request hangs');
$node->safe_psql('postgres', 'CREATE DATABASE other');
timed('DROP DATABASE other', 2, 'DROP DATABASE of an unrelated database while a request hangs');
timed('DROP DATABASE busy', 2, 'DROP DATABASE while a request hangs');
$sim->stop;

# A server that answers users only: after a start nobody knows which databases have the extension

with_workers('chat');
$node->append_conf('postgresql.conf', "rcs.single_workers = 0\nrcs.campaign_workers = 0\nrcs.chat_workers = 1");
$node->restart;
poll($node, 'chat', "SELECT string_agg(kind, ',') FROM rcs.worker_status WHERE database = 'chat' AND pid IS NOT NULL", 'chat', 10,
	'a chat worker alone is started, too');

is(log_count($node, 'terminated by signal|PANIC'), 0, 'nothing crashed');
is(log_count($node, 'still waiting for backend'), 0, 'nobody had to wait for a process of ours');
$node->stop;
done_testing();
