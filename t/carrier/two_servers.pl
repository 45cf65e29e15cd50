# Two servers that know nothing of each other send the same campaign to the same phones through one
# account of one carrier.  Their ids have nothing in common, so neither takes a message of the other for its own.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;

my $n = 500;
my $sim = start_ktsim();
my @nodes = map { rcs_node($_) } qw(one two);

for my $node (@nodes)
{
	rcs_database($node, 'shop');
	setup_account($node, 'shop', $sim);
	campaign($node, 'shop', $n, name => 'autumn');
	$node->safe_psql('shop', q{SELECT count(rcs_send('0103000' || i, 'hello', key => 'order-' || i)) FROM generate_series(1000, 1099) i});
}
drained($_, 'shop', 90) for @nodes;

my @ids = map { [ split /\n/, $_->safe_psql('shop', 'SELECT id FROM rcs.message') ] } @nodes;
my %one = map { $_ => 1 } @{ $ids[0] };
is(scalar @$_, $n + 100, 'each has all its messages') for @ids;
is(scalar(grep { $one{$_} } @{ $ids[1] }), 0, 'no id is on both');
for my $node (@nodes)
{
	is($node->safe_psql('shop', q{SELECT min(campaign_no), count(*) FROM rcs.campaign}), '1|1', 'the same number of a campaign');
	is($node->safe_psql('shop', q{SELECT status, count(*) FROM rcs.message_status GROUP BY 1}), 'sent|' . ($n + 100), 'all of it is sent');
	is($node->safe_psql('shop', q{SELECT count(*) FROM rcs.result WHERE code IS NOT NULL AND outcome <> 'a'}), 0, 'no id was called a repeat');
	oracle($node, 'shop', $sim, shared => 1, name => 'oracle of ' . $node->name);
}
is($sim->stats->{accepted}, 2 * ($n + 100), 'the carrier accepted what both sent');
$_->stop for @nodes;
done_testing();
