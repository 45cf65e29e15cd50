# A session holds a transaction open for long, as a report or a forgotten client does.  No dead row can be
# removed meanwhile, and sending does not become slower with the number of messages sent.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $long = $ENV{RCS_LONG};
my $singles = 3_000;
my $recipients = $long ? 1_000_000 : 20_000;
my $hold_open = $long ? 1800 : 0;
my $batch_size = 500;

my $node = rcs_node('main',
	shared_buffers => '128MB',
	autovacuum_naptime => '1s',
	'rcs.max_in_flight' => 64,
	'rcs.batch_size' => $batch_size);
my $sim = start_ktsim(args => [ '--latency-ms', 10 ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

# Offers per second in a tenth of a stream: 0 is the first.
sub rate
{
	my ($is_single, $tenth) = @_;
	return sql(qq{
		WITH t AS (
			SELECT l.time_us, ntile(10) OVER (ORDER BY l.n) AS part FROM oracle.ledger l
			JOIN oracle.message m ON m.id::text = l.msgid WHERE (m.campaign_no = 0) = $is_single)
		SELECT round(count(*) * 1e6 / nullif(max(time_us) - min(time_us), 0)) FROM t WHERE part = $tenth + 1});
}

# The rate must not fall with what was sent.  The machine may have had something else to do, so a
# slow end is measured again: with still more dead rows, against the same beginning.
sub keeps_its_rate
{
	my ($name, $is_single, $send) = @_;
	my ($first, $last);

	for my $try (1 .. 3)
	{
		$send->($try);
		drained($node, $db, $long ? 3600 : 180, "$name: everything leaves") or last;
		RcsTest::load_ledgers($node, $db, $sim);
		$first //= rate($is_single, 0);
		$last = rate($is_single, 9);
		note "$name: $first/s in the first tenth, $last/s in the last";
		last if $last >= 0.5 * $first;
	}
	return cmp_ok($last, '>=', 0.5 * $first, "$name: the last tenth is not slower than half the first");
}

# What a claim reads, in buffers, while $n messages wait.
sub claim_buffers
{
	my $plan = sql(q{
		SET enable_seqscan = off;
		EXPLAIN (ANALYZE, BUFFERS, COSTS off, TIMING off, SUMMARY off)
		SELECT q.batch_id FROM rcs.batch q
		WHERE q.campaign_no = (SELECT max(campaign_no) FROM rcs.campaign)
			AND q.state = 'q' AND q.due_at <= now()
		ORDER BY q.due_at, q.batch_id LIMIT 1});
	my ($hit) = $plan =~ /Buffers: shared hit=(\d+)/;
	my ($read) = $plan =~ /Buffers: shared.* read=(\d+)/;
	return ($hit // 0) + ($read // 0);
}

sub dead_rows
{
	sleep(1.5);
	return sql(q{SELECT sum(n_dead_tup) FROM pg_stat_all_tables WHERE schemaname = 'rcs'});
}

my $holder = $node->background_psql($db);
$holder->set_query_timer_restart; # else its time is over when it is asked again
$holder->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM rcs.batch');
my $start = time();

my $phone = 30_000_000;
keeps_its_rate('singles', 'true', sub {
	my $to = $phone + $singles - 1;
	sql("SELECT count(rcs_send('010' || i, 'hello')) FROM generate_series($phone, $to) i");
	$phone += $singles;
});
my $sent = $phone - 30_000_000;
my $dead = dead_rows();
cmp_ok($dead, '<=', 5 * $sent, "at most five dead rows for a single ($dead for $sent)");

my $from = 50_000_000;
my ($before, $after);
keeps_its_rate('a campaign', 'false', sub {
	my $campaign = campaign($node, $db, $recipients, from => $from);
	$from += $recipients;
	$before //= claim_buffers();
	poll($node, $db, qq{SELECT sent > 0.85 * total FROM rcs.campaign_progress WHERE campaign = '$campaign'},
		't', $long ? 3600 : 180, 'most of it has left');
	$after = claim_buffers();
});
$sent = $from - 50_000_000;
note "a claim reads $before buffers at first, $after late";
cmp_ok($after, '<', $before + $recipients / $batch_size * 2,
	'a claim reads at most two buffers more for each batch that has ended');
my $more = dead_rows() - $dead;
cmp_ok($more, '<=', 1000 + $sent / 20, "dead rows of campaigns are few ($more for $sent messages)");

sleep(1) while time() - $start < $hold_open;
is($holder->query_safe('SELECT count(*) FROM rcs.batch'), 0, 'the old snapshot is still that of the beginning');
$holder->query_safe('COMMIT');
$holder->quit;
is( sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'rcs %' AND backend_xmin IS NOT NULL
		AND xact_start < now() - interval '2 s'}), 0, 'no worker holds a snapshot');
oracle($node, $db, $sim);
$node->stop;
done_testing();
