# rcs_purge and rcs.keep: only finished and old messages go, with every row about them; counts stay, keys
# become free, sending goes on.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;

my $node = rcs_node('main');
my $sim = start_ktsim();
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

my $done = campaign($node, $db, 1500);
my $key = sql(q{SELECT rcs_send('01011110001', 'hello', key => 'order-1')});
drained($node, $db, 60);
sql(q{SELECT rcs_receive(jsonb_agg('{"status": "success", "serviceType": "RCSSMS", "mnoInfo": "KT", "bill": 1}'::jsonb
	|| jsonb_build_object('msgId', id))) FROM (SELECT id FROM rcs.message ORDER BY id LIMIT 700) x});
poll($node, $db, 'SELECT count(*) FROM rcs.event WHERE NOT counted', 0, 20, 'reports are counted');
oracle($node, $db, $sim);

my $waits = sql(q{SELECT rcs_send('01011110002', 'later', send_at => now() + interval '1 day')});
my $draft = sql(qq{SELECT rcs_campaign_create('draft', '$text')});
sql(qq{SELECT rcs_campaign_add('$draft', 'SELECT ''01033330001'' AS phone, ''N'' AS name')});
my $progress = qq{SELECT to_jsonb(p) - '{eta,bar,finished_at}'::text[] FROM rcs.campaign_progress p WHERE campaign = '$done'};
my $result = 'SELECT campaign, status, code, carrier, service_type, sum(n), sum(billed) FROM rcs.campaign_result GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5';
my ($progress_before, $result_before) = (sql($progress), sql($result));

is(sql(q{SELECT rcs_purge('1 hour')}), 0, 'what is not old stays');
is(sql('SELECT count(*) FROM rcs.message'), 1503, 'all of it');
is(sql(q{SELECT rcs_purge('0')}), 1501, 'what is finished goes');
is(sql(q{SELECT string_agg(phone, ' ' ORDER BY phone) FROM rcs.message}), '01011110002 01033330001', 'what is unsent stays');
is(sql('SELECT (SELECT count(*) FROM rcs.result), (SELECT count(*) FROM rcs.intent), (SELECT count(*) FROM rcs.event)'), '0|0|0',
	'nothing is kept about what went');
is(sql($progress), $progress_before, 'campaign_progress is as before');
is(sql($result), $result_before, 'campaign_result too');
my ($rc, $out, $err) = $node->psql($db, qq{SELECT rcs_campaign_add('$done', ARRAY['01020000001'], ARRAY['{"name": "x"}']::jsonb[])});
like($err, qr/is expired/, 'a purged campaign takes nobody, so that nobody gets it twice');
is(sql(q{SELECT rcs_send('01011110003', 'another', key => 'order-1')}), $key, 'its key is free');
drained($node, $db, 20);
isnt($node->psql($db, q{SELECT rcs_purge('-1 day')}), 0, 'a negative interval is refused');
sql('CREATE ROLE stranger');
isnt($node->psql($db, q{SET ROLE stranger; SELECT rcs_purge('1 day')}), 0, 'not everybody may purge');

# A message in doubt that is queued again at this very moment stays, and the purge waits for no session.
sql(q{INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at)
	SELECT campaign_no, batch_id, ord, 2, 'u', now() FROM rcs.message WHERE phone = '01011110003'});
sql(q{SELECT rcs_hold('test')});
my $s = $node->background_psql($db);
$s->query_safe('BEGIN');
$s->query_safe("SELECT rcs_resolve('$key', 'resend')");
is(sql(q{SET lock_timeout = '2s'; SELECT rcs_purge('0')}), 0, 'what somebody decides on at this moment stays');
$s->query_safe('COMMIT');
$s->quit;
is(sql(q{SELECT rcs_purge('0')}), 0, 'what was queued again too');
is(sql("SELECT status FROM rcs.message_status WHERE id = '$key'"), 'sending', 'it is there');
sql(q{SELECT rcs_resume()});
drained($node, $db, 30);

# Two purges at a time would add to the sums twice; the worker does not wait for a session that purges.
my $again = campaign($node, $db, 300, from => 60000000);
drained($node, $db, 60);
$s = $node->background_psql($db);
$s->query_safe('BEGIN');
is($s->query_safe(q{SELECT rcs_purge('0')}), 301, 'somebody purges');
set_conf($node, 'rcs.keep' => '1s');
sleep 2;
is(sql(q{SELECT count(*) FROM pg_locks WHERE NOT granted}), 0, 'nobody waits for him');
set_conf($node, 'rcs.keep' => '0');
like(($node->psql($db, q{SELECT rcs_purge('0')}))[2], qr/another purge is under way/, 'a second one does not wait for ever');
like(($node->psql($db, q{BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT rcs_purge('0')}))[2], qr/READ COMMITTED/, 'nor does one with an old snapshot');
$s->query_safe('COMMIT');
$s->quit;
is(sql(qq{SELECT sum(n) FROM rcs.campaign_result WHERE campaign = '$again'}), 300, 'counted once');

# By itself, while another campaign is sent and the database is dumped; also without workers for campaigns.
my $next = campaign($node, $db, 1500, from => 40000000);
drained($node, $db, 60);
my $last = campaign($node, $db, 2000, from => 50000000);
set_conf($node, 'rcs.keep' => '1s');
$node->command_ok(['pg_dump', '-p', $node->port, '-h', $node->host, '-f', '/dev/null', $db], 'a dump meanwhile');
poll($node, $db, 'SELECT count(*) FROM rcs.message WHERE phone NOT IN (\'01011110002\', \'01033330001\')', 0, 60, 'rcs.keep purges by itself');
set_conf($node, 'rcs.campaign_workers' => 0);
sql(q{SELECT rcs_send('01011110004', 'one more')});
poll($node, $db, q{SELECT count(*) FROM rcs.message WHERE phone = '01011110004'}, 0, 60, 'also without workers for campaigns');
# the key that was used again has the id of before, which the carrier knows
is($sim->stats->{accepted}, 1501 + 300 + 1500 + 2000 + 1, 'everything was sent');
is(sql(q{SELECT string_agg(total::text || ' ' || accepted, ', ' ORDER BY created_at) FROM rcs.campaign_progress}),
	'1500 1500, 1 0, 300 300, 1500 1500, 2000 2000', 'the counts are there');
is(complaints($node), 5, 'nothing failed but what had to');
$node->stop;
done_testing();
