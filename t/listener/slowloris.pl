# Clients that send a byte now and then do not keep reports out for long, and do not slow the sending.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use PostgreSQL::Test::Utils;
use RcsListener;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $seconds = $ENV{RCS_LONG} ? 300 : 12;
my $slow = $ENV{RCS_LONG} ? 2_000 : 400;
my $node = rcs_node('main', max_files_per_process => 1000);
my $db = rcs_database($node, 'shop');
my $sim = start_ktsim(args => [ '--latency-ms', 20 ]);
setup_account($node, $db, $sim);
my $port = listen_to($node, $db);

sub sql { return $node->safe_psql($db, $_[0]); }

my @ids = split /\n/, sql("SELECT rcs_send('0101111' || 1000 + i, 'hello') FROM generate_series(1, 50) i");
drained($node, $db, 30, 'some messages are sent');

# A process that opens them, sends a byte on each every half second, and opens those anew that are closed.
my $attacker = fork() // die "fork: $!";
if ($attacker == 0)
{
	my @sockets;
	local $SIG{PIPE} = 'IGNORE';
	while (getppid() != 1)
	{
		for my $i (0 .. $slow - 1)
		{
			my $s = $sockets[$i] //= IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Blocking => 0);
			next unless defined $s;
			my $sent = syswrite $s, rand() < 0.5 ? 'x' : "\r\nX: ";
			undef $sockets[$i] if !defined $sent && !$!{EAGAIN} && !$!{EINPROGRESS} && !$!{ENOTCONN};
			my $got = sysread $s, my $answer, 100;
			undef $sockets[$i] if defined $got;
		}
		sleep(0.5);
	}
	POSIX::_exit(0);
}

my $c = campaign($node, $db, 2_000);
my ($taken, $slowest, $most) = (0, 0, 0);
my $end = time() + $seconds;
while (time() < $end || $taken < @ids)
{
	my $id = $ids[ $taken % @ids ];
	my $t = time();
	# each over a connection of its own: a kept one would be out of the attacker's way
	my $status = ask('POST', '/msgstatus', secret => $secret, headers => { Connection => 'close' },
		body => JSON::PP::encode_json(report($id)))->{status};
	$taken++ if $status == 200;
	$slowest = time() - $t if time() - $t > $slowest;
	my $open = sql(q{SELECT in_flight FROM rcs.worker_status WHERE kind = 'listener'});
	$most = $open if $open > $most;
	last if time() > $end + 60;
	sleep(0.05);
}
kill 'KILL', $attacker;
waitpid $attacker, 0;
cmp_ok($taken, '>=', scalar @ids, "reports are taken all the while, the slowest in ${slowest}s");
cmp_ok($most, '<=', 256, "connections have a limit ($most)");
cmp_ok($most, '>', 150, 'which was tried');
cmp_ok(sql('SELECT cut FROM rcs._listener()'), '>', 100, 'slow ones are cut');
is(sql('SELECT count(*) FROM rcs.event'), scalar @ids, 'each report is stored once');
drained($node, $db, 60, 'the campaign is sent meanwhile', $c);

# Alone, it has its fifteen seconds

sleep(0.1) while sql(q{SELECT in_flight FROM rcs.worker_status WHERE kind = 'listener'}) > 3;
my $start = time();
my $drip = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die "connect: $!";
$drip->blocking(0);
local $SIG{PIPE} = 'IGNORE';
my $got;
while (time() - $start < 40)
{
	syswrite $drip, 'x';
	$got = sysread $drip, my $answer, 100;
	last if defined $got;
	sleep(0.5);
}
my $cut_after = time() - $start;
ok(defined $got, 'one that never ends its request is cut');
cmp_ok($cut_after, '>', 13, 'not before its time');
cmp_ok($cut_after, '<', 35, "but then: after ${cut_after}s");
is(log_count($node, 'all server processes terminated; reinitializing'), 0, 'the server did not restart');
oracle($node, $db, $sim);
$node->stop;
done_testing();
