# Bodies and requests by chance: what a carrier sends, and what it should not.  The same seed gives the same bodies.
package RcsHostile;

use strict;
use warnings;

use Exporter 'import';
use JSON::PP;

our @EXPORT = qw(random_body random_request);
our @EXPORT_OK = qw(mutated in_chunks);

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

sub one_of { return $_[ int rand @_ ]; }

sub bytes
{
	my ($n) = @_;
	return join '', map { chr int rand 256 } 1 .. $n;
}

# Any JSON value, as text.
sub value
{
	my ($depth) = @_;
	my $kind = int rand($depth > 4 ? 7 : 9);
	return one_of('null', 'true', 'false') if $kind == 0;
	return one_of(0, 1, -1, '1e400', '-0.0', '1E-400', '9' x 400, '0.1', '01', '+1', 'NaN') if $kind == 1;
	return $json->encode(one_of('', 'x', "\x{ac00}", "\x{1f600}", 'success', 'fail', '2026-07-01T10:00:00.000+09', 'a' x 3000)) if $kind < 5;
	return '"' . one_of('\\u0000', '\\ud800', '\\udc00x', '\\ud83d\\ude00', '\\x', "\n", "\0", "\xb0\xa1\xc6\x52", "\xb0", "\x80", "\xed\xa0\x80", "\xc0\xaf", '\\') . '"' if $kind == 5;
	return one_of('"', '', '}', ']', '[', '{', 'nul') if $kind == 6;
	return '[' . join(',', map { value($depth + 1) } 1 .. rand 5) . ']' if $kind == 7;
	return '{' . join(',', map { $json->encode(one_of(qw(msgId status serviceType replyId a b), '')) . ':' . value($depth + 1) } 1 .. rand 6) . '}';
}

# A report or a message of a user, with members of any kind, missing, or there twice.
sub element
{
	my (@ids) = @_;
	my %fine = rand() < 0.6
	  ? (msgId => one_of(@ids, 'x', ''), status => one_of('success', 'fail', 'FAIL', 'maybe'), serviceType => one_of('RCSSMS', 'SMS', 'x' x 500),
		error => { code => one_of('54002', 'x' x 900), message => 'm' x one_of(1, 5000) }, timestamp => one_of('2026-07-01T10:00:00.000+09', 'soon', '9' x 300), bill => one_of('1', '2', 'x'))
	  : (replyId => one_of('R1', '', 'R' x 500), eventType => one_of('message', 'response', 'newUser', 'x'), userContact => one_of('01022220000', 'tel:+82', 'x' x 4000),
		chatbotId => one_of('0212351235', '', 'c' x 500), messageBody => { textMessage => one_of('menu', 't' x 9000) }, timestamp => '2026-07-01T10:00:00.000+09');
	my @members = map { $json->encode($_) . ':' . (rand() < 0.9 ? $json->encode($fine{$_}) : value(1)) } grep { rand() < 0.97 } sort keys %fine;
	push @members, $members[0] if @members && rand() < 0.1;
	return '{' . join(',', @members) . '}';
}

sub random_body
{
	my (@ids) = @_;
	my $kind = rand;
	my $body =
	    $kind < 0.4 ? element(@ids)
	  : $kind < 0.6 ? '[' . join(',', map { rand() < 0.8 ? element(@ids) : value(2) } 1 .. rand 6) . ']'
	  : $kind < 0.7 ? '{"statusInfo":' . (rand() < 0.7 ? '[' . element(@ids) . ']' : value(1)) . '}'
	  : $kind < 0.9 ? value(0)
	  : $kind < 0.95 ? '[' x rand(3000) . ']' x rand(3000)
	  : bytes(rand 300);
	# now and then a byte is another one, or the end is missing
	substr($body, int rand length $body, 1) = chr int rand 256 if length $body && rand() < 0.15;
	$body = substr $body, 0, int rand length $body if length $body && rand() < 0.05;
	return $body;
}

# ---------- requests ----------

# Some bytes are others, twice there, or not there.
sub mutated
{
	my ($text, $times) = @_;
	for (1 .. $times)
	{
		last unless length $text;
		my $at = int rand length $text;
		my $kind = int rand 6;
		if ($kind == 0) { substr($text, $at, 1) = chr int rand 256; }
		elsif ($kind == 1) { substr($text, $at, int rand 20) = ''; }
		elsif ($kind == 2) { substr($text, $at, 0) = substr $text, int rand length $text, int rand 40; }
		elsif ($kind == 3) { substr($text, $at, 0) = one_of("\r\n", "\n", "\0", ':', ' ', '%', '%00', '%2f', '//', '..', '?', '&', '=', ';', ',', '"', '\\', "\xff", "\t"); }
		elsif ($kind == 4) { substr($text, $at, 1) ^= chr(1 << int rand 8); }
		else { substr($text, $at, 0) = one_of('9', '-1', '0x10', 'a') x int rand 40; }
	}
	return $text;
}

sub in_chunks
{
	my ($body) = @_;
	my $text = '';
	while (length $body)
	{
		my $part = substr $body, 0, 1 + int rand 200, '';
		$text .= sprintf("%x%s\r\n%s\r\n", length $part, one_of('', '', ';x=y'), $part);
	}
	return "${text}0\r\n" . one_of('', '', "X: y\r\n") . "\r\n";
}

# A request as bytes, that shows this secret or none; paths of the console too
sub random_request
{
	my ($secret, @ids) = @_;
	my $body = random_body(@ids);
	my $path = one_of('/msgstatus', '/momsg', '/momsg/KT', '/momsg/XX', "/$secret/msgstatus", "/$secret/momsg", '/health', '/metrics', '/api/session', '/api/overview', '/api/campaigns/x', '/nothing', '/', '*');
	my @headers = ('Host: x', one_of("Authorization: Bearer $secret", "Authorization: Bearer $secret", "Authorization: $secret", 'Authorization: x', "X-Forwarded-For: \xff"));
	my $method = rand() < 0.93 ? 'POST' : one_of('GET', 'HEAD', 'PUT', 'OPTIONS', 'CONNECT', 'post', 'X' x 300);
	my $text;

	push @headers, one_of('Expect: 100-continue', 'Content-Type: application/x-www-form-urlencoded', 'Content-Type: multipart/form-data; boundary=x',
		'Cookie: a=b; c', 'Connection: close, x', 'Upgrade: h2c', 'Accept-Encoding: gzip', 'X: ' . 'y' x int rand 9000) if rand() < 0.2;
	if (rand() < 0.2)
	{
		push @headers, 'Transfer-Encoding: chunked';
		$text = in_chunks($body);
	}
	else
	{
		push @headers, 'Content-Length: ' . length $body unless rand() < 0.02;
		$text = $body;
	}
	$text = "$method $path HTTP/1." . (rand() < 0.97 ? 1 : int rand 10) . "\r\n" . join('', map { "$_\r\n" } @headers) . "\r\n$text";
	return rand() < 0.3 ? mutated($text, 1 + int rand 5) : $text;
}

1;
