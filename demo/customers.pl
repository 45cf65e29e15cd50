#!/usr/bin/env perl
# Writes the demo's customers as CSV: the same file for the same number of rows, anywhere.
# Phones are written as people write them; some customers are there twice, some wrongly.
# The numbers are made up, and the demo talks to nobody but the stand-in carrier.
#
# usage: perl demo/customers.pl [ROWS [FILE]]
# FILE is customers.csv next to this script unless given, - is stdout; counts go to stderr.

use strict;
use warnings;
use utf8;
use integer;
use FindBin;

my $rows = @ARGV ? shift : 100_000;
my $file = @ARGV ? shift : "$FindBin::Bin/customers.csv";
die "usage: customers.pl [ROWS [FILE]], ROWS from 1 to 10000000\n"
	if @ARGV || $rows !~ /^[1-9][0-9]{0,7}$/ || $rows > 10_000_000;
open(my $out, '>', $file eq '-' ? '/dev/stdout' : $file)
  or die "could not open $file: $!\n";
binmode $out, ':encoding(UTF-8)';

# Own generator, because rand() differs between machines.
my $state = 20260101;

sub below
{
	my ($n) = @_;
	$state = ($state * 1103515245 + 12345) & 0x7fffffff;
	return ($state >> 8) % $n;
}

my @family = qw(김 이 박 최 정 강 조 윤 장 임 한 오 서 신 권 황 안 송 류 홍);
my @given = qw(민준 서연 도윤 지우 예준 서현 시우 하은 주원 지민 하준 수아 지호 다은 준서 채원
  건우 영희 철수 미영 성호 은정 동현 혜진);
my @products = (
	[ '유기농 현미 10kg', 38900 ], [ '제주 감귤 5kg', 24900 ], [ '김치, 포기 10kg', 52000 ],
	[ '무선 이어폰', 89000 ], [ '겨울 이불 (퀸)', 64500 ], [ '핸드드립 원두 500g', 18900 ],
	[ '어린이 칫솔 4개', 7900 ], [ '"오늘의 꽃" 정기구독', 29900 ], [ '런닝화 260', 119000 ],
	[ '한우 선물세트', 198000 ]);

# How people write 010-1234-5678, with shares in thousandths.
my @forms = (
	[ 520, sub { "$_[0]-$_[1]-$_[2]" } ],
	[ 200, sub { "$_[0]$_[1]$_[2]" } ],
	[ 70, sub { '+82 ' . substr($_[0], 1) . " $_[1] $_[2]" } ],
	[ 50, sub { '+82-' . substr($_[0], 1) . "-$_[1]-$_[2]" } ],
	[ 60, sub { "$_[0].$_[1].$_[2]" } ],
	[ 40, sub { "($_[0]) $_[1]-$_[2]" } ],
	[ 50, sub { "$_[0] $_[1] $_[2]" } ],
	[ 10, sub { (my $s = "$_[0]-$_[1]-$_[2]") =~ tr/0-9/０-９/; $s } ]);

my @invalid = ('02', '010-12', 'hello', '', '010-1234-567a');

sub pick_form
{
	my $x = below(1000);
	for my $i (0 .. $#forms)
	{
		return $i if ($x -= $forms[$i][0]) < 0;
	}
}

# The n-th number, all different: the step has no factor in common with the 80 million
# numbers from 010-2000-0000 up.
sub write_number
{
	my ($n, $form) = @_;
	my $digits = sprintf '%08d', 20_000_000 + $n * 48_271_939 % 80_000_000;
	return $forms[$form][1]->('010', substr($digits, 0, 4), substr($digits, 4));
}

sub csv
{
	return join(',', map { my $v = $_; $v =~ s/"/""/g; $v =~ /[",]/ ? "\"$v\"" : $v } @_) . "\n";
}

my @form_of;    # of each distinct number, in order
my ($duplicates, $bad) = (0, 0);

print $out csv(qw(phone name product amount ref));
for my $row (1 .. $rows)
{
	my $phone;
	my $what = below(1000);
	if ($what < 3)
	{
		$phone = $invalid[ $bad++ % @invalid ];
	}
	elsif ($what < 8 && @form_of)
	{
		# somebody who is there already, written in another way
		my $n = below(scalar @form_of);
		my $form = ($form_of[$n] + 1 + below($#forms)) % @forms;
		$phone = write_number($n, $form);
		$duplicates++;
	}
	else
	{
		my $form = pick_form();
		$phone = write_number(scalar @form_of, $form);
		push @form_of, $form;
	}
	my $product = $products[ below(scalar @products) ];
	my $name = $family[ below(scalar @family) ] . $given[ below(scalar @given) ];
	print $out csv($phone, $name, $product->[0], $product->[1] * (1 + below(3)), sprintf('C%07d', $row));
}
close $out or die "could not write $file: $!\n";
printf STDERR "%d rows: %d distinct valid numbers, %d duplicates, %d invalid\n",
  $rows, scalar @form_of, $duplicates, $bad;
