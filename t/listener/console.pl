# The web console over HTTP: its files, the right to read, logging in, requests from other sites, steering
# with the rights of a role, and hostile requests.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP ();
use RcsConsole;
use RcsListener;
use RcsTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $sim = start_ktsim(args => [ '--latency-ms', 2 ]);
my ($node, $db) = console_node($sim);
my @page = ('X-RCS-Console' => 1);

sub status { return console_ask(@_)->{status}; }

sub state_of
{
	my ($id) = @_;
	return $node->safe_psql($db, "SELECT state FROM rcs.campaign_progress WHERE campaign = '$id'");
}

# Slow ones, so that they are unfinished while they are steered.
my $id = console_campaign($node, $db, 'Winter sale', 3000, rate_per_minute => 600);
my $other = console_campaign($node, $db, 'Of others', 100, rate_per_minute => 60);
poll($node, $db, "SELECT accepted > 5 FROM rcs.campaign_progress WHERE campaign = '$id'", 't', 60, 'it is running');
my $message = console_handle($node, $db, q{SELECT r.* FROM rcs.result r WHERE r.outcome = 'a' LIMIT 1});

# a recipient whose placeholder is missing
$node->safe_psql($db, "SELECT rcs_campaign_add('$id', '{01099998888}'::text[])");

# ---------- files ----------

my $index = console_ask('GET', '/');
is($index->{status}, 200, 'the page');
like($index->{headers}{'content-type'}, qr{^text/html}, 'is HTML');
like($index->{headers}{'content-security-policy'}, qr/default-src 'none'; script-src 'self'; style-src 'self';/,
	'with a policy that runs only our own scripts');
unlike($index->{headers}{'content-security-policy'}, qr/unsafe|https?:|\*/, 'and nobody else\'s');
unlike($index->{content}, qr{<script>|\son\w+=|style=|https?://}, 'and has no scripts in it nor asks other hosts');
is($index->{headers}{'x-content-type-options'}, 'nosniff', 'types are not guessed');
is($index->{headers}{'x-frame-options'}, 'DENY', 'no frame of others');
my $again = console_ask('GET', '/', 'If-None-Match' => $index->{headers}{etag});
is("$again->{status}, " . length($again->{content} // ''), '304, 0', 'the same file is not sent again');
for my $asked ($index->{content} =~ /(?:src|href)="([^"]+)"/g)
{
	is(status('GET', "/$asked"), 200, "$asked is there");
}
for my $module (glob "$FindBin::RealBin/../../console/*.js")
{
	my $text = slurp_file($module);
	my ($name) = $module =~ m{([^/]+)$};
	is(console_ask('GET', "/console/$name")->{content}, $text, "$name is what stands in the source");
	is(status('GET', "/console/$_"), 200, "$name may import $_") for $text =~ m{from '\./([^']+)'}g;
}
is(status('HEAD', '/'), 200, 'HEAD');
is(status('POST', '/'), 405, 'no POST of a file');
is(status('GET', $_), 404, "$_ is not there")
  for '/console/', '/console/nothing.js', '/console/../app.js', '/console/%2e%2e/%2e%2e/PG_VERSION', '/console//app.js', '/consolé';

# ---------- without a login ----------

my $session = console_json('/api/session');
is(JSON::PP->new->canonical->encode($session), '{"authenticated":false,"login":true,"read":false,"steer":false}',
	'a stranger learns nothing');
for ('overview', 'campaigns', 'health', 'throughput?hours=1', "campaigns/$id", "campaigns/$id/messages", "messages/$message", 'nothing')
{
	my $answer = console_ask('GET', "/api/$_");
	is("$answer->{status} $answer->{content}", '401 {"error": "log in first"}', "nor from $_");
}
is(status('POST', "/api/campaigns/$id/pause", @page), 401, 'and cannot steer');
is(status('GET', '/api/overview', Authorization => "Bearer $secret"), 401, 'nor can the carrier read');
is(status('GET', '/api/overview', Cookie => 'rcs_session='), 401, 'an empty session');
is(status('GET', '/api/overview', Cookie => 'rcs_session=' . '0' x 64), 401, 'a session that nobody has');

# ---------- logging in ----------

my @operator = (Authorization => "Bearer $operator_secret");
is(status('POST', '/api/login', @operator), 403, 'the log-in is for our own page only');
is(status('POST', '/api/login', @operator, @page, Origin => 'https://evil.example'), 403, 'not of another site');
is(status('POST', '/api/login', @page), 401, 'no secret');
is(status('POST', '/api/login', @page, Authorization => "Bearer $secret"), 401, 'another one');
is(status('GET', '/api/login', @page, @operator), 404, 'no GET');
my $origin = listener_url('');
my $login = console_ask('POST', '/api/login', @page, @operator, Origin => $origin);
is($login->{status}, 200, 'the operators\' secret');
like($login->{headers}{'set-cookie'}, qr{^rcs_session=[0-9a-f]{64}; Path=/; Max-Age=28800; HttpOnly; SameSite=Strict$},
	'gives a cookie for this site only, out of the reach of scripts');
is($login->{headers}{'cache-control'}, 'no-store', 'kept by nobody');
like(console_ask('POST', '/api/login', @page, @operator, 'X-Forwarded-Proto' => 'https')->{headers}{'set-cookie'}, qr/; Secure$/,
	'behind TLS, by TLS only');
my @cookie = console_login($operator_secret);
isnt($cookie[1], (console_login($operator_secret))[1], 'each session has a number of its own');

# ---------- reading ----------

$session = console_json('/api/session', @cookie);
is(JSON::PP->new->canonical->encode($session), '{"authenticated":true,"database":"shop","login":true,"read":true,"steer":true}',
	'the session is known');
my $answer = console_ask('GET', '/api/overview', @cookie);
is($answer->{headers}{'cache-control'}, 'no-store', 'data are kept by nobody');
my $overview = JSON::PP::decode_json($answer->{content});
is(join(', ', map { $_->{name} } @{ $overview->{campaigns} }), 'Of others, Winter sale', 'campaigns, the newest first');
is(join(', ', map { $_->{lane} } @{ $overview->{lanes} }), 'single, campaign', 'lanes');
is(join(', ', map { $_->{server} } @{ $overview->{accounts} }), 'kt', 'accounts');
is(scalar(grep { $_->{kind} eq 'listener' } @{ $overview->{workers} }), 1, 'workers');
is(scalar(@{ console_json('/api/campaigns?before=' . $overview->{campaigns}[0]{campaign}, @cookie) }), 1, 'earlier campaigns');
my $campaign = console_json("/api/campaigns/$id", @cookie);
is("$campaign->{progress}{name}, $campaign->{progress}{total}, $campaign->{message}{serviceType}", 'Winter sale, 3000, RCSSMS', 'a campaign');
is($campaign->{rejected}[0]{phone}, '010-****-8888', 'who was not taken');
is(join(', ', sort map { $_->{what} } @{ $campaign->{history} }), 'added, added, created, started', 'its history');
poll($node, $db, "SELECT sent >= 10 FROM rcs.campaign_progress WHERE campaign = '$id'", 't', 30, 'ten have a result');
my $messages = console_json("/api/campaigns/$id/messages", @cookie);
is(scalar(@{ $messages->{messages} }), 10, 'some of its messages');
is(scalar(@{ $messages->{codes} }), 0, 'none of which failed');
$sim->set(refuse_phone_suffix => { '7777' => '54002' });
my $bad = campaign($node, $db, 3, from => 20007776, name => 'Refused');
poll($node, $db, "SELECT failed FROM rcs.campaign_progress WHERE campaign = '$bad'", 1, 30, 'one is refused');
$messages = console_json("/api/campaigns/$bad/messages", @cookie);
is(join(', ', map { "$_->{code} $_->{n}" } @{ $messages->{codes} }), '54002 1', 'codes of what failed');
like($messages->{codes}[0]{advice}, qr/\w/, 'and what to do');
is(join(', ', map { "$_->{phone} $_->{status}" } @{ $messages->{messages} }), '010-****-7777 failed', 'and who');
my $one = console_json("/api/messages/$message", @cookie);
is(join(', ', map { $_->{what} } @{ $one->{history} }), 'created, offered, accepted', 'what happened to a message');
ok(grep({ $_->{check} eq 'stalled' } @{ console_json('/api/health', @cookie) }), 'health');
is($one->{message}{handle}, $message, 'under its handle');
is(console_json("/api/messages/$messages->{messages}[0]{handle}", @cookie)->{message}{code}, '54002', 'the page of a campaign gives handles');
my $single = $node->safe_psql($db, q{SELECT rcs_send('01020009999', 'x')});
is(console_json("/api/messages/$single", @cookie)->{message}{lane}, 'single', 'a single message is found by its random id, too');
# every number that a mask leaves open, against all that the console says
{
	my %made_of = map { $_ => 1 } split /\n/, $node->safe_psql($db, "SELECT rcs_message_id(c::uuid, format('010%s%s', lpad(i::text, 4, '0'), t))
		FROM unnest(ARRAY['$id', '$bad']) c, generate_series(0, 9999) i, unnest('{7777,8888}'::text[]) t");
	my $said = join ' ', map { console_ask('GET', "/api/$_", @cookie)->{content} }
	  'overview', 'campaigns', 'health', (map { ("campaigns/$_", "campaigns/$_/messages") } $id, $bad), "messages/$message";
	like($said, qr/010-\*{4}-7777.*010-\*{4}-8888|010-\*{4}-8888.*010-\*{4}-7777/s, 'masked numbers are shown');
	is(scalar(grep { $made_of{$_} } $said =~ /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g), 0, 'and no id that is made of one of 10,000');
	my $number = $node->safe_psql($db, "SELECT m.id FROM rcs.message m JOIN rcs.campaign c USING (campaign_no) WHERE c.id = '$bad' ORDER BY m.phone LIMIT 1");
	is(status('GET', "/api/messages/$number", @cookie), 404, 'nor does it say that there is such a message');
}
is(ref console_json('/api/throughput?hours=24', @cookie)->{minutes}, 'ARRAY', 'minutes');
for ('overview', "campaigns/$id", "campaigns/$id/messages", "messages/$message")
{
	my $content = console_ask('GET', "/api/$_", @cookie)->{content};
	unlike($content, qr/0102000|0109999|secret|campaign_no|AK|BK/, "$_ shows no phone number and no secret");
}
is(status('GET', "/api/campaigns/$_", @cookie), 404, 'no such campaign') for $message, $single;
is(status('GET', "/api/messages/$id", @cookie), 404, 'no such message');

# ---------- requests that mean harm ----------

my $pid = $node->safe_psql($db, q{SELECT pid FROM rcs.worker_status WHERE kind = 'listener'});
(my $quoted = $id) =~ s/.$/'/;
for ("/api/campaigns/$quoted", "/api/campaigns/$id'", "/api/campaigns/$id/", "/api/campaigns/$id/messages/x", "/api/campaigns/$id/pause",
	"/api/campaigns/{" . substr($id, 1) . "}", '/api/campaigns/%00', '/api/', '/api/overview/', '/api//overview',
	'/api/campaigns/../overview', '/api/messages/' . 'a' x 36, "/api/messages/$message/", "/api/messages/$message/x", '/api/messages/' . uc $message, '/api/messages/' . 'a' x 56,
	'/api/messages/' . substr($message, 1), "/api/messages/${message}0", '/api/messages/' . '-' x 36, '/api/messages/' . "\x{ea}" x 36)
{
	my $answer = console_ask('GET', $_, @cookie);
	cmp_ok($answer->{status}, '==', 404, "nothing at $_") or diag($answer->{content});
}
like(status('GET', '/api/campaigns?before=' . 'x' x $_, @cookie), qr/^(?:200|414|431)$/, "an argument of $_ characters") for 36, 5000, 40000;
is(status('GET', "/api/throughput?hours=$_", @cookie), 200, "hours: $_") for '-1', '0', '99999999999999999999', 'x', '1%27;DROP';
is(status('GET', '/api/overview', Cookie => join('; ', map { "c$_=" . 'y' x 10 } 1 .. 200) . "; $cookie[1]"), 200, 'among many cookies');
like(status('GET', '/api/overview', Cookie => 'x' x 100000), qr/^(?:4\d\d|599)$/, 'a cookie of 100,000 characters');
for my $raw ("POST /api/campaigns/$id/cancel HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
	"GET /api/overview HTTP/1.1\r\nHost: x\r\nCookie\0: a\r\n\r\n", "\x16\x03\x01\x02\0\x01\0", "GET / HTTP/9\r\n\r\n")
{
	my $reply = raw_request($raw, 2);
	unlike($reply, qr{^HTTP/1.1 200}, 'refused: ' . substr($raw =~ s/[^ -~]/./gr, 0, 40));
}
is($node->safe_psql($db, q{SELECT pid FROM rcs.worker_status WHERE kind = 'listener'}), $pid, 'the listener has not minded');

# ---------- steering ----------

is(status('POST', "/api/campaigns/$id/pause", @cookie), 403, 'a session without the header of our page steers nothing');
is(status('POST', "/api/campaigns/$id/pause", @cookie, @page, Origin => $_), 403, "nor from $_")
  for 'https://evil.example', 'null', "$origin.evil.example", 'http://';
is(state_of($id), 'running', 'so it is running');
my $paused = console_ask('POST', "/api/campaigns/$id/pause", @cookie, @page, Origin => $origin);
is("$paused->{status} $paused->{content}", '200 {"state": "paused"}', 'our own page pauses it');
is(state_of($id), 'paused', 'it is paused');
is($node->safe_psql($db, q{SELECT who || ' ' || detail::text FROM rcs.campaign_event WHERE what = 'paused'}),
	'ops {"via": "console"}', 'and its history says by whom, and how');
is(status('POST', "/api/campaigns/$id/pause", @cookie, @page), 200, 'twice is no error');
is(status('POST', "/api/campaigns/$id/resume", @operator), 200, 'a program with the secret needs no session');
is(state_of($id), 'running', 'it is running');
is(status('POST', "/api/campaigns/$id/$_", @cookie, @page), 404, "no step $_") for 'erase', '', 'pause/x', 'start';
is(status('POST', "/api/campaigns/$_/pause", @cookie, @page), 404, 'no such campaign') for $message, $single;
is(status('GET', "/api/campaigns/$id/cancel", @cookie, @page), 404, 'a GET changes nothing');

$node->safe_psql($db, 'UPDATE rcs.chatbot SET owner = NULL');
my $refused = console_ask('POST', "/api/campaigns/$other/cancel", @cookie, @page);
is($refused->{status}, 403, 'what the role of the console may not do the console cannot');
like($refused->{content}, qr/"sqlstate": "42501"/, 'and says so');
is(state_of($other), 'running', 'nothing was done');
is($node->safe_psql($db, "SELECT count(*) FROM rcs.campaign_event e JOIN rcs.campaign c USING (campaign_no) WHERE c.id = '$other' AND what = 'canceled'"),
	0, 'and nothing noted');
set_conf($node, 'rcs.console_role' => '');
poll_session('steer', 0);
is(status('POST', "/api/campaigns/$other/cancel", @cookie, @page), 403, 'without a role it steers nothing');
set_conf($node, 'rcs.console_role' => 'nobody_of_that_name');
poll_session('steer', 1);
is(status('POST', "/api/campaigns/$other/cancel", @cookie, @page), 409, 'nor with one that does not exist');
set_conf($node, 'rcs.console_role' => 'ops');
$node->safe_psql($db, q{UPDATE rcs.chatbot SET owner = 'ops'});
poll_status(200, 'POST', "/api/campaigns/$other/cancel", @cookie, @page);
is(state_of($other), 'canceled', 'canceled');
is(status('POST', "/api/campaigns/$other/resume", @cookie, @page), 409, 'an impossible step');

# ---------- reading without a log-in, where that is wanted ----------

set_conf($node, 'rcs.console_read' => 'on');
poll_status(200, 'GET', '/api/overview');
is(JSON::PP->new->canonical->encode(console_json('/api/session')), '{"authenticated":false,"database":"shop","login":true,"read":true,"steer":false}',
	'reading needs no log-in then');
is(status('POST', "/api/campaigns/$id/pause", @page), 401, 'steering does');
set_conf($node, 'rcs.console_read' => 'off');
poll_status(401, 'GET', '/api/overview');

# ---------- the end of sessions ----------

my @short = console_login($operator_secret);
is(status('POST', '/api/logout', @short), 403, 'another site logs nobody out');
is(status('POST', '/api/logout', @short, @page), 200, 'logging out');
is(status('GET', '/api/overview', @short), 401, 'ends the session');
is(status('GET', '/api/overview', @cookie), 200, 'and no other one');
my $new_secret = 'another-secret-0123456789';
secret_file($node, 'operator.secret', $new_secret);
$node->reload;
poll_status(401, 'GET', '/api/overview', @cookie);
ok(!console_login($operator_secret), 'a new secret ends the sessions and the old secret');
@cookie = console_login($new_secret);
is(scalar(@cookie), 2, 'and opens');

# ---------- guessing ----------

my $guesses = 0;

# The status of a guess, and how long it took.
sub guess
{
	my ($method, $path, %opt) = @_;
	my $client = HTTP::Tiny->new(timeout => 20, %{ $opt{client} // {} });
	my $began = time();
	my $status = $client->request($method, listener_url($path), { %{ $opt{request} // {} },
		headers => { @page, Authorization => 'Bearer wrong-secret-number-' . ++$guesses } })->{status};
	return ($status, time() - $began);
}
guess('GET', '/api/session') for 1 .. 6;
for my $case ([ 'POST', '/api/login', 401 ], [ 'POST', '/api/login', 401, { content => 'x' x 10_000 } ], [ 'GET', '/api/session', 200 ], [ 'GET', '/metrics', 401 ],
	[ 'GET', '/api/overview', 401 ], [ 'POST', "/api/campaigns/$id/pause", 401 ], [ 'POST', '/msgstatus', 401, { content => '[]' } ],
	[ 'POST', '/wrong-secret-in-the-path/msgstatus', 401, { content => '[]' } ])
{
	my ($method, $path, $expected, $request) = @$case;
	my ($status, $seconds) = guess($method, $path, request => $request);
	is($status, $expected, "a wrong secret at $path");
	cmp_ok($seconds, '>', 0.9, 'is answered after a second');
}
my (undef, $seconds) = guess('GET', '/metrics', client => { local_address => '127.0.0.2' });
took($seconds, 0.9, 'the first ones of another address are answered at once');

# Many at once, some of which do not wait for the answer; and the right one, from the same address
my @guessers = map {
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => listener_url('') =~ s/.*://r) or die "connect: $!";
	$s->syswrite("GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: wrong-secret-number-$_\r\n\r\n");
	$s } 1 .. 100;
splice @guessers, 0, 20;
my $began = time();
is(status('POST', '/api/login', @page, Authorization => "Bearer $new_secret"), 200, 'the right secret is let in');
is(status('GET', '/metrics', Authorization => "Bearer $new_secret"), 200, 'everywhere');
is(status('POST', '/msgstatus', Authorization => "Bearer $secret"), 400, 'the carrier is, too');
is(status('GET', '/api/overview', @cookie), 200, 'who is logged in does not notice');
is(status('GET', '/api/session', Authorization => 'Basic YSB1c2VyOmEgcGFzc3dvcmQ='), 200, 'nor does the login of a proxy before it');
took(time() - $began, 0.9, 'at once');
is(scalar(grep { my $said = ''; $_->sysread($said, 1000); $said =~ m{^HTTP/1.1 401 } } @guessers), 80, 'the others are told that they are wrong');

# ---------- a database that is not in UTF-8 ----------

$node->safe_psql('postgres', "CREATE DATABASE euc ENCODING 'EUC_KR' LOCALE 'C' TEMPLATE template0");
$node->safe_psql('euc', 'SET client_min_messages = error; CREATE EXTENSION rcs');
setup_account($node, 'euc', $sim);
$node->safe_psql('euc', "SET client_encoding = 'UTF8'; SELECT rcs_campaign_create('겨울 세일', '$text')");
set_conf($node, 'rcs.listen_database' => 'euc');
poll($node, 'postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'rcs listener worker' AND datname = 'euc'", 1, 30, 'another database');
poll_status(401, 'GET', '/api/overview', @cookie);
@cookie = console_login($new_secret);
is(console_json('/api/overview', @cookie)->{campaigns}[0]{name}, "\x{aca8}\x{c6b8} \x{c138}\x{c77c}", 'comes in UTF-8 all the same');
set_conf($node, 'rcs.listen_database' => $db);
poll_status(401, 'GET', '/api/overview', @cookie);
@cookie = console_login($new_secret);

# ---------- the end ----------

is(status('POST', "/api/campaigns/$id/cancel", @cookie, @page), 200, 'canceled');
drained($node, $db, 60);
oracle($node, $db, $sim);
is(complaints($node), 0, 'nothing in the log');
unlike(slurp_file($node->logfile), qr/operator-secret|another-secret|wrong-secret|rcs_session/, 'no secret in the log');
$node->stop;
done_testing();

# A setting takes a moment to reach the listener.
sub poll_status
{
	my ($expected, @request) = @_;
	my $end = time() + 30;
	my $is;

	sleep(0.1) until ($is = status(@request)) == $expected || time() > $end;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($is, $expected, "$request[0] $request[1] in the end");
}

sub poll_session
{
	my ($name, $expected) = @_;
	my $end = time() + 30;

	sleep(0.1) until (console_json('/api/session', @cookie)->{$name} ? 1 : 0) == $expected || time() > $end;
	return;
}
