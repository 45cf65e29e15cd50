# Messages a second in the carrier's ledger (on stdin), of the first so many, less the tenth at each end.
# usage: middle.pl MESSAGES
use strict;
use warnings;

my ($n) = @ARGV;
my @at = map { (split /\t/)[1] } grep { /\taccepted\t/ } <STDIN>;
$n = @at if $n > @at;
my ($from, $to) = (int($n / 10), $n - 1 - int($n / 10));
die "too few offers\n" if $to <= $from;
printf "%.1f\n", 1e6 * ($to - $from) / ($at[$to] - $at[$from]);
