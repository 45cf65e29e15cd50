# Delivery without any trouble: a committed message reaches the carrier once, a rolled back one never does.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;

my $node = rcs_node('main', 'rcs.request_timeout' => '2s', 'rcs.settle' => '300ms');
my $sim = start_ktsim();
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

sub status_of
{
	my ($id) = @_;
	return sql("SELECT status FROM rcs.message_status WHERE id = '$id'");
}

# Single, campaign, rollback

my $id = sql("SELECT rcs_send('010-1111-0001', 'hello')");
drained($node, $db, 30, 'a single message leaves', $id);
is(status_of($id), 'sent', 'it is sent');

my $campaign = campaign($node, $db, 100);
drained($node, $db, 30, 'a campaign leaves', $campaign);
is(sql("SELECT state, total, sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"),
	'finished|100|100', 'all of it');

sql("BEGIN; SELECT rcs_send('01011110002', 'never'); ROLLBACK");
sql(q{
	BEGIN;
	SELECT rcs_send('01011110003', 'before');
	SAVEPOINT a;
	SELECT rcs_send('01011110004', 'never');
	ROLLBACK TO a;
	SELECT rcs_send('01011110005', 'after');
	COMMIT});
drained($node, $db, 30);
is($sim->stats->{offers}, 103, 'rollbacks send nothing');

# Time

my $send_at = sql('SELECT clock_timestamp() + interval $$2 s$$');
$id = sql("SELECT rcs_send('01011110006', 'later', send_at => '$send_at')");
is(status_of($id), 'queued', 'a message for later waits');
like(sql("SELECT reason FROM rcs.message_status WHERE id = '$id'"), qr/^scheduled for /, 'and says so');
drained($node, $db, 30, 'it leaves', $id);
my ($line) = grep { /\t$id\t/ } split /\n/, PostgreSQL::Test::Utils::slurp_file($sim->ledger);
my $late = sql(sprintf "SELECT %.6f - extract(epoch FROM timestamptz '$send_at')",
	(split /\t/, $line)[1] / 1e6);
cmp_ok($late, '>=', 0, 'not before its time');
took($late, 1.5, 'and not long after');

$id = sql(q{
	BEGIN;
	SELECT rcs_send('01011110007', 'too late', expires_at => clock_timestamp() + interval '0.3 s');
	SELECT pg_sleep(0.6);
	COMMIT});
chomp $id;
drained($node, $db, 30, 'an expired message is done', $id);
is(status_of($id), 'expired', 'and is shown so');

# Keys

my $send = "SELECT rcs_send('01011110008', 'keyed', key => 'order 1')";
$id = sql($send);
drained($node, $db, 30, 'a keyed message leaves', $id);
is(sql($send), $id, 'the same key gives the same id');
drained($node, $db, 30);
is(sql("SELECT attempts FROM rcs.message_status WHERE id = '$id'"), 1, 'and sends nothing again');

# Two-phase commit

$id = sql("BEGIN; SELECT rcs_send('01011110009', 'prepared'); PREPARE TRANSACTION 'p'");
sleep(2);
is($sim->stats->{offers}, 105, 'PREPARE TRANSACTION sends nothing');
sql("COMMIT PREPARED 'p'");
drained($node, $db, 30, 'COMMIT PREPARED does', $id);

# More than the hand-over of a commit holds

sql("SELECT count(rcs_send('010' || i, 'many')) FROM generate_series(30000001, 30005000) i");
drained($node, $db, 120, '5,000 messages of one transaction');
sql("SELECT count(rcs_send('010' || i, 'more')) FROM generate_series(31000001, 31012000) i");
drained($node, $db, 120, '12,000 of the next');

# A request that hangs holds nothing

$sim->set(hang_pct => 100);
sql("SELECT rcs_send('01011110010', 'hangs')");
campaign($node, $db, 10, from => 40000000);
poll($node, $db, q{SELECT count(*) FROM rcs.worker_status WHERE kind <> 'launcher' AND in_flight > 0},
	2, 30, 'requests of both lanes hang');
is(sql(q{
		SELECT count(backend_xid), count(backend_xmin), (SELECT count(*) FROM pg_locks l
			WHERE l.pid IN (SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'rcs%worker')
			AND l.locktype = 'relation')
		FROM pg_stat_activity WHERE backend_type LIKE 'rcs%'}),
	'0|0|0', 'meanwhile no transaction, snapshot or lock is held');
$sim->set(hang_pct => 0);
drained($node, $db, 60, 'they leave at the second offer');

# What is put back because the account is full is unsent all the same

set_conf($node, 'rcs.max_in_flight' => 20);
$sim->set(latency_ms => 5);
for my $round (1 .. 5)
{
	is( sql(qq{
			SELECT count(rcs_send('010' || 70000000 + 1000 * $round + i, 'full')) FROM generate_series(1, 200) i;
			SELECT rcs_wait('30 s');
			SELECT count(*) FROM rcs.message_status WHERE phone LIKE '0107000%' AND status <> 'sent'}),
		"200\nt\n0", 'rcs_wait waits for what the account had no room for');
}

# Several workers in a lane

set_conf($node, 'rcs.campaign_workers' => 3, 'rcs.single_workers' => 2, 'rcs.batch_size' => 100);
poll($node, 'postgres', worker_count($db), 5, 10, 'three and two workers');
$sim->set(latency_ms => 20, latency_jitter_ms => 20);
set_conf($node, 'rcs.max_in_flight' => 30);
$campaign = campaign($node, $db, 10000, from => 50000000);
sql("SELECT count(rcs_send('010' || i, 'many')) FROM generate_series(60000001, 60002000) i");
drained($node, $db, 120, 'they send a campaign of 10,000 and 2,000 single messages');
is(sql(qq{
		SELECT count(DISTINCT i.generation) FROM rcs.intent i JOIN rcs.campaign USING (campaign_no)
		WHERE id = '$campaign'}),
	3, 'all workers of the campaign lane took part');
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 10000, 'all of it');

oracle($node, $db, $sim);
is(complaints($node), 0, 'the log has no complaint');
$node->stop;
done_testing();
