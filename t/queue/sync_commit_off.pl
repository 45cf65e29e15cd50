# A database whose commits do not wait for the disk: an intent is on disk all the same before its message
# leaves, so that a killed server knows every message that the carrier knows.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep);

my $kills = $ENV{RCS_LONG} ? 20 : 5;
my $per_round = 2000;

# The WAL writer is as lazy as can be, and asleep for good before a kill: what no commit has flushed
# is then really lost.
my $node = rcs_node('main',
	wal_writer_delay => '10s',
	wal_writer_flush_after => '1GB',
	wal_buffers => '32MB',
	'rcs.settle_dead' => '1s',
	'rcs.settle' => '500ms',
	'rcs.max_in_flight' => 20);
my $sim = start_ktsim(args => [ '--latency-ms', 5 ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);
$node->safe_psql('postgres', "ALTER DATABASE $db SET synchronous_commit = off");
$node->restart;
is($node->safe_psql($db, 'SHOW synchronous_commit'), 'off', 'sessions do not wait for the disk');
$node->safe_psql($db, 'CREATE TABLE witness (round int)');

# It must not sleep with a lock in its hands.
sub stop_wal_writer
{
	my $pid = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'});

	for my $try (1 .. 100)
	{
		kill 'STOP', $pid + 0;
		sleep(0.02);
		return 1 if $node->safe_psql('postgres', "SELECT wait_event FROM pg_stat_activity WHERE pid = $pid") eq 'WalWriterMain';
		kill 'CONT', $pid + 0;
		sleep(0.01);
	}
	return 0;
}

my $lost = 0;
for my $round (1 .. $kills)
{
	poll($node, 'postgres', worker_count($db), 2, 30, "$round: the workers run");
	# This round's commits may be lost whole; its messages must then not have been offered.
	my $campaign = campaign($node, $db, $per_round, from => 20_000_000 + $round * $per_round);
	$node->safe_psql($db, "SELECT count(rcs_send('0109000' || i, 'hello')) FROM generate_series(1000, 1099) i");
	poll($node, $db, q{SELECT count(*) > 50 FROM rcs.result}, 't', 60, "$round: it sends");
	ok(stop_wal_writer(), "$round: nobody writes what is not flushed");
	sleep(0.2 + rand(0.4));
	$node->safe_psql($db, "INSERT INTO witness VALUES ($round)");
	kill_server($node, $db);
	$lost++ unless $node->safe_psql($db, "SELECT count(*) FROM witness WHERE round = $round");
}
note "commits of others that were lost: $lost of $kills";
drained($node, $db, 120, 'everything leaves');
oracle($node, $db, $sim);
is( $node->safe_psql($db, q{
		SELECT l.msgid FROM oracle.ledger l LEFT JOIN oracle.message m ON m.id::text = l.msgid
		WHERE NOT EXISTS (SELECT FROM rcs.intent i WHERE i.campaign_no = m.campaign_no
			AND i.batch_id = m.batch_id AND m.ord = ANY (i.ords)) LIMIT 10}),
	'', 'the carrier was offered nothing without an intent');
$node->stop;
done_testing();
