# Extension and database are dropped, renamed and updated while messages are enqueued and requests
# hang: each ends within five seconds, with success or a clear refusal, and nothing is left behind.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $rounds = $ENV{RCS_LONG} ? 100 : 2;

my $node = rcs_node('main',
	deadlock_timeout => '200ms',
	'rcs.max_in_flight' => 20,
	'rcs.settle_dead' => '1s',
	'rcs.settle' => '500ms',
	'rcs.request_timeout' => '8s');
my $sim = start_ktsim(args => [ '--latency-ms', 300, '--set', 'slow_pct=20', '--set', 'slow_ms=5000' ]);
my $fresh = 0;

# A database under load: both lanes send, and a client goes on enqueueing until it no longer can.
sub loaded
{
	my $db = rcs_database($node, 'shop' . ++$fresh);
	setup_account($node, $db, $sim, rcs_secret => 'secret');
	campaign($node, $db, 3000, from => 20_000_000);
	my $client = $node->background_psql($db, on_error_stop => 0);
	$client->{stdin} .= q{
		DO $$ BEGIN
			FOR i IN 1000 .. 9999 LOOP
				PERFORM rcs_send('0109000' || i, 'hello');
				COMMIT;
				PERFORM pg_sleep(0.002);
			END LOOP;
		END $$;
	};
	$client->{run}->pump_nb;
	poll($node, $db, 'SELECT count(*) FROM rcs.worker_status WHERE database = current_database() AND in_flight > 3',
		2, 30, "$db: requests of both lanes are under way");
	return ($db, $client);
}

# Runs it; what it answered.
sub in_time
{
	my ($db, $sql, $name, $seconds) = @_;
	my $limit = $seconds // 5;
	my $start = time();
	my ($rc, $out, $err) = $node->psql($db, $sql);
	my $took = time() - $start;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	took($took, $limit, sprintf '%s takes %.1f s, less than %d', $name, $took, $limit);
	return $rc == 0 ? 'done' : $err;
}

sub gone
{
	my ($db, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll($node, 'postgres', worker_count($db), 0, 3, "$name: no worker is left");
}

sub end_client
{
	my ($client) = @_;
	eval { $client->quit };
	return;
}

my $open = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'rcs %'
	AND (state <> 'idle' OR xact_start IS NOT NULL)};

for my $round (1 .. $rounds)
{
	my ($db, $client) = loaded();
	is(in_time($db, 'DROP EXTENSION rcs CASCADE', 'DROP EXTENSION'), 'done', "$round: it succeeds");
	gone($db, "$round: DROP EXTENSION");
	end_client($client);
	is(in_time($db, 'CREATE EXTENSION rcs', 'CREATE EXTENSION'), 'done', "$round: and again");
	poll($node, 'postgres', worker_count($db), 2, 10, "$round: with workers");
	poll($node, 'postgres', $open, 0, 10, "$round: which are idle");
	is(in_time('postgres', "DROP DATABASE $db", 'DROP DATABASE'), 'done', "$round: it is dropped");

	($db, $client) = loaded();
	# PostgreSQL itself waits five seconds for the client to go
	like(in_time('postgres', "DROP DATABASE $db", 'DROP DATABASE with a client', 5 + 5),
		qr/is being accessed by other users/, "$round: it is refused");
	like(in_time($db, "ALTER EXTENSION rcs UPDATE TO '99.0'", 'ALTER EXTENSION to no version'),
		qr/no update path/, "$round: it is refused");
	is(in_time($db, 'ALTER EXTENSION rcs UPDATE', 'ALTER EXTENSION UPDATE'), 'done', "$round: it succeeds");
	poll($node, 'postgres', worker_count($db), 2, 10, "$round: the workers are back, or have stayed");
	is(in_time('postgres', "DROP DATABASE $db WITH (FORCE)", 'DROP DATABASE WITH (FORCE)'),
		'done', "$round: it succeeds");
	gone($db, "$round: FORCE");
	end_client($client);

	($db, $client) = loaded();
	$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
		WHERE datname = '$db' AND backend_type = 'client backend'");
	end_client($client);
	is(in_time('postgres', "ALTER DATABASE $db RENAME TO renamed", 'RENAME'), 'done', "$round: it succeeds");
	gone($db, "$round: the old name");
	poll($node, 'postgres', worker_count('renamed'), 2, 10, "$round: the new name has workers");
	poll($node, 'renamed', q{SELECT sum(in_flight) > 3 FROM rcs.worker_status}, 't', 30, "$round: they send");
	is(in_time('postgres', 'DROP DATABASE renamed', 'DROP DATABASE under load'), 'done', "$round: it succeeds");
	gone('renamed', "$round: DROP DATABASE");
}

# One that stays must lose nothing by a rename in the middle.

my ($db, $client) = loaded();
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
	WHERE datname = '$db' AND backend_type = 'client backend'");
end_client($client);
$sim->set(latency_ms => 5, slow_pct => 0);
is(in_time('postgres', "ALTER DATABASE $db RENAME TO renamed", 'RENAME'), 'done', 'the last one is renamed');
drained($node, 'renamed', 180, 'everything of it leaves');
oracle($node, 'renamed', $sim, shared => 1);
poll($node, 'postgres', $open, 0, 10, 'the workers are idle');
is(log_count($node, 'deadlock detected'), 0, 'no deadlock');
is(log_count($node, 'PANIC|WARNING|\[\d+\] ERROR:.*rcs worker'), 0, 'the log has no complaint');
$node->stop;
done_testing();
