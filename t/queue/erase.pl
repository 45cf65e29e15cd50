# rcs_erase while a campaign drains: an erased person is offered nothing from then on, no person is offered a
# message twice, the counts add up, no report brings an id back, and no session waits for an erasure.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main',
	'rcs.request_timeout' => '500ms',
	'rcs.settle' => '1s',
	'rcs.max_in_flight' => 25,
	'rcs.changes' => 'on',
	'max_prepared_transactions' => 0, # or people are looked up each second, whoever tells or does not
	'rcs.campaign_workers' => 2);
my $sim = start_ktsim(args => [ '--latency-ms', 50 ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

# One whose outcome is unknown is not offered again.
$sim->set(hang_pct => 100);
sql(q{SELECT rcs_send('01070000004', 'hello')});
poll($node, $db, "SELECT count(*) > 0 FROM rcs.result WHERE outcome = 't'", 't', 20, 'an offer is of unknown outcome');
is(sql(q{SELECT rcs_erase('01070000004')}), 1, 'its recipient is erased');
$sim->set(hang_pct => 0);
drained($node, $db, 20);
my $offers;
is(sql(q{SELECT status, code FROM rcs.message_status}), 'uncertain|erased', 'what became of it stays unknown');

# A waiting message ends at once.  If a session holds its batch, the erasure does not wait: a worker ends the message later.
$offers = $sim->stats->{offers};
sql(qq{SELECT rcs_send('0107000000$_', 'later', send_at => '2100-01-01')}) for 5, 6;
my $holder = $node->background_psql($db);
$holder->query_safe(q{BEGIN});
$holder->query_safe(q{SELECT FROM rcs.batch b JOIN rcs.message m USING (campaign_no, batch_id) WHERE m.phone = '01070000006' FOR UPDATE OF b});
is(sql(qq{SET lock_timeout = '3s'; SELECT rcs_erase('0107000000$_')}), 1, "0107000000$_ is erased") for 5, 6;
$holder->quit;
my $ends = q{SELECT string_agg(concat(status, ' ', code), ', ' ORDER BY created_at) FROM rcs.message_status WHERE created_at > now() - interval '1 hour' AND status <> 'uncertain'};
is(sql($ends), 'canceled erased, queued ', 'what waits is canceled, what somebody holds waits on');
sql(q{UPDATE rcs.batch SET due_at = now()});
poll($node, $db, $ends, 'canceled erased, canceled erased', 20, 'until its turn');
is($sim->stats->{offers}, $offers, 'none of them is offered');

# What a worker has read already, and would offer in some seconds.
sql(q{ALTER SERVER kt OPTIONS (ADD rate_per_minute '1200')});
my $slow = campaign($node, $db, 60, from => 60000001);
poll($node, $db, "SELECT accepted > 4 FROM rcs.campaign_progress WHERE campaign = '$slow'", 't', 20, 'a slow campaign runs');
is(sql(q{SELECT string_agg(b.state::text, '') FROM rcs.batch b WHERE b.campaign_no > 0}), 'l', 'all of it is leased');
is(sql(q{SELECT rcs_erase('01060000045'), rcs_erase('01060000060')}), '1|1', 'two who are in it are erased');
drained($node, $db, 30, 'it ends', $slow);
is(sql("SELECT sent, canceled FROM rcs.campaign_progress WHERE campaign = '$slow'"), '58|2', 'they are offered nothing');
sql('ALTER SERVER kt OPTIONS (DROP rate_per_minute)');

# While a campaign is sent: queued, leased, with an intent, under way and sent ones.
my $n = 6000;
my $id = campaign($node, $db, $n, from => 20000001);
poll($node, $db, "SELECT accepted > $n / 100 FROM rcs.campaign_progress WHERE campaign = '$id'", 't', 60, 'the campaign runs');
my @gone = map { 20000000 + $_ * int($n / 40) } 1 .. 40;
my %id_of = map { split /\|/ } split /\n/, sql("SELECT phone, id FROM rcs.message WHERE phone IS NOT NULL");
my $erased = sql(join '', map { "SELECT rcs_erase('010$_');\n" } @gone);
my $said = time();
is($erased, join("\n", (1) x 40), 'each is one row');
drained($node, $db, 120, 'the campaign is over', $id);
RcsTest::load_ledgers($node, $db, $sim);
my %offered = map { split /\|/ } split /\n/, sql('SELECT phone, max(time_us) FROM oracle.ledger WHERE phone IS NOT NULL GROUP BY phone');
my @late = grep { ($offered{"010$_"} // 0) / 1e6 > $said + 0.5 } @gone;
is("@late", '', 'nobody is offered anything after he was erased');
my $spared = grep { !$offered{"010$_"} } @gone;
cmp_ok($spared, '>', 0, "$spared of 40 in time");
is(sql('SELECT phone FROM oracle.ledger WHERE decision = \'accepted\' AND msgid IS NOT NULL GROUP BY phone, msgid HAVING count(*) > 1'), '', 'nobody gets anything twice');
is(sql("SELECT total, total - accepted, canceled, queued + sending + failed FROM rcs.campaign_progress WHERE campaign = '$id'"),
	"$n|$spared|$spared|0", 'the counts add up');
is(sql(q{SELECT count(*) FROM rcs.message WHERE phone IS NULL}), 45, 'all of them have no number');
my $old = join ', ', map { "'" . $id_of{"010$_"} . "'" } @gone;
poll($node, $db, "SELECT count(*) FILTER (WHERE message IS NOT NULL) >= $n - 40 FROM rcs_changes(0, 100000)", 't', 20, 'the feed goes on');
is(sql("SELECT count(*) FROM rcs._change_feed WHERE message IN ($old)"), 0, 'it has none of their ids');
is(sql("SELECT (SELECT count(*) FROM rcs_campaign_add('$id', ARRAY['010$gone[0]'], ARRAY['{\"name\": \"x\"}']::jsonb[]) WHERE duplicates = 1)"), 1,
	'who is added again is in it already');

# Reports during an erasure: those of other persons do not wait, and one of this person leaves no id.
my $s = $node->background_psql($db);
$s->query_safe('BEGIN');
is($s->query_safe(q{SELECT rcs_erase('01020000001')}), 1, 'somebody erases, and has not committed');
sub report { return qq[SELECT rcs_receive('{"status": "success", "serviceType": "RCSSMS", "msgId": "$id_of{$_[0]}"}')]; }
is(sql(q{SET lock_timeout = '3s';} . report('01020000002')), 1, 'a report about somebody else is stored');
sql(q{SELECT rcs_send('01079999999', 'meanwhile')});
drained($node, $db, 20, 'and sending goes on');
my $r = $node->background_psql($db);
$r->query_until(qr/^/, report('01020000001') . ";\n\\echo stored\n");
poll($node, $db, q{SELECT count(*) FROM pg_locks WHERE NOT granted}, 1, 20, 'a report about the same waits');
$s->query_safe('COMMIT');
poll($node, $db, q{SELECT count(*) FROM pg_locks WHERE NOT granted}, 0, 20, 'until the commit');
$_->quit for $r, $s;
is(sql(report('01020000001')), 0, 'a late one is not kept');
is(sql("SELECT (SELECT count(*) FROM rcs.event WHERE message = '$id_of{'01020000001'}'), (SELECT count(*) FROM rcs.quarantine)"), '0|0',
	'neither left the id');
sql('BEGIN; ' . report('01020000003') . q{; SELECT rcs_erase('01020000003'); COMMIT});
is(sql('SELECT count(*) FROM rcs.event e WHERE NOT EXISTS (SELECT FROM rcs.message m WHERE m.id = e.message)'), 0, 'no report is left alone');
poll($node, $db, 'SELECT count(*) FROM rcs.event WHERE NOT counted', 0, 20, 'reports are counted');
is(sql("SELECT delivered FROM rcs.campaign_progress WHERE campaign = '$id'"), 2, 'also that of somebody who is erased now');

# A restart finds nothing to send again.
$offers = $sim->stats->{accepted};
$node->stop('immediate');
$node->start;
sleep 2;
drained($node, $db, 30);
is($sim->stats->{accepted}, $offers, 'after a crash nobody is offered anything again');
is(complaints($node), 0, 'nothing failed');
$node->stop;
done_testing();
