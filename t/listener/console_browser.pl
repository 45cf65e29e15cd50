# The web console in headless Chromium: log-in, a campaign that moves, pausing and resuming it, both
# languages, a telephone's width.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsConsole;
use RcsListener;
use RcsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $modules = $ENV{RCS_BROWSER} // '';
plan skip_all => 'no /usr/bin/chromium (scripts/deps.sh browser)' unless -x '/usr/bin/chromium';
plan skip_all => 'no playwright-core, which scripts/check.sh fetches' unless -d "$modules/node_modules/playwright-core";

my $sim = start_ktsim(args => [ '--latency-ms', 5 ]);
my ($node, $db) = console_node($sim);

# slow enough to be still running at the end
my $id = console_campaign($node, $db, 'Winter sale', 20000, rate_per_minute => 1200);
poll($node, $db, "SELECT accepted > 30 FROM rcs.campaign_progress WHERE campaign = '$id'", 't', 60, 'it is running');
my $message = console_handle($node, $db, "SELECT r.* FROM rcs.result r WHERE r.outcome = 'a' LIMIT 1");

my $shots = $ENV{TESTLOGDIR} // PostgreSQL::Test::Utils::tempdir();
my ($out, $err);
{
	local %ENV = (%ENV, BASE => listener_url('/'), SECRET => $operator_secret, CAMPAIGN => $id, NAME => 'Winter sale', MESSAGE => $message,
		SHOTS => $shots, PROFILE => PostgreSQL::Test::Utils::tempdir(), MODULES => $modules, HOME => PostgreSQL::Test::Utils::tempdir());
	IPC::Run::run([ 'node', "$FindBin::RealBin/../console/drive.mjs" ], '>', \$out, '2>', \$err, IPC::Run::timeout(900));
}
my @findings = split /\n/, $out;
cmp_ok(scalar(@findings), '>=', 18, 'the browser came to its end') or diag($err);
for (@findings)
{
	my ($verdict, $what, $detail) = split /\t/;
	ok($verdict eq 'ok', $what) ? note($detail) : diag($detail);
}
is($node->safe_psql($db, "SELECT string_agg(what || ' ' || who || ' ' || (detail ->> 'via'), ', ' ORDER BY at)
		FROM rcs.campaign_event WHERE detail ->> 'via' IS NOT NULL"),
	'paused ops console, resumed ops console', 'what was pressed was done, by the role of the console');
$node->safe_psql($db, "SELECT rcs_campaign_cancel('$id')");
# rcs_wait without an id does not wait for what is canceled
drained($node, $db, 60, 'the canceled campaign is ended', $id);
oracle($node, $db, $sim);
is(complaints($node), 0, 'nothing in the log');
$node->stop;
done_testing();
