# The disk of the database is full while requests are under way: results that cannot be written down are
# kept in memory, no message is offered, and when there is space again all results are written down and
# sending goes on.  The same for the disk of the WAL, which takes the server down.

use strict;
use warnings;

use File::Temp ();
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;

# A file system of its own needs no rights inside a name space of its own: this test runs itself
# there, as the user that it is here, before anything is set up.
BEGIN
{
	if (!$ENV{RCS_SMALL_DISK})
	{
		my $dir = File::Temp::tempdir(CLEANUP => 1);
		my $prepare = "mkdir -p '$dir/data' '$dir/wal'"
		  . " && mount -t tmpfs -o size=160m,mode=0777 none '$dir/data'"
		  . " && mount -t tmpfs -o size=96m,mode=0777 none '$dir/wal'"
		  . " && exec unshare --user --map-user=$> --map-group=" . ($) + 0) . ' "$@"';
		my @in_there = ('unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', $prepare, 'sh');

		plan skip_all => 'no file system can be made here for the test: unshare(1) may not'
		  if system("exec 2>/dev/null; unshare --user --map-root-user --mount true") != 0
		  || system(@in_there, 'true') != 0;
		$ENV{RCS_SMALL_DISK} = $dir;
		my $status = system(@in_there, $^X, "$FindBin::RealBin/$FindBin::RealScript");
		File::Temp::cleanup();
		require POSIX;
		POSIX::_exit($status >> 8 || ($status & 127 ? 1 : 0));
	}
}

use PostgreSQL::Test::Utils;
use RcsTest;
use Time::HiRes qw(sleep time);

my $dir = $ENV{RCS_SMALL_DISK};
my $node = rcs_node('main',
	'rcs.settle_dead' => '1s',
	'rcs.settle' => '500ms',
	'rcs.max_in_flight' => 20,
	'rcs.batch_size' => 200,
	max_wal_size => '64MB',
	min_wal_size => '32MB',
	autovacuum => 'off');
my $sim = start_ktsim(args => [ '--latency-ms', 10 ]);
mkdir "$dir/data/space" or die "mkdir: $!";
$node->safe_psql('postgres', "CREATE TABLESPACE small LOCATION '$dir/data/space'");
$node->safe_psql('postgres', 'CREATE DATABASE shop TABLESPACE small');
$node->safe_psql('shop', 'CREATE EXTENSION rcs');
my $db = 'shop';
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

# Takes all space of a file system away, and gives it back.
sub fill
{
	my ($file) = @_;
	my $chunk = 'x' x 65536;

	open my $f, '>', $file or die "$file: $!";
	1 while syswrite $f, $chunk;
	$chunk = 'x' x 512;
	1 while syswrite $f, $chunk;
	close $f;
	return;
}

sub offers { return $sim->stats->{offers} // die 'no count of offers'; }

# No new offer for a second and a half.
sub comes_to_rest
{
	my $end = time() + 60;
	my $before = -1;
	my $now = offers();

	while ($now != $before && time() < $end)
	{
		$before = $now;
		sleep(1.5);
		$now = offers();
	}
	return $now == $before;
}

# The data

my $campaign = campaign($node, $db, 16000);
sql("SELECT count(rcs_send('010' || i, 'hello')) FROM generate_series(90000001, 90002000) i");
poll($node, $db, "SELECT accepted > 500 FROM rcs.campaign_progress WHERE campaign = '$campaign'", 't', 60,
	'a campaign is on its way');
my $mark = -s $node->logfile;
fill("$dir/data/filler");
ok(comes_to_rest(), 'with the disk full nothing more is offered in the end');
my $at_rest = offers();
my $written = sql(q{SELECT count(*) FROM rcs.result});
cmp_ok($at_rest, '<', 18000, 'before everything was');
cmp_ok($at_rest - $written, '<=', 2 * (2000 + 20 + 500),
	'offers that are not written down are few: ' . ($at_rest - $written));
cmp_ok(log_count($node, 'No space left on device', $mark), '>', 0, 'the log says why');
my $complaints = log_count($node, 'No space left on device', $mark);
sleep(5);
is(offers(), $at_rest, 'nothing is offered while it is full');
cmp_ok(log_count($node, 'No space left on device', $mark) - $complaints, '<=', 30,
	'the log does not overflow');
is(sql(worker_count($db)), 2, 'the workers wait');
unlink "$dir/data/filler";
drained($node, $db, 120, 'with space again everything leaves');
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 16000, 'all are sent');
is(sql(q{SELECT count(*) FROM rcs.result WHERE outcome IN ('t', 'u')}), 0, 'nothing came into doubt');
oracle($node, $db, $sim, name => 'after a full disk');

# The WAL

$node->stop;
my $wal = $node->data_dir . '/pg_wal';
system_or_bail('cp', '-a', $wal, "$dir/wal/pg_wal");
rename $wal, "$wal.old" or die "rename: $!";
symlink "$dir/wal/pg_wal", $wal or die "symlink: $!";
$node->start;
$campaign = campaign($node, $db, 5000, from => 40_000_000);
poll($node, $db, "SELECT accepted > 500 FROM rcs.campaign_progress WHERE campaign = '$campaign'", 't', 60,
	'another campaign is on its way');
fill("$dir/wal/filler");
$node->psql('postgres',
	"SELECT pg_logical_emit_message(true, 'filler', repeat('x', 1000000)) FROM generate_series(1, 150)");
my $end = time() + 60;
sleep(0.1) until log_count($node, 'PANIC:') > 0 || time() > $end;
cmp_ok(log_count($node, 'PANIC:'), '>', 0, 'without room for the WAL the server fails');
unlink "$dir/wal/filler";
sleep(1);
if ($node->psql('postgres', 'SELECT 1') != 0)
{
	$node->stop('immediate', fail_ok => 1);
	$node->{_pid} = undef;
	$node->start;
}
server_answers($node, $db);
drained($node, $db, 120, 'with room again everything leaves');
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 5000, 'all are sent');
oracle($node, $db, $sim, name => 'after a full WAL disk',
	crashes => log_count($node, 'all server processes terminated; reinitializing'));
$node->stop;
done_testing();
