# Hostile requests: random bodies, broken text, requests that two readers would understand in two ways.
# The server goes on, and stores the valid parts.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsHostile;
use RcsListener;
use RcsTest;
use Test::More;
use Time::HiRes qw(time);

my $n = $ENV{RCS_LONG} ? 100_000 : 2_000;
my $seed = $ENV{RCS_SEED} || time;
srand $seed;
note("RCS_SEED=$seed");

my $node = rcs_node('main');
my $db = rcs_database($node, 'shop');
my $sim = start_ktsim();
setup_account($node, $db, $sim);
my $port = listen_to($node, $db);

sub sql { return $node->safe_psql($db, $_[0]); }

my @ids = split /\n/, sql("SELECT rcs_send('0101111000' || i, 'hello') FROM generate_series(1, 5) i");
drained($node, $db, 20, 'some messages are sent');

# By chance

my $pid = sql("SELECT pid FROM rcs.worker_status WHERE kind = 'listener'");
my %answers;
for my $i (1 .. $n)
{
	my $body = random_body(@ids);
	my $status = ask('POST', rand() < 0.5 ? '/msgstatus' : '/momsg', secret => $secret, body => $body)->{status};
	$answers{$status}++;
	fail("body $i is answered $status: " . unpack 'H*', substr $body, 0, 400) unless $status == 200 || $status == 400;
}
is_deeply([ sort keys %answers ], [ 200, 400 ], "$n bodies are taken or refused: " . join ' ', map { "$_ $answers{$_}" } sort keys %answers);
is(sql(q{SELECT count(*) FROM rcs.event e WHERE NOT EXISTS (SELECT FROM rcs.message m WHERE m.id = e.message)}), 0, 'no report of what nobody sent');
is(sql(q{SELECT count(*) FROM rcs.inbound WHERE length(reply_id) NOT BETWEEN 1 AND 100 OR length(chatbot) NOT BETWEEN 1 AND 100}), 0,
	'no message without the ids it needs');
my $rows = sql('SELECT (SELECT count(*) FROM rcs.event), (SELECT count(*) FROM rcs.inbound)');

# Without a secret nothing is read

my $wrong = 0;
for (1 .. 100)
{
	$wrong++ if ask('POST', '/msgstatus', (rand() < 0.5 ? (secret => 'x' x int rand 20) : ()), body => random_body(@ids))->{status} != 401;
}
is($wrong, 0, 'without the secret all are refused');

# Texts that are none

for my $case ([ 'no UTF-8', "[\"\xff\xfe\"]" ], [ 'overlong', "[\"\xc0\xaf\"]" ], [ 'half of a surrogate', '["\ud800"]' ], [ 'the other half', '["\udc00"]' ],
	[ 'a zero character', '["\u0000"]' ], [ 'a zero byte', "[\"\0\"]" ], [ 'a surrogate in UTF-8', "[\"\xed\xa0\x80\"]" ], [ 'a number without an end', '[' . '9' x 200_000 . ']' ],
	[ 'nested 100,000 deep', '[' x 100_000 ], [ 'nested in objects', '{"a":' x 40 . '1' . '}' x 40 ], [ 'nothing', '' ], [ 'blanks', ' ' x 1000 ])
{
	is(push_to('/msgstatus', $case->[1]), 400, $case->[0]);
}
is(push_to('/msgstatus', '{"msgId":"a","msgId":"b","status":"success","status":"fail"}'), 200, 'members that are there twice');

# Requests that can be read in two ways, or have no end

my $head = "POST /msgstatus HTTP/1.1\r\nHost: x\r\nAuthorization: $secret\r\n";
my $hidden = "GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: $secret\r\n\r\n";
for my $case (
	[ 'both a length and chunks', "${head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n$hidden" ],
	[ 'two lengths', "${head}Content-Length: 2\r\nContent-Length: 40\r\n\r\n[]$hidden" ],
	[ 'a length with a sign', "${head}Content-Length: +2\r\n\r\n[]$hidden" ],
	[ 'two lengths in one', "${head}Content-Length: 2, 2\r\n\r\n[]$hidden" ],
	[ 'a length that is none', "${head}Content-Length: two\r\n\r\n[]$hidden" ],
	[ 'a length beyond all', "${head}Content-Length: 99999999999999999999999\r\n\r\n[]$hidden" ],
	[ 'a blank before the colon', "${head}Content-Length : 2\r\n\r\n[]$hidden" ],
	[ 'an encoding that nobody knows', "${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n$hidden" ],
	[ 'two encodings', "${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n$hidden" ],
	[ 'two hosts', "${head}Host: y\r\nContent-Length: 2\r\n\r\n[]$hidden" ],
	[ 'a chunk without a length', "${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n$hidden" ],
	[ 'a body where there is none', "GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]$hidden" ])
{
	my $answer = raw_request($case->[1]);
	unlike($answer, qr/rcs_queue_messages|^HTTP\S+ 2/, "$case->[0]: neither taken nor read on");
	like($answer, qr{^(?:HTTP/1.1 (?:400|413) |$)}, 'but refused');
}
for my $case ([ 'more of a body than was said', "${head}Content-Length: 2\r\n\r\n[]xx\r\n\r\n" ], [ 'a body that does not come', "${head}Content-Length: 900\r\n\r\n[" ],
	[ '10 MB', "${head}Content-Length: 10485760\r\n\r\n" . '[' x 10_485_760 ], [ '10 MB in chunks', "${head}Transfer-Encoding: chunked\r\n\r\n" . "10000\r\n" . 'x' x 65536 . "\r\n" ],
	[ 'headers of 1 MB', "${head}X: " . 'x' x 1_000_000 . "\r\n\r\n" ], [ 'an address of 100 KB', 'GET /' . 'x' x 100_000 . " HTTP/1.1\r\n\r\n" ],
	[ 'a method that nobody knows', "BREW /msgstatus HTTP/1.1\r\nHost: x\r\n\r\n" ], [ 'another version', "GET /health HTTP/3.7\r\n\r\n" ], [ 'TLS', "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" . 'x' x 500 ],
	[ 'bytes', join '', map { chr int rand 256 } 1 .. 5000 ], [ 'paths', "GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n" ], [ 'a zero in a path', "GET /health%00/x HTTP/1.1\r\nHost: x\r\n\r\n" ],
	[ 'broken escapes', "GET /%zz%/%f HTTP/1.1\r\nHost: x\r\n\r\n" ])
{
	my $answer = raw_request($case->[1], 1);
	pass("$case->[0]: " . ($answer =~ /^HTTP\S+ (\d+)/ ? $1 : 'no answer'));
}
my $random = 0;
for (1 .. 200)
{
	my $bytes = join '', map { rand() < 0.7 ? chr(32 + int rand 95) : rand() < 0.5 ? "\r\n" : chr int rand 256 } 1 .. rand 400;
	$random++ if raw_request(rand() < 0.5 ? "$head$bytes\r\n\r\n" : "$bytes\r\n\r\n", 0.05) =~ /rcs_queue/;
}
is($random, 0, 'requests by chance find nothing out');

# Mistakes that KT might make: every kind that the stand-in knows

$sim->set(push_url => "http://127.0.0.1:$port/$secret/msgstatus", mo_url => "http://127.0.0.1:$port/$secret/momsg", push_tries => 2, push_retry_ms => 50);
for my $kind (1 .. 9)
{
	$sim->set(push_hostile_pct => 100, push_hostile_kind => $kind);
	$sim->inbound(chatbotId => '0212351235', userContact => '01022220000', text => "kind $kind");
}
poll($node, $db, q{SELECT count(*) FROM rcs.inbound WHERE text LIKE 'kind %'}, 9, 20, 'messages among hostile bodies are stored');
is(sql(q{SELECT (SELECT count(*) FROM rcs.event), (SELECT count(*) FROM rcs.inbound WHERE text IS NULL OR text NOT LIKE 'kind %')}), $rows,
	'and nothing else');

is(push_to('/msgstatus', [ map { report($_) } @ids ]), 200, 'at the end it takes a report as ever');
is(sql("SELECT pid FROM rcs.worker_status WHERE kind = 'listener'"), $pid, 'the listener is the same process');
my $log = slurp_file($node->logfile);
unlike($log, qr/^.*(?:ERROR|FATAL|PANIC):  (?!canceling)/m, 'no error is in the log');
unlike($log, qr/\Q$secret\E|0102222/, 'nor a secret, nor a phone number');
oracle($node, $db, $sim);
$node->stop;
done_testing();
