# rcs_health(): what it says of servers, workers and accounts in trouble.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use IO::Socket::INET;
use POSIX ();
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $db = 'shop';
my $node = rcs_node('main', max_worker_processes => 4, 'rcs.request_timeout' => '60s');
my $sim = start_ktsim();
rcs_database($node, $db);
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

# One check: severity, ok, detail and hint, of this node.
sub check
{
	my ($check, $which) = @_;
	return ($which // $node)->safe_psql($db,
		qq{SELECT concat_ws('|', severity, ok, detail, hint) FROM rcs_health() WHERE "check" = '$check'});
}

sub says
{
	my ($check, $expected, $name, $which) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return like(check($check, $which), $expected, $name);
}

# Waits until a check is well, or is not.
sub becomes
{
	my ($check, $ok, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll($node, $db, qq{SELECT bool_and(ok) FROM rcs_health() WHERE "check" = '$check'}, $ok, 20, $name);
}

# As rcs_health() would say if it lost patience sooner.
sub stalled
{
	my ($expected, $name) = @_;
	my $answer;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	for (1 .. 40)
	{
		$answer = sql(q{SELECT concat_ws('|', bad, detail, hint) FROM rcs._health_stalled('2 s')});
		last if $answer =~ $expected;
		sleep(0.25);
	}
	return like($answer, $expected, $name);
}

# Processes

becomes('worker_slots', 't', 'the workers run');
is(sql('SELECT count(*), count(*) FILTER (WHERE NOT ok AND "check" <> \'disk\') FROM rcs_health()'), '10|0', 'all is well');
set_conf($node, 'rcs.campaign_workers' => 2);
becomes('worker_slots', 'f', 'more workers than there are places');
says('worker_slots', qr/^warning\|f\|single: 1 of 1 run, campaign: 1 of 2; 4 of 4 worker processes of the server are used\|Raise max_worker_processes/,
	'it says what to raise');
set_conf($node, 'rcs.campaign_workers' => 1, 'rcs.single_workers' => 0);
becomes('worker_slots', 'f', 'no worker is wanted');
says('worker_slots', qr/^warning\|f\|single: \d of 0 run, .*\|Where 0 are wanted nothing is sent/, 'it says so');

my $id = sql("SELECT rcs_send('01011110001', 'hello')");
stalled(qr/^critical\|single: messages have been ready for \d+ s, and nothing was recorded for \d+ s\|Look at/,
	'messages wait and nobody sends them: stalled');
says('stalled', qr/^ok\|t\|/, 'but not before two minutes are over');
sql("SELECT rcs_hold('a test')");
stalled(qr/^single: on hold; campaign: on hold$/, 'on hold nothing is stalled');
says('hold', qr/^critical\|f\|the database on hold for \d+ s by .*: a test\|/, 'which is what it says');
sql('SELECT rcs_resume()');
set_conf($node, 'rcs.single_workers' => 1);
drained($node, $db, 20, 'it is sent', $id);
stalled(qr/^single: an outcome was recorded, or the server started, \d+ s ago; /, 'an outcome is news');

# A lane of its own: campaigns that are not started, and one that is

set_conf($node, 'rcs.campaign_workers' => 0);
poll($node, 'postgres', worker_count($db), 1, 10);
for my $i (1 .. 3)
{
	my $c = sql("SELECT rcs_campaign_create('draft $i', '$text')");
	sql("SELECT rcs_campaign_add('$c', ARRAY['0102222000$i'], ARRAY['{\"name\": \"N\"}']::jsonb[])");
}
sleep(3);
stalled(qr/campaign: nothing has been ready for 2 s$/, 'drafts are not ready');
my $campaign = campaign($node, $db, 5, from => 30000000);
stalled(qr/^critical\|campaign: messages have been ready for \d+ s/, 'a started campaign behind them is');
set_conf($node, 'rcs.campaign_workers' => 1);
drained($node, $db, 20, 'it is sent', $campaign);

# Workers that are stuck

$sim->set(hang_pct => 100);
$id = sql("SELECT rcs_send('01011110002', 'hello')");
stalled(qr/^critical\|the single worker \d+ has had messages in hand for \d+ s and recorded nothing\|/,
	'a carrier that does not answer');
$sim->set(hang_pct => 0);
my $pid = sql("SELECT pid FROM rcs.worker_status WHERE kind = 'campaign' AND database = '$db'");
kill 'STOP', $pid;
stalled(qr/the campaign worker $pid has not gone round for \d+ s/, 'a worker that stands still');
kill 'CONT', $pid;
$sim->stop;
$sim->start_again;
stalled(qr/^single: .*; campaign: /, 'all move again');

# Accounts

drained($node, $db, 60, 'nothing is under way');
$sim->set(token_reject => JSON::PP::true(), expire_tokens => JSON::PP::true());
sql("SELECT rcs_send('01011110009', 'hello')");
becomes('account', 'f', 'a login that is refused');
says('account', qr/^critical\|f\|account kt is set aside: login refused: 70008 .*\|It is tried again .*rcs_account_check\(.kt.\)/,
	'an account that is set aside');
$sim->set(token_reject => JSON::PP::false());
sql("SELECT rcs_account_check('kt')");
says('account', qr/^ok\|t\|1 account, not set aside$/, 'and is brought back');
$sim->set(throttle_pct => 100, retry_after_ms => 5000);
$id = sql("SELECT rcs_send('01011110003', 'hello')");
becomes('account', 'f', 'too fast');
says('account', qr/^warning\|f\|the carrier says that account kt sends too fast\|The rate recovers/,
	'an account that is slowed down');
$sim->set(throttle_pct => 0, retry_after_ms => 0);

# A check that cannot be made, and an old transaction

my $locker = $node->background_psql($db);
$locker->query_safe('BEGIN; LOCK TABLE rcs.chatbot, rcs.hold IN ACCESS EXCLUSIVE MODE;');
my $start = time();
says('hold', qr/^warning\|f\|could not be checked: rcs\.chatbot is locked by process \d+ \(AccessExclusiveLock\), rcs\.hold is locked by process \d+ \(AccessExclusiveLock\)\|End the transaction/, 'a table that is locked');
took(time() - $start, 5, 'is not waited for');
$locker->query_safe('ROLLBACK; BEGIN; SELECT count(*) FROM rcs.batch; CREATE TABLE t ();');
sleep(1.1);
like(sql(q{SELECT bad, detail FROM rcs._health_old_snapshot('1 s')}),
	qr/^warning\|a transaction of session \d+ \(idle in transaction\) has kept dead rows from being cleared away for \d+ s/,
	'an old transaction');
$node->safe_psql('postgres', 'CREATE DATABASE other');
my $other = $node->background_psql('other');
$locker->query_safe('ROLLBACK');
$locker->quit;
$other->query_safe('BEGIN; CREATE TABLE t ();');
sleep(1.1);
is(sql(q{SELECT bad IS NULL FROM rcs._health_old_snapshot('1 s')}), 't', 'one of another database is no matter');
$other->quit;

# Clocks

says('clock', qr/^ok\|t\|less than 5 s apart from the carrier's$/, 'the clocks agree');

# A carrier whose clock is so many seconds ahead of ours.
sub skewed_carrier
{
	my ($ahead) = @_;
	my $listener = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die "listen: $!";
	my $carrier = fork() // die "fork: $!";

	return ($listener->sockport, $carrier) if $carrier;
	while (my $client = $listener->accept)
	{
		my $head = '';
		$head .= $_ while defined($_ = <$client>) && /\S/;
		my ($length) = $head =~ /^content-length: *(\d+)/mi;
		read $client, my $body, $length // 0;
		my $answer = '{"status":"200","data":{"tokenInfo":{"accessToken":"x","expiresIn":"6000"}}}';
		print $client "HTTP/1.1 200 OK\r\nDate: ",
		  POSIX::strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime(time() + $ahead)),
		  "\r\nContent-Length: ", length($answer), "\r\nConnection: close\r\n\r\n$answer";
		close $client;
	}
	POSIX::_exit(0);
}

for my $case ([ 3600, qr/^critical\|f\|the clock is (?:59|60) min behind the carrier's, by account odd\|Set the clock right/ ],
	[ -20, qr/^warning\|f\|the clock is (?:18|19|20) s ahead of the carrier's, by account odd\|/ ])
{
	my ($port, $carrier) = skewed_carrier($case->[0]);
	sql(qq{SET client_min_messages = error;
		DROP SERVER IF EXISTS odd CASCADE;
		CREATE SERVER odd TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:$port/corp/v1');
		CREATE USER MAPPING FOR PUBLIC SERVER odd OPTIONS (rcs_id 'shop', rcs_secret 'secret')});
	is(sql(q{SELECT ok FROM rcs_account_check('odd')}), 't', "a carrier whose clock is $case->[0] s ahead");
	says('clock', $case->[1], 'is noticed');
	kill 'KILL', $carrier;
	waitpid($carrier, 0);
}
sql('DROP SERVER odd CASCADE');

drained($node, $db, 60, 'all is done');
oracle($node, $db, $sim, drained => 0); # drafts are not

# A standby, and a server without the library

$node->safe_psql('postgres', "ALTER SYSTEM SET max_wal_senders = 4; ALTER SYSTEM SET wal_level = 'replica'");
$node->append_conf('pg_hba.conf', "local replication all trust\nhost replication all 127.0.0.1/32 trust");
$node->restart;
$node->backup('standby');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'standby', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'hot_standby = on');
$standby->start;
says('worker_slots', qr/^ok\|t\|this is a standby/, 'a standby', $standby);
is($standby->safe_psql($db, q{SELECT count(*), count(*) FILTER (WHERE detail LIKE 'could not%') FROM rcs_health()}), '10|0',
	'is checked as any server');
$standby->stop;
$node->stop;
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->start;
says('worker_slots', qr/^critical\|f\|rcs is not in shared_preload_libraries, so nothing is sent\|Add rcs/, 'without preloading');
is(sql(q{SELECT count(*), count(*) FILTER (WHERE detail LIKE 'could not%') FROM rcs_health()}), '10|0', 'the other checks work');
$node->stop;
done_testing();
