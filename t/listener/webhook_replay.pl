# A valid push comes again later: nothing changes, whatever the status of the message is by then.  The address
# that a client claims in its headers does not count.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsListener;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep);

my $node = rcs_node('main', 'rcs.chat_workers' => 1);
my $db = rcs_database($node, 'shop');
my $sim = start_ktsim();
setup_account($node, $db, $sim);
listen_to($node, $db);

sub sql { return $node->safe_psql($db, $_[0]); }

# Replay

sql(q{INSERT INTO rcs.reply_rule (pattern, reply) VALUES ('^menu$', '"dishes"')});
my $id = sql("SELECT rcs_send('01011110001', 'hello')");
drained($node, $db, 20, 'a message is sent', $id);
my $later = sql("SELECT rcs_send('01011110002', 'hello', send_at => now() + interval '1 hour')");
sql("SELECT rcs_cancel('$later')");
my $inbound = { replyId => 'R1', eventType => 'message', userContact => '01022220000', chatbotId => '0212351235', messageBody => { textMessage => 'menu' },
	timestamp => sql(q{SELECT to_char(now() AT TIME ZONE 'Asia/Seoul', 'YYYY-MM-DD"T"HH24:MI:SS.MS"+09"')}) };
is(push_to('/msgstatus', [ report($id), report($later) ]), 200, 'reports, one of a canceled message');
is(push_to('/momsg', [$inbound]), 200, 'a message of a user');
poll($node, $db, 'SELECT count(reply_message) FROM rcs.inbound', 1, 20, 'which is answered');
drained($node, $db, 20, 'at once');
my $state = q{SELECT string_agg(x, E'\n' ORDER BY x) FROM (
	SELECT 'event ' || e::text AS x FROM rcs.event e UNION ALL SELECT 'inbound ' || i::text FROM rcs.inbound i
	UNION ALL SELECT 'status ' || s.id || ' ' || s.status FROM rcs.message_status s
	UNION ALL SELECT 'queue ' || b::text FROM rcs.batch b UNION ALL SELECT 'tally ' || t::text FROM rcs.tally t) y};
my $before = sql($state);
my $offers = () = slurp_file($sim->ledger) =~ /^\d/mg;
like($before, qr/status $id delivered/, 'it is delivered');
is(sql("SELECT status FROM rcs.message_status WHERE id = '$later'"), 'canceled', 'a report does not bring the canceled one back');
is(sql("SELECT count(*) FROM rcs.batch WHERE campaign_no = 0"), 0, 'the canceled one is in no queue');
for (1 .. 3)
{
	sleep(1);
	is(push_to('/msgstatus', [ report($id), report($later) ]), 200, 'the same reports after a while');
	is(push_to('/momsg', [$inbound]), 200, 'and the same message');
}
is(sql($state), $before, 'nothing has changed');
my $offers_now = () = slurp_file($sim->ledger) =~ /^\d/mg;
is($offers_now, $offers, 'nothing was offered to the carrier');

# Nine days later; then all of it is purged

sql(q{UPDATE rcs.message SET created_at = created_at - interval '9 days'; UPDATE rcs.result SET at = at - interval '9 days';
	UPDATE rcs.intent SET at = at - interval '9 days'; UPDATE rcs.event SET received_at = received_at - interval '9 days';
	UPDATE rcs.inbound SET received_at = received_at - interval '9 days', handled_at = handled_at - interval '9 days', carrier_at = carrier_at - interval '9 days';
	UPDATE rcs.identity SET installed_at = installed_at - interval '10 days'});
sub comes_again
{
	is(push_to('/msgstatus', [ report($id), report($later), report($id, status => 'fail', error => { code => '54002', message => 'x' }) ]), 200, "$_[0]: reports");
	is(push_to('/momsg', [$inbound]), 200, "$_[0]: and the message");
	return;
}
my $statuses = q{SELECT string_agg(s.id || ' ' || s.status, ',' ORDER BY s.id) FROM rcs.message_status s};
$before = sql($statuses);
comes_again('days later');
is(sql($statuses), $before, 'no status is another');
is(sql('SELECT count(*) FROM rcs.inbound'), 1, 'the message is known');
$inbound->{timestamp} = sql(q{SELECT to_char(now() AT TIME ZONE 'Asia/Seoul' - interval '9 days', 'YYYY-MM-DD"T"HH24:MI:SS.MS"+09"')});
sql(q{UPDATE rcs.event SET received_at = received_at - interval '9 days'});
cmp_ok(sql(q{SELECT rcs_purge('8 days')}), '>', 0, 'what is so old is purged');
is(sql('SELECT count(*) FROM rcs.message_status'), 0, 'all of it');
comes_again('after the purge');
is(sql('SELECT count(*) FROM rcs.message_status'), 0, 'no message is there again');
is(sql('SELECT count(*) FROM rcs.event'), 0, 'no report is stored of what nobody knows any more');
cmp_ok(sql(q{SELECT count(*) FROM rcs.quarantine WHERE problem ~ 'nobody here has sent'}), '>=', 3, 'they are kept aside');
poll($node, $db, 'SELECT problem, reply_message FROM rcs.inbound', 'older than 24 hours|', 20, 'the message is not answered again');
$offers_now = () = slurp_file($sim->ledger) =~ /^\d/mg;
is($offers_now, $offers, 'still nothing was offered to the carrier');

# An address that a client claims

set_conf($node, 'rcs.listen_allow' => '192.0.2.0/24');
sleep(0.5);
my @claims = ('X-Forwarded-For: 192.0.2.1', 'X-Real-IP: 192.0.2.1', 'Forwarded: for=192.0.2.1', 'Client-IP: 192.0.2.1');
is(raw_request("GET /health HTTP/1.1\r\nHost: x\r\n$_\r\nConnection: close\r\n\r\n"), '', "$_: no answer all the same") for @claims;
is(raw_request("PROXY TCP4 192.0.2.1 192.0.2.2 5000 80\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n"), '', 'nor to the PROXY protocol');
set_conf($node, 'rcs.listen_allow' => '127.0.0.0/8');
sleep(0.5);
like(raw_request("GET /health HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.7\r\nConnection: close\r\n\r\n"), qr{^HTTP/1.1 200},
	'who may connect may, whatever he claims');
is(ask('POST', '/msgstatus', headers => { 'X-Forwarded-For' => '127.0.0.1' }, body => '[]')->{status}, 401, 'no claim is a secret');

$node->stop;
done_testing();
