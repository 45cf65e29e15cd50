# Data directories that are copies: a base backup of a running server, a directory that was copied while
# the server was stopped.  One that was moved, restarted or crashed is none.

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
my $main = original($sim, 'main', rate => 6000);

# Started as a second primary, while the original sends

campaign($main, $db, 3000);
my $busy = busy_single($main, 25);
sleep(2);
$main->backup('b');
my $copy = PostgreSQL::Test::Cluster->new('copy');
$copy->init_from_backup($main, 'b');
$copy->start;
held_soon($copy, 10, 'a base backup that was started is on hold');
like(open_holds($copy), qr/^all: .*copy/, 'it says why');
poll($copy, 'postgres', worker_count($db), 2, 10);
$copy->safe_psql($db, q{SELECT rcs_send('01099990001', 'by the copy')});
$copy->restart;
poll($copy, 'postgres', worker_count($db), 2, 10);
singles_end($busy);
never_held($main, 'the original was never on hold');
cmp_ok(longest_gap($sim), '<', 3, 'its one-time passwords go on');
drained($main, $db, 60, 'it sends all');
is(copied_offers($sim, $main), 0, 'the copy has offered nothing');
is($main->safe_psql($db, q{SELECT count(*) FROM rcs.message_status WHERE status <> 'sent'}), 0, 'nothing is uncertain');
is(phones_twice($sim), 0, 'nobody got it twice');
isnt(open_holds($copy), '', 'the copy is on hold after a restart, too');
$copy->safe_psql($db, q{DELETE FROM rcs.batch; SELECT rcs_resume('it is to send')});
$copy->safe_psql($db, q{SELECT rcs_send('01099990002', 'by the copy')});
poll($copy, $db, q{SELECT count(*) FROM rcs.message_status WHERE phone = '01099990002' AND status = 'sent'}, 1, 20, 'after rcs_resume() it sends');
$copy->restart;
$copy->safe_psql($db, q{SELECT rcs_send('01099990003', 'by the copy')});
poll($copy, $db, q{SELECT count(*) FROM rcs.message_status WHERE phone = '01099990003' AND status = 'sent'}, 1, 20, 'and goes on after a restart');
$copy->stop;

# Where the birth of a file is not known, the label of the backup says it

$main->safe_psql($db, q{UPDATE rcs.identity SET place = ''});
$main->backup('b2');
my $labelled = PostgreSQL::Test::Cluster->new('labelled');
$labelled->init_from_backup($main, 'b2');
$labelled->start;
held_soon($labelled, 10, 'a base backup is on hold by its label, too');
like(open_holds($labelled), qr/^all: this server was started from a base backup/, 'it says why');
$labelled->safe_psql($db, q{DELETE FROM rcs.batch; SELECT rcs_resume('it is to send')});
$labelled->safe_psql($db, q{UPDATE rcs.hold SET released_at = now(); UPDATE rcs.identity SET place = ''});
my $was_held = $labelled->safe_psql($db, 'SELECT count(*) FROM rcs.hold');
$labelled->restart;
poll($labelled, $db, q{SELECT place <> '' FROM rcs.identity}, 't', 20, 'it is known by that label now');
# as after an upgrade of an extension that did not look at labels
$labelled->safe_psql($db, q{UPDATE rcs.identity SET place = '', label = NULL});
$labelled->restart;
poll($labelled, $db, q{SELECT place <> '' AND label LIKE '0/% UTC%' FROM rcs.identity}, 't', 20,
	'a server that was once made from a backup, and whose label was never looked at, goes on');
is($labelled->safe_psql($db, 'SELECT count(*) FROM rcs.hold'), $was_held, 'it was not held again');
$labelled->stop;
$main->restart;
poll($main, $db, q{SELECT place <> '' AND label = '' FROM rcs.identity}, 't', 20, 'the original, which has no label, goes on');
never_held($main, 'it was never on hold');

# A directory that was copied while the server was stopped

$main->safe_psql($db, q{SELECT rcs_hold('to be copied', '10 s')});
campaign($main, $db, 200, from => 40000000);
$main->safe_psql($db, q{UPDATE rcs.hold SET released_at = now()});
$main->stop;
my $cold = as_own_server('cold', sub { system('cp', '-a', $main->data_dir, $_[0]) == 0 or die });
my $offers = $sim->stats->{offers};
$cold->start;
held_soon($cold, 10, 'a copied directory is on hold');
sleep(1.5);
is($sim->stats->{offers}, $offers, 'it offers nothing');
$cold->stop;

# The original in its place, crashed, and moved

$main->start;
drained($main, $db, 60, 'the original goes on');
campaign($main, $db, 600, from => 50000000);
kill_server($main, $db);
drained($main, $db, 60, 'after a crash, too');
$main->stop;
my $moved = as_own_server('moved', sub { rename $main->data_dir, $_[0] or die });
$moved->start;
campaign($moved, $db, 100, from => 60000000);
drained($moved, $db, 60, 'and when its directory was renamed');
is($moved->safe_psql($db, q{SELECT count(*) FROM rcs.hold WHERE who = 'rcs'}), 0, 'it was never held');
$moved->stop;
done_testing();
