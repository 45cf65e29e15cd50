# The elements of an answer or a push, taken apart as bytes: each is found, whole and in order, whatever stands in the
# others and wherever the bytes end; what is no text in them is replaced, and nothing else.  The time it takes grows
# with the length and with nothing else.

use strict;
use warnings;

use Encode qw(encode);
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsHostile;
use RcsTest;
use Test::More;

my $n = $ENV{RCS_LONG} ? 50_000 : 3_000;
my $seed = $ENV{RCS_SEED} || time;
srand $seed;
note("RCS_SEED=$seed");

my $node = rcs_node('main', preload => 0);
my $db = rcs_database($node, 'shop');
sub sql { return $node->safe_psql($db, $_[0]); }
sub one_of { return $_[ int rand @_ ]; }

# Of each input: how many elements, cut or not, more or not, the numbers of those that can be read, the bytes of the others.
sub taken_apart
{
	my ($first, $most, @inputs) = @_;
	my $i = 0;
	my $rows = join '', map { $i++ . "\t\\\\x" . unpack('H*', $_) . "\n" } @inputs;
	return split /\n/, sql("CREATE TEMP TABLE input (i int, b bytea);\nCOPY input FROM STDIN;\n$rows\\.\n" . qq{
		SELECT concat_ws('|', coalesce(e.n::text, 'none'), CASE WHEN cut THEN 'cut' ELSE 'whole' END, CASE WHEN more THEN 'more' ELSE 'last' END,
			coalesce((SELECT string_agg(coalesce(g->>'i', g::text), ' ' ORDER BY o) FROM jsonb_array_elements(good) WITH ORDINALITY g(g, o)), ''),
			coalesce((SELECT string_agg(encode(x, 'hex'), ' ' ORDER BY o) FROM unnest(bad) WITH ORDINALITY x(x, o)), ''))
		FROM input, LATERAL rcs._answer_elements(b, 'statusInfo', $first, $most) e ORDER BY i});
}

sub shown
{
	my ($n, $cut, $more, $good, $bad) = @_;
	return join '|', $n, $cut, $more, join(' ', @$good), join(' ', map { unpack 'H*', $_ } @$bad);
}

# How many inputs are not taken apart as they should be; the first of them is shown.
sub all_right
{
	my ($name, $first, $most, @cases) = @_;
	my @got = taken_apart($first, $most, map { $_->[0] } @cases);
	my @wrong = grep { $got[$_] ne $cases[$_][1] } 0 .. $#cases;

	diag(sprintf "%d wrong, say\n%s\n     got: %s\nexpected: %s", scalar @wrong, unpack('H*', $cases[ $wrong[0] ][0]), $got[ $wrong[0] ], $cases[ $wrong[0] ][1]) if @wrong;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(@wrong + abs(@got - @cases), 0, $name . ': ' . @cases);
	return;
}

# ---------- elements ----------

my @fine = ('fine', '', '[{', ']}', '}{', ',', '\\"', '\\\\', '\\\\\\"]', '\\u005b', '\\ud83d\\ude00', '\\n', encode('UTF-8', "\x{ac00}\x{1f600}"), '\\\\u0000');
# Some bytes of EUC-KR are UTF-8 by chance; these never are.
my $ga = encode('cp949', "\x{ac00}");
sub syllable { return encode('cp949', chr(0xac00 + int rand 11172)); } # of all that Windows knows: the second byte may be a letter
my @broken = (
	sub { '\\ud800' }, sub { '\\udc00' }, sub { '\\ude00\\ud83d' }, sub { '\\ud800\\ud800' }, sub { '\\ud83dx\\ude00' }, sub { '\\u0000' }, sub { "\0" }, sub { "\xff" },
	sub { "\xc0\xaf" }, sub { "\xed\xa0\x80" }, sub { "\xf4\x90\x80\x80" }, sub { "\xea\xb0" }, sub { "\n" }, sub { '\\1000' }, sub { '\\u12' }, sub { '\\\'' },
	sub { $ga . join '', map { syllable() } 0 .. rand 9 }, sub { $ga . syllable() . ']}[{",' =~ s/"//r }, sub { substr syllable(), 0, 1 });
my $last = 0;

# As text, and whether it can be read
sub element
{
	my $i = ++$last;
	my $fine = one_of(@fine);
	my $kind = rand;
	return ("{\"i\":$i,\"t\":\"$fine\"}", 1) if $kind < 0.4;
	return ("{ \"a\" : [[],{},[{\"b\":\"$fine\"}]] ,\n\"i\":$i }", 1) if $kind < 0.5;
	return (one_of($i, -$i, "\"$i\""), 1) if $kind < 0.55;
	return ("{\"i\":$i,\"t\":\"$fine" . one_of(@broken)->() . $fine . '"}', 0) if $kind < 0.85;
	return ("{\"i\":$i,\"" . one_of(@broken)->() . '":[{"x":["]"]}]}', 0) if $kind < 0.9;
	return (one_of("{\"i\":0$i}", '{"i" 1}', '{"i":NaN}', '{,}', "{'i':1}", '{"a":' x 40 . '1' . '}' x 40, '[' x 50 . ']' x 50, 'nul', "{\"t\":\"$fine\",}", '"' . one_of(@broken)->() . '"'), 0);
}

sub blank { return rand() < 0.7 ? '' : join '', map { one_of(' ', "\n", "\t", "\r", "\0") } 0 .. rand 3; }

# A list, and where its elements are
sub list
{
	my ($most) = @_;
	my (@elements, @fine_ones, @at);
	my $text = '[' . blank();
	for my $i (1 .. int rand(1 + $most))
	{
		my ($element, $fine) = element();
		$text .= ',' . blank() if $i > 1;
		push @at, [ length $text, length($text) + length $element ];
		push @elements, [ $element, $fine ];
		$text .= $element . blank();
	}
	return { text => "$text]", elements => \@elements, at => \@at };
}

# What is expected of some of its elements
sub parts
{
	my (@elements) = @_;
	my @good = map { $_->[0] =~ /"i":(\d+)/ ? $1 : $_->[0] } grep { $_->[1] } @elements;
	return (\@good, [ map { $_->[0] } grep { !$_->[1] } @elements ]);
}

# ---------- lists that are whole ----------

my $other = '"x":"[{\"statusInfo\":[' . "\xff" . ']","y":{"statusInfo":[1]}';
my @cases;
for (1 .. $n)
{
	my $l = list(8);
	my ($more, $more_text) = @{ one_of([ 'more', '"1"' ], [ 'more', '1' ], [ 'more', 'true' ], [ 'last', '"0"' ], [ 'last', 'null' ], [ 'last', '"' . "\xff" . '"' ]) };
	my $text = one_of(
		"{\"statusInfo\":$l->{text},\"moreToSend\":$more_text}", "{\"moreToSend\":$more_text,$other,\"statusInfo\"" . blank() . ':' . blank() . "$l->{text}}",
		blank() . "{ \"statusInfo\":[{\"i\":1}], \"moreToSend\":$more_text , \"statusInfo\" : $l->{text} ,$other}" . blank());
	push @cases, [ $text, shown(scalar @{ $l->{elements} }, 'whole', $more, parts(@{ $l->{elements} })) ];
}
all_right('elements of lists', 0, 1000, @cases);

my ($single, $fine) = element();
($single, $fine) = element() until $single =~ /^\{/;
all_right('other forms', 0, 1000,
	[ "{\"statusInfo\":$single}", shown(1, 'whole', 'last', parts([ $single, $fine ])) ],
	(map { [ $_, shown(0, 'whole', 'last', [], []) ] } '{}', ' { "a":"\ud800" } ', '{"statusInfo":"x"}', '{"statusInfo":null,"moreToSend":"1"}', '{"statusInfo":[]}'),
	(map { [ $_, shown('none', 'whole', 'last', [], []) ] } '', ' ', "\0", '[]', '[{"i":1}]', 'x', '"{}"', '<html>{"statusInfo":[]}', "\xff"));

# a part at a time: the parts make up the whole
my @lists = map { list(20) } 1 .. 100;
for my $first (0, 7, 14)
{
	all_right("elements from $first on", $first, 7, map {
		my $l = $_;
		[ "{\"statusInfo\":$l->{text}}", shown(scalar @{ $l->{elements} }, 'whole', 'last', parts((@{ $l->{elements} })[ grep { $_ < @{ $l->{elements} } } $first .. $first + 6 ])) ] } @lists);
}

# ---------- bytes that end anywhere ----------

@cases = ();
for (1 .. $n / 100)
{
	my $l = list(6);
	my $head = '{"queryId":"q[","statusInfo":';
	my $text = "$head$l->{text},\"moreToSend\":\"1\"}";
	for my $end (0 .. length($text) - 1)
	{
		my $given = substr $text, 0, $end;
		my $seen = $end - length $head;
		my @whole = grep { $l->{at}[$_][1] <= $seen - ($l->{elements}[$_][0] =~ /^[\{\["]/ ? 0 : 1) } 0 .. $#{ $l->{elements} };
		my $from = length($head) + (@whole ? $l->{at}[ $whole[-1] ][1] : 1);
		my $tail = $end <= $from || @whole == @{ $l->{elements} } ? '' : substr($given, $from) =~ s/^[\s\0]*,?[\s\0]*//r;
		my @elements = map { $l->{elements}[$_] } @whole;

		# of a text that is cut a number may be left
		push @elements, [ $tail, $tail =~ /^-?\d+$/ ? 1 : 0 ] if $tail ne '';
		push @cases, [ $given, $seen < 1 ? shown('none', 'whole', 'last', [], [])
			: shown(scalar @elements, 'cut', $given =~ /"1"$/ ? 'more' : 'last', parts(@elements)) ];
	}
}
all_right('lists that are cut', 0, 1000, @cases);
all_right('what goes on in another way', 0, 1000,
	[ '{"statusInfo":[{"i":1} {"i":2}]}', shown(2, 'cut', 'last', [1], ['{"i":2}]']) ],
	[ '{"statusInfo":[{"i":1},]}', shown(1, 'cut', 'last', [1], []) ],
	[ '{"statusInfo":[{"i":1}]}x', shown(1, 'cut', 'last', [1], []) ],
	[ '{"statusInfo":[{"i":1}],x}', shown(1, 'cut', 'last', [1], []) ],
	[ '{"statusInfo":[,{"i":1}]}', shown(1, 'cut', 'last', [], [',{"i":1}]']) ]);

# anything at all: no process dies, and each byte of a list is in an element or none
my @hostile = map { my $body = random_body('x'); one_of($body, "{\"statusInfo\":$body}", "{\"statusInfo\":[$body,{\"i\":1}]}") } 1 .. $n;
my @got = taken_apart(0, 1000, @hostile);
is(scalar @got, $n, "bodies by chance: $n");
cmp_ok(scalar(grep { /^\d/ } @got), '>', $n / 4, 'many of them have a list');

# ---------- what is no text ----------

sub mended { my ($bytes, $encoding) = @_; return sql(sprintf q{SELECT concat_ws('|', element->>'t', problem) FROM rcs._mended('\x%s', '%s')}, unpack('H*', "{\"t\":\"$bytes\"}"), $encoding // 'UTF8'); }
my $lost = encode('UTF-8', "\x{fffd}");
for my $case (
	[ 'a\ud800b', "a${lost}b|holds a zero, or half of a character" ], [ '\udc00\ud800', "$lost$lost|holds a zero, or half of a character" ],
	[ '\ud800\ud83d\ude00', "$lost" . encode('UTF-8', "\x{1f600}") . '|holds a zero, or half of a character' ],
	[ 'a\u0000b', "a${lost}b|holds a zero, or half of a character" ], [ "a\0b", "a${lost}b|holds a zero, or half of a character" ],
	[ '\\\\u0000\ud800', "\\u0000$lost|holds a zero, or half of a character" ],
	[ "a\xffb\xea\xb0", "a${lost}b$lost$lost|is not UTF8" ],
	[ "a\tb\nc", "a\tb\nc|is not JSON, but for a small fault" ], [ '\1,000', '\1,000|is not JSON, but for a small fault' ], [ '\u12', '\u12|is not JSON, but for a small fault' ],
	[ encode('cp949', "\x{ac00}\x{b620}"), encode('UTF-8', "\x{ac00}\x{b620}") . '|is not JSON, but for a small fault', 'UHC' ],
	[ substr(encode('cp949', "\x{ac00}\x{ac00}"), 0, 3), encode('UTF-8', "\x{ac00}") . "$lost|is not UHC", 'UHC' ],
	[ "\xff" . encode('cp949', "\x{ac00}"), $lost . encode('UTF-8', "\x{ac00}") . '|is not UHC', 'UHC' ],
	[ "\0" . encode('euc-kr', "\x{ac00}"), $lost . encode('UTF-8', "\x{ac00}") . '|holds a zero, or half of a character', 'euc_kr' ])
{
	my ($bytes, $expected, $encoding) = @$case;
	is(mended($bytes, $encoding), $expected, 'mended: ' . unpack('H*', $bytes) . ' ' . ($encoding // ''));
}
my $syllables = join '', map { chr(0xac00 + $_) } 0 .. 11171;
is(mended(encode('cp949', $syllables), 'UHC'), encode('UTF-8', $syllables) . '|is not JSON, but for a small fault', 'all syllables, also where the conversion goes on in a new piece');
is(sql(q{SELECT element IS NULL, problem FROM rcs._mended('{"a":01}', 'UTF8')}), 't|is not JSON', 'what is no JSON even so');

# ---------- time ----------

# Eight times the length takes about eight times as long; what looks at each byte again for each byte takes 64 times.
sql(q{CREATE FUNCTION seconds(call text, bytes bytea) RETURNS float8 LANGUAGE plpgsql AS $$
	DECLARE
		best float8;
		began timestamptz;
	BEGIN
		FOR i IN 1 .. 5 LOOP
			began := clock_timestamp();
			EXECUTE 'SELECT count(x) FROM ' || call || ' x' USING bytes;
			best := least(best, extract(epoch FROM clock_timestamp() - began));
		END LOOP;
		RETURN best;
	END $$});
my $split = q{rcs._answer_elements($1, 'statusInfo', 0, 0)};
my $read = q{rcs._answer_elements($1, 'statusInfo', 0, 1000000)};
my $mend = q{rcs._mended($1, 'UTF8')};
my $convert = q{rcs._mended($1, 'UHC')};
for my $case (
	[ 'many elements', $split, '{"statusInfo":[', '{},', 200_000 ], [ 'brackets without an end', $split, '{"statusInfo":[', '[', 500_000 ],
	[ 'objects without an end', $split, '', '{"statusInfo":', 50_000 ], [ 'quotes', $split, '{"statusInfo":[', '"', 500_000 ], [ 'backslashes', $split, '{"statusInfo":["', '\\', 500_000 ],
	[ 'many members', $split, '{', '"statusInfo":[],', 50_000 ], [ 'blanks', $split, '{"statusInfo":[', ' ', 500_000 ], [ 'commas', $split, '{"statusInfo":[', ',', 500_000 ],
	[ 'many that cannot be read', $read, '{"statusInfo":[', '{"\ud800"},', 1_000 ], [ 'many that can', $read, '{"statusInfo":[', '{"a":1},', 2_000 ],
	[ 'one that cannot be read', $read, '{"statusInfo":["', "\xff", 500_000 ],
	[ 'bytes that are no UTF-8', $mend, '"', "\xff", 100_000 ], [ 'zeroes', $mend, '"', "\0", 100_000 ], [ 'halves', $mend, '"', '\\ud800', 20_000 ], [ 'wrong escapes', $mend, '"', '\\x', 100_000 ],
	[ 'Korean', $convert, '"', "\xb0\xa1", 50_000 ], [ 'bytes that are no Korean', $convert, '"', "\xff ", 20_000 ])
{
	my ($name, $call, $head, $piece, $times) = @$case;
	my ($h, $p) = map { unpack 'H*', $_ } $head, $piece;
	my ($short, $long) = map { sql("SELECT seconds(\$\$$call\$\$, '\\x$h'::bytea || decode(repeat('$p', $_), 'hex'))") } $times, 8 * $times;
	cmp_ok($long / $short, '<', 24, sprintf 'eight times as many of "%s": %.1f times as long (%.1f ms)', $name, $long / $short, 1000 * $long);
}

is(log_count($node, '(?:ERROR|FATAL|PANIC):  '), 0, 'the log has no error');
$node->stop;
done_testing();
