# The contract rate of an account: used, never exceeded, shared by lanes and databases.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use List::Util qw(max);
use POSIX qw(ceil);
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main');
my $sim = start_ktsim(accounts => [ 'shop:secret', 'slow:secret:600', 'own:secret' ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim, options => { rate_per_minute => 1200 });

sub sql { return $node->safe_psql($db, $_[0]); }

# Times of the offers of an account, in seconds, from a position in the ledger.
sub offers
{
	my ($account, $from) = @_;
	my @fields = map { [ split /\t/ ] } grep { !/^#/ } split /\n/, slurp_file($sim->ledger, $from // 0);
	return sort { $a <=> $b } map { $_->[1] / 1e6 } grep { $_->[2] eq $account && $_->[1] =~ /^\d+$/ } @fields;
}

# The most offers in any window of so many seconds.
sub most_in
{
	my ($window, @times) = @_;
	my ($first, $most) = (0, 0);
	for my $last (0 .. $#times)
	{
		$first++ while $times[$last] - $times[$first] >= $window;
		$most = max($most, $last - $first + 1);
	}
	return $most;
}

# A campaign at the contract rate; single messages go first

my $campaign = campaign($node, $db, 280);
poll($node, $db, "SELECT sent > 5 FROM rcs.campaign_progress WHERE campaign = '$campaign'", 't', 30,
	'a campaign is on its way');
my $position = -s $sim->ledger;
my $start = time();
my @late;
for my $i (1 .. 10)
{
	my ($id, $committed) = split /\n/, sql(sprintf q{
		SELECT rcs_send('0101111%04d', 'hello');
		SELECT extract(epoch FROM clock_timestamp())}, $i);
	drained($node, $db, 20, "single message $i leaves", $id);
	my ($line) = grep { /\t$id\t/ } split /\n/, slurp_file($sim->ledger);
	push @late, (split /\t/, $line)[1] / 1e6 - $committed;
	sleep(0.4);
}
sleep(max(0, $start + 10 - time()));
my @times = offers('shop', $position);
took((sort { $a <=> $b } @late)[8], 0.5, 'single messages leave within half a second beside a campaign');
note sprintf 'single messages left after %s ms', join ' ', map { int($_ * 1000) } @late;
my $took = $times[-1] - $times[0];
note sprintf '%.2f offers a second', $#times / $took;
took($took, $#times / (0.97 * 20), 'the contract rate is used');
cmp_ok(most_in(10, @times), '<=', 1.02 * 200 + 1, 'no ten seconds exceed it');
cmp_ok(most_in(1, @times), '<=', ceil(1.02 * 20) + 1, 'nor does any second');
drained($node, $db, 30, 'the campaign leaves', $campaign);

# A campaign with a rate of its own

$sim->set(latency_ms => 5);
setup_account($node, $db, $sim, server => 'free', chatbot => '0215880000', options => {}, rcs_id => 'own');
$position = -s $sim->ledger;
$campaign = campaign($node, $db, 60, from => 25000000, rate_per_minute => 600, chatbot => '0215880000');

# The carrier allows less than we were told

setup_account($node, $db, $sim, server => 'slow', chatbot => '0215990000', rcs_id => 'slow',
	options => { rate_per_minute => 900 });
my $slow = campaign($node, $db, 150, from => 26000000, chatbot => '0215990000');
poll($node, $db, "SELECT throttled > 0 AND limited_by = 'carrier' AND rate_per_minute <= 900 FROM rcs.account_status WHERE server = 'slow'", 't', 30,
	'"too fast" lowers the rate');
drained($node, $db, 60, 'a campaign with a rate of its own leaves', $campaign);
@times = offers('own', $position);
is(scalar @times, 60, 'all of it');
# two more than the rate: requests that a busy machine held up arrive closer together
cmp_ok(most_in(1, @times), '<=', ceil(1.02 * 10) + 3, 'no second exceeds its rate');
took($times[-1] - $times[0], 9, 'which it uses');
drained($node, $db, 90, 'the campaign that was too fast leaves', $slow);
is(sql("SELECT sent, failed FROM rcs.campaign_progress WHERE campaign = '$slow'"), '150|0', 'all of it');
my $seen = $sim->stats->{accounts}{slow};
note "throttled $seen->{throttled} of $seen->{offers} offers";
cmp_ok($seen->{throttled}, '>', 0, 'the carrier refused some as too fast');
cmp_ok($seen->{throttled}, '<', 0.1 * $seen->{offers}, 'but not many');

# Two databases share the rate of one account

my $second = rcs_database($node, 'second');
setup_account($node, $second, $sim, options => { rate_per_minute => 1200 });
$position = -s $sim->ledger;
my $one = campaign($node, $db, 60, from => 27000000, chatbot => '0212351235');
my $two = campaign($node, $second, 60, from => 28000000);
drained($node, $db, 60, 'a campaign of one database leaves', $one);
drained($node, $second, 60, 'and one of another', $two);
@times = offers('shop', $position);
is(scalar @times, 120, 'all of both');
cmp_ok(most_in(1, @times), '<=', ceil(1.02 * 20) + 3, 'no second exceeds the rate of their account'); # as above
took($times[-1] - $times[0], 9, 'which they use');

is(complaints($node), 0, 'the log has no complaint');
oracle($node, $second, $sim, shared => 1);
oracle($node, $db, $sim, shared => 1);
$node->stop;
done_testing();
