# Messages a second in the first and in the last tenth of the carrier's ledger (on stdin).
use strict;
use warnings;

my @at = map { (split /\t/)[1] } grep { /\taccepted\t/ } <STDIN>;
my $n = int(@at / 10);
die "too few offers\n" if $n < 2;
printf "first %.1f\nlast %.1f\n", map { 1e6 * ($n - 1) / ($_->[1] - $_->[0]) } [ @at[ 0, $n - 1 ] ], [ @at[ -$n, -1 ] ];
