# A campaign that is steered while workers and the server die: pause and cancel hold across crashes, a
# person who was offered the old text never gets the new one, and too many failures pause the campaign once.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main',
	'rcs.campaign_workers' => 2,
	'rcs.max_in_flight' => 20,
	'rcs.settle_dead' => '500ms',
	'rcs.pause_failed_min' => 100);
my $sim = start_ktsim(args => [ '--latency-ms', 20 ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

sub progress { return sql("SELECT $_[1] FROM rcs.campaign_progress WHERE campaign = '$_[0]'"); }

sub running
{
	my ($campaign, $least) = @_;
	poll($node, $db, "SELECT accepted > $least FROM rcs.campaign_progress WHERE campaign = '$campaign'", 't', 60,
		"more than $least are accepted");
}

# Too many failures, twice; those of before do not count after a resume

$sim->set(error_pct => 100, error_code => '71001');
my $failing = campaign($node, $db, 1200);
poll($node, $db, "SELECT state FROM rcs.campaign_progress WHERE campaign = '$failing'", 'paused', 30,
	'a campaign that fails is paused');
like(progress($failing, 'state_reason'), qr/: \d+ of its latest \d+ messages have failed$/, 'and says why');
poll($node, $db, "SELECT count(*) FROM rcs.batch WHERE state = 'l'", 0, 10, 'its batches are handed back');
$sim->set(error_pct => 0);
sql("SELECT rcs_campaign_resume('$failing')");
drained($node, $db, 60, 'resumed, it is not paused for the old failures', $failing);
is(progress($failing, 'state'), 'finished', 'it ends');
is( sql("SELECT string_agg(what || who, ',' ORDER BY at) FROM rcs.campaign_event e JOIN rcs.campaign c USING (campaign_no)
		WHERE c.id = '$failing' AND what IN ('paused', 'resumed')") =~ s/resumed\w+/resumed/r,
	'pausedrcs,resumed', 'it was paused once, by a worker');
my $failed = progress($failing, 'failed');
is(sql("SELECT rcs_campaign_resend_failed('$failing', '{71001}')"), $failed, 'what failed goes again');
drained($node, $db, 60, 'it ends', $failing);
is(progress($failing, 'sent, failed, total'), '1200|0|1200', 'all are sent, and total is what it was');

# Another text, at once and under load: pause, change and resume in one transaction

my $changed = campaign($node, $db, 8000, from => 30000000);
running($changed, 300);
sql("BEGIN; SELECT rcs_campaign_pause('$changed');
	SELECT rcs_campaign_change('$changed', message => '" . ($text =~ s/#\{name\}/new #{name}/r) . "');
	SELECT rcs_campaign_resume('$changed'); COMMIT");
my $at = time();
running($changed, 1500);

# Killed while it is paused, and while it is being canceled

is(sql("SELECT rcs_campaign_pause('$changed')"), 'paused', 'paused');
my $crashes = 1;
kill 'KILL', split /,/, worker_pids($node, $db);
sleep(0.05) until log_count($node, 'all server processes terminated; reinitializing') >= $crashes;
server_answers($node, $db);
my $end = time() + 1;
sleep(2);
is(progress($changed, 'state'), 'paused', 'it is paused after the death of the workers');
sql("SELECT rcs_campaign_resume('$changed')");
running($changed, 2500);
my $canceled = campaign($node, $db, 8000, from => 40000000);
running($canceled, 200);
is(sql("SELECT rcs_campaign_cancel('$canceled')"), 'canceled', 'canceled');
my $cancel_end = time();
kill_server($node, $db);
poll($node, $db, "SELECT state, queued + sending FROM rcs.campaign_progress WHERE campaign = '$canceled'", 'canceled|0', 60,
	'what is unsent of a canceled campaign ends after the death of the server');
drained($node, $db, 60, 'the other one ends', $changed);
oracle($node, $db, $sim, crashes => $crashes);
is( sql("SELECT count(*) FROM oracle.ledger l JOIN rcs.message m ON m.id::text = l.msgid JOIN rcs.campaign c USING (campaign_no)
		WHERE c.id = '$canceled' AND l.time_us > ($cancel_end + 1) * 1000000"),
	0, 'nothing of it was offered later than a second after the cancel');
is( sql("SELECT count(*) FROM oracle.ledger l JOIN rcs.message m ON m.id::text = l.msgid JOIN rcs.campaign c USING (campaign_no)
		WHERE c.id = '$changed' AND l.time_us BETWEEN $end * 1000000 AND ($end + 1) * 1000000"),
	0, 'nothing was offered while it was paused');
is( sql("SELECT count(*) FROM (SELECT l.msgid FROM oracle.ledger l JOIN rcs.message_status s ON s.id::text = l.msgid
		WHERE s.campaign = '$changed' GROUP BY l.msgid, s.version
		HAVING s.version = 1 AND min(l.time_us) > ($at + 1) * 1000000 OR s.version NOT IN (1, 2)) x"),
	0, 'the old text went only where it had gone before the change');
is( sql("SELECT count(*) FROM (SELECT m.id FROM rcs.intent i CROSS JOIN unnest(i.ords) o(ord)
		JOIN rcs.message m ON m.campaign_no = i.campaign_no AND m.batch_id = i.batch_id AND m.ord = o.ord
		JOIN rcs.result r ON r.campaign_no = i.campaign_no AND r.batch_id = i.batch_id AND r.ord = o.ord AND r.attempt = i.attempt
		WHERE i.campaign_no > 0 AND r.outcome <> 'w' GROUP BY m.id HAVING count(DISTINCT i.version) > 1) x"),
	0, 'nobody was offered two texts');
$node->stop;
done_testing();
