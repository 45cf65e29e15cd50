# The carrier cannot be reached for a while: messages wait, and nothing is in doubt.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $down = $ENV{RCS_LONG} ? 60 : 10;
my $node = rcs_node('main', 'rcs.max_in_flight' => 20, 'rcs.settle' => '500ms');
my $sim = start_ktsim(args => [ '--latency-ms', 20 ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

my $campaign = campaign($node, $db, 4000);
my $progress = "FROM rcs.campaign_progress WHERE campaign = '$campaign'";
poll($node, $db, "SELECT sent > 500 $progress", 't', 30, 'a campaign is on its way');
$sim->kill9;
poll($node, $db, "SELECT state IN ('closed', 'probing') FROM rcs.account_status", 't', 20,
	'the account is set aside');
my $id = sql("SELECT rcs_send('01011110001', 'hello')");
sleep($down);
is(sql("SELECT failed, uncertain $progress"), '0|0', 'nothing has failed');
is(sql("SELECT status FROM rcs.message_status WHERE id = '$id'"), 'queued', 'a single message waits');
like(sql("SELECT reason FROM rcs.message_status WHERE id = '$id'"), qr/connect/i, 'and says why');
# 20 were in flight, and as many may have met a connection that was just breaking
cmp_ok(sql("SELECT count(*) FROM rcs.result WHERE outcome = 't'"), '<=', 40,
	'in doubt is only what was in flight');
cmp_ok(sql("SELECT count(*) FROM rcs.result WHERE outcome = 'w' AND code = 'connection'"), '>', 0,
	'a refused connection is no unknown outcome');
cmp_ok(sql('SELECT max(answers) FROM rcs.batch'), '<=', 1, 'no attempts are used up');

my $sent = sql("SELECT sent $progress");
my $start = time();
$sim->start_again;
poll($node, $db, "SELECT sent > $sent + 100 $progress", 't', 90, 'it goes on by itself');
note sprintf 'after %.1f s', time() - $start;
# pauses double with each probe, so the last one is hardly longer than the outage
took(time() - $start, $down + 20, 'soon after the carrier is back');
drained($node, $db, 120, 'everything leaves');
is(sql("SELECT sent $progress"), 4000, 'the campaign is sent');
is(sql("SELECT status FROM rcs.message_status WHERE id = '$id'"), 'sent', 'and the single message');

oracle($node, $db, $sim);
is(complaints($node), 0, 'the log has no complaint');
$node->stop;
done_testing();
