# Several chat workers: slow handlers do not delay other users as long as one worker is free, and each message
# is answered once.  The test notes how long that takes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(time);

my $db = 'shop';
my $bot = '0212351235';
my $node = rcs_node('main', 'rcs.chat_workers' => 4, log_min_messages => 'warning', log_statement => 'none');
my $sim = start_ktsim(args => [ '--latency-ms', 2 ]);
rcs_database($node, $db);
setup_account($node, $db, $sim);
sub sql { return $node->safe_psql($db, $_[0]); }
my $n = 200;

sql(q{
	CREATE SCHEMA h;
	CREATE SEQUENCE h.runs; -- not undone with what a handler writes
	CREATE TABLE h.noted (id bigint);
	CREATE FUNCTION h.sleeps(i rcs.inbound) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN
		PERFORM nextval('h.runs');
		PERFORM pg_sleep(60);
		RETURN '"not reached"'; END $$;
	CREATE FUNCTION h.works(i rcs.inbound) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN
		PERFORM pg_sleep(0.005);
		INSERT INTO h.noted VALUES (i.id);
		RETURN '"done"'; END $$;
	INSERT INTO rcs.reply_rule (pattern, handler, reply, error_reply) VALUES
		('^sleeps$', 'h.sleeps', NULL, '"sorry"'), ('^works$', 'h.works', NULL, '"sorry"'), ('^hi$', NULL, '"hello"', NULL);
});

# From $first on, each by another user: these texts in turn, ten in a transaction.
sub say
{
	my ($first, $count, @texts) = @_;
	my $list = join ', ', map { "'$_'" } @texts;
	sql(join '', map { my ($from, $to) = ($_, $_ + 9 < $first + $count ? $_ + 9 : $first + $count - 1); qq{SELECT rcs_receive((SELECT jsonb_agg(jsonb_build_object('eventType', 'message', 'replyId', 'R' || i, 'chatbotId', '$bot',
		'userContact', '010' || (30000000 + i), 'messageBody', jsonb_build_object('textMessage', (ARRAY[$list])[1 + i % ${\ scalar @texts}])))
		FROM generate_series($from, $to) i));
	} } map { $first + 10 * $_ } 0 .. ($count - 1) / 10);
	return;
}
sub those { return sprintf "phone BETWEEN '010%d' AND '010%d'", 30000000 + $_[0], 30000000 + $_[0] + $_[1] - 1; }

my $runs = 0;
sub beside_sleepers
{
	my ($workers, $sleepers) = @_;
	my $first = 1000 * ($workers * 10 + $sleepers);
	my ($asleep, $others) = (those($first, $sleepers), those($first + $sleepers, $n + 10 - $sleepers));
	my $together = those($first + $sleepers, 10 - $sleepers);
	my $all = $n + 10 - $sleepers;
	my $name = "$workers workers, $sleepers asleep";

	set_conf($node, 'rcs.chat_workers' => $workers);
	poll($node, $db, "SELECT count(*) FROM rcs.worker_status WHERE kind = 'chat' AND state = 'running'", $workers, 20, "$name: they run");
	# with some that come together with them
	if (!$sleepers)
	{
		say($first, 10, 'hi');
	}
	else
	{
		say($first, 10, ('sleeps') x $sleepers, ('hi') x (10 - $sleepers));
		$runs += $sleepers;
		poll($node, $db, 'SELECT last_value FROM h.runs', $runs, 20, "$name: so many sleep");
	}
	say($first + 10, $n, 'hi', 'works');
	poll($node, $db, "SELECT count(*), count(DISTINCT reply_message), count(problem) FROM rcs.inbound WHERE $others AND handled_at IS NOT NULL",
		"$all|$all|0", 60, "$name: all others are answered");
	is(sql("SELECT count(*), count(DISTINCT n.id) FROM h.noted n JOIN rcs.inbound i USING (id) WHERE $others"), sprintf('%d|%d', $n / 2, $n / 2),
		"$name: each handler of theirs is committed once");
	my ($p50, $p99, $last) = split /\|/, sql(qq{SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY ms), max(ms) FROM (
		SELECT extract(epoch FROM handled_at - received_at) * 1000 AS ms FROM rcs.inbound WHERE $others) x}) =~ s/[{}]//gr =~ s/,/|/r;
	note(sprintf '%s: %d others, from stored to answered: p50 %.1f ms, p99 %.1f ms, the last %.1f ms', $name, $all, $p50, $p99, $last);
	return unless $sleepers;
	poll($node, $db, "SELECT count(*) FROM rcs.inbound WHERE $asleep AND problem LIKE '%longer than 5 seconds' AND reply_message IS NOT NULL", $sleepers, 30,
		"$name: those who wait for the sleepers are answered, too");
	is(sql("SELECT last_value FROM h.runs"), $runs, "$name: none of them ran twice");
	# at least: a busy machine is slow, but behind a sleeper there would be none
	is(sql(qq{SELECT count(*) >= $n / 2 FROM rcs.inbound WHERE $others
		AND handled_at < (SELECT min(handled_at) FROM rcs.inbound WHERE $asleep)}), 't', "$name: the others did not wait for them");
	is(sql(qq{SELECT count(*) > 0 FROM rcs.inbound WHERE $together
		AND handled_at < (SELECT min(handled_at) FROM rcs.inbound WHERE $asleep)}), 't', "$name: nor did those that came with them");
	note("$name: those that came with them, ms: " . sql("SELECT string_agg(round(extract(epoch FROM handled_at - received_at) * 1000)::text, ' ' ORDER BY id) FROM rcs.inbound WHERE $together"));
	return;
}

say(1, 20, 'hi', 'works');
poll($node, $db, 'SELECT count(reply_message) FROM rcs.inbound', 20, 20, 'the first ones');
beside_sleepers(@$_) for [ 1, 0 ], [ 2, 0 ], [ 4, 0 ], [ 2, 1 ], [ 4, 1 ], [ 4, 3 ];
drained($node, $db, 60, 'all answers are sent');
is($sim->stats->{accepted}, sql('SELECT count(*) FROM rcs.inbound'), 'one for each message');
oracle($node, $db, $sim);
$node->stop;
done_testing();
