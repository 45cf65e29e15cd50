# Delivery workers are killed (each kill restarts the server) while they send: no message is lost, and
# none is sent twice.  RCS_SEED repeats the moments of a failed run.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep);

my $kills = 10;
my $seed = $ENV{RCS_SEED} || time();
note "RCS_SEED=$seed";
srand($seed);

my $in_flight = 20;
my $node = rcs_node('main',
	'rcs.settle_dead' => '1s',
	'rcs.settle' => '500ms',
	'rcs.max_in_flight' => $in_flight,
	'rcs.campaign_workers' => 2);
my $sim = start_ktsim(args => [ '--latency-ms', 5, '--set', 'latency_jitter_ms=15' ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

my $campaign = campaign($node, $db, 20000);
$node->safe_psql($db,
	"SELECT count(rcs_send('010' || i, 'hello')) FROM generate_series(30000001, 30002000) i");

my $crashes = 0;
for my $round (1 .. $kills)
{
	sleep(0.1 + rand(0.6));
	my @pids = split /,/, worker_pids($node, $db);
	next unless @pids;
	kill 'KILL', $pids[ rand @pids ];
	$crashes++;
	# the postmaster notices in a moment; until then connections are of the old server
	my $end = time() + 30;
	sleep(0.02)
	  until log_count($node, 'all server processes terminated; reinitializing') == $crashes || time() > $end;
	server_answers($node, $db);
}
cmp_ok($crashes, '>=', $kills / 2, "workers were killed $crashes times");
isnt($node->safe_psql($db, 'SELECT count(*) FROM rcs.batch'), 0, 'the last kill was not too late');
poll($node, 'postgres', worker_count($db), 3, 30, 'the workers are back');
drained($node, $db, 150, 'everything leaves');

is($node->safe_psql($db, "SELECT sent, total FROM rcs.campaign_progress WHERE campaign = '$campaign'"),
	'20000|20000', 'the campaign is sent');

# What is in doubt after a kill are intents of the dead without a result, no more

my $doubt = "rcs.result r WHERE r.outcome IN ('t', 'u') AND r.reason LIKE 'the worker ended%'";
my $intent = 'i.campaign_no = r.campaign_no AND i.batch_id = r.batch_id AND i.attempt = r.attempt
	AND r.ord = ANY (i.ords)';
my $n = $node->safe_psql($db, "SELECT count(*) FROM $doubt");
note "$n messages were in doubt";
cmp_ok($n, '>', 0, 'kills left messages in doubt');
is($node->safe_psql($db, "SELECT count(*) FROM $doubt AND NOT EXISTS (SELECT FROM rcs.intent i WHERE $intent)"),
	0, 'each of them had an intent');
# flying, waiting for permits, and with an answer that is not yet written down
my $most = $in_flight + 600 + 600;
is( $node->safe_psql(
		$db, qq{
		SELECT i.generation, count(*) FROM rcs.intent i, $doubt AND $intent
		GROUP BY 1 HAVING count(*) > $most}),
	'', 'no worker left more of them than it may have under way');

oracle($node, $db, $sim, crashes => $crashes);
$node->stop;
done_testing();
