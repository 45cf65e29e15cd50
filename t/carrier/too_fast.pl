# "Too fast": what the carrier says for a moment costs seconds and not minutes, busy or idle, and single
# messages nothing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use List::Util qw(max);
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $per_second = 200;
my ($lockout, $neighbour, $idle) = $ENV{RCS_LONG} ? (20, 20, 30) : (3, 6, 1);
my $node = rcs_node('main');
my $sim = start_ktsim(accounts => [ 'shop:secret:' . $per_second * 60, 'free:secret', 'quiet:secret:' . $per_second * 60 ]);
my $db = rcs_database($node, 'shop');
my %chatbot = (shop => '0212351235', free => '0215880000', quiet => '0215990000');
setup_account($node, $db, $sim, options => { rate_per_minute => $per_second * 60 });
setup_account($node, $db, $sim, server => 'free', rcs_id => 'free', chatbot => $chatbot{free});
setup_account($node, $db, $sim, server => 'quiet', rcs_id => 'quiet', chatbot => $chatbot{quiet}, options => { rate_per_minute => $per_second * 60 });
my $from = 20000000;

sub sql { return $node->safe_psql($db, $_[0]); }

# A started campaign of so many.
sub send_some
{
	my ($n, $account) = @_;
	my $campaign = campaign($node, $db, $n, from => $from, chatbot => $chatbot{$account});
	$from += $n;
	return $campaign;
}

# Times of an account's offers of this decision between two moments; columns as in the ledger
sub offers
{
	my ($account, $decision, $since, $until) = @_;
	my @times;
	for my $line (split /\n/, slurp_file($sim->ledger))
	{
		my @f = split /\t/, $line;
		push @times, $f[1] / 1e6 if $f[2] eq $account && $f[6] eq $decision && $f[1] / 1e6 >= $since && $f[1] / 1e6 < ($until // 9e18);
	}
	return @times;
}

# Waits until the last second had so many acceptances; how long that took from a moment on
sub reached
{
	my ($account, $n, $since, $patience) = @_;
	while (time() < $since + $patience)
	{
		my $now = time();
		return $now - $since if offers($account, 'accepted', $now - 1, $now) >= $n;
		sleep(0.1);
	}
	return $patience + 1;
}

# Of how many moments, a second apart at least, these are
sub moments
{
	my ($n, $last) = (0, 0);
	for my $t (sort { $a <=> $b } @_)
	{
		$n++ if $t - $last >= 1;
		$last = $t;
	}
	return $n;
}

sub on_its_way
{
	my ($campaign, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll($node, $db, "SELECT sent > 300 FROM rcs.campaign_progress WHERE campaign = '$campaign'", 't', 30, "$what: a campaign is on its way");
}

# How late single messages are, one each tenth of a second for so many seconds: the latest but two
sub singles_late
{
	my ($seconds) = @_;
	my (%committed, @late);
	for my $i (1 .. 10 * $seconds)
	{
		my ($id, $at) = split /\n/, sql(sprintf q{SELECT rcs_send('0101111%04d', 'hello', chatbot => '%s');
			SELECT extract(epoch FROM clock_timestamp())}, $i, $chatbot{shop});
		$committed{$id} = $at;
		sleep(0.07);
	}
	drained($node, $db, 30, 'single messages leave', $_) for (sort keys %committed)[0];
	sleep(1);
	my %first;
	for my $line (split /\n/, slurp_file($sim->ledger))
	{
		my @f = split /\t/, $line;
		$first{ $f[3] } //= $f[1] / 1e6 if defined $f[6] && $f[6] eq 'accepted';
	}
	push @late, ($first{$_} // time()) - $committed{$_} for keys %committed;
	@late = sort { $a <=> $b } @late;
	return $late[-3];
}

# ---------- a lock-out in the middle of a campaign ----------

my $campaign = send_some($per_second * 30, 'shop');
on_its_way($campaign, 'lock-out');
$sim->set(account_code => { shop => '72104' });
sleep($lockout);
my $refused = $sim->stats->{accounts}{shop}{throttled};
my $start = time();
$sim->set(account_code => {});
cmp_ok($refused, '<=', 100 + 2 * $lockout, "lock-out: $refused offers are refused while it lasts");
my $half = reached('shop', 0.5 * $per_second, $start, 40);
cmp_ok($half, '<=', 5, sprintf 'lock-out: half of the contract after %.1f s', $half);
my $all = reached('shop', 0.95 * $per_second, $start, 40);
cmp_ok($all, '<=', 30, sprintf 'lock-out: all of it after %.1f s', $all);

# ---------- a neighbour who uses half of the contract ----------

$start = time();
$sim->set(neighbour_pct => 50);
my $late = singles_late($neighbour);
my $end = time();
$sim->set(neighbour_pct => 0);
my $met = moments(offers('shop', 'throttled', $start, $end));
cmp_ok($met, '<=', 2 + ($end - $start) / 3, sprintf 'neighbour: %d moments of "too fast" in %d s', $met, $end - $start);
my $used = offers('shop', 'accepted', $start + 3, $end) / ($end - $start - 3);
cmp_ok($used, '>=', 0.6 * $per_second / 2, sprintf 'neighbour: %.0f a second of %d are used', $used, $per_second / 2);
took($late, 0.8, 'neighbour: single messages are hardly late');
$half = reached('shop', 0.95 * $per_second, $end, 40);
cmp_ok($half, '<=', 30, sprintf 'neighbour: all of the contract %.1f s after he left', $half);

# ---------- a lock-out, and nobody who asks whether it is over ----------

$sim->set(account_code => { shop => '72104' });
poll($node, $db, "SELECT limited_by = 'carrier' FROM rcs.account_status WHERE server = 'kt'", 't', 20, 'idle: the account is slowed down');
sql("SELECT rcs_campaign_cancel('$campaign')");
sleep(1);
$sim->set(account_code => {});
sleep($idle);
$start = time();
$campaign = send_some($per_second * 20, 'shop');
$half = reached('shop', 0.5 * $per_second, $start, 40);
cmp_ok($half, '<=', 7, sprintf 'idle: a campaign has half of the contract after %.1f s', $half);
$all = reached('shop', 0.95 * $per_second, $start, 40);
cmp_ok($all, '<=', 30, sprintf 'idle: all of it after %.1f s', $all);
sql("SELECT rcs_campaign_cancel('$campaign')");

# ---------- one word to a quiet account ----------

# the refusal of a trickle says little about speed
for my $account (qw(free quiet))
{
	$sim->set(account_code => { $account => '72104' });
	sql("SELECT rcs_send('01022220000', 'hello', chatbot => '$chatbot{$account}')");
	poll($node, $db, "SELECT throttled > 0 FROM rcs.account_status WHERE server = '$account'", 't', 20, "$account: a single message is too fast");
	$sim->set(account_code => {});
}
$start = time();
$campaign = send_some(3000, 'free');
drained($node, $db, 60, 'quiet, no limit: a campaign of 3,000 leaves', $campaign);
cmp_ok(time() - $start, '<=', 10, sprintf 'quiet, no limit: within %.1f s', time() - $start);
sleep(max(0, $start + $idle - time()));
is(sql(q{SELECT string_agg(concat_ws(' ', server, state, coalesce(rate_per_minute::text, 'no limit')), ', ' ORDER BY server) FROM rcs.account_status WHERE server <> 'kt'}),
	'free open no limit, quiet open ' . $per_second * 60, 'idle: the rates are back');
is(sql(q{SELECT count(*) FROM rcs_health() WHERE "check" = 'account' AND detail ~ 'account (free|quiet) '}), 0, 'idle: and health has nothing to say');

# ---------- Retry-After ----------

$campaign = send_some($per_second * 20, 'quiet');
on_its_way($campaign, 'Retry-After');
$sim->set(retry_after_ms => 3000, account_code => { quiet => '72104' });
sleep(0.5);
$start = time();
$sim->set(account_code => {}, retry_after_ms => 0);
my $single = sql("SELECT rcs_send('01033330000', 'hello', chatbot => '$chatbot{quiet}')");
drained($node, $db, 20, 'Retry-After: a single message leaves', $single);
took(time() - $start, 1, 'Retry-After: which waits for nothing');
sleep(max(0, $start + 2 - time()));
my @early = offers('quiet', 'accepted', $start, $start + 2);
cmp_ok(scalar @early, '>=', 1, 'Retry-After: the single message did not wait for that');
cmp_ok(scalar @early, '<=', 2, 'Retry-After: campaigns wait as long as was said, but for ' . @early);
$half = reached('quiet', 0.5 * $per_second, $start, 40);
cmp_ok($half, '<=', 8.5, sprintf 'Retry-After: half of the contract after %.1f s, of which it was to wait 3', $half);
sql("SELECT rcs_campaign_cancel('$campaign')");
drained($node, $db, 60, 'the campaign ends', $campaign);
drained($node, $db, 60, 'everything leaves');

oracle($node, $db, $sim);
is(complaints($node), 0, 'the log has no complaint');
$node->stop;
done_testing();
