# The carrier accepts a message, answers 500, says "seen before" to the repeat, and reports later that the
# message failed.  The message must not stay accepted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;

my $node = rcs_node('main', 'rcs.settle' => "'300ms'");
my $db = rcs_database($node, 'shop');
my $sim = start_ktsim();
setup_account($node, $db, $sim);

sub status
{
	my ($id) = @_;
	return $node->safe_psql($db, "SELECT status FROM rcs.message_status WHERE id = '$id'");
}

$sim->set(accept_then_500_pct => 100);
my $id = $node->safe_psql($db, "SELECT rcs_send('01012345678', 'late')");
poll($node, $db, "SELECT attempts > 0 FROM rcs.message_status WHERE id = '$id'", 't', 20);
$sim->set(accept_then_500_pct => 0);
drained($node, $db, 60, 'the repeat was answered', $id);
is(status($id), 'sent', 'a duplicate of our own offer counts as accepted');
is($node->safe_psql($db, "SELECT code FROM rcs.message_status WHERE id = '$id'"),
	'71003', 'and shows why');
cmp_ok($sim->stats->{duplicate}, '>=', 1, 'the carrier refused the repeat');

$node->safe_psql($db,
	qq{SELECT rcs_receive('{"msgId": "$id", "status": "fail", "serviceType": "RCSSMS",
		"error": {"code": "54002", "message": "no"}, "timestamp": "2026-01-31T09:00:00.000+09"}')});
is(status($id), 'failed', 'the report of a failure wins over a presumed acceptance');
is($node->safe_psql($db, "SELECT code FROM rcs.message_status WHERE id = '$id'"),
	'54002', 'with the code of the report');
$node->safe_psql($db,
	qq{SELECT rcs_receive('[{"msgId": "$id", "status": "success", "serviceType": "RCSSMS", "timestamp": "2026-01-31T09:00:01.000+09"}]')});
is(status($id), 'delivered', 'a report of success is never taken back by one of failure');

# A report settles what is in doubt: no second offer is needed

set_conf($node, 'rcs.settle' => '5s');
$sim->set(accept_then_500_pct => 100);
my $campaign = campaign($node, $db, 20);
poll($node, $db, "SELECT sending FROM rcs.campaign_progress WHERE campaign = '$campaign'", 20, 20, 'all are in doubt');
poll($node, $db, q{SELECT sum(n) FROM rcs.batch WHERE unknown_since IS NOT NULL AND state = 'q'}, 20, 20);
$sim->set(accept_then_500_pct => 0);
is( $node->safe_psql($db, qq{
		SELECT rcs_receive((SELECT jsonb_agg(jsonb_build_object('msgId', s.id, 'status', 'success',
			'serviceType', 'RCSSMS', 'timestamp', '2026-01-31T09:00:01.000+09'))
		FROM rcs.message_status s WHERE s.campaign = '$campaign'))}),
	20, 'the carrier reports that they arrived');
is($node->safe_psql($db, "SELECT count(*) FROM rcs.message_status WHERE campaign = '$campaign' AND status = 'delivered'"),
	20, 'which is seen at once');
drained($node, $db, 30, 'nothing is unsent any more', $campaign);
poll($node, $db, qq{SELECT sending, sent, delivered, total, accepted FROM rcs.campaign_progress WHERE campaign = '$campaign'},
	'0|0|20|20|20', 10, 'and counted');
is($node->safe_psql($db, "SELECT count(*), max(attempts) FROM rcs.message_status WHERE campaign = '$campaign'"),
	'20|1', 'none was offered again');
is($node->safe_psql($db, 'SELECT count(*) FROM rcs.event WHERE NOT counted'), 0, 'no report is left');
oracle($node, $db, $sim);
is(complaints($node), 0, 'the log has no complaint');
$node->stop;
done_testing();
