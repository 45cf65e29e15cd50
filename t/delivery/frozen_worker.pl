# A worker that was frozen, as when its machine stood still, offers nothing by intents of before: they are
# withdrawn, and what they were for is taken anew.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsCopies;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $db = 'shop';
my $sim = start_ktsim();
my $node = original($sim, 'main', rate => 2400);

campaign($node, $db, 300);
$node->safe_psql($db, q{SELECT count(rcs_send('0103' || lpad(i::text, 7, '0'), 'many')) FROM generate_series(1, 40) i});
sleep(1.5);
my @pids = split /,/, worker_pids($node, $db);
for my $round (1 .. 2)
{
	kill 'STOP', @pids;
	sleep(4.5);
	kill 'CONT', @pids;
	sleep(1.2);
}
drained($node, $db, 120, 'all is sent');

# The age of the latest intent before each offer
my %at;
for (split /\n/, $node->safe_psql($db, q{
	SELECT m.id, extract(epoch FROM i.at) FROM rcs.intent i, unnest(i.ords) o(ord), rcs.message m
	WHERE m.campaign_no = i.campaign_no AND m.batch_id = i.batch_id AND m.ord = o.ord}))
{
	my ($id, $at) = split /\|/;
	push @{ $at{$id} }, $at;
}
my @old;
for (grep { !/^#/ } split /\n/, slurp_file($sim->ledger))
{
	my @offer = split /\t/;
	my ($latest) = sort { $b <=> $a } grep { $_ <= $offer[1] / 1e6 + 0.01 } @{ $at{ $offer[3] } // [] };
	push @old, sprintf('%s: %.1f s', $offer[3], $offer[1] / 1e6 - $latest) if !defined $latest || $offer[1] / 1e6 - $latest > 3.5;
}
is(join("\n", @old), '', 'no offer goes by an intent that is seconds old');
oracle($node, $db, $sim);
$node->stop;
done_testing();
