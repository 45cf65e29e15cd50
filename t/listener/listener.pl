# The listener: which requests it takes, from which clients, and its answers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use JSON::PP;
use PostgreSQL::Test::Utils;
use RcsListener;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $db = 'shop';
my $node = rcs_node('main');
my $sim = start_ktsim();
rcs_database($node, $db);
setup_account($node, $db, $sim);
my $pids = worker_pids($node, $db);
listen_to($node, $db);

sub sql { return $node->safe_psql($db, $_[0]); }

# Reports

my $id = sql("SELECT rcs_send('01011110001', 'hello')");
drained($node, $db, 20, 'a message is sent', $id);
my $answer = ask('POST', '/msgstatus', secret => $secret, body => encode_json([ report($id) ]));
is($answer->{status}, 200, 'its report is taken');
is($answer->{content}, '{"status":"200"}', 'and answered as the carrier wants it');
is(sql("SELECT status, carrier FROM rcs.message_status WHERE id = '$id'"), 'delivered|KT', 'it is delivered');
is(push_to('/msgstatus', report($id)), 200, 'a single object, again');
is(push_to('/msgstatus', { statusInfo => [ report($id) ] }), 200, 'or in a wrapper');
is(sql('SELECT count(*) FROM rcs.event'), 1, 'it is stored once');

# Who may push

is(push_to("/$secret/msgstatus", [ report($id) ], secret => undef), 200, 'the secret in the path');
is(ask('POST', '/msgstatus', headers => { Authorization => $secret }, body => '[]')->{status}, 200, 'without "Bearer"');
for my $wrong (undef, '', 'wrong', "$secret ", substr($secret, 0, -1), "${secret}x", $operator_secret)
{
	is(ask('POST', '/msgstatus', secret => $wrong, body => '[]')->{status}, 401, 'refused: ' . ($wrong // 'no secret'));
}
is(push_to("/$operator_secret/msgstatus", [], secret => undef), 401, 'nor may operators, nor in a path');
like(ask('POST', '/msgstatus', body => '[]')->{headers}{'www-authenticate'}, qr/Bearer/, 'it says what is missing');

# Messages of users

my $n = 0;
for my $segment ('', '/KT', '/SKT', '/LGU')
{
	is(push_to("/momsg$segment",
			[ { replyId => 'R' . ++$n, eventType => 'message', userContact => '01022220000', chatbotId => '0212351235',
				messageBody => { textMessage => 'menu' }, timestamp => '2026-07-01T10:00:00.000+09' } ]),
		200, "a message to /momsg$segment");
}
is(sql('SELECT count(*), min(text) FROM rcs.inbound'), '4|menu', 'all are stored');

# What is refused

is(ask('POST', '/momsg/XYZ', secret => $secret, body => '[]')->{status}, 404, 'no such path');
is(ask('GET', '/msgstatus', secret => $secret)->{status}, 405, 'no such method');
is(push_to('/msgstatus', $_), 400, 'no JSON: ' . substr($_, 0, 20)) for '', '{', 'null', '"x"', '[1', "[\"\\u0000\"]", "[\"\xff\"]", '[' x 33 . ']' x 33;
like(raw_request("POST /msgstatus HTTP/1.1\r\nHost: x\r\nAuthorization: $secret\r\nContent-Length: 1048577\r\n\r\n"),
	qr{^HTTP/1.1 413 }, 'too long');
like(raw_request("POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 16385\r\n\r\n"), qr{^HTTP/1.1 413 }, 'too long for one without a secret');
like(raw_request("POST /api/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n4001\r\n" . 'x' x 0x4001 . "\r\n0\r\n\r\n"),
	qr{^HTTP/1.1 413 }, 'however it is sent');
is(push_to('/msgstatus', '[' x 30 . ']' x 30), 200, 'odd, but JSON');
is(sql('SELECT count(*) FROM rcs.quarantine'), 1, 'is kept aside');

# Health and metrics

$answer = ask('GET', '/health');
is($answer->{status}, 200, 'health, without a secret');
is(decode_json($answer->{content})->{status}, 'ok', 'all is well');
sql("SELECT rcs_hold('a test')");
my $end = time() + 30;
do { sleep(0.1); $answer = ask('GET', '/health') } until $answer->{status} == 503 || time() > $end;
is($answer->{status}, 503, 'something is not');
is_deeply(decode_json($answer->{content})->{critical}, ['hold'], 'and what');
sql('SELECT rcs_resume()');
is(ask('GET', '/metrics')->{status}, 401, 'metrics need a secret');
is(ask('GET', '/metrics', secret => $secret)->{status}, 401, 'not that of the carrier, which others know');
$answer = ask('GET', '/metrics', secret => $operator_secret);
is($answer->{status}, 200, 'metrics');
like($answer->{headers}{'content-type'}, qr{^text/plain; version=0.0.4}, 'of the type that Prometheus wants');
like($answer->{content}, qr/^rcs_queue_messages\{lane="single",state="ready"\} 0$/m, 'a figure');
sleep(1.1);
is(ask('HEAD', '/health')->{status}, 200, 'HEAD');

# whoever asks for it often keeps nobody's reports waiting
sql(q{CREATE SEQUENCE looks; ALTER FUNCTION rcs._listener_health() RENAME TO _as_it_was;
	CREATE FUNCTION rcs._listener_health(OUT ok boolean, OUT body jsonb) LANGUAGE plpgsql AS
	$$ BEGIN PERFORM nextval('public.looks'); SELECT x.ok, x.body FROM rcs._as_it_was() x INTO ok, body; END $$});
my $began = time();
ask('GET', '/health') for 1 .. 300;
cmp_ok(sql('SELECT last_value FROM looks'), '<=', 3 + time() - $began, 'health is looked at once a second, however often it is asked for');

is(worker_pids($node, $db), $pids, 'the other workers are the same');
oracle($node, $db, $sim);
$node->stop;
done_testing();
