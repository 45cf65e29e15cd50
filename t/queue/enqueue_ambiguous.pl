# A client that dies while it commits a keyed message does not know whether it was enqueued.  It asks
# again with the same key: one message, the same id, sent once.  RCS_SEED repeats the moments.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use POSIX ();
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $rounds = $ENV{RCS_LONG} ? 400 : 20;
my $seed = $ENV{RCS_SEED} || int(time());
note "RCS_SEED=$seed";
srand($seed);

my $node = rcs_node('main', streaming => 1, 'rcs.settle_dead' => '1s', 'rcs.settle' => '500ms');
my $sim = start_ktsim();
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

sub statement
{
	my ($n) = @_;
	my $phone = 30_000_000 + $n;
	return "SELECT rcs_send('010$phone', 'order $n', key => 'order-$n')";
}

sub client
{
	my ($n) = @_;
	my $pid = fork() // die "fork: $!";
	return $pid if $pid;
	open STDOUT, '>', '/dev/null';
	open STDERR, '>', '/dev/null';
	exec('psql', '-XAtq', '-d', $node->connstr($db), '-c', 'BEGIN', '-c', statement($n), '-c', 'COMMIT')
	  or POSIX::_exit(127);
}

sub there
{
	my ($n) = @_;
	return $node->safe_psql($db, "SELECT count(*) FROM rcs.message WHERE key = 'order-$n'");
}

# The client is killed at any moment of its life.

my $start = time();
waitpid client(0), 0;
my $life = time() - $start;
my %fate = (0 => 0, 1 => 0);

for my $n (1 .. $rounds)
{
	my $pid = client($n);
	sleep(rand($life * 1.5));
	kill 'KILL', $pid;
	waitpid $pid, 0;
	$fate{ there($n) }++;
	$node->safe_psql($db, statement($n));
}
note "the first try was enqueued or not: $fate{1} and $fate{0}";

# COMMIT is under way and waits, for a standby that is not there: on disk, and never confirmed.

for my $n ($rounds + 1 .. $rounds + 3)
{
	set_conf($node, synchronous_standby_names => 'nobody');
	my $pid = client($n);
	poll($node, 'postgres',
		"SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND backend_type = 'client backend'",
		1, 30, 'a COMMIT waits');
	kill 'KILL', $pid;
	waitpid $pid, 0;
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
		WHERE wait_event = 'SyncRep' AND backend_type = 'client backend'});
	set_conf($node, synchronous_standby_names => '');
	my $first = $node->safe_psql($db, "SELECT id FROM rcs.message WHERE key = 'order-$n'");
	isnt($first, '', 'it is enqueued, though its client was never told');
	is($node->safe_psql($db, statement($n)), $first, 'asking again gives the same id');
}

# The server dies while it commits.

for my $n ($rounds + 4 .. $rounds + 5)
{
	my $pid = client($n);
	sleep(rand($life * 1.5));
	kill_server($node, $db);
	waitpid $pid, 0;
	$node->safe_psql($db, statement($n));
}

drained($node, $db, 60, 'everything leaves');
is( $node->safe_psql($db, 'SELECT key, count(*) FROM rcs.message GROUP BY key HAVING count(*) <> 1'),
	'', 'there is one message for each key');
is($node->safe_psql($db, 'SELECT count(DISTINCT key) FROM rcs.message'), $rounds + 6, 'and for every key');
is($node->safe_psql($db, q{SELECT count(*) FROM rcs.message_status WHERE status = 'sent'}),
	$rounds + 6, 'all are sent');
oracle($node, $db, $sim);
$node->stop;
done_testing();
