# All of the server is killed while it sends, and started again: no message is lost, and none is sent
# twice.  RCS_SEED repeats the moments of a failed run, RCS_LONG=1 makes 50 kills on 200,000 messages.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $kills = $ENV{RCS_LONG} ? 50 : 10;
my $recipients = $ENV{RCS_LONG} ? 200_000 : 15_000;
my $seed = $ENV{RCS_SEED} || time();
note "RCS_SEED=$seed";
srand($seed);

my $node = rcs_node('main',
	'rcs.settle_dead' => '1s',
	'rcs.settle' => '500ms',
	'rcs.max_in_flight' => $ENV{RCS_LONG} ? 100 : 20);
my $sim = start_ktsim(args => [ '--latency-ms', 5, '--set', 'latency_jitter_ms=15' ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

my $campaign = campaign($node, $db, $recipients);
$node->safe_psql($db,
	"SELECT count(rcs_send('010' || i, 'hello')) FROM generate_series(30000001, 30002000) i");

my @pauses;
for my $round (1 .. $kills)
{
	sleep(0.1 + rand(0.6));
	my $killed = time();
	kill_server($node, $db);
	my $offers = $sim->stats->{offers};
	sleep(0.01) while $sim->stats->{offers} == $offers && time() < $killed + 60;
	push @pauses, time() - $killed;
}
@pauses = sort { $a <=> $b } @pauses;
took($pauses[-1], 60, 'sending goes on after each kill');
isnt($node->safe_psql($db, 'SELECT count(*) FROM rcs.batch'), 0, 'the last kill was not too late');
poll($node, 'postgres', worker_count($db), 2, 30, 'the workers are back');
drained($node, $db, 150, 'everything leaves');
is($node->safe_psql($db, "SELECT sent, total FROM rcs.campaign_progress WHERE campaign = '$campaign'"),
	"$recipients|$recipients", 'the campaign is sent');
my $doubt = $node->safe_psql($db, "SELECT count(*) FROM rcs.result WHERE outcome = 't'");
cmp_ok($doubt, '>', 0, 'kills left messages in doubt');
diag(sprintf "%d kills, %d messages: in doubt %.1f a kill; from the kill to the next offer %.2f s (median), %.2f s (longest)",
	$kills, $recipients + 2000, $doubt / $kills, $pauses[ @pauses / 2 ], $pauses[-1]);

oracle($node, $db, $sim);
$node->stop;
done_testing();
