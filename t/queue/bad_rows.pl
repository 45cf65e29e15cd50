# A superuser can write rows into the queue that no function of ours writes.  One bad row must never stop a
# lane, nor fill the log.  After each bad row, a good single and a good campaign leave as always.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main', 'rcs.chatbot' => "'0212351235'", 'rcs.settle_dead' => '300ms', 'rcs.settle' => '300ms');
my $sim = start_ktsim();
my $db = rcs_database($node, 'shop');
$node->safe_psql('postgres', 'CREATE ROLE keeper');
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

my $n = 0;

# What a superuser writes: the next campaign_no and batch_id are :c and :b, a good campaign and its
# finished batch are :good and :done.
my $good = campaign($node, $db, 10, from => 10_000_000);
drained($node, $db, 60, 'a good campaign leaves', $good);
my ($good_no, $done) =
  split /\|/, sql("SELECT DISTINCT campaign_no, batch_id FROM rcs.message WHERE campaign_no > 0");

sub bad
{
	my ($rows) = @_;
	my ($c, $b) = split /\|/, sql(q{SELECT nextval('rcs.campaign_no_seq'), nextval('rcs.batch_id_seq')});
	my $phone = '010' . (80_000_000 + $b);

	$rows =~ s/:campaign/INSERT INTO rcs.campaign (campaign_no, name, chatbot, created_by, started_at) VALUES (:c, 'bad', '0212351235', 'me', now())/g;
	$rows =~ s/:version(\((?:[^()]|(?1))*\))/INSERT INTO rcs.campaign_version (campaign_no, version, message, created_by) VALUES (:c, 1, $1, 'me')/g;
	$rows =~ s/:message(\((?:[^()]|(?1))*\))/INSERT INTO rcs.message (campaign_no, batch_id, ord, id, created_at, phone, message, chatbot) VALUES $1/g;
	$rows =~ s/:batch(\((?:[^()]|(?1))*\))/INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at) SELECT v.*, now() FROM (VALUES $1) v/g;
	$rows =~ s/:retry\((.*?)\)/INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at, attempt, origin, ords) VALUES (:good, :b, 1, now(), $1)/g;
	$rows =~ s/:good/$good_no/g;
	$rows =~ s/:done/$done/g;
	$rows =~ s/:phone/'$phone'/g;
	$rows =~ s/:c\b/$c/g;
	$rows =~ s/:b\b/$b/g;
	$rows =~ s/:id/gen_random_uuid()/g;
	sql("BEGIN; $rows; SELECT rcs_send('01099990000', 'to wake the worker'); COMMIT");
	return;
}

sub both_lanes_go_on
{
	my ($name, $rows) = @_;
	my $mark = -s $node->logfile;
	my $campaign = campaign($node, $db, 5, from => 30_000_000 + 10 * ++$n);
	my $single = sql("SELECT rcs_send('0107000' || 1000 + $n, 'good')");

	return subtest $name => sub {
		poll($node, $db, "SELECT status FROM rcs.message_status WHERE id = '$single'", 'sent', 20, 'a single leaves');
		poll($node, $db, "SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'", 5, 20, 'a campaign leaves');
		sleep(1);
		cmp_ok(log_count($node, '(?:WARNING|ERROR):', $mark), '<=', 3 * ($rows // 1), 'the log says little about it')
			or diag substr(slurp_file($node->logfile, $mark), 0, 1500);
		is(log_count($node, 'FATAL|PANIC|terminated by signal', $mark), 0, 'no process ends');
	};
}

my $one = q{'{"serviceType":"RCSSMS","header":"0","body":{"description":"x"}}'};
my @kinds = (
	[ 'a recipient without a phone', ":campaign; :version($one); :message(:c, :b, 1, :id, now(), NULL, NULL, NULL); :batch(:c, :b, 1)" ],
	[ 'a recipient whose phone is no number', ":campaign; :version($one); :message(:c, :b, 1, :id, now(), E'\\n%s''', NULL, NULL); :batch(:c, :b, 1)" ],
	(map { [ "a campaign whose text is $_", ":campaign; :version('$_'); :message(:c, :b, 1, :id, now(), :phone, NULL, NULL); :batch(:c, :b, 1)" ] }
		'"x"', '[]', '[{"serviceType":"RCSSMS"}]', 'null', '1', '{}', '{"body":[1,{"a":null}],"legacy":"x"}',
		'{"legacy":{"kisaOrigCode":{}},"body":"x"}', '{"serviceType":"RCSSMS","body":{"description":"#{a"}}'),
	[ 'a campaign whose text is nested very deeply',
		":campaign; :version((repeat('{\"a\":', 3000) || '1' || repeat('}', 3000))::jsonb); :message(:c, :b, 1, :id, now(), :phone, NULL, NULL); :batch(:c, :b, 1)" ],
	[ 'a campaign without a text', ':campaign; :message(:c, :b, 1, :id, now(), :phone, NULL, NULL); :batch(:c, :b, 1)' ],
	[ 'a campaign of an unknown chatbot', ":campaign; UPDATE rcs.campaign SET chatbot = 'nobody' WHERE campaign_no = :c; :version($one); :message(:c, :b, 1, :id, now(), :phone, NULL, NULL); :batch(:c, :b, 1)" ],
	[ 'a campaign of a chatbot with a very long name', ":campaign; UPDATE rcs.campaign SET chatbot = repeat('9', 500) WHERE campaign_no = :c; :version($one); :message(:c, :b, 1, :id, now(), :phone, NULL, NULL); :batch(:c, :b, 1)" ],
	[ 'a batch without messages', ":campaign; :version($one); :batch(:c, :b, 5)" ],
	[ 'a batch without a campaign', ':message(:c, :b, 1, :id, now(), :phone, NULL, NULL); :batch(:c, :b, 1)' ],
	[ 'a batch that says it is larger', ":campaign; :version($one); :message(:c, :b, 1, :id, now(), :phone, NULL, NULL); :batch(:c, :b, 2000000000)" ],
	[ 'a batch of a negative number', ":campaign; :version($one); :message(:c, :b, 1, :id, now(), :phone, NULL, NULL); :batch(:c, :b, -1)" ],
	[ 'a batch whose canceled ones do not exist', ":campaign; :version($one); :message(:c, :b, 1, :id, now(), :phone, NULL, NULL); :batch(:c, :b, 1); UPDATE rcs.batch SET canceled = '{5,-1,NULL,2147483647}' WHERE campaign_no = :c" ],
	[ 'a retry of messages that do not exist', ":retry(7, :done, '{77,-1}')" ],
	[ 'a retry of nothing', ":retry(7, :done, '{}')" ],
	[ 'a retry with a null', ":retry(7, :done, '{NULL}')" ],
	[ 'a retry with a matrix', ":retry(7, :done, '{{1,2},{3,4}}')" ],
	[ 'a retry of a batch that does not exist', ":retry(7, 999999999, '{1}')" ],
	[ 'a retry with a text that does not exist', ":retry(7, :done, '{1}'); UPDATE rcs.batch SET version = 9 WHERE batch_id = :b" ],
	[ 'a retry through an account that does not exist', ":retry(7, :done, '{1}'); UPDATE rcs.batch SET server = 'nobody', unknown_since = now() WHERE batch_id = :b" ],
	[ 'a retry of an attempt that has a result', ":retry(1, :done, '{1}')" ],
	[ 'a lease of nobody', ":campaign; :version($one); :message(:c, :b, 1, :id, now(), :phone, NULL, NULL); :batch(:c, :b, 1); UPDATE rcs.batch SET state = 'l', generation = NULL WHERE campaign_no = :c" ],
	[ 'a lease of a future generation', ":campaign; :version($one); :message(:c, :b, 1, :id, now(), :phone, NULL, NULL); :batch(:c, :b, 1); UPDATE rcs.batch SET state = 'l', generation = 1000000 WHERE campaign_no = :c" ],
	[ 'a single without a phone', ":message(0, :b, 1, :id, now(), NULL, $one, '0212351235'); :batch(0, :b, 1)" ],
	[ 'a single without a text', ":message(0, :b, 1, :id, now(), :phone, NULL, '0212351235'); :batch(0, :b, 1)" ],
	[ 'a single without a chatbot', ":message(0, :b, 1, :id, now(), :phone, $one, NULL); :batch(0, :b, 1)" ],
	[ 'a single of an unknown chatbot', ":message(0, :b, 1, :id, now(), :phone, $one, 'nobody'); :batch(0, :b, 1)" ],
	(map { [ "a single whose text is $_", ":message(0, :b, 1, :id, now(), :phone, '$_', '0212351235'); :batch(0, :b, 1)" ] }
		'"x"', '[]', 'null', '{}', '{"body":7,"legacy":[]}'),
	[ 'a single of a batch that does not exist', ':batch(0, :b, 1)' ],
	[ 'a single of many messages', ":message(0, :b, 1, :id, now(), :phone, $one, '0212351235'); :message(0, :b, 2, :id, now(), :phone, $one, '0212351235'); :batch(0, :b, 1)" ],
	[ 'a single that was due at no time', ":message(0, :b, 1, :id, now(), :phone, $one, '0212351235'); :batch(0, :b, 1); UPDATE rcs.batch SET due_at = '-infinity' WHERE batch_id = :b" ],
	[ 'a single that is never due', ":message(0, :b, 1, :id, now(), :phone, $one, '0212351235'); :batch(0, :b, 1); UPDATE rcs.batch SET due_at = 'infinity' WHERE batch_id = :b" ],
	[ 'a single in doubt since ever', ":message(0, :b, 1, :id, now(), :phone, $one, '0212351235'); :batch(0, :b, 1); UPDATE rcs.batch SET unknown_since = '-infinity', server = 'kt' WHERE batch_id = :b" ],
	[ 'a single through an account that does not exist', ":message(0, :b, 1, :id, now(), :phone, $one, '0212351235'); :batch(0, :b, 1); UPDATE rcs.batch SET unknown_since = now(), server = 'nobody' WHERE batch_id = :b" ],
);

# One at a time they take minutes.  What stops a lane must stop it in company too: the good ones
# come last.
my $together = $ENV{RCS_LONG} ? 1 : 8;
while (my @some = splice @kinds, 0, $together)
{
	bad($_->[1]) for @some;
	both_lanes_go_on(join('; ', map { $_->[0] } @some), scalar @some);
}

# The account and the role behind a chatbot go, past the triggers that would say no.

sql(q{
	SET session_replication_role = replica;
	INSERT INTO rcs.chatbot (chatbot, servers, owner) VALUES ('0299990001', '{gone}', 'keeper');
	INSERT INTO rcs.chatbot (chatbot, servers) VALUES ('0299990002', '{kt,gone}');
	INSERT INTO rcs.chatbot (chatbot, servers) VALUES ('0299990003', '{}')});
$node->safe_psql('postgres', 'DROP ROLE keeper');
for my $chatbot ('0299990001', '0299990002', '0299990003')
{
	$node->psql($db, "SELECT rcs_send('01066660001', 'x', chatbot => '$chatbot')");
	bad(":message(0, :b, 1, :id, now(), :phone, $one, '$chatbot'); :batch(0, :b, 1)");
	bad(":campaign; UPDATE rcs.campaign SET chatbot = '$chatbot' WHERE campaign_no = :c; :version($one); :message(:c, :b, 1, :id, now(), :phone, NULL, NULL); :batch(:c, :b, 1)");
	both_lanes_go_on("a chatbot without its account or owner: $chatbot");
}

# Both lanes were told of all that; once more with new processes, which find all of it at once.

$node->restart;
both_lanes_go_on('after a restart');
is(sql(q{SELECT count(*) FROM rcs.batch WHERE state = 'l' AND generation IN (
		SELECT (l.classid::bigint << 32) | l.objid::bigint FROM pg_locks l WHERE l.locktype = 'userlock')}),
	0, 'no worker sits on a bad row');
is(log_count($node, 'all server processes terminated'), 0, 'the server never restarted');
$node->stop;
done_testing();
