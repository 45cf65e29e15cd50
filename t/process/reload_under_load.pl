# The settings change ten times a second while messages are sent: the same workers go on, nothing is
# lost or sent twice, and they keep neither memory nor file descriptors.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'needs /proc' unless -d "/proc/$$/fd";

my $seconds = $ENV{RCS_LONG} ? 600 : 20;
my $node = rcs_node('main', 'rcs.settle' => '500ms');
my $sim = start_ktsim(args => [ '--latency-ms', 10, '--set', 'close_pct=1' ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

sub files { my @f = glob "/proc/$_[0]/fd/*"; return scalar @f; }

# Memory of its own, in pages: what is shared with others depends on what was looked at.
sub memory
{
	open my $f, '<', "/proc/$_[0]/statm" or return 0;
	my @n = split ' ', <$f>;
	return $n[1] - $n[2];
}

my @settings = (
	[ 'rcs.max_in_flight' => [ 5, 50, 20, 100 ] ],
	[ 'rcs.batch_size' => [ 50, 500, 100 ] ],
	[ 'rcs.request_timeout' => [ '5s', '20s' ] ],
	[ 'rcs.settle' => [ '300ms', '1s' ] ],
	[ 'rcs.max_attempts' => [ 50, 100 ] ],
	[ 'rcs.duplicate_window' => [ '30min', '1h' ] ],
	[ 'log_min_messages' => [ 'warning', 'error' ] ]);
my @rates = (60000, 240000, 120000);

my $from = 20_000_000;

# Both lanes have something to send all the time.
sub feed
{
	return if sql('SELECT count(*) FROM rcs.batch') > 500;
	campaign($node, $db, 3000, from => $from);
	sql("SELECT count(rcs_send('010' || i, 'hello')) FROM generate_series($from, $from + 199) i");
	$from += 3000;
	return;
}

feed();
poll($node, 'postgres', worker_count($db), 2, 30, 'the workers run');
my $pids = worker_pids($node, $db);
my $end = time() + $seconds;
my (%files, %memory);
my $reloads = 0;

while (time() < $end)
{
	my ($name, $values) = @{ $settings[ $reloads % @settings ] };
	my $value = $values->[ int($reloads / @settings) % @$values ];

	$node->append_conf('postgresql.conf', "$name = '$value'");
	kill 'HUP', $node->{_pid};
	$reloads++;
	if ($reloads % 10 == 0)
	{
		my $rate = $rates[ $reloads / 10 % @rates ];
		my $verb = $reloads == 10 ? 'ADD' : 'SET';
		sql("ALTER SERVER kt OPTIONS ($verb rate_per_minute '$rate')");
		feed();
	}
	# the first third is for growing into it
	if (time() > $end - $seconds * 2 / 3 && $reloads % 5 == 0)
	{
		push @{ $files{$_} }, files($_) for split /,/, $pids;
		push @{ $memory{$_} }, memory($_) for split /,/, $pids;
	}
	sleep(0.1);
}
note "$reloads reloads";
is(worker_pids($node, $db), $pids, 'the same processes go on');
drained($node, $db, 180, 'everything leaves');
for my $pid (split /,/, $pids)
{
	# the largest of an early and of a late half: connections come and go with the settings
	for my $what ([ memory => $memory{$pid}, 1.03, 128 ], [ files => $files{$pid}, 1, 40 ])
	{
		my ($name, $samples, $factor, $more) = @$what;
		my $middle = int(@$samples / 2);
		my ($early, $late) = map { (sort { $a <=> $b } @$_)[-1] }
		  [ @$samples[ 0 .. $middle - 1 ] ], [ @$samples[ $middle .. $#$samples ] ];
		cmp_ok($late, '<=', $early * $factor + $more, "a worker keeps no $name ($early, then $late)");
	}
}

# Now also the number of workers, which must end as it was set last.

for my $n (2, 1, 3, 1, 2)
{
	feed();
	set_conf($node, 'rcs.campaign_workers' => $n, 'rcs.single_workers' => 3 - int($n / 2));
	sleep(0.3);
}
poll($node, 'postgres', worker_count($db), 4, 30, 'the number of workers is as set last');
drained($node, $db, 180, 'everything leaves');
my $total = $from - 20_000_000;
is(sql(q{SELECT count(*) FILTER (WHERE status = 'sent') = count(*), count(*) FROM rcs.message_status}),
	't|' . ($total + $total / 3000 * 200), 'all are sent');
oracle($node, $db, $sim);
is(log_count($node, 'FATAL|PANIC'), 0, 'the log has no complaint');
$node->stop;
done_testing();
