# Pause, resume and cancel at full speed: one second after the COMMIT no message is offered any more, no
# message is lost or counted twice, and the unsent messages of a canceled campaign end.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main', 'rcs.campaign_workers' => 2, 'rcs.max_in_flight' => 25,
	'rcs.request_timeout' => '1s', 'rcs.settle' => '1s');
my $sim = start_ktsim(args => [ '--latency-ms', 30 ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

sub counts
{
	return sql("SELECT state, queued + sending + sent + delivered + fell_back + failed + uncertain + canceled
		+ expired + suppressed - total FROM rcs.campaign_progress WHERE campaign = '$_[0]'");
}

# The offers of a campaign that came more than a second after a moment of the carrier's clock.
sub offers_after
{
	my ($campaign, $from, $to) = @_;
	return sql("SELECT count(*) FROM oracle.ledger l JOIN rcs.message m ON m.id::text = l.msgid
		JOIN rcs.campaign c USING (campaign_no)
		WHERE c.id = '$campaign' AND l.time_us > ($from + 1) * 1000000"
		. (defined $to ? " AND l.time_us < $to * 1000000" : ''));
}

sub running
{
	my ($campaign, $least) = @_;
	poll($node, $db, "SELECT accepted > $least FROM rcs.campaign_progress WHERE campaign = '$campaign'", 't', 60,
		"more than $least are accepted");
}

# Pause and resume, three times; the second pause meets a carrier that answers late

my $total = 15000;
my $campaign = campaign($node, $db, $total);
my @pauses;
for my $round (1 .. 3)
{
	running($campaign, 700 * $round);
	$sim->set(latency_ms => $round == 2 ? 400 : 30);
	is(sql("SELECT rcs_campaign_pause('$campaign')"), 'paused', "pause $round");
	my $from = time();
	like(counts($campaign), qr/^paused\|0$/, 'it is paused, and the counts add up');
	poll($node, $db, "SELECT count(*) FROM rcs.batch WHERE state = 'l'", 0, 10, 'its batches are handed back');
	my $accepted = sql("SELECT accepted FROM rcs.campaign_progress WHERE campaign = '$campaign'");
	sleep(1.5);
	is(sql("SELECT accepted, sending FROM rcs.campaign_progress WHERE campaign = '$campaign'"), "$accepted|0",
		'it stands still');
	push @pauses, [ $from, time() ];
	# seen before any worker knows
	my $stopped = "ARRAY(SELECT x.id FROM rcs.result r CROSS JOIN LATERAL (SELECT m.id FROM rcs.message m
		WHERE m.campaign_no = r.campaign_no AND m.batch_id = r.batch_id AND m.ord = r.ord OFFSET 0) x WHERE r.code = 'stopped' ORDER BY r.at DESC LIMIT 100)";
	is( sql("BEGIN; SELECT rcs_campaign_resume('$campaign');
		SELECT state, state_reason FROM rcs.campaign_progress WHERE campaign = '$campaign';
		SELECT count(*) > 0, count(code), count(reason) FROM rcs.message_status WHERE id = ANY ($stopped) AND status = 'queued'; COMMIT"),
		"running\nrunning|\nt|0|0", "resume $round: neither it nor its messages are still called paused");
}
$sim->set(latency_ms => 0);
drained($node, $db, 60, 'it ends', $campaign);
is(sql("SELECT state, sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), "finished|$total", 'all were sent');
oracle($node, $db, $sim, name => 'pauses');
is(offers_after($campaign, @$_), 0, 'nothing was offered later than a second after the pause') for @pauses;

# A commit by two steps is noticed within a second, too

$sim->set(latency_ms => 30);
my $prepared = campaign($node, $db, 4000, from => 30000000);
running($prepared, 100);
sql("BEGIN; SELECT rcs_campaign_pause('$prepared'); PREPARE TRANSACTION 'pause'");
sql("COMMIT PREPARED 'pause'");
my $from = time() + 0.5; # the look, once a second
poll($node, $db, "SELECT count(*) FROM rcs.batch WHERE state = 'l'", 0, 10, 'its batches are handed back');

# Cancel at full speed; another campaign goes on

my $other = campaign($node, $db, 3000, from => 40000000, rate_per_minute => 30000);
my $canceled = campaign($node, $db, 15000, from => 50000000);
running($canceled, 300);
$sim->set(accept_then_hang_pct => 5);
sleep(0.3);
is(sql("SELECT rcs_campaign_cancel('$canceled')"), 'canceled', 'canceled at full speed');
my $end = time();
for (1 .. 5)
{
	my $now = counts($canceled);
	is($now, 'canceled|0', 'it is canceled at once, and the counts add up') if $now ne 'canceled|0' || $_ == 5;
	sleep(0.02);
}
$sim->set(accept_then_hang_pct => 0);
poll($node, $db, "SELECT queued + sending FROM rcs.campaign_progress WHERE campaign = '$canceled'", 0, 30,
	'what is unsent ends');
drained($node, $db, 60, 'the other campaign ends', $other);
is(sql("SELECT rcs_campaign_cancel('$prepared')"), 'canceled', 'one that is paused');
poll($node, $db, 'SELECT count(*) FROM rcs.batch', 0, 30, 'nothing is left in the queue');
like(sql("SELECT sent, canceled, uncertain FROM rcs.campaign_progress WHERE campaign = '$canceled'"),
	qr/^[1-9]\d*\|[1-9]\d*\|[1-9]\d*$/, 'some were sent, some canceled, some are uncertain');
note sql("SELECT 'sent ' || sent || ', canceled ' || canceled || ', uncertain ' || uncertain
	FROM rcs.campaign_progress WHERE campaign = '$canceled'");
oracle($node, $db, $sim, name => 'cancel');
is(offers_after($canceled, $end), 0, 'nothing was offered later than a second after the cancel');
is(offers_after($prepared, $from), 0, 'nor after the pause by two steps');
is( sql("SELECT count(*) FROM rcs.message_status s WHERE campaign = '$canceled' AND status = 'canceled'
		AND EXISTS (SELECT FROM oracle.seen o WHERE o.msgid = s.id::text AND o.accepted > 0)"),
	0, 'what is canceled was not accepted');

# What expires ends without an account, whether it runs or not

$sim->stop;
my @late = map { campaign($node, $db, 1000, from => 60000000 + 1000 * $_) } 0 .. 1;
sql("SELECT rcs_campaign_pause('$late[1]')");
sql("UPDATE rcs.campaign SET expires_at = now() WHERE id IN ('$late[0]', '$late[1]')");
poll($node, $db, "SELECT string_agg(state || expired, ',') FROM rcs.campaign_progress WHERE campaign IN ('$late[0]', '$late[1]')",
	'finished1000,finished1000', 20, 'both end as expired');

is(complaints($node), 0, 'the log has no complaint');
$node->stop;
done_testing();
