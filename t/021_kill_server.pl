# All of the server is killed while it sends, and started again: nothing is lost and nothing is sent
# twice.  RCS_SEED repeats the moments of a failed run.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep);

my $kills = 10;
my $seed = $ENV{RCS_SEED} || time();
note "RCS_SEED=$seed";
srand($seed);

my $node = rcs_node('main',
	'rcs.settle_dead' => '1s',
	'rcs.settle' => '500ms',
	'rcs.max_in_flight' => 20);
my $sim = start_ktsim(args => [ '--latency-ms', 5, '--set', 'latency_jitter_ms=15' ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

my $campaign = campaign($node, $db, 15000);
$node->safe_psql($db,
	"SELECT count(rcs_send('010' || i, 'hello')) FROM generate_series(30000001, 30002000) i");

for my $round (1 .. $kills)
{
	sleep(0.1 + rand(0.6));
	kill_server($node, $db);
}
isnt($node->safe_psql($db, 'SELECT count(*) FROM rcs.batch'), 0, 'the last kill was not too late');
poll($node, 'postgres', worker_count($db), 2, 30, 'the workers are back');
drained($node, $db, 150, 'everything leaves');
is($node->safe_psql($db, "SELECT sent, total FROM rcs.campaign_progress WHERE campaign = '$campaign'"),
	'15000|15000', 'the campaign is sent');
cmp_ok($node->safe_psql($db, "SELECT count(*) FROM rcs.result WHERE outcome = 't'"), '>', 0,
	'kills left messages in doubt');

oracle($node, $db, $sim);
$node->stop;
done_testing();
