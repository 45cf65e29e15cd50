# Handlers that do not end when they are canceled: their process ends, their user is answered all the same, and
# a stop of the server or the worker does not wait for them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $db = 'shop';
my $bot = '0212351235';
my $node = rcs_node('main', 'rcs.chat_workers' => 1);
my $sim = start_ktsim();
rcs_database($node, $db);
setup_account($node, $db, $sim);
sub sql { return $node->safe_psql($db, $_[0]); }
my $chat = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'rcs chat worker'};

sql(q{
	CREATE ROLE clerk;
	GRANT USAGE ON SCHEMA rcs TO clerk;
	GRANT USAGE ON FOREIGN SERVER kt TO clerk;
	CREATE SCHEMA h;
	GRANT USAGE ON SCHEMA h TO clerk;
	CREATE SEQUENCE h.runs; -- not undone with what a handler writes
	GRANT USAGE ON SEQUENCE h.runs TO clerk;
	CREATE TABLE h.noted (id bigint);
	GRANT INSERT ON h.noted TO clerk;
});

sub handler
{
	my ($name, $body) = @_;
	sql(qq{CREATE FUNCTION h.$name(i rcs.inbound) RETURNS jsonb LANGUAGE plpgsql AS \$\$ BEGIN
			PERFORM nextval('h.runs');
			INSERT INTO h.noted VALUES (i.id);
			$body END \$\$;
		INSERT INTO rcs.reply_rule (pattern, handler, error_reply, owner) VALUES ('^$name\$', 'h.$name', '"sorry"', 'clerk')});
	return;
}
handler('loops', 'LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP;');
handler('lingers', q{BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN PERFORM pg_sleep(0.5); END; RETURN '"late"';});
handler('crashes', q{PERFORM pg_sleep(4); RETURN '"alive"';}); # the test does that for it
handler('counts', q{RETURN '"good"';});
sql(q{INSERT INTO rcs.reply_rule (pattern, reply) VALUES ('^hi$', '"hello"')});

my $n = 0;
# Messages of as many users come together; their reply ids.
sub said
{
	my @ids = map { $n++; "R$n" } @_;
	my $list = join ', ', map { sprintf q{('%s', '010%08d', '%s')}, $ids[$_], 30000000 + $n - $#_ + $_, $_[$_] } 0 .. $#_;
	sql(qq{SELECT rcs_receive((SELECT jsonb_agg(jsonb_build_object('eventType', 'message', 'replyId', id, 'chatbotId', '$bot',
		'userContact', phone, 'messageBody', jsonb_build_object('textMessage', said))) FROM (VALUES $list) AS v (id, phone, said)))});
	return @ids;
}

# What came of a message, as "answer|problem".
sub came
{
	my ($id) = @_;
	return qq{SELECT concat_ws('|', coalesce(rcs_message(reply_message) #>> '{body,description}', 'nothing'), coalesce(problem, ''))
		FROM rcs.inbound WHERE reply_id = '$id' AND handled_at IS NOT NULL};
}

my $runs = 0;
sub runs_are
{
	my ($more, $name) = @_;
	$runs += $more;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(sql('SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM h.runs'), $runs, $name);
	is(sql('SELECT count(*) FROM h.noted n JOIN rcs.inbound i USING (id) WHERE i.problem IS NOT NULL'), 0, "$name: nothing that it wrote is there");
	return;
}
my $told = 'sorry|the handler h.loops did not end when it was told to';

# One that catches the cancel, and ends soon after

poll($node, $db, came(said('lingers')), 'late|', 20, 'a handler that catches the cancel and ends is answered with');
runs_are(1, 'it ran once');

# One that goes on

my $single = worker_pids($node, $db);
my ($worker) = split /\n/, sql($chat);
my $began = time();
my ($stuck, $behind) = said('loops', 'hi');
poll($node, $db, came($behind), 'hello|', 40, 'who wrote after it is answered');
poll($node, $db, came($stuck), $told, 10, 'one that does not end');
took(time() - $began, 15, 'in a bounded time');
runs_are(1, 'it is not run again');
isnt(sql($chat), $worker, 'its process has ended');
like(slurp_file($node->logfile), qr/WARNING:  the handler of inbound message \d+ did not end when it was told to/, 'and the log says why');
# a second time, when a back-off of the database would last
$began = time();
my @two = said('loops', 'counts');
poll($node, $db, came($two[1]), 'good|', 60, 'a handler after another one that does not end');
took(time() - $began, 14, 'without a further pause');
poll($node, $db, came($two[0]), $told, 10, 'which did not end either');
runs_are(2, 'both ran once');
is(worker_pids($node, $db), $single, 'other workers are the same processes');

# The worker is terminated in one

sub when_it_runs
{
	my ($name) = @_;
	$runs++;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll($node, $db, 'SELECT last_value FROM h.runs', $runs, 20, $name);
}
($stuck) = said('loops');
when_it_runs('a handler runs');
($worker) = split /\n/, sql($chat);
$began = time();
sql("SELECT pg_terminate_backend($worker, 60000)");
is(sql("SELECT count(*) FROM pg_stat_activity WHERE pid = $worker"), 0, 'its worker is terminated');
took(time() - $began, 2, 'at once');
poll($node, $db, came($stuck), $told, 30, 'it was run again, as it might have ended');
runs_are(1, 'once');

# The server is stopped while one runs

($stuck) = said('loops');
when_it_runs('a handler runs before the server is stopped');
$began = time();
$node->stop('fast');
took(time() - $began, 4, 'which does not wait for it');
$node->start;
poll($node, $db, came($stuck), $told, 60, 'after that it was run again');
runs_are(1, 'once, too');

# The server crashes whenever one runs

($stuck, $behind) = said('crashes', 'counts');
for my $crash (1 .. 3)
{
	poll($node, $db, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'rcs chat worker' AND wait_event = 'PgSleep'", '1', 30, "it runs, $crash");
	my ($victim) = split /\n/, sql($chat);
	kill 'KILL', $victim;
	sleep(0.2);
	server_answers($node, $db);
}
poll($node, $db, came($stuck), 'sorry|the server stopped each time that the handler h.crashes ran', 30, 'one in which the server crashes is given up');
poll($node, $db, came($behind), 'good|', 20, 'and the next one runs');
is(sql('SELECT count(*) FROM rcs.handler_try'), 0, 'nothing is left of it');

drained($node, $db, 30, 'all answers are sent');
oracle($node, $db, $sim, crashes => 3);
$node->stop;
done_testing();
