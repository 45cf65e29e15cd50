# Restores and copies: no message is sent twice, and none at all before rcs_resume().

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
my $sim = start_ktsim();
my $primary = rcs_node('primary', start => 0, streaming => 1, 'rcs.node_id' => "'a'",
	'rcs.max_in_flight' => 50);
$primary->enable_archiving;
$primary->start;
rcs_database($primary, $db);
setup_account($primary, $db, $sim, options => { rate_per_minute => 12000 });

sub sql { my ($node, $query) = @_; return $node->safe_psql($db, $query); }
sub offers { return $sim->stats->{offers}; }

my $open = q{SELECT count(*) || ': ' || coalesce(min(reason), '') FROM rcs.hold WHERE released_at IS NULL};

# The node holds, for this reason, and sends nothing, not even what is new.
sub holds
{
	my ($node, $reason, $name, $offset) = @_;
	my $before = offers();

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return subtest $name => sub {
		poll($node, $db, "SELECT count(*) FROM rcs.hold WHERE released_at IS NULL", 1, 20, 'one hold');
		like(sql($node, $open), $reason, 'it says why');
		sql($node, "SELECT rcs_send('01011119999', 'new')");
		sleep(1.5);
		is(offers(), $before, 'nothing is sent');
		is(log_count($node, 'WARNING:  rcs sends nothing from database', $offset), 1, 'the log says so once');
		is(log_count($node, q{HINT:  If this database is to send, run SELECT rcs_resume}, $offset), 1,
			'and what to do');
		$node->restart;
		poll($node, 'postgres', worker_count($db), 2, 10);
		sleep(1.5);
		is(offers(), $before, 'nor after a restart');
		is(sql($node, "SELECT count(*) FROM rcs.hold WHERE released_at IS NULL"), 1, 'still one hold');
	};
}

# A node from a backup; sends if the primary does not.
sub restored
{
	my ($name, $backup, $conf, %opt) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init_from_backup($primary, $backup, %opt);
	$node->append_conf('postgresql.conf', "archive_mode = off\n$conf");
	$node->start;
	return $node;
}

# The history: messages that are unsent in the backups, and then are sent

my $key = sql($primary, "SELECT rcs_send('01022220001', 'keyed', key => 'order 1')");
drained($primary, $db, 30);
$primary->backup('before');
my $campaign = campaign($primary, $db, 3000);
sleep(4);
$primary->backup('middle');
my $left = sql($primary, "SELECT queued + sending FROM rcs.campaign_progress");
cmp_ok($left, '>', 500, 'most of the campaign is unsent in the backup');

sql($primary, q{
	SELECT count(rcs_send('010' || i, 'single', send_at => now() + interval '5 s'))
	FROM generate_series(30000001, 30000050) i});
my $dump = $PostgreSQL::Test::Utils::tmp_check . '/shop.sql';
$primary->command_ok([ 'pg_dump', '-f', $dump, '-p', $primary->port, '-h', $primary->host, $db ], 'pg_dump');
like(slurp_file($dump), qr/setval\('rcs\.\Q$_\E_id_seq'/, "numbers of rcs.$_ go on after it is loaded") for qw(inbound quarantine);
my ($batches) = slurp_file($dump) =~ /^COPY rcs\.batch \(campaign_no, batch_id, n, due_at, state,.*?\n(.*?)^\\\.$/ms;
my $dumped = 0;
$dumped += (split /\t/)[2] for split /\n/, $batches;
like($batches, qr/\tl\t/, 'with messages that are leased');

# The same, as old as a restore is: its dates are set back while no worker runs
set_conf($primary, 'rcs.single_workers' => 0, 'rcs.campaign_workers' => 0);
poll($primary, 'postgres', worker_count($db), 0, 20);
sql($primary, q{
	BEGIN;
	UPDATE rcs.message SET created_at = created_at - interval '1 h';
	UPDATE rcs.identity SET last_alive = last_alive - interval '1 h', installed_at = installed_at - interval '2 h';
	COMMIT;
	SELECT pg_create_restore_point('an hour ago');
	UPDATE rcs.identity SET last_alive = now()});
my $unsent = sql($primary, "SELECT queued FROM rcs.campaign_progress");
set_conf($primary, 'rcs.single_workers' => 1, 'rcs.campaign_workers' => 1);
drained($primary, $db, 60, 'the primary sends all of it', $campaign);
my $late_key = sql($primary, "SELECT rcs_send('01022220002', 'keyed', key => 'order 2')");
drained($primary, $db, 30);
poll($primary, $db, 'SELECT count(*) FROM rcs.batch', 0, 30, 'nothing is left');
is(sql($primary, $open), '0: ', 'it never held');

# A copy of the database in the same server

$primary->safe_psql('postgres', 'ALTER DATABASE shop RENAME TO original');
$primary->safe_psql('postgres', 'CREATE DATABASE shop TEMPLATE original');
holds($primary, qr/^1: this is a copy of another database of this server$/, 'a copy by TEMPLATE');
is($primary->safe_psql('original', $open), '0: ', 'the original sends on');
$primary->safe_psql('postgres', 'DROP DATABASE shop');

# A dump, loaded into a database of its own. Each table becomes visible alone; workers that start in
# between must leave what they cannot judge yet.

$primary->safe_psql('postgres', 'CREATE DATABASE shop');
my $offset = -s $primary->logfile;
my @parts = split /^(?=-- Data for Name: (?:campaign|campaign_version|message|result); Type: TABLE DATA)/m,
  slurp_file($dump);
s/^\\(un)?restrict .*\n//mg for @parts;
is(scalar @parts, 5, 'the dump has a part for each of these tables');
for my $part (@parts)
{
	my ($rc, $out, $err) = $primary->psql($db, $part, on_error_stop => 1);
	is($rc . $err, '0', 'a part of the dump is loaded');
	poll($primary, 'postgres', worker_count($db), 2, 20);
	$primary->safe_psql('postgres', qq{
		SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
		WHERE datname = '$db' AND backend_type LIKE 'rcs%worker'});
	poll($primary, 'postgres', worker_count($db), 2, 20);
	sleep(2);
}
is(sql($primary, "SELECT sum(n) FROM rcs.batch"), $dumped, 'nothing of the queue is lost');
holds($primary, qr/^1: there are messages that are older than the extension/, 'a dump', $offset);
is(sql($primary, "SELECT sum(n) FROM rcs.batch"), $dumped + 1, 'the queue is as it was');
is(sql($primary, "SELECT rcs_send('01022220001', 'keyed', key => 'order 1')"), $key, 'an old key stays used');
my $new = campaign($primary, $db, 10, from => 80000000);
sql($primary, "UPDATE rcs.campaign SET canceled_at = now() WHERE id = '$campaign'");
sql($primary, "SELECT rcs_cancel(id) FROM rcs.message WHERE campaign_no = 0 AND phone LIKE '0103%'");
my $accepted = $sim->stats->{accepted};
sql($primary, "SELECT rcs_resume('it is to send')");
poll($primary, $db, "SELECT sent FROM rcs.campaign_progress WHERE campaign = '$new'", 10, 60,
	'after rcs_resume() a new campaign is sent');
poll($primary, $db, "SELECT count(*) FROM rcs.batch WHERE state = 'l'", 0, 20, 'nothing stays leased by the dead');
is($sim->stats->{accepted}, $accepted + 11, 'under ids that the carrier does not know');
$primary->stop;

# To an earlier time: a new timeline

my $node = restored('pitr', 'middle', q{
recovery_target_name = 'an hour ago'
recovery_target_action = promote
}, has_restoring => 1, standby => 0);
poll($node, $db, 'SELECT pg_is_in_recovery()', 'f', 30);
is(sql($node, "SELECT sum(n) FROM rcs.batch WHERE campaign_no > 0"), $unsent, 'restored: what was sent since is unsent here');
holds($node, qr/^1: the server was restored to an earlier time \(timeline 2/, 'a restore to an earlier time');
is(sql($node, "SELECT rcs_send('01022220001', 'keyed', key => 'order 1')"), $key, 'an old key stays used');
is(sql($node, "SELECT rcs_send('01022220002', 'keyed', key => 'order 2')"), $late_key,
	'and a lost one gives the same id');
$node->stop;

# A backup without a new timeline, noticed by its age

$node = restored('plain', 'middle', "rcs.after_gap = 3s\n");
holds($node, qr/^1: nothing was sent since .*, which is longer than rcs.after_gap/, 'a backup that is older than rcs.after_gap');
$node->stop;

# A copy of the data directory

$node = restored('copy', 'middle', "rcs.node_id = 'b'\n");
holds($node, qr/^1: this is a copy: the data were written where rcs.node_id is "a", and here it is "b"$/,
	'a data directory under another rcs.node_id');
$node->stop;

# A base backup that is young, and started without a new timeline

$node = restored('fresh', 'middle', '');
holds($node, qr/^1: this is a copy of the data directory of a server that may still run$/, 'a fresh base backup');
$node->stop;

# No person got a message twice
is(do { my %n; $n{(split /\t/)[3]}++ for grep { /\taccepted\t/ } split /\n/, slurp_file($sim->ledger);
		scalar grep { $_ > 1 } values %n }, 0, 'no id is accepted twice');
done_testing();
