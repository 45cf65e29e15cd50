# The worker dies, or fails, at each point of a message's life: after the lease, the intent, the write and
# the answer, and before and after the result.  Then the oracle checks every message.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;

my @points = qw(after-lease after-intent after-write after-answer before-result after-result);
my $per_campaign = 2_000;
my $crashes = 0;
my $from = 20_000_000;

my $node = rcs_node('main', 'rcs.settle_dead' => "'300ms'", 'rcs.settle' => "'300ms'");
my $db = rcs_database($node, 'shop');
my $sim = start_ktsim();
setup_account($node, $db, $sim);
$sim->set(latency_ms => 2);

# Returns when the worker has taken the fault away.
sub strike
{
	my ($point, $action, $skip) = @_;
	my $file = $node->data_dir . '/rcs_fault';

	append_to_file("$file.new", "$point $action $skip\n");
	rename "$file.new", $file or die "rename: $!";
	return sub {
		my $end = time() + 60;
		select undef, undef, undef, 0.01 while -e $file && time() < $end;
		ok(!-e $file, "$point $action happened");
	};
}

sub uncertain
{
	return $node->safe_psql($db, "SELECT count(*) FROM rcs.message_status WHERE status = 'uncertain'");
}

my $version = $node->safe_psql($db, q{SELECT setting FROM pg_settings WHERE name = 'rcs.settle'});
is($version, 300, 'settings are in force');

for my $point (@points)
{
	for my $action (qw(kill error))
	{
		my $happened = strike($point, $action, $point eq 'after-write' ? 10 : 2);
		my $c = campaign($node, $db, $per_campaign, from => $from);
		$from += $per_campaign;
		$happened->();
		$crashes++ if $action eq 'kill';
		server_answers($node, $db);
		drained($node, $db, 60, "$point $action: everything left", $c);
		is($node->safe_psql($db, "SELECT sent FROM rcs.campaign_progress WHERE campaign = '$c'"),
			$per_campaign, "$point $action: all are sent");
	}
}
oracle($node, $db, $sim, name => 'a campaign worker at every point', crashes => $crashes);

# A turn that fails after the last slice of one batch and the lease of the next: the first batch's
# messages are taken up again by the same worker.
set_conf($node, 'rcs.batch_size' => 130);
for my $skip (3 .. 6)
{
	my $happened = strike('after-lease', 'error', $skip);
	my $c = campaign($node, $db, $per_campaign, from => $from);
	$from += $per_campaign;
	$happened->();
	drained($node, $db, 30, "lease $skip fails: everything left", $c);
}

for my $point (qw(after-intent after-answer after-result))
{
	my $happened = strike($point, 'kill', 0);
	$node->safe_psql($db, "SELECT rcs_send('01099990000', 'one time password')");
	$happened->();
	$crashes++;
	# a server that has not noticed the kill yet still answers
	for (1 .. 600)
	{
		last if log_count($node, 'all server processes terminated; reinitializing') >= $crashes;
		select undef, undef, undef, 0.05;
	}
	server_answers($node, $db);
	drained($node, $db, 30, "a single, $point: it left");
}
oracle($node, $db, $sim, name => 'a single worker', crashes => $crashes);

# With hold, what was in doubt is listed and never offered again.
set_conf($node, 'rcs.in_doubt' => 'hold');
my $happened = strike('after-intent', 'kill', 0);
my $c = campaign($node, $db, $per_campaign, from => $from);
$happened->();
$crashes++;
server_answers($node, $db);
drained($node, $db, 60, 'hold: the others left', $c);
my $intents_without_result = $node->safe_psql(
	$db, "SELECT count(*) FROM rcs.result WHERE outcome = 'u' AND reason LIKE 'the worker ended%'");
cmp_ok($intents_without_result, '>', 0, 'hold: some were in doubt');
is(uncertain(), $intents_without_result, 'hold: exactly those are uncertain');
is( $node->safe_psql(
		$db, "SELECT sent + uncertain = total FROM rcs.campaign_progress WHERE campaign = '$c'"),
	't',
	'hold: the counts add up');
oracle($node, $db, $sim, name => 'hold after a crash', crashes => $crashes);
is( $node->safe_psql(
		$db, q{SELECT count(*) FROM rcs.message_status s JOIN oracle.seen l ON l.msgid = s.id::text
		WHERE s.status = 'uncertain'}),
	0,
	'hold after after-intent: none of the held was offered');

done_testing();
