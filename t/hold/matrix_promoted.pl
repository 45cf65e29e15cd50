# Servers that go on by themselves: moved, promoted after their primary, rewound and promoted again; and standbys that are
# promoted beside their primary, so that two servers send.  The carrier's ledger is the judge.  Long: RCS_LONG=1.

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
my $made = 0;

sub busy_original
{
	my ($sim, $seconds, %conf) = @_;
	my $main = original($sim, 'main' . ++$made, rate => 6000, %conf);

	campaign($main, $db, $seconds * 80);
	return $main;
}

# ---------- one server goes on ----------

# What goes on by itself: nobody twice, no hold, and the application does not wait long.
sub goes_on
{
	my ($name, $sim, $node, $offers) = @_;

	drained($node, $db, 90, "$name: all is sent");
	my $gap = longest_gap($sim);
	my %is = (twice => phones_twice($sim), offers => $offers, gap => sprintf('%.1f', $gap), original => open_holds($node));
	row($name, %is);
	is($is{twice}, 0, "$name: nobody got it twice");
	never_held($node, "$name: never on hold");
	took($gap, 15, "$name: one-time passwords go on soon");
	return;
}

{
	my $sim = start_ktsim();
	my $main = busy_original($sim, 10);
	sleep(2);
	$main->stop;
	my $moved = as_own_server("moved$made", sub { rename $main->data_dir, $_[0] or die });
	$moved->start;
	my $busy = busy_single($moved, 5);
	singles_end($busy);
	goes_on('directory renamed (mv)', $sim, $moved);
	$moved->stop('immediate');
}

sub standby_of
{
	my ($main, $name, $conf) = @_;
	$main->backup('b');
	my $standby = PostgreSQL::Test::Cluster->new($name);
	$standby->init_from_backup($main, 'b', has_streaming => 1);
	$standby->append_conf('postgresql.conf', $conf // '');
	$standby->start;
	return $standby;
}

for my $how (qw(fast immediate))
{
	my $name = $how eq 'fast' ? 'planned failover' : 'failover after a crash';
	my $sim = start_ktsim();
	my $main = busy_original($sim, 25, wal_log_hints => 'on', wal_keep_size => '512MB', 'rcs.node_id' => 'cluster');
	my $standby = standby_of($main, "standby$made");
	set_conf($main, synchronous_standby_names => "standby$made") if $how eq 'immediate';
	my $application = application(30, map { $_->connstr } $main, $standby);
	sleep(5);
	$main->stop($how);
	my $offers = $sim->stats->{offers};
	$standby->promote;
	set_conf($standby, synchronous_standby_names => '');
	sleep(3);
	# pg_rewind looks for the new timeline in the control file
	$standby->safe_psql('postgres', 'CHECKPOINT');

	# the old one becomes a standby, and later the primary
	my $conf = slurp_file($main->data_dir . '/postgresql.conf');
	command_ok([ 'pg_rewind', '--no-sync', '--target-pgdata', $main->data_dir, '--source-server', $standby->connstr('postgres') ], "$name: pg_rewind");
	unlink $main->data_dir . '/postgresql.conf';
	append_to_file($main->data_dir . '/postgresql.conf', $conf);
	$main->enable_streaming($standby);
	$main->start;
	$standby->wait_for_catchup($main, 'replay');
	my $back = $sim->stats->{offers};
	row($name, twice => phones_twice($sim), offers => $back - $offers, gap => sprintf('%.1f', longest_gap($sim)), copy => open_holds($standby));
	never_held($standby, "$name: the new primary was never on hold");
	$standby->stop('fast');
	$main->promote;
	application_ends($application);
	goes_on("$name, pg_rewind and back again", $sim, $main, $sim->stats->{offers} - $back);
	$main->stop('immediate');
}

# ---------- two servers send ----------

# A standby that was promoted beside its primary looks like a failover, so it sends.  What must hold: the original is
# never on hold as a whole, its one-time passwords go on, and nobody gets anything twice.
for my $delayed (0, 1)
{
	my $name = $delayed ? 'delayed standby, promoted beside its primary' : 'standby, promoted beside its primary';
	my $sim = start_ktsim();
	my $main = busy_original($sim, 40);
	my $standby = standby_of($main, "standby$made", $delayed ? "recovery_min_apply_delay = '5min'\n" : '');
	sleep(2);
	my $busy = busy_single($main, 40);
	sleep(5);
	$standby->promote;
	singles_end($busy);
	my $gap = longest_gap($sim);
	row($name, twice => phones_twice($sim), offers => copied_offers($sim, $main), gap => sprintf('%.1f', $gap),
		original => open_holds($main), copy => open_holds($standby));
	is(phones_twice($sim), 0, "$name: nobody got it twice");
	took($gap, 6, "$name: one-time passwords of the original go on");
	is(open_holds($main), '', "$name: the original is not on hold");
	$_->stop('immediate') for $main, $standby;
}

print_matrix();
done_testing();
