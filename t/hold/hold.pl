# rcs_hold() and rcs_resume() under load: at once, across restarts, with drain; holds of one account.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main', 'rcs.request_timeout' => '5s', 'rcs.settle' => '300ms');
my $sim = start_ktsim(accounts => ['shop:secret', 'other:secret']);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim, options => { rate_per_minute => 30000 });
$sim->set(latency_ms => 100);

sub sql { return $node->safe_psql($db, $_[0]); }
sub offers { return $sim->stats->{offers}; }

sub silent
{
	my ($name, $seconds) = @_;
	my $before = offers();
	sleep($seconds // 1.5);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is(offers(), $before, $name);
}

sub under_way
{
	my ($at_least) = @_;
	my $before = offers();
	my $end = time() + 30;
	sleep(0.02) while offers() < $before + $at_least && time() < $end;
	return;
}

# At once, while a campaign and single messages leave

my $campaign = campaign($node, $db, 6000);
sql("SELECT count(rcs_send('010' || i, 'many')) FROM generate_series(30000001, 30000500) i");
under_way(300);
sql("SELECT rcs_hold('the texts are wrong')");
sleep(0.3);
silent('nothing leaves after rcs_hold()');
poll($node, $db, q{SELECT string_agg(state, ',') FROM rcs.worker_status WHERE kind <> 'launcher'},
	'on hold,on hold', 5, 'the workers show it');
poll($node, $db, q{SELECT count(*) FROM rcs.batch WHERE state = 'l'}, 0, 5, 'no lease is kept');
is(sql("SELECT count(*) FROM rcs.intent i WHERE at > (SELECT at + interval '0.5 s' FROM rcs.hold)"),
	0, 'no intent is written');
is( sql(q{SELECT string_agg(DISTINCT reason, ',') FROM rcs.message_status WHERE status = 'queued'}),
	'on hold: the texts are wrong', 'what is queued says why');
is(sql("SELECT sum(ready) FROM rcs.queue_depth"), 0, 'nothing is ready');
is(sql("SELECT state || ', ' || state_reason FROM rcs.campaign_progress"),
	'running, on hold: the texts are wrong', 'the campaign says why');
is( sql(qq{
		SELECT total = queued + sending + sent, total > sent
		FROM rcs.campaign_progress WHERE campaign = '$campaign'}),
	't|t', 'progress adds up');
sql("SELECT rcs_send('01011110001', 'later')");
silent('what is sent meanwhile waits', 1);

# A restart, and a crash

$node->restart;
poll($node, 'postgres', worker_count($db), 2, 10);
silent('a hold survives a restart');
$node->stop('immediate');
$node->start;
poll($node, 'postgres', worker_count($db), 2, 10);
silent('and a crash');

sql("SELECT rcs_resume('corrected')");
drained($node, $db, 60, 'rcs_resume() lets it go on');
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 6000, 'all is sent');
is(sql("SELECT note FROM rcs.hold"), 'corrected', 'and it is on record');

# Drain: in an open transaction, which other sessions cannot see

$sim->set(latency_ms => 1000);
campaign($node, $db, 3000, from => 40000000);
under_way(100);
my $psql = $node->background_psql($db);
$psql->query_safe("BEGIN; SELECT rcs_hold('drained', '20 s')");
is(sql("SELECT sum(in_flight) FROM rcs.worker_status"), 0, 'drain: nothing is in flight');
is(sql("SELECT count(*) FROM rcs.message_status WHERE status = 'sending'"), 0, 'nor in doubt');
is(sql("SELECT count(*) FROM rcs.hold WHERE released_at IS NULL"), 0, 'though no hold is committed');
silent('and nothing leaves');
$psql->query_safe('ROLLBACK');
under_way(50);
pass('a rollback lets it go on');
$psql->query_safe("BEGIN; SELECT rcs_hold('drained', '20 s'); COMMIT");
silent('COMMIT does not');
is($node->psql($db, "SELECT rcs_resume()"), 0);
under_way(50);

# A session that ends without a word

$psql->query_safe("BEGIN; SELECT rcs_hold('drained', '20 s')");
silent('drained again', 1);
my $pid = $psql->query_safe('SELECT pg_backend_pid()');
sql("SELECT pg_terminate_backend($pid)");
under_way(50);
pass('a terminated session holds nothing');

# Not all of it comes in time

$sim->set(latency_ms => 3000);
under_way(100);
my ($rc, $out, $err) = $node->psql($db, "SELECT rcs_hold('soon', '0.2 s')");
like($err, qr/WARNING:  messages are still in flight/, 'a drain that was too short says so');
sql('SELECT rcs_resume()');
$sim->set(latency_ms => 0);

# PREPARE TRANSACTION

sql("BEGIN; SELECT rcs_hold('prepared', '0 s'); PREPARE TRANSACTION 'h'");
under_way(50);
pass('a prepared hold is none yet');
sql("COMMIT PREPARED 'h'");
sleep(4);
silent('COMMIT PREPARED makes it one', 1);
sql('SELECT rcs_resume()');
drained($node, $db, 60);

# One account

setup_account($node, $db, $sim, server => 'kt2', rcs_id => 'other', options => { rate_per_minute => 30000 });
sql("INSERT INTO rcs.hold (who, reason, server) VALUES ('rcs', 'odd answers', 'kt')");
sleep(1.5);
campaign($node, $db, 300, from => 50000000);
sql("SELECT count(rcs_send('010' || i, 'many')) FROM generate_series(60000001, 60000100) i");
drained($node, $db, 60, 'with one account on hold the other one sends');
is(sql("SELECT string_agg(DISTINCT server, ',') FROM rcs.message_status WHERE phone >= '01050000000'"),
	'kt2', 'all of it');
sql("INSERT INTO rcs.hold (who, reason, server) VALUES ('rcs', 'odd answers', 'kt2')");
sleep(1.5);
campaign($node, $db, 300, from => 70000000);
sql("SELECT rcs_send('01080000001', 'single')");
silent('with both nothing leaves');
like(sql("SELECT reason FROM rcs.message_status WHERE phone = '01080000001'"),
	qr/^on hold: odd answers/, 'and a message says so');
is(sql("SELECT string_agg(DISTINCT state || ', ' || last_error, ';') FROM rcs.account_status"),
	'closed, on hold: odd answers', 'so do the accounts');
sql('SELECT rcs_resume()');
drained($node, $db, 60, 'both go on');

oracle($node, $db, $sim);
$node->stop;
done_testing();
