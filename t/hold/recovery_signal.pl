# Restores by recovery.signal, without a target and with one: whatever the age of the archive's end, they
# are no failover.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RcsCopies;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $db = 'shop';
my $sim = start_ktsim();
my $main = original($sim, 'main', archive => 1, rate => 6000);
$sim->set(dup_window_s => 2); # a carrier that forgets
$main->backup('b');
my $campaign = campaign($main, $db, 4000);
my $busy = busy_single($main, 30);
sleep(3);
$main->safe_psql($db, q{SELECT pg_create_restore_point('here'); SELECT txid_current(); SELECT pg_switch_wal()});
$main->poll_query_until('postgres', 'SELECT archived_count > 0 AND last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 20000000) FROM pg_stat_archiver');
sleep(1);

sub restored
{
	my ($name, $conf) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init_from_backup($main, 'b', has_restoring => 1, standby => 0);
	$node->append_conf('postgresql.conf', "archive_mode = off\n$conf");
	$node->start;
	poll($node, $db, 'SELECT pg_is_in_recovery()', 'f', 30, "$name: recovered");
	held_soon($node, 10, "$name: on hold");
	return $node;
}

my $node = restored('to_the_end', '');
like(open_holds($node), qr/^all: .*restored/, 'it says why');
cmp_ok($node->safe_psql($db, 'SELECT queued + sending FROM rcs.campaign_progress'), '>', 300, 'there is something to send');
$node->restart;
poll($node, 'postgres', worker_count($db), 2, 10);
my $named = restored('to_a_point', "recovery_target_name = 'here'\nrecovery_target_action = promote\n");
sleep(3);
singles_end($busy);
never_held($main, 'the original was never on hold');
cmp_ok(longest_gap($sim), '<', 3, 'its one-time passwords go on');
drained($main, $db, 90, 'it sends all');
is(copied_offers($sim, $main), 0, 'no copy has offered anything');
is(phones_twice($sim), 0, 'nobody got it twice');
isnt(open_holds($_), '', $_->name . ' is on hold at the end') for $node, $named;
is(open_holds($main), '', 'the original is not');
$_->stop for $node, $named, $main;

# A target that a standby was stopped at, as pg_createsubscriber does it
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($main, 'b', has_restoring => 1);
$standby->append_conf('postgresql.conf', "archive_mode = off\nrecovery_target_name = 'here'\nrecovery_target_action = promote\n");
$standby->start;
poll($standby, $db, 'SELECT pg_is_in_recovery()', 'f', 30, 'a standby with a target: recovered');
held_soon($standby, 10, 'on hold');
$standby->stop;
done_testing();
