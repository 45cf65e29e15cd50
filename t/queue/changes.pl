# rcs_changes(): every final outcome and report once, in the order of the commits, a late one not
# skipped; rcs_trace(), rcs.campaign_result and rcs.campaign_history tell the same story.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use JSON::PP;
use RcsTest;
use Test::More;

my $node = rcs_node('main');
my $sim = start_ktsim();
$sim->set(refuse_phone_suffix => { '20000005' => '54002' });
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

# a report of the carrier about messages
sub report
{
	my ($where, $json) = @_;
	return sql(qq{SELECT rcs_receive(jsonb_agg('$json'::jsonb || jsonb_build_object('msgId', m.id))) FROM rcs.message m WHERE $where});
}

# the feed is off
sql(q{SELECT rcs_send('01011110000', 'before')});
drained($node, $db, 20);
is(sql('SELECT count(*) FROM rcs._change') . sql('SELECT count(*) FROM rcs_changes()'), '00', 'off: nothing is written');

set_conf($node, 'rcs.changes' => 'on');
sleep 1;
my $campaign = campaign($node, $db, 20);
my $single = sql(q{SELECT rcs_send('01011110001', 'hello', key => 'order-1')});
my $canceled = sql(q{SELECT rcs_send('01011110002', 'later', send_at => now() + interval '1 day')});
sql("SELECT rcs_cancel('$canceled')");
drained($node, $db, 20);
report(q{m.phone = '01020000001'}, '{"status": "success", "serviceType": "RCSSMS", "mnoInfo": "KT", "bill": 1}');
report(q{m.phone = '01020000002'}, '{"status": "success", "serviceType": "SMS", "mnoInfo": "SKT", "bill": 1}');
report(q{m.phone = '01011110001'}, '{"status": "success", "serviceType": "RCSSMS", "mnoInfo": "KT", "bill": 0}');
poll($node, $db, q{SELECT count(*) FROM rcs_changes() WHERE message IS NOT NULL}, 25, 20, 'each outcome and report is there');
is(sql(q{SELECT status, count(*) FROM rcs_changes() WHERE message IS NULL GROUP BY 1 ORDER BY 1}), "added|1\ncreated|1\nstarted|1",
	'a change of a campaign is one row');
is(sql(q{SELECT string_agg(status, ' ' ORDER BY seq) FROM rcs_changes() WHERE key = 'order-1'}), 'sent delivered', 'a single, in order');
is(sql(qq{SELECT status, code FROM rcs_changes() WHERE message = '$canceled'}), 'canceled|', 'rcs_cancel');
is(sql(q{SELECT count(*) FROM (
		SELECT DISTINCT ON (f.message) f.message, f.status FROM rcs_changes(0, 10000) f
		WHERE message IS NOT NULL ORDER BY f.message, f.seq DESC) last
	FULL JOIN (SELECT * FROM rcs.message_status WHERE created_at > (SELECT min(at) FROM rcs._change_feed)) s ON s.id = last.message
	WHERE s.status IS DISTINCT FROM last.status}), 0, 'the last change of a message is its status');
is(sql(q{SELECT string_agg(seq::text, ',') FROM (SELECT seq FROM rcs_changes(0, 3) UNION ALL SELECT seq FROM rcs_changes(3, 2)) x}), '1,2,3,4,5',
	'read in pieces');

# A late commit.  Two transactions are held open while later changes are made, numbered and read: one whose
# changes were written before, one that began before and writes afterwards.
my @open = map { $node->background_psql($db) } 1 .. 2;
my @late = map { sql("SELECT rcs_send('0101111001$_', 'late', send_at => now() + interval '1 day')") } 1 .. 2;
$_->query_safe('BEGIN; SELECT pg_current_xact_id()') for @open;
$open[0]->query_safe("SELECT rcs_cancel('$late[0]')");
my $seen = sql('SELECT max(seq) FROM rcs_changes(0, 10000)');
for my $i (1 .. 3)
{
	my $id = sql("SELECT rcs_send('0101111002$i', 'now')");
	poll($node, $db, "SELECT count(*) FROM rcs_changes($seen, 1000) WHERE message = '$id' AND status = 'sent'", 1, 10,
		"change $i is not held up by an open transaction");
	$seen = sql('SELECT max(seq) FROM rcs_changes(0, 10000)');
}
$open[1]->query_safe("SELECT rcs_cancel('$late[1]')");
is(sql("SELECT count(*) FROM rcs_changes($seen)"), 0, 'what has not committed is not there');
for my $i (1, 0)
{
	$open[$i]->query_safe('COMMIT');
	poll($node, $db, "SELECT message, status FROM rcs_changes($seen)", "$late[$i]|canceled", 10, 'a late commit comes after what was read');
	$seen = sql('SELECT max(seq) FROM rcs_changes(0, 10000)');
}
$_->quit for @open;

# What a consumer sees that reads on while many write: each change once, none skipped.
my $big = campaign($node, $db, 1500, from => 30000000);
my ($after, %times) = ($seen);
for (1 .. 400)
{
	my @rows = split /\n/, sql("SELECT seq, message, status FROM rcs_changes($after, 400)");
	for (@rows)
	{
		my ($seq, $message, $status) = split /\|/;
		die "number $seq after $after" unless $seq == $after + 1;
		$after = $seq;
		$times{$message}++ if $status eq 'sent';
	}
	last if keys %times == 1500;
	select undef, undef, undef, 0.1 unless @rows;
}
is(keys %times, 1500, 'all of a campaign, gapless');
is((grep { $_ != 1 } values %times), 0, 'each once');
is(sql('SELECT count(*) < 10000 FROM rcs._change'), 't', 'what is numbered is not kept twice for ever');

# ---------- the same story elsewhere ----------

is(sql(qq{SELECT status, code, carrier, service_type, n, billed FROM rcs.campaign_result WHERE campaign = '$campaign' ORDER BY 1, 2, 3}),
	"delivered||KT|RCSSMS|1|1\nfailed|54002|||1|0\nfell_back||SKT|SMS|1|1\nsent||||17|0", 'campaign_result');
is(sql(q{SELECT r.campaign FROM (SELECT campaign, sum(n) AS n FROM rcs.campaign_result WHERE campaign IS NOT NULL GROUP BY 1) r
	FULL JOIN rcs.campaign_progress p ON p.campaign = r.campaign WHERE p.total IS DISTINCT FROM r.n}), '', 'its numbers add up to the totals');
is(sql(q{SELECT sum(n) = (SELECT count(*) FROM rcs.message WHERE campaign_no = 0) FROM rcs.campaign_result WHERE campaign IS NULL}), 't',
	'singles are in it, without a campaign');
is(sql(qq{SELECT string_agg(what, ' ' ORDER BY at, what), bool_and(who IS NOT NULL) FROM rcs.campaign_history WHERE campaign = '$campaign'}),
	'text created added started|t', 'campaign_history');

sql(q{SELECT rcs_receive('{"eventType": "message", "chatbotId": "0212351235", "userContact": "01020000002", "replyId": "r1",
	"messageBody": {"textMessage": "hello?"}}')});
sql(q{SELECT rcs_optout('010-2000-0002', source => 'telephone')});
sql(q{SELECT rcs_send('010-2000-0002', 'x', params => '[]', on_error => 'record')});
is(sql(q{SELECT string_agg(what, ', ' ORDER BY at, what) FROM rcs_trace('+82 10-2000-0002') WHERE what NOT LIKE 'reported%'}),
	'added, offered, sent, inbound message, opted out, rejected', 'rcs_trace tells all about a person');
is(sql(q{SELECT count(*) FROM rcs_trace('01020000002') WHERE what = 'reported fell_back' AND name = 'from 20000000'}), 1, 'the report too');
is(sql(q{SELECT count(*) FROM rcs_trace('01020000002', now() + interval '1 hour')}), 0, 'since');
like(sql(q{SELECT advice FROM rcs_trace('01020000005') WHERE what = 'failed' AND code = '54002'}), qr/: .*(?:number|before it is sent)/, 'a code comes with advice');
is(sql(q{SELECT string_agg(what, ', ' ORDER BY at, what) FROM rcs_trace('01011110001') WHERE what NOT LIKE 'reported%'}), 'added, offered, sent', 'a single');

sql('CREATE ROLE stranger; CREATE ROLE reader; GRANT SELECT ON rcs.message_status TO reader');
isnt($node->psql($db, q{SET ROLE stranger; SELECT rcs_trace('01020000002')}), 0, 'not everybody may trace');
is($node->psql($db, q{SET ROLE reader; SELECT rcs_trace('01020000002')}), 0, 'who may see numbers may');
isnt($node->psql($db, q{SET ROLE reader; SELECT rcs_changes()}), 0, 'the feed needs a right of its own');

oracle($node, $db, $sim, drained => 0);
$node->stop;
done_testing();
