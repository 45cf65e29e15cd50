# Campaigns with rates of their own, ten at once: each keeps its rate in any ten seconds, also when it
# is changed meanwhile, with two workers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use List::Util qw(max);
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main', 'rcs.campaign_workers' => 2);
my $sim = start_ktsim();
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim, options => { rate_per_minute => 12000 });

sub sql { return $node->safe_psql($db, $_[0]); }

# Times of the offers by campaign, in seconds; '' = all
sub offers
{
	my %campaign = map { split /\|/ } split /\n/, sql('SELECT id, campaign FROM rcs.message_status');
	my %times;
	for my $line (grep { !/^#/ } split /\n/, slurp_file($sim->ledger))
	{
		my (undef, $us, undef, $id) = split /\t/, $line;
		next unless $campaign{$id};
		push @{ $times{$_} }, $us / 1e6 for $campaign{$id}, '';
	}
	return map { $_ => [ sort { $a <=> $b } @{ $times{$_} } ] } keys %times;
}

# The most of them in any ten seconds
sub most
{
	my @times = @_;
	my ($first, $most) = (0, 0);
	for my $last (0 .. $#times)
	{
		$first++ while $times[$last] - $times[$first] >= 10;
		$most = max($most, $last - $first + 1);
	}
	return $most;
}

sub keeps
{
	my ($rate, $name, @times) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $most = most(@times);
	note "$name: $most in ten seconds, at most " . $rate / 6;
	return cmp_ok($most, '<=', 1.02 * $rate / 6 + 1, "$name keeps $rate a minute");
}

my %rate = map { campaign($node, $db, 1000, from => 20000000 + 1000 * $_, rate_per_minute => 120 * $_) => 120 * $_ } 1 .. 10;
my ($slowest, @others) = sort { $rate{$a} <=> $rate{$b} } keys %rate;
my $fastest = pop @others;
sleep(11);
sql("SELECT rcs_campaign_change('$slowest', rate_per_minute => 900), rcs_campaign_change('$fastest', rate_per_minute => 300)");
my $changed = time() + 1;
sleep(11);
sql("SELECT rcs_campaign_cancel('$_')") for keys %rate;
drained($node, $db, 30, 'it ends', $_) for keys %rate;

my %times = offers();
keeps($rate{$_}, 'a campaign', @{ $times{$_} }) for @others;
keeps($rate{$_}, 'before its change a campaign', grep { $_ < $changed - 1 } @{ $times{$_} }) for $slowest, $fastest;
keeps(900, 'a faster campaign', grep { $_ > $changed } @{ $times{$slowest} });
keeps(300, 'a slower campaign', grep { $_ > $changed } @{ $times{$fastest} });
keeps(12000, 'the account', @{ $times{''} });
cmp_ok(scalar(@{ $times{$_} }), '>', $rate{$_} / 60 * 5, 'its rate is used') for @others;
cmp_ok(scalar(grep { $_ > $changed } @{ $times{$slowest} }), '>', 40, 'so is the new one');

oracle($node, $db, $sim);
is(complaints($node), 0, 'the log has no complaint');
$node->stop;
done_testing();
