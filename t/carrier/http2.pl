# The carrier's front offers HTTP/2 and ends each connection after three requests.  We speak HTTP/1.1 only,
# so no GOAWAY can refuse or cut requests that share a connection.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use POSIX ();
use PostgreSQL::Test::Utils;
use RcsCerts;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $dir = PostgreSQL::Test::Utils::tempdir();
my $certs = make_certs($dir);
plan skip_all => 'no openssl program' unless $certs;
plan skip_all => 'no node program' if system('node --version >/dev/null 2>&1') != 0;

my $node = rcs_node('main', 'rcs.settle' => '300ms', 'rcs.max_in_flight' => 30);
my $sim = start_ktsim();
my $db = rcs_database($node, 'shop');
my ($port_file, $log) = ("$dir/port", "$dir/versions");

sub sql { return $node->safe_psql($db, $_[0]); }

my $front = fork() // die "fork: $!";
if ($front == 0)
{
	exec 'node', "$FindBin::RealBin/../lib/h2_front.js", $certs->{good}{cert}, $certs->{good}{key}, $sim->port,
	  $port_file, $log
	  or POSIX::_exit(127);
}
END { kill 'KILL', $front if $front; }
my $end = time() + 30;
sleep(0.05) until -s $port_file || time() > $end;
my $port = slurp_file($port_file) + 0;
my $url = "https://127.0.0.1:$port/corp/v1";

# that it does offer HTTP/2
my $offered = `openssl s_client -alpn h2,http/1.1 -connect 127.0.0.1:$port </dev/null 2>/dev/null`;
like($offered, qr/ALPN protocol: h2/, 'the front offers HTTP/2');

setup_account($node, $db, $sim, options => { url => $url, ca_file => $certs->{ca} });
my $campaign = campaign($node, $db, 1000);
sql("SELECT count(rcs_send('010' || i, 'hello')) FROM generate_series(30000001, 30000300) i");
drained($node, $db, 90, 'everything leaves');
is(sql("SELECT count(*) FROM rcs.message_status WHERE status = 'sent'"), 1300, 'everything is sent');

my %spoken;
$spoken{$_}++ for split /\n/, slurp_file($log);
is(join(',', sort keys %spoken), '1.1', 'HTTP/1.1 is all that was spoken');
is(sql("SELECT count(*) FROM rcs.result WHERE outcome IN ('t', 'u')"), 0, 'nothing was in doubt');
oracle($node, $db, $sim);
is(complaints($node), 0, 'the log has no complaint');
$node->stop;
kill 'TERM', $front;
waitpid $front, 0;
$front = 0;
done_testing();
