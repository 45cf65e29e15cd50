# Thirty campaigns with low rates of their own do not hold back a fast one; weights share an account.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main');
my $sim = start_ktsim();
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim, options => { rate_per_minute => 6000 });

sub sql { return $node->safe_psql($db, $_[0]); }
sub sent { return sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$_[0]'"); }

# alone first: the speed of the fast campaign without others beside it
my $alone = campaign($node, $db, 500, from => 10000000);
my $start = time();
drained($node, $db, 60, 'a fast campaign alone', $alone);
my $seconds = time() - $start;
my @slow = map { campaign($node, $db, 100, from => 20000000 + 1000 * $_, rate_per_minute => 30) } 1 .. 30;
sleep(3);
my $fast = campaign($node, $db, 500, from => 60000000);
$start = time();
drained($node, $db, 60, 'a fast campaign beside thirty slow ones', $fast);
my $beside = time() - $start;
note sprintf '500 messages at 100/s: alone %.1f s, beside thirty slow campaigns %.1f s', $seconds, $beside;
cmp_ok($beside, '<', 3 * $seconds + 15, 'is not held back by them');
cmp_ok(sent($slow[0]), '<', 100, 'which are still under way');
sql("SELECT rcs_campaign_cancel('$_')") for @slow;

my $one = campaign($node, $db, 2000, from => 70000000, weight => 1);
my $three = campaign($node, $db, 2000, from => 71000000, weight => 3);
sleep(1);
my $small = campaign($node, $db, 20, from => 72000000);
sleep(8);
my ($n1, $n3) = (sent($one), sent($three));
note sprintf 'weight 1 sent %d, weight 3 %d, ratio %.2f', $n1, $n3, $n3 / ($n1 || 1);
cmp_ok($n3, '>', 1.5 * $n1, 'weight 3 gets clearly more');
cmp_ok($n3, '<', 4.5 * $n1, 'but not everything');
is(sent($small), 20, 'a small one does not wait for them');
sql("SELECT rcs_campaign_cancel('$_')") for $one, $three;
drained($node, $db, 30, 'the rest ends', $_) for $one, $three;
oracle($node, $db, $sim);
$node->stop;
done_testing();
