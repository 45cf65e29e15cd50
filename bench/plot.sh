#!/usr/bin/env bash
# Draws what grow.sh has measured: OUT/grow-SWEEP.svg, medians with the least and the most.
# usage: bench/plot.sh GROW.TSV OUT
set -euo pipefail
data=$1
out=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# draw FILE SWEEP SERIES TITLE XLABEL [BASE OF THE SCALE]
draw()
{
	local log='' tics range
	[ -z "${6:-}" ] || log="set logscale x $6"
	export SWEEP=$2 SERIES=$3 LOG=${6:-}
	perl -F'\t' -lane '
		next unless $F[0] eq $ENV{SWEEP} && $F[3] eq $ENV{SERIES};
		push @{ $v{$F[1]} }, $F[4];
		END {
			for my $x (sort { $a <=> $b } keys %v) {
				my @s = sort { $a <=> $b } @{ $v{$x} };
				my $m = @s % 2 ? $s[$#s / 2] : ($s[@s / 2] + $s[@s / 2 - 1]) / 2;
				print "$x $m $s[0] $s[-1]";
			}
		}' "$data" >"$dir/points"
	[ -s "$dir/points" ] || return 0
	tics=$(perl -lane 'push @x, $F[0]; END { print join ", ", map { "\"$_\" $_" } @x }' "$dir/points")
	# some room at both ends
	range=$(perl -lane 'push @x, $F[0]; END { print $ENV{LOG} ? $x[0] / 1.3 . ":" . $x[-1] * 1.3 : -0.05 * $x[-1] . ":" . 1.05 * $x[-1] }' "$dir/points")
	gnuplot <<-END
		set terminal svg size 480,320 font "sans,11" background "white"
		set output "$out/grow-$1.svg"
		set title "$4"
		set xlabel "$5"
		set ylabel "$3"
		set format x "%.0f"
		set yrange [0:*]
		set grid y lt 1 lc rgb "#cccccc"
		set border 3
		set tics nomirror
		set key off
		$log
		set xrange [$range]
		set xtics rotate by -30
		set xtics ($tics)
		plot "$dir/points" using 1:2:3:4 with yerrorbars pt 7 ps 0.6 lc rgb "#1f5fa8", "" using 1:2 with lines lc rgb "#1f5fa8"
	END
}

draw backlog backlog 'messages/s' 'A larger backlog' 'messages that wait' 10
draw memory backlog 'worker MB' 'A larger backlog: memory of the worker' 'messages that wait' 10
draw campaigns campaigns 'messages/s' 'As many messages in more campaigns' campaigns 10
draw chatbots chatbots 'messages/s' 'Single messages of more chatbots' chatbots 10
draw workers workers 'messages/s' 'More workers for campaigns' workers 2
draw size size 'messages/s' 'Larger messages' 'bytes of a request, about' 10
draw latency latency 'percent of the rate' 'A slower carrier: 12,000 a minute' 'latency, ms'
draw flying latency 'under way' 'A slower carrier: requests under way' 'latency, ms'
