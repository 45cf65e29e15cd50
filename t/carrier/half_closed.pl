# Answers that begin and do not end, and connections that fall silent: the outcome of the message is unknown,
# never a refusal, and no connection is held for longer than rcs.request_timeout.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsProxy;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $timeout = 1;
my $node = rcs_node('main',
	'rcs.request_timeout' => "${timeout}s",
	'rcs.settle' => '300ms',
	'rcs.max_in_flight' => 50);
my $sim = start_ktsim();
my $proxy = start_proxy($sim->port);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim, options => { url => 'http://127.0.0.1:' . $proxy->port . '/corp/v1' });

my $phone = 11110000;

sub sql { return $node->safe_psql($db, $_[0]); }

sub single { return sql(sprintf "SELECT rcs_send('010%d', 'hello')", ++$phone); }

# The first outcome of a message, and how long it took from its intent.
sub first_outcome
{
	my ($id) = @_;
	my $query = qq{
		FROM rcs.message m JOIN rcs.result r USING (campaign_no, batch_id, ord)
		JOIN rcs.intent i ON i.campaign_no = m.campaign_no AND i.batch_id = m.batch_id
			AND m.ord = ANY (i.ords) AND i.attempt = r.attempt
		WHERE m.id = '$id' AND r.outcome <> 'w' ORDER BY r.attempt LIMIT 1};
	poll($node, $db, "SELECT count(*) > 0 FROM (SELECT 1 $query) x", 't', 30, 'there is an outcome');
	return split /\|/, sql("SELECT r.outcome, r.code, round(extract(epoch FROM r.at - i.at)::numeric, 2) $query");
}

my $id = single();
drained($node, $db, 30, 'a message leaves', $id);

my %code = (half_close => 'cut', stall => 'timeout', reset => 'cut');
for my $fault (sort keys %code)
{
	$sim->set("${fault}_pct" => 100);
	$id = single();
	my ($outcome, $code, $seconds) = first_outcome($id);
	is("$outcome $code", "t $code{$fault}", "$fault: the outcome is unknown");
	took($seconds, $timeout + 1, "$fault: after $seconds s");
	$sim->set("${fault}_pct" => 0);
	drained($node, $db, 60, "$fault: it is offered again", $id);
	is( sql("SELECT status, reason FROM rcs.message_status WHERE id = '$id'"),
		'sent|the carrier had accepted it before',
		"$fault: and is sent");
}

my $campaign = campaign($node, $db, 1000);
sleep(0.2);
$sim->set(half_close_pct => 10, stall_pct => 5, reset_pct => 10);
sleep(3);
$sim->set(half_close_pct => 0, stall_pct => 0, reset_pct => 0);
drained($node, $db, 90, 'a campaign leaves in spite of all of them');
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 1000, 'all are sent');

# The network falls silent under live connections

$sim->set(latency_ms => 50);
$campaign = campaign($node, $db, 4000, from => 30000000);
poll($node, $db, "SELECT sent > 300 FROM rcs.campaign_progress WHERE campaign = '$campaign'", 't', 30,
	'a campaign is on its way');
$proxy->set(blackhole => 1);
my $in_flight = "SELECT sum(in_flight) FROM rcs.worker_status WHERE kind = 'campaign'";
my $start = time();
poll($node, $db, "SELECT count(*) > 20 FROM rcs.result WHERE code = 'timeout' AND outcome = 't'", 't',
	30, 'silence: requests under way are given up');
took(time() - $start, $timeout + 3, 'silence: soon');
poll($node, $db, "SELECT state IN ('closed', 'probing') FROM rcs.account_status", 't', 30,
	'silence: the account is set aside');
sleep($timeout + 1);
cmp_ok(sql($in_flight), '<=', 1, 'silence: at most a probe is under way');
is(sql("SELECT failed, uncertain FROM rcs.campaign_progress WHERE campaign = '$campaign'"), '0|0',
	'silence: nothing has failed');
sleep(3);
my $unknown = sql("SELECT count(*) FROM rcs.result WHERE code = 'timeout' AND outcome = 't'");
cmp_ok($unknown, '<', 50 + 50, "silence: $unknown were in doubt, about what was under way");
$proxy->heal;
$proxy->cut('reset');
drained($node, $db, 120, 'when it is back everything leaves', $campaign);
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 4000, 'all are sent');

oracle($node, $db, $sim);
is(log_count($node, 'ERROR|FATAL|PANIC|WARNING:  (?!carrier account)'), 0, 'the log has no complaint');
$node->stop;
done_testing();
