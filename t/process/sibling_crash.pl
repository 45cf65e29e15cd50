# A process of another extension dies while we send, and the whole server restarts: the workers come
# back by themselves, need no more worker slots than before, and no message is lost or sent twice.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;

my $rounds = $ENV{RCS_LONG} ? 100 : 5;
my $per_round = 1500;

# One worker slot more than what is needed: a slot that is lost in a restart is missed at once.
my $node = rcs_node('main',
	max_worker_processes => 5,
	max_logical_replication_workers => 0,
	'rcs.settle_dead' => '1s',
	'rcs.settle' => '500ms',
	'rcs.max_in_flight' => 20);
my $sim = start_ktsim(args => [ '--latency-ms', 15 ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);
poll($node, 'postgres', worker_count($db), 2, 30, 'the workers run');
my $processes = q{SELECT string_agg(backend_type, ', ' ORDER BY backend_type)
	FROM pg_stat_activity WHERE backend_type LIKE 'rcs %'};
my $before = $node->safe_psql('postgres', $processes);

for my $round (1 .. $rounds)
{
	my $campaign = campaign($node, $db, $per_round, from => 20_000_000 + $round * $per_round);
	$node->safe_psql($db, "SELECT count(rcs_send('0109000' || i, 'hello')) FROM generate_series(1000, 1049) i");
	poll($node, $db, "SELECT accepted > 100 FROM rcs.campaign_progress WHERE campaign = '$campaign'",
		't', 60, "$round: a campaign is on its way");
	my $stranger = $node->background_psql('postgres', on_error_stop => 0);
	my $pid = $stranger->query_safe('SELECT pg_backend_pid()');
	kill 'KILL', $pid + 0 if $pid =~ /^[1-9]\d*$/;
	eval { $stranger->quit };
	server_answers($node, $db);
	poll($node, 'postgres', worker_count($db), 2, 10, "$round: the workers are back");
}
is($node->safe_psql('postgres', $processes), $before, 'the same processes run as before');
drained($node, $db, 120 + $rounds * 5, 'everything leaves');
is($node->safe_psql($db, "SELECT count(*) FROM rcs.message_status WHERE status = 'sent'"),
	$rounds * ($per_round + 50), 'everything is sent');
oracle($node, $db, $sim, crashes => $rounds);
is(log_count($node, 'no free worker'), 0, 'no worker slot was missed');
$node->stop;
done_testing();
