# late-failure: the carrier accepts, answers 500, says "seen before" to the repeat, and reports later
# that the message failed.  It must not stay accepted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";
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
	"INSERT INTO rcs.event (message, status, code, carrier_at) VALUES ('$id', 'fail', '54002', now())");
is(status($id), 'failed', 'the report of a failure wins over a presumed acceptance');
is($node->safe_psql($db, "SELECT code FROM rcs.message_status WHERE id = '$id'"),
	'54002', 'with the code of the report');
$node->safe_psql($db,
	"INSERT INTO rcs.event (message, status, service_type, carrier_at) VALUES ('$id', 'success', 'RCSSMS', now())");
is(status($id), 'delivered', 'a report of success is never taken back by one of failure');

done_testing();
