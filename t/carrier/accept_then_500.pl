# The carrier accepts every message, but answers 500 to one in twenty.  Exactly these messages are offered
# again, or held if the campaign says so.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;

my $n = 4000;
my $node = rcs_node('main', 'rcs.settle' => '300ms', 'rcs.max_in_flight' => 50);
my $sim = start_ktsim(args => [ '--seed', 14 ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

# Those that a campaign's messages and single messages were answered 500 for, though accepted.
my $answered_500 = q{
	SELECT m.id FROM oracle.message m JOIN oracle.ledger l ON l.msgid = m.id::text
	WHERE l.decision = 'accepted' AND l.http_status = '500'};

sub singles
{
	my ($from) = @_;
	sql("SELECT count(rcs_send('010' || i, 'hello')) FROM generate_series($from, $from + 299) i");
	return;
}

$sim->set(accept_then_500_pct => 5);
my $resend = campaign($node, $db, $n);
singles(30000000);
drained($node, $db, 120, 'resend: everything leaves');
is(sql("SELECT sent, failed, uncertain FROM rcs.campaign_progress WHERE campaign = '$resend'"),
	"$n|0|0", 'resend: all are sent');
oracle($node, $db, $sim, name => 'resend');
my $lost = sql("SELECT count(*) FROM ($answered_500) x");
cmp_ok($lost, '>', $n / 50, "$lost acceptances were answered 500");
is( sql(qq{
		($answered_500) EXCEPT
		SELECT id FROM rcs.message_status WHERE status = 'sent'
			AND reason = 'the carrier had accepted it before'}),
	'', 'resend: for each of them the carrier said at the second offer that it knows it');
is(sql('SELECT count(*) FROM oracle.seen WHERE offers > 1'), $lost, 'resend: nothing else was offered twice');

set_conf($node, 'rcs.in_doubt' => 'hold');
my $hold = campaign($node, $db, $n, from => 40000000);
singles(50000000);
drained($node, $db, 120, 'hold: everything is settled');
oracle($node, $db, $sim, name => 'hold');
my $new = q{phone >= '01040000000'};
my $held = sql("SELECT count(*) FROM rcs.message_status WHERE status = 'uncertain'");
cmp_ok($held, '>', $n / 50, "hold: $held are uncertain");
is( sql(qq{
		SELECT count(*) FROM (($answered_500 AND m.$new) EXCEPT
		SELECT id FROM rcs.message_status WHERE status = 'uncertain') x}),
	0, 'hold: all that were answered 500');
is( sql(qq{
		SELECT count(*) FROM (SELECT id FROM rcs.message_status WHERE status = 'uncertain' EXCEPT
		($answered_500 AND m.$new)) x}),
	0, 'hold: and no others');
is(sql("SELECT max(offers) FROM oracle.message WHERE $new"), 1, 'hold: nothing was offered twice');
is( sql("SELECT sent + uncertain, total FROM rcs.campaign_progress WHERE campaign = '$hold'"),
	"$n|$n", 'hold: the counts add up');
is(log_count($node, 'ERROR|FATAL|PANIC|WARNING:  (?!carrier account)'), 0, 'the log has no complaint');
$node->stop;
done_testing();
