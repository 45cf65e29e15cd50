# Refusals of advertising, looked up when a message is offered and again at its permit; the daily cap.

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
	'rcs.campaign_workers' => 2);
my $sim = start_ktsim(args => [ '--latency-ms', 2 ], accounts => [ 'shop:secret', 'slow:secret' ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);
setup_account($node, $db, $sim, server => 'slow', rcs_id => 'slow', chatbot => '0212359999', options => { rate_per_minute => 1 });

sub sql { return $node->safe_psql($db, $_[0]); }

sql(q{UPDATE rcs.chatbot SET footer = '080-123-4567', callback = '0212345678'});

my $ad = '{"serviceType": "RCSSMS", "header": "1", "body": {"description": "sale, #{n}"}}';

sub ads
{
	my ($phones, $chatbot) = @_;
	my $id = sql("SELECT rcs_campaign_create('sale', '$ad', chatbot => '" . ($chatbot // '0212351235') . q{')});
	sql("SELECT rcs_campaign_add('$id', \$\$SELECT phone, i AS n FROM $phones\$\$)");
	sql("SELECT rcs_campaign_start('$id')");
	return $id;
}

sub ad { return sql("SELECT rcs_send('$_[0]', '" . $ad =~ s/, #.*?"/"/r . q{'::jsonb, chatbot => '0212351235')}); }
sub status_is
{
	my ($id, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll($node, $db, "SELECT status, code FROM rcs.message_status WHERE id = '$id'", $expected, 20, $name);
}

# Single messages: this chatbot, another, all, and in again.
sql(q{SELECT rcs_optout('010-7000-0001', '0212351235'), rcs_optout('010-7000-0002', '0212359999'), rcs_optout('010-7000-0003')});
status_is(ad('01070000001'), 'suppressed|optout', 'who has refused the chatbot gets no advertising of it');
status_is(ad('01070000002'), 'sent|', 'who has refused another does');
status_is(ad('01070000003'), 'suppressed|optout', 'who has refused all does not');
status_is(sql(q{SELECT rcs_send('01070000003', 'your order', chatbot => '0212351235')}), 'sent|', 'but information');
sql(q{SELECT rcs_optin('01070000003', '0212351235')});
status_is(ad('01070000003'), 'sent|', 'and advertising again after rcs_optin');

# A refusal that comes while the outcome of an offer is unknown.
$sim->set(hang_pct => 100);
my $doubt = ad('01070000004');
poll($node, $db, "SELECT count(*) > 0 FROM rcs.result WHERE outcome = 't'", 't', 20, 'an offer is of unknown outcome');
sql(q{SELECT rcs_optout('01070000004')});
$sim->set(hang_pct => 0);
status_is($doubt, 'uncertain|optout', 'it is not offered again, and what became of the first offer stays unknown');

# A refusal by a person whose message has an intent and waits for a permit.
my $slow = ads(q{(SELECT '0107100000' || i AS phone, i FROM generate_series(1, 2) i) x}, '0212359999');
my $waits = "SELECT phone FROM rcs.message_status WHERE campaign = '$slow' AND status = 'sending' ORDER BY phone LIMIT 1";
poll($node, $db, "SELECT count(*) > 0 FROM ($waits) x", 't', 20, 'somebody waits for a permit');
my $late = sql($waits);
sql("SELECT rcs_optout('$late')");
poll($node, $db, "SELECT status FROM rcs.message_status WHERE campaign = '$slow' AND phone = '$late'", 'suppressed', 20,
	'a refusal after the intent is seen at the permit');
is(sql("SELECT count(*) FROM rcs.intent i JOIN rcs.message m USING (campaign_no, batch_id)
	JOIN rcs.campaign c USING (campaign_no) WHERE c.id = '$slow' AND m.phone = '$late' AND m.ord = ANY (i.ords)"), 1,
	'the intent was on disk');
sql("SELECT count(rcs_optout('0107100000' || i)) FROM generate_series(1, 2) i");
drained($node, $db, 30, 'nobody else of it waits', $slow);

# The same by COMMIT PREPARED, of which a worker is not told.
my $prepared = ads(q{(SELECT '0107200000' || i AS phone, i FROM generate_series(1, 2) i) x}, '0212359999');
$waits =~ s/$slow/$prepared/;
poll($node, $db, "SELECT count(*) > 0 FROM ($waits) x", 't', 20, 'somebody waits for a permit');
$late = sql($waits);
sql("BEGIN; SELECT rcs_optout('$late'); PREPARE TRANSACTION 'refusal'");
sql("COMMIT PREPARED 'refusal'");
poll($node, $db, "SELECT status FROM rcs.message_status WHERE campaign = '$prepared' AND phone = '$late'", 'suppressed', 20,
	'a refusal by COMMIT PREPARED is seen at the permit');
sql("SELECT count(rcs_optout('0107200000' || i)) FROM generate_series(1, 2) i");
drained($node, $db, 30, 'nobody else of it waits', $prepared);

# As fast as it goes; each statement of the script is a transaction.
my $n = 6000;
$sim->set(latency_ms => 50);
my $fast = ads("(SELECT '010' || i AS phone, i FROM generate_series(20000001, 20000000 + $n) i) x");
poll($node, $db, "SELECT accepted > $n / 100 FROM rcs.campaign_progress WHERE campaign = '$fast'", 't', 60, 'the campaign runs');
my @refusing = map { 20000000 + $_ * int($n / 40) } 1 .. 40;
sql(join '', map { "SELECT rcs_optout('010$_');\n" } @refusing);
my $said = time();
my $running = sql("SELECT queued + sending FROM rcs.campaign_progress WHERE campaign = '$fast'");
# leased batches, too, are searched for persons that have refused
my @unlike = grep { $_ ne '0' } map { sql("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT p.queued - c.would_send - c.suppressed
	FROM rcs.campaign_progress p, rcs_campaign_check(p.campaign) c WHERE p.campaign = '$fast'; COMMIT") } 1 .. 20;
is("@unlike", '', 'a dry run in the middle of it knows each message that is queued');
drained($node, $db, 120, 'the campaign is over', $fast);
oracle($node, $db, $sim, name => 'after the campaign');
my %offered = map { split /\|/ } split /\n/, sql(q{SELECT phone, max(time_us) FROM oracle.ledger GROUP BY phone});
# a request that was under way, on a busy machine
my @late = grep { ($offered{"010$_"} // 0) / 1e6 > $said + 0.5 } @refusing;
is("@late", '', "nobody is offered anything after his refusal ($running were unsent then)");
my $spared = grep { !$offered{"010$_"} } @refusing;
$sim->set(latency_ms => 2);
cmp_ok($spared, '>', 0, "$spared of 40 refused in time");
is(sql("SELECT suppressed, total - accepted, failed + uncertain + expired + canceled FROM rcs.campaign_progress WHERE campaign = '$fast'"),
	"$spared|$spared|0", 'they are counted as suppressed');
is(sql(q{SELECT string_agg(DISTINCT code || ': ' || reason, ', ') FROM rcs.message_status WHERE status = 'suppressed'}),
	'optout: the recipient has refused advertising', 'with a reason');

# At most two a day, from all senders together: campaigns at once, single messages in one transaction, and a retry.
set_conf($node, 'rcs.ad_daily_cap' => 2);
$sim->set(error_pct => 30, error_code => '50002');
my @capped = map { ads(q{(SELECT '010800' || i AS phone, i FROM generate_series(10000, 10059) i) x}) } 1 .. 4;
drained($node, $db, 60, 'four campaigns are over', $_) for @capped;
$sim->set(error_pct => 0);
drained($node, $db, 60);
my $list = join ', ', map { "'$_'" } @capped;
is(sql("SELECT sum(accepted), sum(suppressed), sum(total) FROM rcs.campaign_progress WHERE campaign IN ($list)"), '120|120|240',
	'two of four campaigns reach each person');
is(sql("SELECT count(*) FROM (SELECT phone FROM rcs.message_status WHERE campaign IN ($list) AND status = 'sent' GROUP BY 1 HAVING count(*) = 2) x"), 60,
	'each of them');
my $one = $ad =~ s/, #.*?"/"/r;
sql("SELECT count(rcs_send('01081000000', '$one'::jsonb, chatbot => '0212351235')) FROM generate_series(1, 5)");
drained($node, $db, 20);
is(sql(q{SELECT status, code, count(*) FROM rcs.message_status WHERE phone = '01081000000' GROUP BY 1, 2 ORDER BY 1}), "sent||2\nsuppressed|ad_cap|3",
	'of five at once two go');
is(sql(q{SELECT count(*) FROM rcs.message_status WHERE phone = '01070000003' AND lane = 'single' AND status = 'sent'}), 2, 'what was sent before the cap was set does not count');

# What rcs_campaign_check foretells comes true.  20 have had their two of today, 10 one of them, 5 have refused,
# one of whom has had his share too, and one is erased.
drained($node, $db, 20, 'ten get their first', ads(q{(SELECT '010800' || i AS phone, i FROM generate_series(10060, 10069) i) x}));
my $told = sql("SELECT rcs_campaign_create('told', '$ad', chatbot => '0212351235')");
sql("SELECT rcs_campaign_add('$told', \$\$SELECT '010800' || i AS phone, i AS n FROM generate_series(10040, 10099) i UNION ALL SELECT 'nobody', 0\$\$)");
sql("SELECT count(rcs_optout('010800' || i)), rcs_erase('01080010095') FROM unnest('{10059,10091,10092,10093,10094}'::int[]) i");
my $check = "SELECT would_send, suppressed, rejected, limited_by FROM rcs_campaign_check('$told')";
is(sql($check), '35|24|1|', 'a dry run counts who has refused and who has had his share, each once');
my $tomorrow = q{(rcs._ad_day(now()) + 1)::timestamp AT TIME ZONE 'UTC'};
sql("SELECT rcs_campaign_change('$told', start_at => $tomorrow)");
is(sql($check), '54|5|1|', 'nobody has had his share of tomorrow');
sql("SELECT rcs_campaign_change('$told', start_at => 'infinity')");
$sim->set(error_pct => 100, error_code => '50002');
sql("SELECT rcs_campaign_start('$told')");
poll($node, $db, "SELECT queued, sending FROM rcs.campaign_progress WHERE campaign = '$told'", '35|0', 20, 'all of them are to be tried again');
# the account may be set aside by then
like(sql($check), qr/^35\|0\|1\|/, 'a message that is tried again has been counted');
$sim->set(error_pct => 0);
drained($node, $db, 60, 'it is over', $told);
is(sql("SELECT accepted, suppressed, canceled, rejected FROM rcs.campaign_progress WHERE campaign = '$told'"), '35|24|1|1', 'it was as foretold');
oracle($node, $db, $sim, name => 'at the end');
$node->stop;
done_testing();
