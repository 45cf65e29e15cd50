# Somebody who may only connect holds every advisory lock that could be meant for the extension, and a handler plays with the
# session locks of its worker: nobody waits for either, and the worker keeps what it has leased and claimed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;

my $db = 'shop';
my $bot = '0212351235';
my $node = rcs_node('main', 'rcs.changes' => 'on', 'rcs.ad_daily_cap' => 5, 'rcs.ad_hours' => "'00:00-24:00 UTC'", 'rcs.chat_workers' => 1);
my $sim = start_ktsim();
rcs_database($node, $db);
setup_account($node, $db, $sim);
sub sql { return $node->safe_psql($db, $_[0]); }

sql(q{CREATE ROLE stranger LOGIN; CREATE ROLE clerk; GRANT USAGE ON SCHEMA rcs TO clerk; GRANT USAGE ON FOREIGN SERVER kt TO clerk;
	CREATE SCHEMA h; GRANT USAGE ON SCHEMA h TO clerk});

# ---------- a stranger ----------

my $stranger = $node->background_psql($db, on_error_stop => 1, extra_params => [ '-U', 'stranger' ]);
$stranger->query_safe(q{SELECT count(pg_advisory_lock(c.oid::int, k)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	CROSS JOIN generate_series(0, 6) k WHERE n.nspname = 'rcs' AND c.relkind IN ('r', 'S')});
$stranger->query_safe(q{SELECT count(pg_advisory_lock(k)) FROM generate_series(0, 200) k});

sql(qq{UPDATE rcs.chatbot SET footer = '080-123-4567';
	SELECT rcs_send('01012345678', message => '{"header": "1", "serviceType": "RCSSMS", "body": {"description": "sale"}}', chatbot => '$bot')});
drained($node, $db, 60, 'advertising leaves');
my ($id) = split /\n/, sql(qq{SELECT rcs_campaign_create('many', '{"header": "0", "serviceType": "RCSSMS", "body": {"description": "hello #{name}"}}', chatbot => '$bot')});
sql(qq{SELECT rcs_campaign_add('$id', \$\$ SELECT '010' || 20000000 + n AS phone, jsonb_build_object('name', n) AS params FROM generate_series(1, 300) n \$\$);
	SELECT rcs_campaign_start('$id')});
drained($node, $db, 60, 'a campaign leaves', $id);
sql(qq{SELECT rcs_receive((SELECT jsonb_agg(jsonb_build_object('msgId', id, 'status', 'success', 'serviceType', 'RCSSMS')) FROM rcs.message WHERE campaign_no > 0))});
poll($node, $db, "SELECT delivered FROM rcs.campaign_progress WHERE campaign = '$id'", '300', 60, 'reports are counted');
poll($node, $db, 'SELECT count(*) > 0 FROM rcs._change_feed', 't', 60, 'changes are numbered');
my ($rc, $out, $err) = $node->psql($db, q{SET statement_timeout = '20s'; SELECT rcs_erase('01020000007') > 0; SELECT rcs_purge('0 s') > 0});
is($out . $err, "t\nt", 'a person is erased, old messages are purged');
$stranger->quit;

# ---------- a handler ----------

sql(q{
	CREATE FUNCTION h.plays(i rcs.inbound) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN
		PERFORM pg_advisory_unlock_all();
		PERFORM pg_advisory_lock(77);
		IF i.text = 'fails' THEN RAISE EXCEPTION 'no'; END IF;
		RETURN '"good"'; END $$;
	INSERT INTO rcs.reply_rule (pattern, handler, error_reply, owner) VALUES ('^(plays|fails)$', 'h.plays', '"sorry"', 'clerk')});
sub own_locks { return sql(q{SELECT string_agg(format('%s %s %s', l.objsubid, l.mode, l.objid), ', ' ORDER BY l.objsubid, l.objid)
	FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.backend_type = 'rcs chat worker' AND l.locktype = 'userlock'}); }
my $before = own_locks();
like($before, qr/^21059 ExclusiveLock \d+$/, 'the chat worker has a generation');
my $n = 0;
for my $said (qw(plays fails))
{
	$n++;
	sql(qq{SELECT rcs_receive('[{"eventType": "message", "replyId": "R$n", "chatbotId": "$bot", "userContact": "0103000000$n",
		"messageBody": {"textMessage": "$said"}}]')});
	poll($node, $db, "SELECT count(*) FROM rcs.inbound WHERE handled_at IS NOT NULL AND reply_message IS NOT NULL", $n, 30, "'$said' is answered");
	poll_locks($before, "after '$said' it has its own locks, and no other");
}
sub poll_locks
{
	my ($wanted, $name) = @_;
	is(own_locks(), $wanted, $name);
	is(sql(q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'}), '0', 'no advisory lock is left');
	return;
}
drained($node, $db, 30);
$node->stop;
done_testing();
