# The listener is killed between a report and its answer; the carrier comes again until it hears 200, and
# each report is stored once.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsListener;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $kills = $ENV{RCS_LONG} ? 10 : 2; # at each point
my $each = $ENV{RCS_LONG} ? 50 : 40; # reports for a kill
my $n = 2 * $kills * $each;
my $node = rcs_node('main');
my $db = rcs_database($node, 'shop');
my $sim = start_ktsim();
setup_account($node, $db, $sim);
my $port = listen_to($node, $db);

# One report fails, and one is a fallback's, of ten.
$sim->set(
	report_mode => 1, push_hold => JSON::PP::true(), push_url => "http://127.0.0.1:$port/$secret/msgstatus",
	push_batch => 4, push_connections => 2, push_tries => 1000, push_retry_ms => 200, push_retry_factor => 1,
	push_timeout_ms => 2000, report_phone_suffix => { 1 => '54002', 2 => 'fallback' });

sub stored { return $node->safe_psql($db, 'SELECT count(*) FROM rcs.event'); }

# Reports of its own for each kill, held back until it is due: what was refused while the server was
# away comes by itself, at any moment and maybe all at once.
my $crashes = 0;
my $file = $node->data_dir . '/rcs_fault';
for my $point (('webhook-parsed', 'webhook-committed') x $kills)
{
	my $campaign = campaign($node, $db, $each, from => 20000000 + 1000 * $crashes);
	drained($node, $db, 60, 'all are sent', $campaign);
	my $before = stored();
	append_to_file("$file.new", "$point kill\n");
	rename "$file.new", $file or die "rename: $!";
	$sim->set(push_hold => JSON::PP::false());
	my $end = time() + 60;
	sleep(0.01) while -e $file && time() < $end;
	$sim->set(push_hold => JSON::PP::true());
	ok(!-e $file, "$point: killed");
	$crashes++;
	server_answers($node, $db);
	cmp_ok(stored(), '>=', $before, 'nothing that was stored is gone');
}
$sim->set(push_hold => JSON::PP::false());
poll($node, $db, 'SELECT count(*) FROM rcs.event', $n, 60, 'all reports are stored');
poll($node, $db, 'SELECT count(*) FROM rcs.event WHERE NOT counted', 0, 60, 'and counted');
is($node->safe_psql($db, 'SELECT count(DISTINCT message) FROM rcs.event'), $n, 'each once');
my $end = time() + 60;
sleep(0.1) while $sim->stats->{reports_taken} < $n && time() < $end;
is($sim->stats->{reports_taken}, $n, 'the carrier heard 200 of each');
cmp_ok($sim->stats->{push_failures}, '>', 0, 'not at the first try');
is($node->safe_psql($db, "SELECT sum(total), sum(sent), sum(delivered), sum(failed + fell_back + uncertain) FROM rcs.campaign_progress"),
	join('|', $n, 0, $n - 2 * $n / 10, 2 * $n / 10), 'the counts add up');
oracle($node, $db, $sim, crashes => $crashes);
$node->stop;
done_testing();
