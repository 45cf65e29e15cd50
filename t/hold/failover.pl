# Failovers and restarts: sending goes on by itself, and no message is accepted twice.  A server whose
# synchronous standby is gone can be stopped.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $db = 'shop';

sub under_way
{
	my ($sim, $more) = @_;
	my $before = $sim->stats->{offers};
	my $end = time() + 30;
	sleep(0.02) while $sim->stats->{offers} < $before + $more && time() < $end;
	return;
}

# A primary that has sent a part of a campaign, and its standby, which is to become the primary
sub pair
{
	my ($name, $sim, $sync, %conf) = @_;
	my $primary = rcs_node("${name}_primary", streaming => 1, 'rcs.settle_dead' => '1s');
	rcs_database($primary, $db);
	setup_account($primary, $db, $sim, options => { rate_per_minute => 12000 });
	$primary->backup('b');
	my $standby = PostgreSQL::Test::Cluster->new("${name}_standby");
	$standby->init_from_backup($primary, 'b', has_streaming => 1);
	$standby->append_conf('postgresql.conf', "$_ = $conf{$_}") for sort keys %conf;
	$standby->start;
	set_conf($primary, synchronous_standby_names => "${name}_standby") if $sync;
	campaign($primary, $db, 1500);
	$primary->safe_psql($db, "SELECT count(rcs_send('010' || i, 'single')) FROM generate_series(30000001, 30000100) i");
	under_way($sim, 500);
	return ($primary, $standby);
}

sub open_holds { return 'SELECT count(*) FROM rcs.hold WHERE released_at IS NULL'; }

# Synchronous: every intent is there

my $sim = start_ktsim();
my ($primary, $standby) = pair('sync', $sim, 1);
is($standby->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'rcs%'"),
	0, 'a standby runs none of our processes');
$primary->stop('immediate');
$standby->promote;
drained($standby, $db, 60, 'synchronous: the new primary goes on by itself');
is($standby->safe_psql($db, open_holds()), 0, 'nothing is on hold');
is(log_count($standby, 'WARNING:  the server was promoted: rcs goes on sending'), 1, 'the log warns of it');
oracle($standby, $db, $sim);
is($standby->safe_psql($db, "SELECT count(*) FROM rcs.message_status WHERE code = 'foreign_duplicate'"),
	0, 'each id that the carrier knew was on record');

# A restart, and a stop of some hours

$standby->safe_psql($db, "SELECT rcs_hold('to be stopped', '10 s')");
campaign($standby, $db, 100, from => 40000000);
set_conf($standby, 'rcs.single_workers' => 0, 'rcs.campaign_workers' => 0);
poll($standby, 'postgres', worker_count($db), 0, 20);
my $age = q{
	UPDATE rcs.identity SET last_alive = now() - interval '5 h', installed_at = installed_at - interval '6 h';
	UPDATE rcs.message SET created_at = created_at - interval '5 h'};
$standby->safe_psql($db, "UPDATE rcs.hold SET released_at = now(); $age");
$standby->append_conf('postgresql.auto.conf', "rcs.single_workers = 1\nrcs.campaign_workers = 1");
$standby->restart;
drained($standby, $db, 60, 'after a stop of five hours it goes on');

$standby->safe_psql($db, "SELECT rcs_hold('to be stopped', '10 s')");
campaign($standby, $db, 100, from => 50000000);
set_conf($standby, 'rcs.single_workers' => 0, 'rcs.campaign_workers' => 0);
poll($standby, 'postgres', worker_count($db), 0, 20);
$standby->safe_psql($db, "UPDATE rcs.hold SET released_at = now(); $age");
$standby->append_conf('postgresql.auto.conf',
	"rcs.single_workers = 1\nrcs.campaign_workers = 1\nrcs.after_gap = '4h'");
$standby->restart;
poll($standby, $db, open_holds(), 1, 20, 'unless rcs.after_gap is shorter');
my $offers = $sim->stats->{offers};
sleep(1.5);
is($sim->stats->{offers}, $offers, 'then nothing is sent');
$standby->safe_psql($db, "SELECT rcs_resume('it was only switched off')");
drained($standby, $db, 60, 'before rcs_resume()');
$standby->restart;
poll($standby, 'postgres', worker_count($db), 2, 10);
sleep(1);
is($standby->safe_psql($db, open_holds()), 0, 'and it does not hold again');
$standby->stop;

# Asynchronous: the end of the history is missing

$sim = start_ktsim();
($primary, $standby) = pair('async', $sim, 0);
$standby->append_conf('postgresql.conf', "primary_conninfo = ''");
$standby->reload;
poll($standby, 'postgres', 'SELECT count(*) FROM pg_stat_wal_receiver', 0, 10);
under_way($sim, 200);
$primary->stop('immediate');
$standby->promote;
drained($standby, $db, 60, 'asynchronous: the new primary goes on by itself');
is($standby->safe_psql($db, open_holds()), 0, 'what the former one has sent does not stop it');
cmp_ok($standby->safe_psql($db, "SELECT count(*) FROM rcs.message_status WHERE code = 'foreign_duplicate' AND status = 'uncertain'"),
	'>', 100, 'that is uncertain');
my %accepted;
$accepted{(split /\t/)[3]}++ for grep { /\taccepted\t/ } split /\n/, slurp_file($sim->ledger);
is(scalar(grep { $_ > 1 } values %accepted), 0, 'no id is accepted twice');
is($standby->safe_psql($db, "SELECT status, count(*) FROM rcs.message_status WHERE status NOT IN ('sent', 'uncertain') GROUP BY 1"),
	'', 'all else is sent');
$standby->stop;

# Held, if that is wanted

$sim = start_ktsim();
($primary, $standby) = pair('held', $sim, 1, 'rcs.after_promotion' => 'hold');
$primary->stop('immediate');
$offers = $sim->stats->{offers};
$standby->promote;
poll($standby, $db, 'SELECT min(reason) FROM rcs.hold',
	'the server was promoted (timeline 2), and rcs.after_promotion is hold', 20, 'rcs.after_promotion = hold');
sleep(1.5);
is($sim->stats->{offers}, $offers, 'nothing is sent');
$standby->safe_psql($db, "SELECT rcs_resume('it is the primary now')");
drained($standby, $db, 60, 'before rcs_resume()');
oracle($standby, $db, $sim);
$standby->stop;

# The synchronous standby is gone

$sim = start_ktsim();
my $node = rcs_node('alone', streaming => 1, 'rcs.settle_dead' => '1s');
rcs_database($node, $db);
setup_account($node, $db, $sim, options => { rate_per_minute => 12000 });
campaign($node, $db, 1500);
$node->safe_psql($db, "SELECT count(rcs_send('010' || i, 'single')) FROM generate_series(30000001, 30000500) i");
under_way($sim, 300);
set_conf($node, synchronous_standby_names => 'nobody');
poll($node, 'postgres', "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND backend_type LIKE 'rcs%worker'",
	2, 20, 'both workers wait for it');
# what had left before is counted when the carrier has read it
sleep(0.5);
$offers = $sim->stats->{offers};
my $waiting = "wait_event = 'SyncRep' AND backend_type LIKE 'rcs%worker'";
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE $waiting");
sleep(1);
# The wait may have been that of a transaction without intents.  Then messages whose intents had been confirmed
# before leave by the permits of a full bucket, 2 % of a second; a worker that went on would have offered 200.
my $bucket = 4;
cmp_ok($sim->stats->{offers}, '<=', $offers + $bucket, 'a wait that was canceled offers nothing unconfirmed');
my $start = time();
$node->stop('fast');
took(time() - $start, 10, 'a fast shutdown comes to its end');
cmp_ok($sim->stats->{offers}, '<=', $offers + $bucket, 'and offers nothing');
$node->append_conf('postgresql.auto.conf', "synchronous_standby_names = ''");
$node->start;
drained($node, $db, 60, 'all is sent after the restart');
cmp_ok($node->safe_psql($db, "SELECT count(*) FROM rcs.result WHERE code = 'unreplicated'"), '>', 0,
	'what had not been confirmed was withdrawn');
oracle($node, $db, $sim);
$node->stop;
done_testing();
