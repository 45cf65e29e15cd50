# Only the postmaster is killed, while the workers send: they end by themselves at once, no message
# leaves any more, and after a new start the oracle checks every message.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main',
	'rcs.settle_dead' => '500ms',
	'rcs.settle' => '300ms',
	'rcs.max_in_flight' => 40);
my $sim = start_ktsim();
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

sub last_offer
{
	my @lines = grep { !/^#/ } split /\n/, slurp_file($sim->ledger);
	return (split /\t/, $lines[-1])[1] / 1e6;
}

# What they do at that moment: send fast, or wait for answers that take longer than they may live.
my @rounds = ([ 'busy', 20 ], [ 'waiting for answers', 4000 ]);
my $from = 20000000;

for my $round (@rounds)
{
	my ($name, $latency) = @$round;

	$sim->set(latency_ms => $latency);
	my $campaign = campaign($node, $db, 10000, from => $from);
	$node->safe_psql($db,
		"SELECT count(rcs_send('010' || i, 'hello')) FROM generate_series($from, $from + 200) i");
	$from += 10000;
	poll($node, $db, "SELECT max(in_flight) > 0 FROM rcs.worker_status WHERE kind <> 'launcher'", 't',
		30, "$name: requests are under way");
	my @workers = split /,/, worker_pids($node, $db);
	my ($postmaster) = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');
	my @children = map { $_ + 0 } split /\n/, `ps -o pid= --ppid $postmaster`;

	my $killed = time();
	kill 'KILL', $postmaster;
	my $end = $killed + 10;
	sleep(0.02) while time() < $end && grep { kill 0, $_ } @workers;
	my $took = time() - $killed;
	is(scalar(grep { kill 0, $_ } @workers), 0, sprintf '%s: the workers are gone after %.2f s', $name, $took);
	# what they do takes no time at all; the rest is for a busy machine
	took($took, 5, "$name: soon");
	sleep(2);
	cmp_ok(last_offer(), '<', $killed + $took + 0.1, "$name: nothing was offered afterwards");

	sleep(0.05) while time() < $end + 20 && grep { kill 0, $_ } $postmaster, @children;
	$node->{_pid} = undef;
	$sim->set(latency_ms => 2);
	$node->start;
	server_answers($node, $db);
	isnt($node->safe_psql($db, 'SELECT count(*) FROM rcs.batch'), 0, "$name: there was more to send");
	drained($node, $db, 90, "$name: after a new start everything leaves");
	is($node->safe_psql($db, "SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"),
		10000, "$name: all are sent");
}
oracle($node, $db, $sim);
$node->stop;
done_testing();
