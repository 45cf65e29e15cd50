# How well a contract rate was held, from the carrier's ledger on stdin.
# usage: ledger.pl RATE-PER-MINUTE SECONDS
use strict;
use warnings;

my ($rate, $seconds) = @ARGV;
my @at = sort { $a <=> $b } map { (split /\t/)[1] } grep { /\taccepted\t/ } <STDIN>;
die "no offers\n" unless @at;

# the most within any span
sub most
{
	my ($span) = @_;
	my ($from, $most) = (0, 0);
	for my $to (0 .. $#at)
	{
		$from++ while $at[$to] - $at[$from] >= $span * 1e6;
		$most = $to - $from + 1 if $to - $from + 1 > $most;
	}
	return $most;
}

my $held = grep { $_ < $at[0] + $seconds * 1e6 } @at;
printf "percent_of_the_rate %.2f\n", 100 * $held / ($rate / 60 * $seconds);
printf "most_in_a_second %d\nmost_in_10_s %d\n", most(1), most(10);
