# The table of results: medians, spreads, ratios of rounds, and what the design asks for.
# usage: report.pl MACHINE RAW, where RAW has lines: part, contestant, round, metric, value
use strict;
use warnings;

my ($machine, $raw) = @ARGV;
my (%runs, @order);
open my $in, '<', $raw or die "$raw: $!\n";
while (<$in>)
{
	chomp;
	my ($part, $who, $round, $metric, $value) = split /\t/;
	$value //= '-';
	push @order, [ $part, $who, $metric ] unless $runs{"$part\t$who\t$metric"};
	$runs{"$part\t$who\t$metric"}{$round} = $value;
}

sub median
{
	my @v = sort { $a <=> $b } @_;
	return @v % 2 ? $v[ $#v / 2 ] : ($v[ $#v / 2 ] + $v[ @v / 2 ]) / 2;
}

sub short
{
	my ($v) = @_;
	return $v >= 1000 ? 1 * sprintf('%.3g', $v) : $v >= 100 ? sprintf('%.0f', $v) : sprintf('%.3g', $v);
}

# ratio of two figures, round by round
sub ratio
{
	my ($a, $b) = map { $runs{$_} } @_;
	return unless $a && $b;
	my @r = map { $a->{$_} / $b->{$_} } grep { $b->{$_} && $a->{$_} } keys %$a;
	return @r ? median(@r) : undef;
}

sub value { my ($key) = @_; return $runs{$key} ? median(values %{ $runs{$key} }) : undef; }

open my $about, '<', $machine or die "$machine: $!\n";
print "# Results of `make bench`\n\n", (map { chomp; "$_\n" } <$about>), "\n";
print "| part | who | what | median | least to most | of rcs |\n|---|---|---|---|---|---|\n";
for my $o (@order)
{
	my ($part, $who, $metric) = @$o;
	my $key = join "\t", @$o;
	my @v = values %{ $runs{$key} };
	if ($v[0] eq '-')
	{
		print "| $part | $who | | not given | | |\n";
		next;
	}
	my $beside = $who eq 'rcs' ? undef : ratio($key, "$part\trcs\t$metric");
	printf "| %s | %s | %s | %s | %s to %s | %s |\n", $part, $who, $metric, short(median(@v)),
	  short((sort { $a <=> $b } @v)[0]), short((sort { $b <=> $a } @v)[0]), defined $beside ? sprintf('%.2f', $beside) : '';
}

# what is asked for; the figures of the same round are compared
my @targets = (
	[ 'drain, of a bare libcurl loop', '>=', 0.5, ratio("drain\trcs\tmessages/s", "drain\trawcurl\tmessages/s") ],
	[ 'drain, times pg_net at its best', '>=', 8, ratio("drain\trcs\tmessages/s", "drain\tpg_net, best\tmessages/s") ],
	[ 'enqueue, of a plain INSERT', '>=', 0.6, ratio("enqueue\trcs\trecipients/s", "enqueue\tplain\trecipients/s") ],
	[ 'WAL bytes a message', '<=', 250, value("drain\trcs\tWAL bytes/message") ],
	[ 'worker memory, MB', '<', 64, value("drain\trcs\tworker MB") ],
	[ 'percent of the contract rate', '>=', 99, value("rate\trcs\tpercent of the rate") ],
	[ 'single, idle p50 ms', '<=', 5, value("single\tidle\tp50 ms") ],
	[ 'single, p99 loaded over p99 idle', '<=', 3, ratio("single\tloaded\tp99 ms", "single\tidle\tp99 ms") ],
	[ 'held transaction, singles over free', '>=', 0.9, ratio("held\tsingles, held\tmessages/s", "held\tsingles, free\tmessages/s") ],
	[ 'held transaction, last tenth over first', '>=', 0.9, ratio("held\tcampaign, last tenth\tmessages/s", "held\tcampaign, first tenth\tmessages/s") ],
	backlog());
my @measured = grep { defined $_->[3] } @targets;
print "\n| asked for | | measured | |\n|---|---|---|---|\n" if @measured;
for my $t (@measured)
{
	my ($what, $op, $wanted, $got) = @$t;
	my $ok = $op eq '>=' ? $got >= $wanted : $op eq '<' ? $got < $wanted : $got <= $wanted;
	printf "| %s | %s %s | %s | %s |\n", $what, $op, $wanted, short($got), $ok ? 'yes' : '**no**';
}

sub backlog
{
	my ($small, $large) = sort { $a <=> $b } map { $_->[1] } grep { $_->[0] eq 'backlog' && $_->[2] eq 'messages/s' } @order;
	return unless $large;
	return (
		[ "backlog of $large over $small", '>=', 0.9, ratio("backlog\t$large\tmessages/s", "backlog\t$small\tmessages/s") ],
		[ "worker memory at $large, MB", '<', 64, value("backlog\t$large\tworker MB") ]);
}
