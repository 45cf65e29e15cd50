# The carrier closes connections without notice: the client library must not repeat a request by itself.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep);

my $node = rcs_node('main', 'rcs.settle' => '300ms', 'rcs.max_in_flight' => 30);
my $sim = start_ktsim();
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

my $many = "SELECT count(rcs_send('010' || i, 'hello')) FROM generate_series(%d, %d) i";

# After every few answers, so that some requests meet a connection that is just being closed

for my $every (1, 2, 7)
{
	$sim->set(close_keepalive_every => $every);
	sql(sprintf $many, 30000001 + $every * 1000, 30000500 + $every * 1000);
	my $campaign = campaign($node, $db, 1000, from => 40000000 + $every * 10000);
	drained($node, $db, 90, "1,500 messages leave, connections end after $every answers");
	is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 1000, 'all are sent');
}

# Idle connections that ended meanwhile

$sim->set(close_keepalive_every => 0);
sql(sprintf $many, 31000001, 31000050);
drained($node, $db, 60, 'messages leave');
$sim->stop;
sleep(0.5);
$sim->start_again;
sql(sprintf $many, 32000001, 32000050);
drained($node, $db, 60, 'messages leave after the carrier closed all idle connections');

# Accepted, then cut

$sim->set(accept_then_close_pct => 40, close_keepalive_every => 3);
sql(sprintf $many, 33000001, 33000200);
campaign($node, $db, 300, from => 50000000);
sleep(3);
$sim->set(accept_then_close_pct => 0, close_keepalive_every => 0);
drained($node, $db, 120, 'what was cut after its acceptance is settled');
is(sql("SELECT count(*) FROM rcs.message_status WHERE status <> 'sent'"), 0, 'everything is sent');

oracle($node, $db, $sim);
my $sums = sql(q{
	SELECT (SELECT count(*) FROM oracle.ledger WHERE msgid IS NOT NULL),
		(SELECT sum(cardinality(ords)) FROM rcs.intent)});
my ($offers, $intents) = split /\|/, $sums;
cmp_ok($offers, '<=', $intents, "$offers offers, $intents intents");
is(complaints($node), 0, 'the log has no complaint');
$node->stop;
done_testing();
