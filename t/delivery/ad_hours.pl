# Advertising leaves in the ad hours only: to the second at their edges, after an outage, and retries too.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main', 'rcs.ad_hours' => "'00:00-24:00 UTC'");
my $sim = start_ktsim(accounts => [ 'shop:secret', 'slow:secret' ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim, options => { rate_per_minute => 3000 });
setup_account($node, $db, $sim, server => 'slow', rcs_id => 'slow', chatbot => '0212359999', options => { rate_per_minute => 1 });

sub sql { return $node->safe_psql($db, $_[0]); }

sql(q{UPDATE rcs.chatbot SET footer = '080-123-4567'});

my $body = '"serviceType": "RCSSMS", "body": {"description": "sale"}';

my $foretold;

sub ads
{
	my ($from, $n, $consent, $chatbot) = @_;
	my $id = sql("SELECT rcs_campaign_create('sale', '{\"header\": \"1\", $body}', chatbot => '" . ($chatbot // '0212351235') . "')");
	sql("SELECT rcs_campaign_add('$id', 'SELECT ''010'' || i AS phone, "
		  . ($consent // 'false')
		  . " AS night_consent FROM generate_series($from, $from + $n - 1) i')");
	$foretold = sql("SELECT would_send, starts_at <= now(), limited_by FROM rcs_campaign_check('$id')");
	sql("SELECT rcs_campaign_start('$id')");
	return $id;
}

# Ad hours moved so that it is this time of the day now, to the second: the test may run at any hour.
sub hours_when_it_is
{
	my ($hours, $h, $m, $s) = @_;
	my $now = time();
	my $local = ($h * 60 + $m) * 60 + $s;
	my $west = (int($now) - $local) % 86400;    # POSIX counts westwards
	$west -= 86400 if $west > 43200;
	my $zone = sprintf 'XYZ%s%02d:%02d:%02d', $west < 0 ? '-' : '+', abs($west) / 3600, abs($west) % 3600 / 60, abs($west) % 60;
	set_conf($node, 'rcs.ad_hours' => "$hours $zone");
	return int($now);
}

# Offers of advertising between two moments.
sub offers
{
	my ($from, $to) = @_;
	oracle($node, $db, $sim, name => "offers from $from", drained => 0);
	return sql("SELECT count(*) FROM oracle.ledger WHERE time_us BETWEEN $from * 1e6 AND $to * 1e6");
}

sub progress { return sql("SELECT $_[1] FROM rcs.campaign_progress WHERE campaign = '$_[0]'"); }

# Closed: those with night_consent leave, the others wait, each batch until the very opening.
my $started = hours_when_it_is('08:00-21:00', 20, 50, 0);
my $mixed = ads(30000000, 700, 'i % 10 = 0');
is($foretold, '700|t|ad_hours', 'a dry run knows that some leave at once and the hours put others off');
my $one = sql("SELECT rcs_send('01030009999', '{\"header\": \"1\", $body}'::jsonb, chatbot => '0212351235')");
my $info = sql("SELECT rcs_send('01030009998', '{\"header\": \"0\", $body}'::jsonb, chatbot => '0212351235')");
poll($node, $db, "SELECT accepted, queued FROM rcs.campaign_progress WHERE campaign = '$mixed'", '70|630', 20, 'only those with night_consent get it');
poll($node, $db, "SELECT status FROM rcs.message_status WHERE id = '$info'", 'sent', 10, 'information leaves at any time');
my $until = qr/^outside ad hours until \d{4}-\d\d-\d\d 08:00 /;
poll($node, $db, "SELECT count(*) FROM rcs.message_status WHERE status = 'queued' AND reason LIKE 'outside ad hours%'", 631, 10, 'the others wait');
like(sql("SELECT DISTINCT reason FROM rcs.message_status WHERE status = 'queued'"), $until, 'and it is said why, and until when');
like(progress($mixed, 'state_reason'), $until, 'of the campaign as well');
my $opening = $started + 11 * 3600 + 10 * 60;
is( sql("SELECT c.would_send, c.suppressed, c.starts_at <= now() + interval '1 min', extract(epoch FROM c.ends_at)::numeric(12, 1) - $opening, c.limited_by
		FROM rcs_campaign_check('$mixed') c"), '630|0|f|12.6|ad_hours', 'a dry run knows of the hours, and the rate of the account');
is(sql("SELECT DISTINCT extract(epoch FROM due_at)::bigint - $opening FROM rcs.batch"), 0, 'the queue is due at the opening');
is(sql('SELECT sum(delayed), sum(ready + leased) FROM rcs.queue_depth'), '631|0', 'they are counted as delayed');
is(sql("SELECT rcs_wait('0')"), 't', 'nothing that may be sent now is unsent');
is(sql("SELECT rcs_wait('0', '$one')"), 'f', 'but that message is');
is(progress($mixed, 'queued + sending + sent + suppressed - total'), 0, 'the counts add up');
is(sql("SELECT count(*) FROM rcs.result WHERE outcome <> 'a'"), 0, 'waiting costs no attempt');

# The opening comes: nothing before it.
my $opens = hours_when_it_is('08:00-21:00', 7, 59, 57) + 3;
drained($node, $db, 40, 'all leave at the opening', $mixed);
drained($node, $db, 20, 'the single message too', $one);
is(offers($started, $opens - 0.001) - 71, 0, 'nothing else left before it');

# The closing comes, with the margin of ten minutes, while a campaign runs and others are tried again.
$sim->set(error_pct => 20, error_code => '50002');
my $running = ads(40000000, 600);
is($foretold, '600|t|account rate', 'a dry run sees no hours in the way');
poll($node, $db, "SELECT accepted > 20 FROM rcs.campaign_progress WHERE campaign = '$running'", 't', 20, 'a campaign runs');
my $closes = hours_when_it_is('08:00-21:00', 20, 49, 58) + 2;
sleep($closes + 3.5 - time());
$sim->set(error_pct => 0);
is(progress($running, 'state'), 'running', 'the closing came in the middle of it');
# half a second for a request that was under way
is(offers($closes + 0.5, $closes + 3600), 0, 'nothing leaves after the closing, retries neither');
cmp_ok(sql("SELECT count(*) FROM oracle.ledger WHERE time_us > ($closes - 2) * 1e6"), '>', 0, 'but up to it');
is(progress($running, "queued - (SELECT delayed FROM rcs.queue_depth WHERE lane = 'campaign')"), 0, 'all that is left waits');

# Its intent is written, it waits up to a minute for a permit, and meanwhile it has become too late.
set_conf($node, 'rcs.ad_hours' => '00:00-24:00 UTC');
my $ready = ads(50000000, 2, 'false', '0212359999');
my $of_ready = "JOIN rcs.campaign c USING (campaign_no) WHERE c.id = '$ready'";
poll($node, $db, "SELECT count(*) > 0 FROM rcs.intent i $of_ready AND i.at < now() - interval '1 second' AND NOT EXISTS (
	SELECT FROM rcs.result r WHERE r.campaign_no = i.campaign_no AND r.batch_id = i.batch_id AND r.attempt = i.attempt
	AND r.ord = ANY (i.ords))", 't', 20, 'somebody waits for a permit');
hours_when_it_is('08:00-21:00', 20, 50, 0);
poll($node, $db, "SELECT sending, queued > 0 FROM rcs.campaign_progress WHERE campaign = '$ready'", '0|t', 8, 'the hour is looked at again at the permit');
is(sql("SELECT count(*) > 0 FROM rcs.result r $of_ready AND r.outcome = 'w' AND r.code = 'ad_hours'"), 't', 'what had an intent is withdrawn');
sql("SELECT rcs_campaign_cancel('$ready')");

# Open by a reload: at once.  An outage begins, and ends when it is closed.
set_conf($node, 'rcs.ad_hours' => '00:00-24:00 UTC');
poll($node, $db, "SELECT count(*) FROM rcs.batch WHERE reason LIKE 'outside ad hours%'", 0, 5, 'new hours are in effect at once');
$sim->stop;
my $shut = hours_when_it_is('08:00-21:00', 20, 49, 59) + 1;
sleep(2);
$sim->start_again;
poll($node, $db, q{SELECT sum(ready + leased) FROM rcs.queue_depth}, 0, 30, 'what the outage kept is found to be too late');
is(offers($shut + 0.5, $shut + 3600), 0, 'and does not leave');
set_conf($node, 'rcs.ad_hours' => '00:00-24:00 UTC');
drained($node, $db, 60, 'in the end all leave', $running);
is(progress($running, 'accepted, total'), '600|600', 'each once');
oracle($node, $db, $sim, name => 'at the end');
$node->stop;
done_testing();
