# pg_createsubscriber: nothing is sent while it runs, nor by the new server afterwards.

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

my $bin = `pg_config --bindir`;
chomp $bin;
plan skip_all => 'no pg_createsubscriber' unless -x "$bin/pg_createsubscriber";

my $db = 'shop';
my $sim = start_ktsim();
my $old = original($sim, 'old', wal_level => 'logical', max_replication_slots => 10, max_wal_senders => 10, rate => 6000);
$old->backup('b');
my $new = PostgreSQL::Test::Cluster->new('new');
$new->init_from_backup($old, 'b', has_streaming => 1);
$new->start;
campaign($old, $db, 6000);
my $busy = busy_single($old, 40);
$old->wait_for_catchup($new);
$new->stop;
command_ok([ 'pg_createsubscriber', '-D', $new->data_dir, '-P', $old->connstr($db), '-s', $new->host, '-p', $new->port, '-d', $db ],
	'pg_createsubscriber');
$new->start;
held_soon($new, 20, 'the new server is on hold');
sleep(5);
singles_end($busy);
never_held($old, 'the old server was never on hold');
cmp_ok(longest_gap($sim), '<', 3, 'its one-time passwords go on');
drained($old, $db, 90, 'it sends all');
is(copied_offers($sim, $old), 0, 'the new server has offered nothing');
is($old->safe_psql($db, q{SELECT count(*) FROM rcs.message_status WHERE status <> 'sent'}), 0, 'nothing is uncertain');
is(ids_twice($sim), 0, 'no id is accepted twice');
isnt(open_holds($new), '', 'the new server is still on hold');
is(log_count($old, 'replica identity'), 0, 'the publication harms nothing');
$_->stop for $old, $new;
done_testing();
