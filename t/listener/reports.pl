# From the carrier and back: a campaign is sent, its reports are pushed to the listener with repeats, late ones,
# wrong secrets and another form each time, and the counts add up; users write, and are stored.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsListener;
use RcsTest;
use Test::More;

my $node = rcs_node('main');
my $db = rcs_database($node, 'shop');
my $sim = start_ktsim();
setup_account($node, $db, $sim);
$node->safe_psql($db, "UPDATE rcs.chatbot SET callback = '0212351235'");
my $port = listen_to($node, $db);
my $n = 200; # of each form

$sim->set(
	report_mode => 1, push_url => "http://127.0.0.1:$port/msgstatus", mo_url => "http://127.0.0.1:$port/momsg",
	push_authorization => "Bearer $secret", push_wrong_secret_pct => 10, push_tries => 100, push_retry_ms => 100, push_retry_factor => 1,
	push_batch => 20, report_repeat_pct => 30, report_repeat_ms => 100, report_late_pct => 20, report_late_ms => 300,
	report_early_pct => 5, report_unknown_pct => 2, report_split => JSON::PP::true(),
	report_phone_suffix => { 1 => '55806', 2 => '55806', 3 => 'legacy_fail', 4 => 'never' });

# A fallback for all: what fails as RCS arrives as SMS, but for 3.
my $message = '{"serviceType":"RCSSMS","header":"0","body":{"description":"#{name}"},"legacy":{"serviceType":"SMS","msg":"#{name}"}}';
for my $form (0 .. 2)
{
	$sim->set(push_form => $form);
	my $from = 30_000_000 + 1000 * $form;
	my $c = $node->safe_psql($db, "SELECT rcs_campaign_create('form $form', '$message')");
	$node->safe_psql($db, qq{
		SELECT rcs_campaign_add('$c', 'SELECT ''010'' || i AS phone, ''N'' AS name FROM generate_series($from, $from + $n - 1) i');
		SELECT rcs_campaign_start('$c')});
	drained($node, $db, 60, "form $form: all are sent", $c);
	poll($node, $db, qq{SELECT total, sent, delivered, fell_back, failed, uncertain, queued + sending + canceled + expired + suppressed, accepted
		FROM rcs.campaign_progress WHERE campaign = '$c'},
		join('|', $n, $n / 10, 6 * $n / 10, 2 * $n / 10, $n / 10, 0, 0, $n), 60, 'the counts add up');
	is($node->safe_psql($db, qq{SELECT count(*) FROM rcs.message_status WHERE campaign = '$c' AND status IN ('delivered', 'fell_back') AND done_at IS NULL}),
		0, 'they say when');
}
cmp_ok($node->safe_psql($db, 'SELECT bad FROM rcs._listener()'), '>', 0, 'wrong secrets were refused');
cmp_ok($node->safe_psql($db, 'SELECT count(*) FROM rcs.quarantine'), '>', 0, 'what nobody sent was kept aside');

for my $segment (0 .. 3)
{
	$sim->set(mo_segment => $segment);
	$sim->inbound(chatbotId => '0212351235', userContact => '01022220000', text => "segment $segment", times => 3);
}
poll($node, $db, q{SELECT string_agg(text, ',' ORDER BY text) FROM rcs.inbound}, 'segment 0,segment 1,segment 2,segment 3', 30,
	'messages of users are stored, each once');
oracle($node, $db, $sim);
$node->stop;
done_testing();
