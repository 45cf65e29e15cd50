# Messages changed by chance: members, texts, and bytes.  The same seed gives the same messages.
package RcsMutation;

use strict;
use warnings;
use utf8;

use Encode qw(encode);
use Exporter 'import';
use RcsCorpus qw(corpus to_json);
use Scalar::Util qw(blessed looks_like_number);
use Storable qw(dclone);

our @EXPORT_OK = qw(random_case);

# A number, or anything else, that Perl would write in another way.
package RcsMutation::Token { sub new { return bless \(my $t = $_[1]), $_[0]; } }

sub token { return RcsMutation::Token->new($_[0]); }
sub one_of { return $_[ int rand @_ ]; }
sub chance { return rand() < $_[0]; }

# ---------- JSON ----------

my %short = ('"' => '\\"', '\\' => '\\\\', "\n" => '\\n', "\t" => '\\t', "\r" => '\\r', "\b" => '\\b', "\f" => '\\f');

sub quoted
{
	my ($text) = @_;
	$text =~ s/(["\\\n\t\r\x08\f])/$short{$1}/g;
	# now and then an escape where none is needed; a NUL always
	my $often = chance(0.02) ? 1 : 0;
	$text =~ s/([\x00-\x1f])/sprintf '\\u%04x', ord $1/ge;
	$text =~ s/([\x{80}-\x{ffff}])/sprintf '\\u%04X', ord $1/ge if $often;
	return "\"$text\"";
}

# Members in any order; undef is null.
sub json_of
{
	my ($node) = @_;
	return 'null' unless defined $node;
	return $$node if blessed $node && $node->isa('RcsMutation::Token');
	return $node ? 'true' : 'false' if JSON::PP::is_bool($node);
	return '[' . join(',', map { json_of($_) } @$node) . ']' if ref $node eq 'ARRAY';
	return '{' . join(',', map { quoted($_) . ':' . json_of($node->{$_}) } sort keys %$node) . '}' if ref $node eq 'HASH';
	# a number is what looks like one and was not made as a text
	return $node if looks_like_number($node) && !(B::svref_2object(\$node)->FLAGS & B::SVf_POK());
	return quoted($node);
}

# ---------- texts ----------

my @limits = (0, 1, 9, 10, 20, 30, 40, 45, 50, 64, 65, 80, 90, 100, 200, 250, 500, 1000, 1300, 2048, 4000, 10232);

my @pieces = (
	'#{', '#{}', '#{ }', '#{a', '#{a}', '#{ a }', '#{a.b}', '#{a.0}', '#{v}', '##{', '##{a}', '###{a}', '#', '##', '}', '#{가}', "#{a\n}",
	'#{' . 'n' x 63 . '}', '#{' . 'n' x 64 . '}', '#{.}', '#{..}', '#{a}#{a}', '(광고)', '(광', '고)', '080-123-4567', '"', '\\', '\\"', "\n",
	"\x00", "\x01", "\x1f", "\x7f", "\x{feff}", "\x{200d}", "\x{301}", "\x{1112}\x{1161}\x{11ab}", "\x{1F600}", "\x{10FFFF}", "\x{E000}", "\x{2028}", '%s%n',
	'maapfile://', 'maapfile://a', 'https://', 'https://example.com/', 'https://www.youtube.com/watch?v=a,maapfile://b', 'SMS', 'LMS', 'RCSCHAT', '0', '1',
	'SS000000', 'SL000000', 'SMwThM00', 'CMwMhM0200', 'OMHITV0001', 'UBR.x-1', 'true', '2026-12-01T10:00:00+09:00', '+09:00', '37.5', '-', '.', '1e400', '뷁', '漢', '①', 'ﷺ', ',"x":"', '"},{"');

sub random_character
{
	my $kind = rand();
	return chr(0x20 + int rand 0x5f) if $kind < 0.4;
	return chr(0xAC00 + int rand 11172) if $kind < 0.7;
	return chr(int rand 0x20) if $kind < 0.75;
	my $code = int rand($kind < 0.9 ? 0x10000 : 0x110000);
	return $code >= 0xD800 && $code <= 0xDFFF || ($code & 0xFFFE) == 0xFFFE || $code >= 0xFDD0 && $code <= 0xFDEF ? '?' : chr $code;
}

sub random_text
{
	my $kind = rand();
	return join '', map { random_character() } 1 .. int rand 40 if $kind < 0.25;
	return join '', map { one_of(@pieces) } 0 .. int rand 4 if $kind < 0.6;
	my $piece = one_of('a', '가', "\x{1F600}", "e\x{301}", random_character(), one_of(@pieces));
	my $n = one_of(@limits) + int(rand 5) - 2;
	my $text = $piece x ($n < 0 ? 0 : int($n / length $piece));
	$text .= 'a' while length $text < $n && chance(0.8);
	return $text . (chance(0.3) ? one_of(@pieces) : '');
}

sub changed_text
{
	my ($text) = @_;
	my $at = int rand(1 + length $text);
	my $kind = rand();
	return random_text() if $kind < 0.4;
	return substr($text, 0, $at) . one_of(@pieces) . substr($text, $at) if $kind < 0.7;
	return substr($text, 0, $at) if $kind < 0.75;
	return $text x (1 + int rand 8) if $kind < 0.8;
	return substr($text, 0, $at) . random_character() . substr($text, $at) if $kind < 0.9;
	return '#{' . one_of('a', 'v', 'a.b', $text) . '}';
}

# ---------- members ----------

my @names = qw(serviceType messagebaseId header footer chatbotId agencyId agencyKey brandKey expiryOption cdrId copyAllowed replyId body
  buttons chipList legacy title description media title1 description1 media1 title2 description2 media2 title6 media6 title7 mTitle subDesc1
  suggestions action reply displayText postback data urlAction localBrowserAction openUrl url isHalfView postParameter mapAction showLocation
  location query latitude longitude label fallbackUrl calendarAction createCalendarEvent startTime endTime msg callback subject contentCount
  contentData prefix kisaOrigCode x common rcs);

my @tokens = ('0', '-0', '1', '2', '2.0', '2e0', '-1', '3', '1e308', '1e-400', '1e20', '99999999999999999999', '2147483648', '-2147483649',
	'999999999', '1000000000', '0.1', '1.000000000000000000001', '1e1000', '1e131071', '1e131072', '37.5', '-0.0');

sub random_node
{
	my $kind = rand();
	return random_text() if $kind < 0.4;
	return token(one_of(@tokens)) if $kind < 0.6;
	return one_of(undef, JSON::PP::true(), JSON::PP::false()) if $kind < 0.7;
	return { map { (one_of(@names) => chance(0.3) ? random_node() : random_text()) } 1 .. int rand 4 } if $kind < 0.85;
	return [ map { chance(0.3) ? random_node() : random_text() } 1 .. int rand 4 ];
}

# Every place of a message: [object or array, name or number].
sub places
{
	my ($node) = @_;
	my @found;
	my @pending = ($node);

	while (my $n = shift @pending)
	{
		my @keys = ref $n eq 'HASH' ? sort keys %$n : ref $n eq 'ARRAY' ? (0 .. $#$n) : ();
		for my $key (@keys)
		{
			my $child = ref $n eq 'HASH' ? $n->{$key} : $n->[$key];
			push @found, [ $n, $key ];
			push @pending, $child if ref $child eq 'HASH' || ref $child eq 'ARRAY';
		}
	}
	return @found;
}

sub value_at { return ref $_[0][0] eq 'HASH' ? $_[0][0]{ $_[0][1] } : $_[0][0][ $_[0][1] ]; }

sub put
{
	my ($place, $value) = @_;
	if (ref $place->[0] eq 'HASH') { $place->[0]{ $place->[1] } = $value; }
	else { $place->[0][ $place->[1] ] = $value; }
	return;
}

sub copy_of { return ref $_[0] ? dclone($_[0]) : $_[0]; }

sub remove
{
	my ($place) = @_;
	if (ref $place->[0] eq 'HASH') { delete $place->[0]{ $place->[1] }; }
	else { splice @{ $place->[0] }, $place->[1], 1; }
	return;
}

sub deep
{
	my ($value) = @_;
	my $depth = one_of(2, 10, 100, 1000, 7000);
	my $text = json_of($value);
	return chance(0.5) ? token('[' x $depth . $text . ']' x $depth) : token('{"a":' x $depth . $text . '}' x $depth);
}

my @changes = (
	sub { remove($_[0]) },
	sub { put($_[0], random_node()) },
	sub { put($_[0], undef) },
	sub { my $v = value_at($_[0]); put($_[0], !ref $v && defined $v ? changed_text("$v") : random_text()) },
	sub { my $v = value_at($_[0]); put($_[0], !ref $v && defined $v ? changed_text("$v") : random_text()) },
	# another member, or none that is known
	sub { my ($p, $all) = @_; put(one_of(@$all), copy_of(value_at($p))) },
	sub {
		my ($p) = @_;
		return unless ref $p->[0] eq 'HASH';
		my $v = delete $p->[0]{ $p->[1] };
		$p->[0]{ chance(0.8) ? one_of(@names) : random_text() } = $v;
	},
	sub { my ($p) = @_; $p->[0]{ chance(0.7) ? one_of(@names) : random_text() } = random_node() if ref $p->[0] eq 'HASH' },
	sub { my ($p) = @_; push @{ $p->[0] }, copy_of(value_at($p)) if ref $p->[0] eq 'ARRAY' },
	sub { my ($p, $all, $other) = @_; my @theirs = places($other); put($p, copy_of(value_at(one_of(@theirs)))) if @theirs },
	sub { put($_[0], token(one_of(@tokens))) },
	sub { put($_[0], chance(0.5) ? [ value_at($_[0]) ] : { one_of(@names) => value_at($_[0]) }) },
);

# Seldom, since they are large.
my @large = (
	sub { put($_[0], deep(value_at($_[0]))) },
	sub { my $v = json_of(value_at($_[0])); put($_[0], token('[' . join(',', ($v) x one_of(12, 100, 3000)) . ']')) if length $v < 2000 },
	sub { put($_[0], { map { ("k$_" => 'x') } 1 .. one_of(100, 2000) }) },
	sub { put($_[0], one_of('a', '가', '#{a}', '(광고)') x one_of(5000, 20000, 100000)) },
);

# ---------- bytes ----------

sub changed_bytes
{
	my ($bytes) = @_;
	for (0 .. int rand 4)
	{
		my $at = int rand(1 + length $bytes);
		my $n = int rand 8;
		my $kind = int rand 7;
		if ($kind == 0) { substr($bytes, $at, 1) = chr int rand 256 if $at < length $bytes; }
		elsif ($kind == 1) { substr($bytes, $at, $n) = ''; }
		elsif ($kind == 2) { substr($bytes, $at, 0) = join '', map { chr int rand 256 } 0 .. $n; }
		elsif ($kind == 3) { substr($bytes, $at, 0) = substr $bytes, int rand(1 + length $bytes), 1 + int rand 40; }
		elsif ($kind == 4) { substr($bytes, $at, 0) = one_of('"', '\\', '{', '}', '[', ']', ',', ':', '\\u0000', '\\ud800', '\\udc00', '\\ud83d\\ude00', "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xC0\x80", "\x00", '1e9999', 'NaN'); }
		elsif ($kind == 5) { $bytes = substr $bytes, 0, $at; }
		# a member twice
		elsif ($bytes =~ /("\w+":(?:"[^"\\]*"|\{\}|\d+)),?/) { substr($bytes, 1, 0) = "$1,"; }
	}
	return $bytes;
}

# ---------- the whole ----------

my (@seeds, @valid);

# A valid message of which some texts are values of placeholders: as they were, or changed.
sub template_case
{
	my $message = dclone(one_of(@valid));
	my @texts = grep { my $v = value_at($_); defined $v && !ref $v } places($message);
	my %params;

	for (1 .. one_of(1, 1, 2, 4))
	{
		my $place = one_of(@texts) // last;
		my $name = 'p' . keys %params;
		my $text = value_at($place);
		my $from = int rand(1 + length $text);
		my $n = chance(0.5) ? length $text : int rand(1 + length $text);
		my $value = substr $text, $from, $n;

		($from, $value) = (0, $text) if $n == length $text;
		put($place, substr($text, 0, $from) . "#{$name}" . substr($text, $from + length $value));
		$params{$name} = chance(0.6) ? $value : chance(0.5) ? changed_text($value) : $value . one_of('a', '가', "\x{1F600}");
	}
	return (encode('UTF-8', json_of($message)), encode('UTF-8', json_of(\%params)) =~ s/\\u0000//gr);
}

# An input and params, both in UTF-8; the params are JSON or undef.
sub random_case
{
	unless (@seeds)
	{
		@seeds = grep { ref $_ eq 'HASH' } map { $_->{message} } corpus();
		@valid = grep { ref $_ eq 'HASH' } map { $_->{message} } grep { !@{ $_->{faults} } } corpus();
	}
	return chance(0.25) ? template_case() : (mutated_input(), random_params());
}

sub mutated_input
{
	my $message = dclone(one_of(@seeds));

	for (1 .. one_of(0, 1, 1, 1, 2, 2, 3, 5))
	{
		my @all = places($message);
		my $place = @all ? one_of(@all) : [ $message, 'x' ];
		my $change = one_of(chance(0.01) ? @large : @changes);
		$change->($place, \@all, one_of(@seeds));
	}
	my $bytes = encode('UTF-8', json_of($message));
	return chance(0.15) ? changed_bytes($bytes) : $bytes;
}

# JSON text, or undef for none.
sub random_params
{
	return undef if chance(0.1);
	return encode('UTF-8', json_of(random_node())) =~ s/\\u0000//gr if chance(0.05);
	my %params = map { ($_ => chance(0.15) ? random_node() : chance(0.4) ? one_of(@pieces, 'a', '') : random_text()) } grep { chance(0.9) } 'a', 'v', 'x', 'n' x 63, '가', 'name';
	$params{a} = { b => random_text(), 0 => 1 } if chance(0.2);
	return encode('UTF-8', json_of(\%params)) =~ s/\\u0000//gr;
}

require B;
require JSON::PP;
1;
