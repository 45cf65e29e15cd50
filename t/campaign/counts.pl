# The test reads the ten counts of rcs.campaign_progress again and again, each time in a new snapshot,
# while campaigns are sent, reported, paused, canceled and sent again, and while workers die.  The counts always
# add up to the total, no count is ever negative, and the accepted ones never become fewer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use POSIX ();
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my @ten = qw(queued sending sent delivered fell_back failed uncertain canceled expired suppressed);
my $node = rcs_node('main',
	'rcs.campaign_workers' => 2,
	'rcs.max_in_flight' => 40,
	'rcs.request_timeout' => '400ms',
	'rcs.settle' => '200ms',
	'rcs.settle_dead' => '300ms',
	'rcs.batch_size' => 200,
	'rcs.duplicate_window' => '2s',
	'rcs.pause_failed_percent' => 0);
my $sim = start_ktsim(args => [ '--latency-ms', 10 ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);
my $crashes = 0;

sub sql { return $node->safe_psql($db, $_[0]); }

# One look is one transaction: the loop commits after each.
my $sum = join ' + ', @ten;
my $least = join ', ', @ten, qw(total accepted duplicates rejected);
my $seen = join ', ', map { "count(*) FILTER (WHERE $_ > 0) AS $_" } @ten;
sql(qq{
	CREATE TABLE looked (campaign uuid, n bigint);
	CREATE TABLE bad (at timestamptz DEFAULT clock_timestamp(), what text, progress text);
	CREATE TABLE highest (campaign uuid PRIMARY KEY, accepted bigint);
	CREATE TABLE met AS SELECT $seen FROM rcs.campaign_progress WHERE false;
	CREATE TABLE stop (now bool);
	CREATE PROCEDURE look() LANGUAGE plpgsql AS \$p\$
	DECLARE
		p rcs.campaign_progress;
	BEGIN
		LOOP
			FOR p IN SELECT * FROM rcs.campaign_progress LOOP
				INSERT INTO bad (what, progress)
				SELECT w.what, p::text FROM (VALUES
					('sum', p.@{[ join ' + p.', @ten ]} <> p.total),
					('negative', least(p.@{[ join ', p.', split /, /, $least ]}) < 0),
					('accepted', p.accepted < (SELECT h.accepted FROM highest h WHERE h.campaign = p.campaign)),
					('percent', p.percent NOT BETWEEN 0 AND 100 OR p.reported_percent NOT BETWEEN 0 AND 100)) w(what, wrong)
				WHERE w.wrong;
				INSERT INTO highest VALUES (p.campaign, p.accepted)
				ON CONFLICT (campaign) DO UPDATE SET accepted = greatest(highest.accepted, excluded.accepted)
				WHERE highest.accepted < excluded.accepted;
				INSERT INTO looked SELECT p.campaign, 1;
				INSERT INTO met SELECT @{[ join ', ', map { "(p.$_ > 0)::int" } @ten ]};
			END LOOP;
			COMMIT;
			EXIT WHEN EXISTS (SELECT FROM stop);
		END LOOP;
	END \$p\$});

# A process that looks until it is told to stop, also after a crash of the server.
my $parent = $$;
my $looker = fork() // die "fork: $!";
if ($looker == 0)
{
	my $rc = 1;
	while ($rc != 0 && getppid() == $parent)
	{
		($rc) = $node->psql($db, 'CALL look()');
		sleep(0.1);
	}
	POSIX::_exit($rc != 0);
}

sub poll_accepted
{
	my ($campaign, $n) = @_;
	return poll($node, $db, "SELECT accepted > $n FROM rcs.campaign_progress WHERE campaign = '$campaign'", 't', 60, "more than $n are accepted");
}

# The carrier reports about some of what it may have accepted, also about what is in doubt or was reported before.
sub report
{
	my ($n) = @_;
	return sql(qq{
		SELECT rcs_receive(jsonb_agg(jsonb_build_object('msgId', x.id, 'mnoInfo', 'KT') || CASE x.i % 5
			WHEN 0 THEN '{"status": "fail", "error": {"code": "54002", "message": "no"}, "serviceType": "RCSSMS", "bill": 1}'::jsonb
			WHEN 1 THEN '{"status": "success", "serviceType": "SMS"}' WHEN 2 THEN '{"status": "success", "serviceType": "RCSSMS", "bill": 1}' ELSE '{"status": "success", "serviceType": "RCSSMS"}' END))
		FROM (SELECT m.id, row_number() OVER () AS i FROM rcs.message m JOIN rcs.result r USING (campaign_no, batch_id, ord)
			WHERE m.campaign_no > 0 AND r.outcome IN ('a', 't', 'u') ORDER BY random() LIMIT $n) x});
}

# rcs.campaign_result reads less than rcs.message_status, and says the same.
my $columns = 'campaign, chatbot, status, code, carrier, service_type';

sub results_agree
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is(sql(qq{
		WITH a AS (SELECT $columns, n, billed FROM rcs.campaign_result),
			b AS (SELECT $columns, count(*) AS n, count(*) FILTER (WHERE billed) AS billed FROM rcs.message_status GROUP BY $columns)
		(TABLE a EXCEPT ALL TABLE b) UNION ALL (TABLE b EXCEPT ALL TABLE a)}), '', $_[0]);
}

# One step of a campaign, taken while a message is certainly unsent.  Some of the added recipients are there already.
my $next = 50000000;

sub step
{
	my ($campaign, $step) = @_;
	my ($from, $to) = ($next - 100, $next + 899);
	$next += 900;
	return sql("BEGIN;
		SELECT rcs_campaign_add('$campaign', 'SELECT ''010'' || i AS phone, ''N'' AS name FROM generate_series($from, $to) i');
		$step; COMMIT");
}

sub crash
{
	$crashes++;
	kill 'KILL', (split /,/, worker_pids($node, $db))[0];
	sleep(0.05) until log_count($node, 'all server processes terminated; reinitializing') >= $crashes;
	server_answers($node, $db);
	return;
}

my $total = 6000;
$sim->set(accept_then_hang_pct => 2, error_pct => 4, error_code => '54002', status_pct => 2, status_code => 503);
my $first = campaign($node, $db, $total);
poll_accepted($first, 300);
report(200);
sql(q{SELECT rcs_send('0101111000' || i, 'hello') FROM generate_series(1, 5) i});
results_agree('rcs.campaign_result and rcs.message_status agree while a campaign is sent');
step($first, "SELECT rcs_campaign_pause('$first')");
report(200);
results_agree('they agree while it is paused');
sleep(0.5);
sql("SELECT rcs_campaign_resume('$first')");
my $second = campaign($node, $db, $total, from => 30000000);
poll_accepted($second, 300);
report(300);
step($second, 'SELECT');
crash();
report(300);
poll_accepted($second, 1500);
kill 'TERM', split /,/, worker_pids($node, $db);
report(300);
step($second, "SELECT rcs_campaign_cancel('$second')");
report(300);
results_agree('they agree after it was canceled, with much in doubt');
my $third = campaign($node, $db, 2000, from => 40000000);
poll_accepted($third, 200);
crash();
step($third, "UPDATE rcs.campaign SET expires_at = now() WHERE id = '$third'");
report(300);
sleep(1);
$sim->set(accept_then_hang_pct => 0, error_pct => 0, status_pct => 0);
drained($node, $db, 120, 'everything ends');
cmp_ok(sql("SELECT rcs_campaign_resend_failed('$first', '{54002}')"), '>', 0, 'failures go again');
report(500);
results_agree('they agree when failures go again');
drained($node, $db, 60, 'they end');
results_agree('they agree at the end');
poll($node, $db, 'SELECT count(*) FROM rcs.event e WHERE NOT e.counted', 0, 30, 'reports are counted');

# Once they are silent, a worker folds their tallies, however few, and the counts stay what they were.
my $most = 'SELECT max(n) FROM (SELECT count(*) AS n FROM rcs.tally GROUP BY campaign_no) x';
my $counts = 'SELECT * FROM rcs._campaign_counts ORDER BY campaign_no';
sql("UPDATE rcs.tally SET at = at - interval '2 minutes'");
my $before = sql($counts);
my $rows = sql($most);
ok($rows > 24 && $rows < 500, "$rows tallies of a campaign");
kill 'TERM', split /,/, worker_pids($node, $db);
poll($node, $db, "SELECT ($most) <= 24", 't', 30, 'folded');
is(sql($counts), $before, 'the counts are the same');
is(sql(qq{SELECT array_agg(DISTINCT status ORDER BY status), count(DISTINCT code) > 2, sum(billed) > 0, bool_or(campaign IS NULL) FROM rcs.campaign_result}),
	'{canceled,delivered,expired,failed,fell_back,sent,uncertain}|t|t|t', 'all that can be at the end was there');
sql("SELECT rcs_purge('0')");

sql('INSERT INTO stop VALUES (true)');
waitpid($looker, 0);
is($?, 0, 'it was looked at to the end');
is(sql('SELECT at, what, progress FROM bad ORDER BY at LIMIT 5'), '', 'nothing was ever wrong');
note sql("SELECT sum(n) || ' looks at ' || count(DISTINCT campaign) || ' campaigns' FROM looked");
cmp_ok(sql('SELECT sum(n) FROM looked'), '>', 200, 'it was looked at often');
is(sql("SELECT concat_ws(' ', " . join(', ', map { "CASE WHEN sum($_) > 0 THEN '$_' END" } grep { $_ ne 'suppressed' } @ten) . ') FROM met'),
	join(' ', grep { $_ ne 'suppressed' } @ten), 'all of them were met');
$node->stop;
done_testing();
