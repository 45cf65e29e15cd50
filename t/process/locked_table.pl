# Somebody has locked a table of the queue: the workers wait with one line in the log, and rcs_health()
# says who is in the way.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main', 'rcs.chat_workers' => 1);
my $sim = start_ktsim();
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

drained($node, $db, 30, 'a campaign is sent', campaign($node, $db, 100));
sql("SELECT count(rcs_send('0101111' || i, 'hello')) FROM generate_series(1000, 1010) i");
drained($node, $db, 30, 'and single messages');

# One after the other takes a minute
for my $tables ($ENV{RCS_LONG} ? qw(batch result hold message) : 'batch hold message result')
{
	my $names = join ', ', map { "rcs.$_" } split ' ', $tables;
	my $mark = -s $node->logfile;
	my $locker = $node->background_psql($db);
	my ($pid) = $locker->query_safe("BEGIN; LOCK TABLE $names IN ACCESS EXCLUSIVE MODE; SELECT pg_backend_pid()") =~ /(\d+)/;

	sleep(6);
	my $lines = log_count($node, '(?:ERROR|WARNING|FATAL|LOG):  (?!statement:|checkpoint|automatic)', $mark);
	cmp_ok($lines, '<=', 1, "$tables: $lines lines in 6 s");
	my $detail = sql('SELECT string_agg(detail, $$; $$) FROM rcs_health() WHERE NOT ok');
	like($detail, qr/rcs\.$_ is locked by process $pid \(AccessExclusiveLock\)/, "$_: health says by whom") for split ' ', $tables;
	like($detail, qr/worker \d+ has waited for a lock/, 'and who waits') if $tables !~ /hold/;
	$locker->quit;
	my $start = time();
	drained($node, $db, 30, "$tables: free again, a single message leaves", sql("SELECT rcs_send('01022220000', 'hello')"));
	took(time() - $start, 3, "$tables: soon");
}
is(log_count($node, 'WARNING:  rcs waits for a lock that another session holds'), 1, 'the log says so once') if !$ENV{RCS_LONG};
poll($node, $db, q{SELECT count(*) FROM rcs_health() WHERE detail ~ 'a lock|locked'}, 0, 30, 'health is well again');

oracle($node, $db, $sim);
$node->stop;
done_testing();
