# Copies made by tools that are not PostgreSQL's: pgBackRest, barman, pglogical.  The copy is on hold, the original
# does not notice it.  Long: RCS_LONG=1.  A tool that is not installed is skipped (scripts/deps.sh copies).

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RcsCopies;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'long; RCS_LONG=1' unless $ENV{RCS_LONG};

my $db = 'shop';
my $dir = PostgreSQL::Test::Utils::tempdir();
my $bin = `pg_config --bindir`;
chomp $bin;
$ENV{PATH} = "$bin:$ENV{PATH}";

sub here { return system("command -v $_[0] >/dev/null") == 0; }

# Beside an original that sends; "make" gives the copies by name, each running.
sub held_rows
{
	my ($sim, $main, $make) = @_;

	campaign($main, $db, 4000);
	sleep(2);
	my $busy = busy_single($main, 40);
	my %copy = $make->();
	held_soon($copy{$_}, 30, "$_: the copy is on hold") for sort keys %copy;
	$copy{$_}->safe_psql($db, q{SELECT rcs_send('01099990001', 'by the copy')}) for sort keys %copy;
	singles_end($busy);
	drained($main, $db, 90, 'the original sends all');
	for my $name (sort keys %copy)
	{
		row($name, twice => phones_twice($sim), offers => copied_offers($sim, $main), gap => sprintf('%.1f', longest_gap($sim)),
			original => open_holds($main), copy => open_holds($copy{$name}));
		isnt(open_holds($copy{$name}), '', "$name: on hold at the end");
	}
	is(phones_twice($sim), 0, 'nobody got it twice');
	is(copied_offers($sim, $main), 0, 'no copy has offered anything');
	never_held($main, 'the original was never on hold');
	took(longest_gap($sim), 3, 'its one-time passwords go on');
	is($main->safe_psql($db, q{SELECT count(*) FROM rcs.message_status WHERE status <> 'sent'}), 0, 'nothing is uncertain');
	$_->stop('immediate') for $main, values %copy;
	return;
}

sub started
{
	my ($node) = @_;

	$node->append_conf('postgresql.conf', "archive_mode = off\nport = " . $node->port . "\n");
	$node->start;
	poll($node, $db, 'SELECT pg_is_in_recovery()', 'f', 60, 'recovered');
	return $node;
}

# ---------- pgBackRest ----------

sub pgbackrest_rows
{
	my $sim = start_ktsim();
	my $main = original($sim, 'rest', rate => 6000);
	my $port = $main->port;
	my @common = ("--config=$dir/pgbackrest.conf", '--stanza=shop');

	mkdir "$dir/$_" for qw(rest rest_log rest_lock);
	append_to_file("$dir/pgbackrest.conf", <<"END");
[global]
repo1-path=$dir/rest
log-path=$dir/rest_log
lock-path=$dir/rest_lock
spool-path=$dir/rest_lock
start-fast=y
log-level-console=warn
[shop]
pg1-path=@{[$main->data_dir]}
pg1-port=$port
pg1-socket-path=@{[$main->host]}
END
	$main->append_conf('postgresql.conf', "archive_mode = on\narchive_command = 'pgbackrest @common archive-push %p'\n");
	$main->restart;
	system_or_bail('pgbackrest', @common, 'stanza-create');

	my $restore = sub {
		my ($name, @options) = @_;
		my $node = PostgreSQL::Test::Cluster->new($name);
		mkdir $node->basedir;
		mkdir $node->data_dir, 0700;
		system_or_bail('pgbackrest', @common, '--pg1-path=' . $node->data_dir, @options, 'restore');
		return started($node);
	};
	held_rows($sim, $main, sub {
		system_or_bail('pgbackrest', @common, '--type=full', 'backup');
		sleep(1);
		my $at = $main->safe_psql('postgres', 'SELECT clock_timestamp()');
		sleep(1);
		$main->safe_psql('postgres', 'SELECT txid_current(); SELECT pg_switch_wal()');
		return (
			'pgBackRest, to the end of the archive' => $restore->('rest_end'),
			'pgBackRest --type=immediate' => $restore->('rest_now', '--type=immediate', '--target-action=promote'),
			'pgBackRest --type=time' => $restore->('rest_time', '--type=time', "--target=$at", '--target-action=promote'));
	});

	# over the stopped original's own directory: it is the server that is restored
	$sim = start_ktsim();
	$main->start;
	my $offers = $sim->stats->{offers};
	$main->safe_psql($db, qq{SELECT rcs_hold('to be restored', '5 s'); ALTER SERVER kt OPTIONS (SET url 'http://127.0.0.1:@{[$sim->port]}/corp/v1')});
	campaign($main, $db, 100, from => 70000000);
	system_or_bail('pgbackrest', @common, '--type=full', 'backup');
	$main->stop;
	system_or_bail('pgbackrest', @common, '--delta', 'restore');
	$main->start;
	poll($main, $db, 'SELECT pg_is_in_recovery()', 'f', 60, 'pgBackRest --delta: recovered');
	poll($main, $db, q{SELECT count(*) FROM rcs.hold WHERE who = 'rcs' AND reason ~ 'restored'}, 1, 20, 'pgBackRest --delta over the original: on hold');
	is($sim->stats->{offers}, $offers, 'it offers nothing');
	row('pgBackRest --delta over the original', twice => phones_twice($sim), offers => $sim->stats->{offers}, original => open_holds($main));
	$main->stop('immediate');
	return;
}

# ---------- barman ----------

sub barman_rows
{
	my $sim = start_ktsim();
	my $main = original($sim, 'bar', rate => 6000);
	my $conninfo = "host=@{[$main->host]} port=@{[$main->port]} user=" . (getpwuid($<))[0];
	my @barman = ('barman', '-c', "$dir/barman.conf");

	mkdir "$dir/$_" for qw(barman barman_lock);
	append_to_file("$dir/barman.conf", <<"END");
[barman]
barman_user = @{[(getpwuid($<))[0]]}
barman_home = $dir/barman
barman_lock_directory = $dir/barman_lock
log_file = $PostgreSQL::Test::Utils::log_path/matrix_tools_barman.log
log_level = INFO
path_prefix = $bin
[shop]
description = shop
conninfo = $conninfo dbname=postgres
streaming_conninfo = $conninfo
backup_method = postgres
streaming_archiver = on
slot_name = barman
create_slot = auto
immediate_checkpoint = true
END
	IPC::Run::run([ @barman, 'receive-wal', '--create-slot', 'shop' ], '>&', \my $slot);
	my $receiver = IPC::Run::start([ @barman, 'receive-wal', 'shop' ], '>&', \my $received);
	my $switch = sub { IPC::Run::run([ @barman, 'switch-wal', '--force', '--archive', 'shop' ], '>&', \my $out); note $out; };

	sleep(2);
	$switch->();
	held_rows($sim, $main, sub {
		system_or_bail(@barman, 'backup', 'shop');
		sleep(1);
		my $at = $main->safe_psql('postgres', 'SELECT clock_timestamp()');
		sleep(1);
		$main->safe_psql('postgres', 'SELECT txid_current()');
		$switch->();
		my %copy;
		for my $row ([ 'barman, to the end of the archive', 'bar_end' ], [ 'barman --target-time', 'bar_time', '--target-time', $at, '--target-action', 'promote' ],
			[ 'barman --target-immediate', 'bar_now', '--target-immediate', '--target-action', 'promote' ])
		{
			my ($name, $id, @options) = @$row;
			my $node = PostgreSQL::Test::Cluster->new($id);
			mkdir $node->basedir;
			# barman comments archive_command out; its own restore is without an archive unless it is asked for
			system_or_bail(@barman, 'recover', @options, 'shop', 'latest', $node->data_dir);
			$copy{$name} = started($node);
		}
		return %copy;
	});
	$receiver->kill_kill;
	return;
}

# ---------- pglogical ----------

sub pglogical_rows
{
	my $sim = start_ktsim();
	my %logical = (shared_preload_libraries => "'rcs,pglogical'", wal_level => 'logical', preload => 0);
	my $main = original($sim, 'logical', rate => 6000, %logical);
	my $copy = rcs_node('logical_copy', %logical);
	my $tables = q{SELECT string_agg(format('SELECT pglogical.replication_set_add_table(%L, %L)', 'default', c.oid::regclass), '; ')
		FROM pg_class c WHERE c.relnamespace = 'rcs'::regnamespace AND c.relkind = 'r' AND c.relpersistence = 'p'
		AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND (i.indisprimary OR i.indisreplident))};

	# minor versions of 2026 ask for this
	for my $node ($main, $copy)
	{
		next unless $node->safe_psql('postgres', q{SELECT count(*) FROM pg_settings WHERE name = 'output_plugin_libraries'});
		$node->append_conf('postgresql.conf', "output_plugin_libraries = 'pgoutput, pglogical_output'");
		$node->reload;
	}
	rcs_database($copy, $db);
	setup_account($copy, $db, $sim);
	$copy->safe_psql($db, 'DELETE FROM rcs.chatbot');
	for my $node ($main, $copy)
	{
		$node->safe_psql($db, "SET client_min_messages = error; CREATE EXTENSION pglogical; SELECT pglogical.create_node('@{[$node->name]}', \$c\$@{[$node->connstr($db)]}\$c\$)");
	}
	$main->safe_psql($db, $main->safe_psql($db, $tables));
	held_rows($sim, $main, sub {
		$copy->safe_psql($db, "SELECT pglogical.create_subscription('s', \$c\$@{[$main->connstr($db)]}\$c\$, '{default}', false, true)");
		poll($copy, $db, q{SELECT status FROM pglogical.show_subscription_status()}, 'replicating', 60, 'pglogical replicates');
		poll($copy, $db, q{SELECT count(*) > 3 FROM rcs.message}, 't', 60, 'messages come');
		return ('pglogical' => $copy);
	});
	return;
}

SKIP: { here('pgbackrest') or skip 'no pgbackrest', 1; pgbackrest_rows(); }
SKIP: { here('barman') or skip 'no barman', 1; barman_rows(); }
SKIP:
{
	my $share = `pg_config --sharedir`;
	chomp $share;
	-e "$share/extension/pglogical.control" or skip 'no pglogical', 1;
	pglogical_rows();
}
print_matrix();
done_testing();
