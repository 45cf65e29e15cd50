# Reports that are asked for: all reports of a campaign arrive, also when an answer is cut or the worker is
# killed before the answer is on disk.  A refusal of the carrier is shown, and not asked for in a busy loop.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use JSON::PP ();
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main', 'rcs.settle_dead' => "'300ms'", 'rcs.report_overdue' => 0, log_min_messages => 'log', log_statement => 'none');
my $db = rcs_database($node, 'shop');
my $sim = start_ktsim(args => [ '--query-port', 0, '--set', 'report_mode=2' ]);
my $crashes = 0;
setup_account($node, $db, $sim, options => { results => 'query', query_url => 'http://127.0.0.1:' . $sim->query_port . '/corp/v1' });
sub sql { return $node->safe_psql($db, $_[0]); }

sql(q{UPDATE rcs.chatbot SET callback = '0212351235'});

# Returns when the worker has taken the fault away.
sub strike
{
	my ($what) = @_;
	my $file = $node->data_dir . '/rcs_fault';

	append_to_file("$file.new", "$what\n");
	rename "$file.new", $file or die "rename: $!";
	my $end = time() + 30;
	sleep(0.01) while -e $file && time() < $end;
	ok(!-e $file, "$what happened");
	return;
}

# A campaign with a fallback, started.
sub send_to
{
	my ($n, $first) = @_;
	my $c = sql(q{SELECT rcs_campaign_create('polled', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "#{name}"},
		"legacy": {"serviceType": "SMS", "msg": "#{name}"}}')});
	sql("SELECT rcs_campaign_add('$c', 'SELECT ''010'' || i AS phone, i AS name FROM generate_series($first, $first + $n - 1) i');
		SELECT rcs_campaign_start('$c')");
	return $c;
}

sub progress
{
	my ($campaign, $expected, $seconds, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll($node, $db, "SELECT total, sent, delivered, fell_back, failed FROM rcs.campaign_progress WHERE campaign = '$campaign'",
		$expected, $seconds, $name);
}

# Every message whose report the carrier has made has it here, too.
sub all_reported
{
	my ($name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is(sql('SELECT count(DISTINCT message) FROM rcs.event'), $sim->stats->{reports_made}, $name);
}

# A campaign: of ten numbers one has no report, one fails with its fallback, two get the fallback

$sim->set(report_phone_suffix => { 1 => 'never', 2 => 'legacy_fail', 3 => 'fallback', 4 => 'fallback' }, query_more_integer => JSON::PP::true());
my $c = send_to(5000, 20000000);
drained($node, $db, 60, 'all are sent', $c);
progress($c, '5000|500|3000|1000|500', 30, 'every report arrives, and the counts add up');
all_reported('each once');
is(sql('SELECT count(*) FROM rcs.event'), 4500, 'and no other');
my $stats = $sim->stats;
cmp_ok($stats->{queries}, '<', 200, 'in few questions');
is(sql('SELECT count(*) FROM rcs.quarantine'), 0, 'all are understood');
my $idle = $sim->stats->{queries};
sleep(4);
cmp_ok($sim->stats->{queries} - $idle, '<=', 4, 'with nothing to be had it asks at leisure');
is(sql('SELECT problem IS NULL, length(query_id) FROM rcs.poll'), 't|35', 'the next question is on disk');

# An answer that is cut is asked for once more

$sim->set(query_lose_pct => 40, query_batch => 20, query_more_integer => JSON::PP::false());
$c = send_to(200, 21000000);
drained($node, $db, 30, 'more are sent', $c);
progress($c, '200|20|120|40|20', 30, 'answers that are cut cost nothing');
cmp_ok($sim->stats->{reports_lost}, '>', 0, 'some were cut');
$sim->set(query_lose_pct => 0);
all_reported('all the same');

# The worker is killed, or fails, between the question, the answer and the disk

my $from = 22000000;
for my $point (qw(poll-asks poll-answered poll-stored))
{
	for my $action (qw(kill error))
	{
		next if $action eq 'error' && $point ne 'poll-answered';
		$c = send_to(200, $from);
		$from += 200;
		strike("$point $action 1");
		$crashes++ if $action eq 'kill';
		server_answers($node, $db);
		drained($node, $db, 60, "$point $action: all are sent", $c);
		progress($c, '200|20|120|40|20', 20, "$point $action: every report arrives");
	}
}
all_reported('none is lost');

# A wrong mode is said

$sim->set(report_mode => 1);
poll($node, $db, q{SELECT last_error ~ '79010' FROM rcs.account_status}, 't', 20, 'the account says that it may not be asked');
is(sql(q{SELECT severity, ok, detail ~ 'gives no reports.*79010', hint ~ 'SET results ''push''' FROM rcs_health() WHERE "check" = 'account'}),
	'warning|f|t|t', 'and so does the health');
$idle = $sim->stats->{queries};
sleep(3);
cmp_ok($sim->stats->{queries} - $idle, '<=', 1, 'without a busy loop');
is(sql('SELECT state FROM rcs.account_status'), 'open', 'and it sends');
sql(q{ALTER SERVER kt OPTIONS (SET results 'push')});
poll($node, $db, 'SELECT last_error FROM rcs.account_status', '', 10, 'pushed as the carrier does, nothing is wrong');
is(sql(q{SELECT ok FROM rcs_health() WHERE "check" = 'account'}), 't', 'in the health, too');
$sim->set(report_mode => 2);
sql(q{ALTER SERVER kt OPTIONS (SET results 'query')});

# Limits of the carrier: asked less often, nothing lost

$sim->set(query_max_concurrent => 0, query_per_s => 1, query_batch => 100);
$c = send_to(300, 23000000);
drained($node, $db, 30, 'sent under a limit of questions', $c);
progress($c, '300|30|180|60|30', 40, 'their reports arrive');
$sim->set(query_per_s => 0);
all_reported('all of them');

oracle($node, $db, $sim, crashes => $crashes, name => 'oracle');
is(log_count($node, '010[0-9]{8}'), 0, 'no number is in the log');
done_testing();
