# From the COMMIT of single messages to their arrival at the carrier.
# usage: latency.pl LEDGER SENT, where SENT has lines "id microseconds"
use strict;
use warnings;

my %arrived;
open my $ledger, '<', $ARGV[0] or die "$ARGV[0]: $!\n";
while (<$ledger>)
{
	my @f = split /\t/;
	$arrived{ $f[3] } //= $f[1] if @f > 6;
}
open my $sent, '<', $ARGV[1] or die "$ARGV[1]: $!\n";
my @ms;
while (<$sent>)
{
	my ($id, $us) = split;
	die "message $id has not arrived\n" unless $arrived{$id};
	push @ms, ($arrived{$id} - $us) / 1000;
}
@ms = sort { $a <=> $b } @ms;
die "nothing was sent\n" unless @ms;
printf "p50_ms %.2f\np99_ms %.2f\n", $ms[ $#ms * 0.5 ], $ms[ $#ms * 0.99 ];
