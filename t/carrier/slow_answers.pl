# One answer in a hundred takes seconds: the other messages do not wait for it, no snapshot is held
# meanwhile, and the workers do not grow.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $slow_ms = $ENV{RCS_LONG} ? 20000 : 5000;
my $n = 5000;
my $node = rcs_node('main', 'rcs.request_timeout' => '60s', 'rcs.max_in_flight' => 200);
my $sim = start_ktsim(args => [ '--seed', 16 ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

sub rss_kb
{
	my ($pid) = @_;
	return (slurp_file("/proc/$pid/status") =~ /^RssAnon:\s+(\d+) kB/m)[0];
}

# What a worker has of palloc's memory, which does not waver as that of the process does
sub palloced_kb
{
	my ($pid) = @_;
	my $offset = -s $node->logfile;
	sql("SELECT pg_log_backend_memory_contexts($pid)");
	my $end = time() + 20;
	while (time() < $end)
	{
		return int($1 / 1024)
		  if slurp_file($node->logfile, $offset) =~ /Grand total: .*; (\d+) used/;
		sleep(0.05);
	}
	die 'the worker did not tell its memory';
}

# Once before, so that what is measured is growth
$sim->set(slow_pct => 1, slow_ms => $slow_ms);
campaign($node, $db, $n);
sql("SELECT count(rcs_send('010' || i, 'hello')) FROM generate_series(30000001, 30000500) i");
drained($node, $db, 180, 'the first time: everything leaves');
my @pids = split /,/, worker_pids($node, $db);
my %rss = map { $_ => rss_kb($_) } @pids;
my %palloced = map { $_ => palloced_kb($_) } @pids;

my $start = time();
my $campaign = campaign($node, $db, $n, from => 40000000);
my ($oldest, $samples, $single) = (0, 0, 50000000);
while (time() < $start + $slow_ms / 1000)
{
	sql(sprintf "SELECT rcs_send('010%d', 'hello')", ++$single);
	my $age = sql(q{
		SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)
		FROM pg_stat_activity WHERE backend_type LIKE 'rcs%worker'
		AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL OR state <> 'idle')});
	$oldest = $age if $age > $oldest;
	$samples++;
	sleep(0.1);
}
drained($node, $db, 180, 'the second time: everything leaves');
took($oldest, 2, "the oldest transaction of a worker, in $samples samples, was $oldest s old");

oracle($node, $db, $sim);
my ($slow, $quick) = split /\|/, sql(q{
	SELECT count(*) FILTER (WHERE l.answered = 'late'), count(*) FILTER (WHERE l.answered = 'yes')
	FROM oracle.ledger l JOIN oracle.message m ON m.id::text = l.msgid
	WHERE m.phone >= '01040000000'});
cmp_ok($slow, '>', 10, "$slow answers were slow, $quick were not");
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), $n, 'all are sent');
is(sql("SELECT count(*) FROM rcs.result WHERE outcome <> 'a'"), 0, 'each at its first offer');

# From the commit of the intent to the answer, for those with a quick answer
my $p99 = sql(q{
	SELECT round(percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM r.at - i.at))::numeric, 3)
	FROM oracle.ledger l
	JOIN oracle.message m ON m.id::text = l.msgid
	JOIN rcs.result r USING (campaign_no, batch_id, ord)
	JOIN rcs.intent i ON i.campaign_no = m.campaign_no AND i.batch_id = m.batch_id AND m.ord = ANY (i.ords)
	WHERE m.phone >= '01040000000' AND l.answered = 'yes'});
took($p99, 2, "of the others 99 % had their answer $p99 s after they were taken up");
my $waited = sql(q{
	SELECT round(percentile_cont(0.99) WITHIN GROUP (
		ORDER BY l.time_us / 1e6 - extract(epoch FROM s.created_at))::numeric, 3)
	FROM oracle.ledger l JOIN rcs.message_status s ON s.id::text = l.msgid
	WHERE s.phone > '01050000000'});
took($waited, 2, "single messages were offered $waited s after they were made (99 %)");

is(worker_pids($node, $db), join(',', @pids), 'the workers are the same');
for my $pid (@pids)
{
	my $grown = palloced_kb($pid) - $palloced{$pid};
	cmp_ok($grown, '<', 256, "worker $pid has $grown kB more of palloc's memory");
	# the C library keeps up to 8 MB that are free (src/base/http_client.c)
	$grown = rss_kb($pid) - $rss{$pid};
	cmp_ok($grown, '<', 10240, "and $grown kB in all");
}
is(log_count($node, 'ERROR|FATAL|PANIC|WARNING:  (?!carrier account)'), 0, 'the log has no complaint');
$node->stop;
done_testing();
