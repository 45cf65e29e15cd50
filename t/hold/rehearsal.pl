# A standby that is promoted for a rehearsal while the primary goes on: nothing tells it from a failover,
# so the carrier's word does, and it stops the campaign of the copy.

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

plan skip_all => 'long; RCS_LONG=1' unless $ENV{RCS_LONG};

my $db = 'shop';
my $sim = start_ktsim();
my $main = original($sim, 'main', rate => 6000);
$main->backup('b');
my $copy = PostgreSQL::Test::Cluster->new('copy');
$copy->init_from_backup($main, 'b', has_streaming => 1);
$copy->start;

campaign($main, $db, 3000);
my $busy = busy_single($main, 22);
sleep(3);
$main->wait_for_catchup($copy);
$copy->promote;
my $state = q{SELECT state || ' ' || (state_reason ~ 'the carrier knew') FROM rcs.campaign_progress};
poll($copy, $db, $state, 'paused true', 60, 'the campaign of the promoted copy is paused');
my $sent = q{SELECT count(*) FROM rcs.message_status WHERE status = 'sent' AND sent_at > (SELECT promoted_at FROM rcs.identity)};
my $by_copy = $copy->safe_psql($db, $sent);
singles_end($busy);
cmp_ok(longest_gap($sim), '<', 3, 'one-time passwords of the original go on');
cmp_ok($by_copy, '<', 1500, 'the carrier took few from the copy');
drained($main, $db, 120, 'the original sends all');
poll($main, $db, q{SELECT string_agg(DISTINCT state, ',') FROM rcs.campaign_progress}, 'finished', 60, 'its campaign, too');
cmp_ok($copy->safe_psql($db, $sent), '<', $by_copy + 200, 'it took next to nothing since');
never_held($main, 'the original was never on hold');
is(phones_twice($sim), 0, 'nobody got it twice');
$_->stop for $copy, $main;
done_testing();
