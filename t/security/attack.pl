# All attacks at once while a campaign and singles leave: requests by chance with and without the secret, clients that
# send a byte now and then, wrong log-ins, floods of /health and of the console, and a role that may only connect.
# Nothing stops, nobody else waits.  Long: RCS_LONG=1, for RCS_ATTACK_SECONDS (600).

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use IO::Socket::INET;
use POSIX ();
use PostgreSQL::Test::Utils;
use RcsConsole;
use RcsHostile;
use RcsListener;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'long; RCS_LONG=1' unless $ENV{RCS_LONG};

my $seconds = $ENV{RCS_ATTACK_SECONDS} || 600;
my $quiet = 30;
my $rate = 100; # messages of the campaign a second, half of the contract's
my $phone = '01099990000';
my $seed = $ENV{RCS_SEED} || time;
note("RCS_SEED=$seed");

my $sim = start_ktsim();
my ($node, $db) = console_node($sim);
my ($port) = listener_url('') =~ /:(\d+)$/;
my @attackers;
END { kill 'KILL', @attackers if @attackers; }

sub sql { return $node->safe_psql($db, $_[0]); }

# ---------- the attackers: processes that go on until they are killed ----------

sub attacker
{
	my ($what) = @_;
	my $parent = $$;
	my $pid = fork() // die "fork: $!";
	if ($pid != 0) { push @attackers, $pid; return; }
	local $SIG{PIPE} = 'IGNORE';
	local $SIG{ALRM} = sub { };
	srand $seed + @attackers;
	while (getppid() == $parent) { eval { $what->(); 1 } or sleep(0.1); }
	POSIX::_exit(0);
}

sub connection { return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 2); }

# Writes and reads a little; the other side may hang up at any time.
sub throw
{
	my ($bytes) = @_;
	my $socket = connection() or return sleep(0.05);
	$socket->blocking(0);
	syswrite $socket, $bytes;
	vec(my $in = '', $socket->fileno, 1) = 1;
	sysread $socket, my $answer, 65536 if select $in, undef, undef, 0.05;
	close $socket;
	return;
}

my @slow;

sub send_a_byte
{
	for my $i (0 .. 150)
	{
		my $s = $slow[$i] //= connection() or next;
		$s->blocking(0);
		my $sent = syswrite $s, rand() < 0.5 ? 'x' : "\r\nX: ";
		undef $slow[$i] if !defined $sent && !$!{EAGAIN};
	}
	return sleep(0.5);
}

sub get { return "GET $_[0] HTTP/1.1\r\nHost: x\r\nConnection: close\r\n$_[1]\r\n"; }

sub guess
{
	my $guess = 'guess-' . int rand 1e12;
	throw("POST /api/login HTTP/1.1\r\nHost: x\r\nX-RCS-Console: 1\r\nAuthorization: Bearer $guess\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
	throw(get($_, "Authorization: Bearer $guess\r\n")) for '/metrics', '/api/session';
	return sleep(0.02);
}

# A role that may connect, and try what everybody may call.
sub misuse
{
	return $node->psql($db, q{
		SET ROLE stranger;
		SELECT pg_advisory_lock(k.oid::int, n) FROM pg_class k, generate_series(0, 3) n
		WHERE k.relnamespace = 'rcs'::regnamespace AND k.relkind = 'r';
		SELECT rcs_account_check('kt');
		SELECT rcs_reply(1 + (random() * 1000)::int, '"mine"');
		SELECT rcs_message(gen_random_uuid());
		SELECT rcs_validate(jsonb_build_object('serviceType', repeat('x', 1000000)));
		SELECT length(rcs_render(to_jsonb(repeat('#{a}', 10000)), jsonb_build_object('a', repeat('x', 1000)))::text);
		SELECT pg_sleep(1)}, on_error_stop => 0, timeout => 20);
}

# ---------- the singles ----------

# One each tenth of a second; by id, when it was called
sub send_singles
{
	my ($for, $each_second) = @_;
	my $session = $node->background_psql($db);
	my $end = time() + $for;
	my $second = 0;
	my %these;

	while (time() < $end)
	{
		my $called = time();
		my $id = $session->query_safe("SELECT rcs_send('$phone', 'one time password')");
		$these{$id} = $called;
		$each_second->() if int time() != $second;
		$second = int time();
		sleep(0.1);
	}
	$session->quit;
	return %these;
}

# The milliseconds until each was offered, sorted
sub waits
{
	my (%these) = @_;
	my %at;
	poll($node, $db, q{SELECT count(*) FROM rcs.message_status WHERE lane = 'single' AND status IN ('queued', 'sending')}, 0, 60, 'all singles are sent');
	for (split /\n/, slurp_file($sim->ledger))
	{
		my @f = split /\t/;
		$at{ $f[3] } //= $f[1] / 1e6 if !/^#/ && $these{ $f[3] };
	}
	return sort { $a <=> $b } map { 1000 * ($at{$_} - $these{$_}) } keys %these;
}

sub percentile { my ($p, @sorted) = @_; return $sorted[ $#sorted * $p / 100 ]; }

sub say_waits
{
	my ($when, @ms) = @_;
	return diag sprintf '%s: %d singles, half within %.1f ms, 99 of 100 within %.1f ms, all within %.1f ms', $when, scalar @ms, percentile(50, @ms), percentile(99, @ms), $ms[-1];
}

# ---------- the test ----------

sql('CREATE ROLE stranger');
my @ids = split /\n/, sql(q{SELECT rcs_send('0101111000' || i, 'hello') FROM generate_series(1, 5) i});
drained($node, $db, 20, 'some messages are sent');
my $campaign = console_campaign($node, $db, 'under attack', ($seconds + 2 * $quiet) * $rate, rate_per_minute => 60 * $rate);
my @before = waits(send_singles($quiet, sub { }));
say_waits('before', @before);

attacker(sub { throw(random_request($secret, @ids)) }) for 1 .. 2;
attacker(sub { throw(random_request('no-secret-0123456789', @ids)); sleep(0.01) });
attacker(\&send_a_byte);
attacker(\&guess);
attacker(sub { throw(get('/health', '')); sleep(0.005) });
attacker(sub { throw(get(rand() < 0.5 ? '/api/overview' : '/api/campaigns', "Authorization: Bearer $operator_secret\r\n")); sleep(0.02) });
attacker(\&misuse);

my (%status, @push_ms, %login, $n);
my @during = waits(send_singles($seconds, sub {
	my $t = time();
	$status{ push_to('/msgstatus', [ report($ids[ $n++ % @ids ]) ], headers => { Connection => 'close' }) }++;
	push @push_ms, 1000 * (time() - $t);
	$login{ console_login($operator_secret) ? 'in' : 'out' }++ if $n % 10 == 0;
}));
kill 'KILL', splice @attackers;
say_waits('during the attack', @during);
@push_ms = sort { $a <=> $b } @push_ms;
diag sprintf 'reports: half answered within %.0f ms, 99 of 100 within %.0f ms: %s; right log-ins: %s', percentile(50, @push_ms), percentile(99, @push_ms),
	join(' ', map { "$_ $status{$_}" } sort keys %status), join ' ', map { "$_ $login{$_}" } sort keys %login;

cmp_ok(scalar @during, '>', $seconds, 'singles were sent all the time');
cmp_ok(percentile(99, @during), '<', 1000, '99 of 100 singles leave within a second');
cmp_ok($status{200} // 0, '>=', 0.99 * $n, 'the carrier is heard');
is(join(' ', keys %login), 'in', 'the right secret opens the console each time');
is(log_count($node, 'terminated by signal|PANIC|was terminated'), 0, 'no process died');
is(log_count($node, "(?m)^(?!.*statement:).*$phone"), 0, 'no number is in the log but in the statements of the test');
ok(drained($node, $db, 120, 'the campaign is over', $campaign), 'with all that it had');
is(sql("SELECT total - accepted FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 0, 'all of its messages are accepted');
done_testing();
