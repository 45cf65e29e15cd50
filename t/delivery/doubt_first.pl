# In doubt goes first: messages of unknown outcome do not wait behind the rest of their campaign, nor
# behind single messages, until the carrier has forgotten them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsCopies;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $db = 'shop';
my $sim = start_ktsim();
my $node = original($sim, 'main', rate => 4800, 'rcs.duplicate_window' => '6s', 'rcs.settle' => '500ms');
$sim->set(latency_ms => 300);

my $campaign = campaign($node, $db, 1000);
poll($node, $db, 'SELECT sent + sending > 100 FROM rcs.campaign_progress', 't', 20, 'under way');
$node->stop('immediate');
$node->start;
poll($node, $db, q{SELECT count(*) > 0 FROM rcs.result WHERE outcome = 't'}, 't', 20, 'some are in doubt');
poll($node, $db, q{SELECT count(*) FROM rcs.batch WHERE unknown_since IS NOT NULL}, 0, 20, 'they are settled before the window ends');
cmp_ok($node->safe_psql($db, 'SELECT queued FROM rcs.campaign_progress'), '>', 200, 'though much of the campaign waits');
drained($node, $db, 90, 'all is sent');
is($node->safe_psql($db, 'SELECT uncertain FROM rcs.campaign_progress'), 0, 'nothing is uncertain');
oracle($node, $db, $sim);

# Single messages, with as many behind them as take longer than the window
$node->safe_psql($db, q{SELECT count(rcs_send('0103' || lpad(i::text, 7, '0'), 'many')) FROM generate_series(1, 900) i});
sleep(1.5);
$node->stop('immediate');
$node->start;
drained($node, $db, 90, 'all single messages are sent');
is($node->safe_psql($db, q{SELECT count(*) FROM rcs.message_status WHERE status = 'uncertain'}), 0, 'none is uncertain') or diag $node->safe_psql($db, q{
	SELECT r.batch_id, r.attempt, r.outcome, r.at, r.code, r.reason FROM rcs.result r
	WHERE campaign_no = 0 AND EXISTS (SELECT FROM rcs.result u WHERE u.campaign_no = 0 AND u.batch_id = r.batch_id AND u.outcome = 'u') ORDER BY 1, 2});
oracle($node, $db, $sim);
$node->stop;
done_testing();
