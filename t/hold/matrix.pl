# Each way to make a copy that PostgreSQL and the file system offer, done beside an original that sends: the copy is on
# hold before its first offer, and the original does not notice it.  The carrier's ledger is the judge; the table at the
# end has the rows of doc/operations.md.  Long: RCS_LONG=1.

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

sub from_backup
{
	my ($main, %how) = @_;
	my $conf = delete $how{conf} // '';
	my $node = PostgreSQL::Test::Cluster->new('copy' . $made);

	$node->init_from_backup($main, 'b', %how);
	$node->append_conf('postgresql.conf', $conf);
	return $node;
}

sub started
{
	my ($node) = @_;

	$node->start;
	poll($node, $db, 'SELECT pg_is_in_recovery()', 'f', 60, 'recovered');
	return $node;
}

# A copy that something is known of: it is held before its first offer, and the original does not notice it.
# "make" gets the original and gives the copy, a server or a database of the original's.  Options are settings of the
# original, besides: stopped => 1, it is copied while it is down.
sub held_row
{
	my ($name, $make, %conf) = @_;
	my $stopped = delete $conf{stopped};
	my $sim = start_ktsim();
	my $main = busy_original($sim, 20, %conf);
	my $busy;

	note $name;
	sleep(2);
	$busy = busy_single($main, 18) unless $stopped;
	my ($copy, $in) = $make->($main);
	$busy //= busy_single($main, 10);
	held_soon($copy, 20, "$name: the copy is on hold", $in);
	$copy->safe_psql($in // $db, q{SELECT rcs_send('01099990001', 'by the copy')});
	singles_end($busy);
	drained($main, $db, 60, "$name: the original sends all");
	ended($name, $sim, $main, $copy, $in);
	never_held($main, "$name: the original was never on hold");
	is($main->safe_psql($db, q{SELECT count(*) FROM rcs.message_status WHERE status <> 'sent'}), 0, "$name: nothing is uncertain");
	$_->stop('immediate') for $main, $copy != $main ? $copy : ();
	return;
}

sub ended
{
	my ($name, $sim, $main, $copy, $in) = @_;
	my $gap = longest_gap($sim);
	my %is = (
		twice => phones_twice($sim),
		offers => copied_offers($sim, $main),
		gap => sprintf('%.1f', $gap),
		original => open_holds($main),
		copy => open_holds($copy, $in));

	row($name, %is);
	is($is{twice}, 0, "$name: nobody got it twice");
	is($is{offers}, 0, "$name: the copy has offered nothing");
	isnt($is{copy}, '', "$name: the copy is on hold at the end");
	took($gap, 3, "$name: one-time passwords of the original go on");
	return;
}

# ---------- the ways ----------

held_row('base backup, started as a primary', sub { $_[0]->backup('b'); return started(from_backup($_[0])); });

held_row('the same, once without backup_label', sub {
	my ($main) = @_;
	$main->backup('b');
	my $copy = from_backup($main);
	unlink $copy->data_dir . '/backup_label' or die;
	return started($copy);
});

# Archived up to now, so that a restore has something to replay
sub archived
{
	my ($main) = @_;
	my $segment = $main->safe_psql($db, q{SELECT pg_create_restore_point('here'); SELECT txid_current(); SELECT pg_walfile_name(pg_switch_wal())});

	$segment = (split /\n/, $segment)[-1];
	$main->poll_query_until('postgres', "SELECT last_archived_wal >= '$segment' FROM pg_stat_archiver") or die;
	return;
}

sub restored
{
	my ($main, $conf, %how) = @_;
	return started(from_backup($main, has_restoring => 1, standby => 0, conf => "archive_mode = off\n$conf", %how));
}

# A moment after the backup and before the end of the archive
sub restored_to_a_time
{
	my ($main, $conf, %how) = @_;
	$main->backup('b');
	sleep(1);
	my $at = $main->safe_psql('postgres', 'SELECT clock_timestamp()');
	sleep(1);
	archived($main);
	return restored($main, "${conf}recovery_target_time = '$at'\nrecovery_target_action = promote\n", %how);
}

held_row('recovery.signal, to the end of the archive', sub {
	my ($main) = @_;
	$main->backup('b');
	sleep(1);
	archived($main);
	return restored($main, '');
}, archive => 1);

held_row('recovery.signal, to a time (PITR)', sub {
	my ($main) = @_;
	return restored_to_a_time($main, '');
}, archive => 1);

held_row('delayed standby, with a time as target', sub {
	my ($main) = @_;
	return restored_to_a_time($main, "recovery_min_apply_delay = '1s'\n", standby => 1);
}, archive => 1);

for my $tool ([ 'cp', '-a' ], [ 'rsync', '-a' ])
{
	SKIP:
	{
		skip "no $tool->[0]", 1 if system("command -v $tool->[0] >/dev/null") != 0;
		held_row("$tool->[0] of a stopped directory", sub {
			my ($main) = @_;
			$main->stop;
			my $copy = as_own_server("copy$made", sub { system(@$tool, $main->data_dir . '/', $_[0]) == 0 or die });
			$main->start;
			return started($copy);
		}, stopped => 1);
	}
}

# The copy is started without the workers first, as pg_upgrade needs a clean stop
held_row('base backup and pg_upgrade', sub {
	my ($main) = @_;
	$main->backup('b');
	my $old = started(from_backup($main));
	held_soon($old, 20, 'before pg_upgrade');
	$old->stop;
	my $new = rcs_node("upgraded$made", start => 0);
	my $bin = $new->config_data('--bindir');
	chdir $PostgreSQL::Test::Utils::tmp_check;
	command_ok([
		'pg_upgrade', '--no-sync', '-d', $old->data_dir, '-D', $new->data_dir, '-b', $bin, '-B', $bin,
		'-s', $new->host, '-p', $old->port, '-P', $new->port ], 'pg_upgrade');
	return started($new);
});

for my $strategy (qw(wal_log file_copy))
{
	held_row("CREATE DATABASE ... TEMPLATE, STRATEGY $strategy", sub {
		my ($main) = @_;
		$main->safe_psql('postgres', "CREATE DATABASE copied TEMPLATE $db STRATEGY $strategy");
		return ($main, 'copied');
	}, stopped => 1);
}

held_row('pg_dump, restored as staging', sub {
	my ($main) = @_;
	my $dump = "$PostgreSQL::Test::Utils::tmp_check/matrix.dump";
	$main->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-p', $main->port, '-h', $main->host, $db ], 'pg_dump');
	$main->safe_psql('postgres', 'CREATE DATABASE staging');
	$main->command_ok([ 'pg_restore', '-d', 'staging', '-p', $main->port, '-h', $main->host, $dump ], 'pg_restore');
	return ($main, 'staging');
});

held_row('another rcs.node_id', sub {
	my ($main) = @_;
	$main->backup('b');
	return started(from_backup($main, conf => "rcs.node_id = 'b'\n"));
}, 'rcs.node_id' => 'a');

print_matrix();
done_testing();
