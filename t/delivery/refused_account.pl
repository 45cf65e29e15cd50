# Single messages that wait for accounts which are refused rest: nothing is written about them, and the
# messages of an account that works do not wait for them, also under a transaction that stays open.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use List::Util qw(max);
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $long = $ENV{RCS_LONG}; # a hundred thousand, looked at for longer
my $n = $long ? 100_000 : 9_000;
my $watched = $long ? 30 : 8; # seconds
my $per_second = 200;
my @bad = qw(one two three);
my %chatbot = (good => '0212351235', one => '0200000001', two => '0200000002', three => '0200000003');
my $sim = start_ktsim(accounts => [ 'good:secret', map { "$_:secret" } @bad ]);
# what is written is to be ours alone
my $node = rcs_node('main', checkpoint_timeout => '1h', max_wal_size => '10GB');
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim, server => $_, rcs_id => $_, chatbot => $chatbot{$_}, options => $_ eq 'good' ? {} : { rate_per_minute => $per_second * 60 })
  for 'good', @bad;

sub sql { return $node->safe_psql($db, $_[0]); }

# How late messages of the account that works are: median and nine tenths of a hundred, in seconds
sub lateness
{
	my ($phone) = @_;
	my %committed;
	for my $i (1 .. 100)
	{
		my ($id, $at) = split /\n/, sql(sprintf q{SELECT rcs_send('010%04d%04d', 'hello', chatbot => '%s');
			SELECT extract(epoch FROM clock_timestamp())}, $phone, $i, $chatbot{good});
		$committed{$id} = $at;
	}
	poll($node, $db, sprintf(q{SELECT count(*) FROM rcs.message m JOIN rcs.result r USING (campaign_no, batch_id, ord)
		WHERE m.campaign_no = 0 AND m.phone LIKE '010%04d%%' AND r.outcome = 'a'}, $phone), 100, 120, 'messages of the account that works leave');
	my %seen = map { my @f = split /\t/; ($f[3] => $f[1] / 1e6) } grep { !/^#/ } split /\n/, slurp_file($sim->ledger);
	my @late = sort { $a <=> $b } map { $seen{$_} - $committed{$_} } keys %committed;
	return @late[ 49, 89 ];
}

# Changed rows of the queue and bytes of WAL in so many seconds
sub written
{
	my ($seconds) = @_;
	my $counters = q{SELECT n_tup_upd, pg_current_wal_insert_lsn() - '0/0', pg_relation_size(relid) FROM pg_stat_user_tables WHERE relid = 'rcs.batch'::regclass};
	sleep(2); # what is counted is shown late
	my @before = split /\|/, sql($counters);
	sleep($seconds);
	my @after = split /\|/, sql($counters);
	return map { $after[$_] - $before[$_] } 0 .. 2;
}

# ---------- without them ----------

lateness(1000);
my ($median, $most) = lateness(2000);
note sprintf 'alone: %.1f ms, nine tenths within %.1f ms', 1000 * $median, 1000 * $most;

# ---------- three accounts are refused ----------

$sim->set(account_code => { map { $_ => '72105' } @bad });
for my $bad (@bad)
{
	sql("SELECT rcs_send('01030000000', 'hello', chatbot => '$chatbot{$bad}')");
	poll($node, $db, "SELECT state IN ('closed', 'probing') FROM rcs.account_status WHERE server = '$bad'", 't', 20, "$bad is set aside");
}
my $first = 40000000;
for my $bad (@bad)
{
	sql(sprintf q{SELECT count(rcs_send('010' || i, 'hello', chatbot => '%s')) FROM generate_series(%d, %d) i}, $chatbot{$bad}, $first, $first + $n / @bad);
	$first += 10_000_000;
}
sleep($long ? 5 : 3);
sql('VACUUM ANALYZE');
sql('CHECKPOINT');

my ($updates, $wal) = written($watched);
cmp_ok($updates, '<=', 100, "$n wait: $updates updates of the queue in $watched s");
cmp_ok($wal, '<=', 1024 * 1024, sprintf '%d wait: %.1f MB of WAL in %d s', $n, $wal / 1048576, $watched);

my ($median_beside, $most_beside) = lateness(3000);
note sprintf 'beside: %.1f ms, nine tenths within %.1f ms', 1000 * $median_beside, 1000 * $most_beside;
took($median_beside - $median, 0.02, sprintf 'the others are %.1f ms later', 1000 * ($median_beside - $median));
took($most_beside - $most, 0.05, 'nine tenths of them hardly more');

my $waiting = sql("SELECT id FROM rcs.message WHERE chatbot = '$chatbot{two}' ORDER BY batch_id DESC LIMIT 1");
like(sql("SELECT status || ' ' || reason FROM rcs.message_status WHERE id = '$waiting'"), qr/^queued .*two refused: .*72105/, 'it says why it waits');
cmp_ok(sql("SELECT ready FROM rcs.queue_depth WHERE lane = 'single'"), '<=', 3, 'what waits is not ready');
unlike(sql(q{SELECT detail FROM rcs_health() WHERE "check" = 'stalled'}), qr/have been ready|dead rows/, 'nothing is stalled');

# ---------- under a transaction that stays open ----------

my $holder = $node->background_psql($db);
$holder->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
my $growth;
($updates, $wal, $growth) = written($watched / 2);
cmp_ok($updates, '<=', 50, "held: $updates updates");
cmp_ok($growth, '<=', 100_000, "held: the queue grows by $growth bytes");
($median_beside) = lateness(4000);
took($median_beside - $median, 0.02, sprintf 'held: the others are %.1f ms later', 1000 * ($median_beside - $median));
$holder->quit;

# ---------- one of them opens ----------

my $start = time();
$sim->set(account_code => { map { $_ => '72105' } @bad[ 1, 2 ] });
is(sql("SELECT ok FROM rcs_account_check('one')"), 't', 'one is brought back');
sleep(max(0, $start + 10 - time()));
my @order = map { (split /\t/)[4] } grep { my @f = split /\t/; !/^#/ && $f[2] eq 'one' && $f[6] eq 'accepted' } split /\n/, slurp_file($sim->ledger);
cmp_ok(scalar @order, '>=', 0.9 * 9 * $per_second, 'its messages leave at its rate: ' . @order . ' in 10 s');
my $displaced = 0;
for my $i (0 .. $#order)
{
	my $place = $order[$i] - 1040000000;
	$displaced = max($displaced, abs($place - $i)) if $place >= 0;
}
cmp_ok($displaced, '<=', 250, "the oldest first: none is further than $displaced places from its own");

# what is looked at must not move meanwhile
sql("SELECT rcs_hold('the end')");
oracle($node, $db, $sim, drained => 0);
is(complaints($node), 0, 'the log has no complaint');
$node->stop;
done_testing();
