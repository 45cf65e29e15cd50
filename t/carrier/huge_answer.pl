# Answers without end, answers that unpack to very much, and a megabyte of headers: the worker gives each up
# at a limit, does not grow, and sends the other messages meanwhile.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $n = 2000;
my @kinds = qw(endless gzip_bomb big_header);
my $node = rcs_node('main', 'rcs.settle' => '200ms', 'rcs.request_timeout' => '5s', 'rcs.max_in_flight' => 100);
my $sim = start_ktsim(args => [ '--seed', 19 ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

# The most it ever had, from the time the peak was last set back
sub peak_kb
{
	my ($pid) = @_;
	return (slurp_file("/proc/$pid/status") =~ /^VmHWM:\s+(\d+) kB/m)[0];
}

sub forget_peak
{
	my ($pid) = @_;
	open my $file, '>', "/proc/$pid/clear_refs" or die "clear_refs: $!";
	print $file "5\n";
	close $file;
	return;
}

campaign($node, $db, $n);
drained($node, $db, 60, 'before: a campaign leaves');

my $phone = 11110000;
my %reason = (endless => 'too long', gzip_bomb => 'could not be read', big_header => 'too long|too large');
for my $kind (@kinds)
{
	$sim->set("${kind}_pct" => 100);
	my $id = sql(sprintf "SELECT rcs_send('010%d', 'hello')", ++$phone);
	my $first = "FROM rcs.result r JOIN rcs.message m USING (campaign_no, batch_id, ord)
		WHERE m.id = '$id' AND r.attempt = 1";
	poll($node, $db, "SELECT count(*) $first", 1, 30, "$kind: there is an outcome");
	my ($outcome, $reason) = split /\|/, sql("SELECT r.outcome, r.reason $first");
	is($outcome, 't', "$kind: unknown");
	like($reason, qr/$reason{$kind}/i, "$kind: and why");
	$sim->set("${kind}_pct" => 0);
	drained($node, $db, 60, "$kind: it is settled", $id);
	is(sql("SELECT status FROM rcs.message_status WHERE id = '$id'"), 'sent', "$kind: and sent");
}

my @pids = split /,/, worker_pids($node, $db);
forget_peak($_) for @pids;
my %before = map { $_ => peak_kb($_) } @pids;
$sim->set(map { ("${_}_pct" => 3) } @kinds);
my $campaign = campaign($node, $db, $n, from => 30000000);
sql("SELECT count(rcs_send('010' || i, 'hello')) FROM generate_series(40000000, 40000299) i");
drained($node, $db, 120, 'among others: everything leaves');
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), $n, 'all are sent');
is(worker_pids($node, $db), join(',', @pids), 'the workers are the same');
for my $pid (@pids)
{
	# 100 requests may each have an answer of 256 kB at the same time, and 8 MB are kept when free
	my $grown = peak_kb($pid) - $before{$pid};
	cmp_ok($grown, '<', 16384, "worker $pid had at most $grown kB more");
}

oracle($node, $db, $sim);
my $p99 = sql(q{
	SELECT round(percentile_cont(0.99) WITHIN GROUP (
		ORDER BY extract(epoch FROM r.at) - l.time_us / 1e6)::numeric, 3)
	FROM oracle.ledger l JOIN oracle.message m ON m.id::text = l.msgid
	JOIN rcs.result r USING (campaign_no, batch_id, ord)
	WHERE l.decision = 'accepted' AND r.outcome = 'a' AND m.phone >= '01030000000'});
took($p99, 2, "the others had their answer within $p99 s (99 %)");
is(log_count($node, 'ERROR|FATAL|PANIC|WARNING:  (?!carrier account)'), 0, 'the log has no complaint');
$node->stop;
done_testing();
