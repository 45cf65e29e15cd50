# The carrier refuses messages that come too fast, or after a quota is used up: no message is lost, and
# the workers find the rate that it takes without many refusals.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $per_second = 200;
my $node = rcs_node('main', 'rcs.settle' => '300ms', 'rcs.max_attempts' => 2);
my $sim = start_ktsim(accounts => [ 'shop:secret:' . $per_second * 60, 'other:secret' ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim, options => { rate_per_minute => $per_second * 60 });

sub sql { return $node->safe_psql($db, $_[0]); }

# How fast the messages of a campaign were accepted, without the first and last tenth.
sub rate_of
{
	my ($from, $n) = @_;
	return sql(sprintf q{
		SELECT round(1e6 * count(*) / (max(time_us) - min(time_us))) FROM (
			SELECT time_us, ntile(10) OVER (ORDER BY time_us) AS part FROM oracle.ledger
			WHERE decision = 'accepted' AND phone BETWEEN '010%d' AND '010%d') l
		WHERE part BETWEEN 2 AND 9}, $from, $from + $n - 1);
}

# A rate that is known is kept

my $n = $per_second * 5;
my $campaign = campaign($node, $db, $n, from => 20000000);
drained($node, $db, 120, 'known rate: everything leaves');
oracle($node, $db, $sim, name => 'known rate');
my $throttled = sql("SELECT count(*) FROM oracle.ledger WHERE decision = 'throttled'");
cmp_ok($throttled, '<', $n * 0.01, "known rate: $throttled of $n were too fast");
my $rate = rate_of(20000000, $n);
took($n / $rate, $n / ($per_second * 0.8), "known rate: $rate/s of $per_second/s are used");
cmp_ok($rate, '<', $per_second * 1.05, 'known rate: and no more');

# One that is set too high is found: refusals become few, and cost no message an attempt

sql('ALTER SERVER kt OPTIONS (SET rate_per_minute ' . "'" . $per_second * 90 . "')");
$campaign = campaign($node, $db, 3 * $n, from => 30000000);
drained($node, $db, 240, 'rate set too high: everything leaves');
oracle($node, $db, $sim, name => 'rate set too high');
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 3 * $n,
	'rate set too high: all are sent, with rcs.max_attempts = 2');
my $share = sql(q{
	SELECT round(100.0 * count(*) FILTER (WHERE decision = 'throttled') / count(*), 1) FROM (
		SELECT decision, ntile(4) OVER (ORDER BY time_us) AS part FROM oracle.ledger
		WHERE phone BETWEEN '01030000000' AND '01030099999') l WHERE part > 1});
cmp_ok($share, '<', 5, "rate set too high: after the first quarter $share % were too fast");
$rate = rate_of(30000000, 3 * $n);
took(3 * $n / $rate, 3 * $n / ($per_second * 0.6), "rate set too high: $rate/s of $per_second/s are used");

# A quota that is in no setting is found as well

sql('ALTER SERVER kt OPTIONS (DROP rate_per_minute)');
$campaign = campaign($node, $db, 2 * $n, from => 40000000);
drained($node, $db, 240, 'unknown rate: everything leaves');
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 2 * $n,
	'unknown rate: all are sent');
oracle($node, $db, $sim, name => 'unknown rate');
$rate = rate_of(40000000, 2 * $n);
took(2 * $n / $rate, 2 * $n / ($per_second * 0.5), "unknown rate: $rate/s of $per_second/s are used");

# A gateway that says 429 to everything for a while, without a code

sql(q{ALTER USER MAPPING FOR PUBLIC SERVER kt OPTIONS (SET rcs_id 'other')});
$sim->set(latency_ms => 20);
$campaign = campaign($node, $db, 1000, from => 45000000);
poll($node, $db, "SELECT sent > 100 FROM rcs.campaign_progress WHERE campaign = '$campaign'", 't', 30,
	'a campaign is on its way');
$sim->set(throttle_pct => 100, retry_after_ms => 1000);
sleep(3);
$sim->set(throttle_pct => 0, latency_ms => 0);
my $start = time();
drained($node, $db, 180, 'turned away with 429: everything leaves');
took(time() - $start, 10, 'turned away with 429: within seconds');
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 1000,
	'turned away with 429: all are sent');

# A quota used up closes the account, not the messages

$sim->set(quota => 200);
$campaign = campaign($node, $db, 600, from => 50000000);
poll($node, $db, "SELECT state IN ('closed', 'probing') FROM rcs.account_status", 't', 60,
	'quota used up: the account is set aside');
like(sql('SELECT last_error FROM rcs.account_status'), qr/\w/, 'quota used up: with a reason');
sleep(3);
is(sql("SELECT sent, failed, uncertain FROM rcs.campaign_progress WHERE campaign = '$campaign'"),
	'200|0|0', 'quota used up: the others wait');
my $refused = $sim->stats->{refused};
sleep(5);
cmp_ok($sim->stats->{refused} - $refused, '<', 5, 'quota used up: few ask whether it still is');
$sim->set(quota => 0);
drained($node, $db, 120, 'a new quota: everything leaves');
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 600,
	'a new quota: all are sent');

oracle($node, $db, $sim);
is(log_count($node, 'ERROR|FATAL|PANIC|WARNING:  (?!carrier account)'), 0, 'the log has no complaint');
$node->stop;
done_testing();
