# The life of the listener: changed settings, ports and secrets; its process and its database stopped and dropped.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use IO::Socket::INET;
use PostgreSQL::Test::Utils;
use RcsListener;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $db = 'shop';
my $node = rcs_node('main');
rcs_database($node, $db);
rcs_database($node, 'other');

sub sql { return $node->safe_psql($db, $_[0]); }

sub listeners
{
	my ($expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll($node, 'postgres',
		"SELECT coalesce(string_agg(datname, ','), '') FROM pg_stat_activity WHERE backend_type = 'rcs listener worker'",
		$expected, 20, $name);
}

# Waits until the check says this.
sub health
{
	my ($expected, $name, $of) = @_;
	my $end = time() + 20;
	my $is;
	do
	{
		$is = $node->safe_psql($of // $db, q{SELECT severity, detail FROM rcs_health() WHERE "check" = 'listener'});
		sleep(0.1) if $is !~ $expected;
	} until ($is =~ $expected || time() > $end);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return like($is, $expected, $name);
}

sub answers
{
	my ($path, $expected, $name, %opt) = @_;
	my $end = time() + 20;
	my $is;
	sleep(0.1) until ($is = ask('POST', $path, body => '[]', %opt)->{status}) == $expected || time() > $end;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($is, $expected, $name);
}

# Off, and on

listeners('', 'there is none unless it is configured');
health(qr/^ok\|not configured$/, 'which is well');
my $port = listen_to($node, $db);
listeners($db, 'it starts at a reload');
health(qr/^ok\|listens on 127.0.0.1 port $port$/, 'and is well');
health(qr/^ok\|is for database shop$/, 'the other database knows whose it is', 'other');
my $pid = sql("SELECT pid FROM rcs.worker_status WHERE kind = 'listener'");

# Settings that make no sense

for my $bad ([ 'rcs.listen_address', 'localhost', 'must be an address' ], [ 'rcs.listen_allow', '10.0.0.0/8, 10.0.0.0/33', '10.0.0.0/33' ],
	[ 'rcs.listen_port', '0', 'outside the valid range' ])
{
	my (undef, undef, $err) = $node->psql('postgres', "ALTER SYSTEM SET $bad->[0] = '$bad->[1]'");
	like($err, qr/$bad->[2]/, "$bad->[0] = $bad->[1] is refused");
}

# Another port, and one that is in use

my $taken = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', Proto => 'tcp') or die "listen: $!";
set_conf($node, 'rcs.listen_port' => $taken->sockport);
health(qr/^critical\|could not listen on 127.0.0.1 port ${\$taken->sockport}: Address already in use$/, 'a port in use');
is(ask('GET', '/health')->{status}, 599, 'the old one is closed');
sleep(4);
is(log_count($node, 'WARNING:  the listener of rcs does not listen: could not listen'), 1, 'the log says it once');
close $taken;
health(qr/^ok\|/, 'it takes the port when it is free');
$port = listen_to($node, $db);
answers('/msgstatus', 200, 'a change of the port at a reload', secret => $secret);
is(sql("SELECT pid FROM rcs.worker_status WHERE kind = 'listener'"), $pid, 'all that in the same process');

# Who may connect

set_conf($node, 'rcs.listen_allow' => '192.0.2.0/24, 2001:db8::/32');
sleep(0.5);
is(raw_request("GET /health HTTP/1.1\r\nHost: x\r\n\r\n"), '', 'an address that is not in the list gets no answer');
cmp_ok(sql('SELECT turned_away FROM rcs._listener()'), '>', 0, 'which is counted');
set_conf($node, 'rcs.listen_allow' => '192.0.2.1 127.0.0.0/8');
like(raw_request("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), qr{^HTTP/1.1 200}, 'one that is');
set_conf($node, 'rcs.listen_allow' => '');

# Secrets: two during a change, and files that are not as they should be

my $new = 'another-secret-9876543210';
secret_file($node, 'carrier.secret', $secret, $new);
answers('/msgstatus', 401, 'a file that has changed is not read before the reload', secret => $new);
$node->reload;
answers('/msgstatus', 200, 'then the new secret is valid', secret => $new);
answers('/msgstatus', 200, 'and so is the old one', secret => $secret);
for my $case ([ [], 'is empty' ], [ ['short'], 'less than 16' ], [ [ $secret, $new, "x$new" ], 'more than 2 lines' ], [ ["a/b$secret"], 'cannot stand in an address' ])
{
	secret_file($node, 'carrier.secret', @{ $case->[0] });
	$node->reload;
	health(qr/^warning\|.*rcs.listen_secret_file.*$case->[1].*goes on with the secrets/s, "a file that is no good: $case->[1]");
}
unlink $node->data_dir . '/carrier.secret';
$node->reload;
health(qr/^warning\|could not open rcs.listen_secret_file: No such file/, 'or is gone');
answers('/msgstatus', 200, 'the secrets that are known stay in force', secret => $new);
secret_file($node, 'carrier.secret', $new);
health(qr/^ok\|/, 'it is read when it is back');
answers('/msgstatus', 401, 'the old secret is not valid any more', secret => $secret);
set_conf($node, 'rcs.listen_secret_file' => '');
health(qr/^critical\|rcs.listen_secret_file is not set$/, 'without a secret');
is(ask('GET', '/health')->{status}, 599, 'it does not listen');
listen_to($node, $db);
my $log = slurp_file($node->logfile);
unlike($log, qr/\Q$secret\E|\Q$new\E/, 'no secret is in the log');

# Process and database

$pid = sql("SELECT pid FROM rcs.worker_status WHERE kind = 'listener'");
sql("SELECT pg_terminate_backend($pid)");
answers('/msgstatus', 200, 'a terminated listener comes back', secret => $secret);
isnt(sql("SELECT pid FROM rcs.worker_status WHERE kind = 'listener'"), $pid, 'it is another process');
sql("SELECT pg_cancel_backend(pid) FROM rcs.worker_status WHERE kind = 'listener'");
answers('/msgstatus', 200, 'pg_cancel_backend does it no harm', secret => $secret);

my $blocker = $node->background_psql($db);
$blocker->query_safe('BEGIN; DROP EXTENSION rcs CASCADE;');
my $start = time();
answers('/msgstatus', 503, 'while somebody drops the extension: come again', secret => $secret);
cmp_ok(time() - $start, '<', 10, 'it is not waited for');
$blocker->query_safe('ROLLBACK');
answers('/msgstatus', 200, 'afterwards it goes on', secret => $secret);
my $answer = ask('POST', '/msgstatus', secret => $secret, body => '[]');
$blocker->query_safe('BEGIN; LOCK TABLE rcs.quarantine IN ACCESS EXCLUSIVE MODE;');
$answer = ask('POST', '/msgstatus', secret => $secret, body => '[1]');
is("$answer->{status} " . ($answer->{headers}{'retry-after'} // ''), '503 5', 'a lock in the way: come again, and when');
is(push_to('/msgstatus', []), 200, 'others are not kept');
$blocker->query_safe('ROLLBACK');
$blocker->quit;
is(push_to('/msgstatus', [1]), 200, 'then it is taken');
is(sql('SELECT count(*) FROM rcs.quarantine'), 1, 'once');

$node->safe_psql('postgres', "ALTER DATABASE $db SET synchronous_commit = off");
$node->safe_psql('postgres', 'ALTER DATABASE shop RENAME TO store');
listeners('', 'a renamed database is another one');
health(qr/^warning\|rcs.listen_database is 'shop', and there is no such database$/, 'which is noticed', 'other');
set_conf($node, 'rcs.listen_database' => 'store');
listeners('store', 'and is put right by a reload');
set_conf($node, 'rcs.listen_database' => 'other');
listeners('other', 'it moves to another database');
answers('/msgstatus', 200, 'with its port', secret => $secret);
$node->safe_psql('other', 'DROP EXTENSION rcs');
listeners('', 'it leaves with the extension');
$node->safe_psql('other', 'CREATE EXTENSION rcs');
listeners('other', 'and comes back with it');
answers('/msgstatus', 200, 'and answers', secret => $secret);
$node->safe_psql('postgres', 'DROP DATABASE other');
listeners('', 'it leaves with the database');
set_conf($node, 'rcs.listen_database' => 'store');
listeners('store', 'on again');
set_conf($node, 'rcs.listen_database' => '');
listeners('', 'and off');
is(log_count($node, 'all server processes terminated; reinitializing'), 0, 'the server never restarted');
set_conf($node, 'rcs.listen_database' => 'store');
listeners('store', 'on once more');
$start = time();
$node->stop('fast');
cmp_ok(time() - $start, '<', 15, 'a fast shutdown is quick');
done_testing();
