# The carrier's name cannot be resolved, or the resolver does not answer: the worker stays
# responsive, messages wait with a reason, and leave when the address is right.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

# A resolver that says "no such name" or nothing at all, instead of the resolver of the machine
sub build_resolver
{
	return preload_library(<<'C');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res)
{
	int			(*next) (const char *, const char *, const struct addrinfo *, struct addrinfo **) =
		(int (*) (const char *, const char *, const struct addrinfo *, struct addrinfo **))
		dlsym(RTLD_NEXT, "getaddrinfo");

	if (node != NULL && strcmp(node, "silent.invalid") == 0)
	{
		sleep(30);
		return EAI_AGAIN;
	}
	if (node != NULL && strcmp(node, "nowhere.invalid") == 0)
		return EAI_NONAME;
	return next(node, service, hints, res);
}
C
}

my $resolver = build_resolver();
plan skip_all => 'no C compiler' unless $resolver;

my $node = rcs_node('main', start => 0, 'rcs.settle' => '300ms');
{
	local $ENV{LD_PRELOAD} = $resolver;
	$node->start;
}
my $sim = start_ktsim();
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

my $phone = 11110000;

sub sql { return $node->safe_psql($db, $_[0]); }

sub single { return sql(sprintf "SELECT rcs_send('010%d', 'hello')", ++$phone); }

# Plain HTTP is for this machine only
sub go_to
{
	my ($host) = @_;
	sql(sprintf "ALTER SERVER kt OPTIONS (SET url '%s://%s:%d/corp/v1')",
		$host =~ /invalid/ ? 'https' : 'http', $host, $sim->port);
	return;
}

# The longest of some DROP DATABASE, which need an answer of every process of the server.
sub barrier_time
{
	my $longest = 0;
	for my $i (1 .. 4)
	{
		sql("CREATE DATABASE other$i TEMPLATE template0");
		my $start = time();
		sql("DROP DATABASE other$i");
		my $took = time() - $start;
		$longest = $took if $took > $longest;
		sleep(0.5);
	}
	return $longest;
}

my $usual = barrier_time();
my $id = single();
drained($node, $db, 30, 'before: a message leaves', $id);

for my $host (qw(nowhere.invalid silent.invalid))
{
	go_to($host);
	my $single = single();
	my $campaign = campaign($node, $db, 300, from => $phone . "000");
	my $longest = barrier_time();
	cmp_ok($longest, '<', 1 + 2 * $usual, sprintf '%s: DROP DATABASE takes %.2f s, usually %.2f s', $host, $longest, $usual);
	poll($node, $db, "SELECT state IN ('closed', 'probing') FROM rcs.account_status", 't', 30,
		"$host: the account is set aside");
	like(sql('SELECT last_error FROM rcs.account_status'), qr/resolv|resolution/i, "$host: the reason is clear");
	# time for several tries
	$longest = barrier_time();
	cmp_ok($longest, '<', 1 + 2 * $usual, sprintf '%s: later, too (%.2f s)', $host, $longest);
	poll($node, $db, "SELECT status FROM rcs.message_status WHERE id = '$single'", 'queued', 20,
		"$host: messages wait");
	is(sql("SELECT count(*) FROM rcs.result WHERE outcome = 't'"), 0, "$host: none is in doubt");

	my $start = time();
	my @pids = split /,/, worker_pids($node, $db);
	sql("SELECT pg_terminate_backend($_)") for @pids;
	sleep(0.02) while time() < $start + 20 && grep { kill 0, $_ } @pids;
	took(time() - $start, 4, sprintf '%s: the workers end in %.2f s', $host, time() - $start);
	poll($node, 'postgres', worker_count($db), 2, 30, "$host: and come back");

	go_to('127.0.0.1');
	is(sql("SELECT ok FROM rcs_account_check('kt')"), 't', "$host: with a good address the login works");
	drained($node, $db, 60, "$host: everything leaves", $campaign);
	drained($node, $db, 60, "$host: single messages, too", $single);
	is(sql("SELECT attempts FROM rcs.message_status WHERE id = '$single'"), 1, "$host: at the first offer");
}

# The name fails while messages are on their way and connections are kept

$sim->set(latency_ms => 50);
set_conf($node, 'rcs.max_in_flight' => 20);
my $campaign = campaign($node, $db, 2000, from => 60000000);
poll($node, $db, "SELECT sent > 100 FROM rcs.campaign_progress WHERE campaign = '$campaign'", 't', 30,
	'a campaign is on its way');
go_to('silent.invalid');
my $longest = barrier_time();
cmp_ok($longest, '<', 1 + 2 * $usual, sprintf 'on the way: DROP DATABASE takes %.2f s', $longest);
go_to('127.0.0.1');
drained($node, $db, 90, 'on the way: everything leaves', $campaign);
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 2000, 'all are sent');

oracle($node, $db, $sim);
is(log_count($node, 'ERROR|PANIC|WARNING:  (?!carrier account)'), 0, 'the log has no complaint');
$node->stop;
done_testing();
