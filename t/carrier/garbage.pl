# Answers that make no sense, by the thousand: no crash, no growth, and every message is settled
# under the same id.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $n = $ENV{RCS_LONG} ? 100000 : 3000;
my @kinds = qw(garbage html200 truncate deep_json digits duplicate_keys);
my $node = rcs_node('main', 'rcs.settle' => '200ms', 'rcs.max_in_flight' => 100);
my $sim = start_ktsim(args => [ '--seed', 18 ]);
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

# Each kind alone: it is read as a success, or the outcome is unknown; it is never a refusal

my $phone = 11110000;
for my $kind (@kinds)
{
	$sim->set("${kind}_pct" => 100);
	my $id = sql(sprintf "SELECT rcs_send('010%d', 'hello')", ++$phone);
	poll($node, $db, "SELECT EXISTS (SELECT FROM rcs.result r JOIN rcs.message m
		USING (campaign_no, batch_id, ord) WHERE m.id = '$id')", 't', 30, "$kind: there is an outcome");
	my $outcome = sql("SELECT r.outcome, r.code FROM rcs.result r JOIN rcs.message m
		USING (campaign_no, batch_id, ord) WHERE m.id = '$id' ORDER BY r.attempt LIMIT 1");
	like($outcome, $kind =~ /digits|duplicate/ ? qr/^(a\||t\|http 200)$/ : qr/^t\|http 200$/,
		"$kind: $outcome");
	$sim->set("${kind}_pct" => 0);
	drained($node, $db, 60, "$kind: it is settled", $id);
	is(sql("SELECT status FROM rcs.message_status WHERE id = '$id'"), 'sent', "$kind: and sent");
}

# All of them, first to warm up, then to measure

my (%rss, %palloced, @pids);
my $from = 20000000;
for my $round (1, 2)
{
	$sim->set(map { ("${_}_pct" => 6) } @kinds);
	my $campaign = campaign($node, $db, $n, from => $from);
	sql("SELECT count(rcs_send('010' || i, 'hello')) FROM generate_series($from, $from + 299) i");
	$from += $n;
	drained($node, $db, 60 + $n / 50, "round $round: everything leaves");
	is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), $n,
		"round $round: all are sent");
	next if $round == 2;
	@pids = split /,/, worker_pids($node, $db);
	%rss = map { $_ => rss_kb($_) } @pids;
	%palloced = map { $_ => palloced_kb($_) } @pids;
}
is(worker_pids($node, $db), join(',', @pids), 'the workers are the same');
for my $pid (@pids)
{
	my $grown = palloced_kb($pid) - $palloced{$pid};
	cmp_ok($grown, '<', 256, "worker $pid has $grown kB more of palloc's memory");
	# the C library keeps up to 8 MB that are free (src/base/http_client.c)
	$grown = rss_kb($pid) - $rss{$pid};
	cmp_ok($grown, '<', 10240, "and $grown kB in all");
}
oracle($node, $db, $sim);
cmp_ok(sql("SELECT count(*) FROM rcs.result WHERE outcome = 't' AND code = 'http 200'"), '>', $n / 4,
	'many answers could not be read');
is(sql("SELECT count(*) FROM rcs.result WHERE outcome NOT IN ('a', 't', 'w')"), 0, 'none was a refusal');
is(log_count($node, 'ERROR|FATAL|PANIC|WARNING:  (?!carrier account)'), 0, 'the log has no complaint');
$node->stop;
done_testing();
