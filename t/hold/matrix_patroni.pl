# Patroni with etcd: switchover, leader killed, leader frozen as a whole, Patroni alone frozen.  Nobody gets anything
# twice, no account stays on hold, and one-time passwords flow on the leader.  Long: RCS_LONG=1.  Needs Debian's
# packages patroni, etcd-server (scripts/deps.sh copies).

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use POSIX ();
use RcsCopies;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'long; RCS_LONG=1' unless $ENV{RCS_LONG};
for my $tool (qw(patroni etcd))
{
	plan skip_all => "no $tool" if system("command -v $tool >/dev/null") != 0;
}

my $db = 'shop';
my $dir = PostgreSQL::Test::Utils::tempdir();
my $sockets = PostgreSQL::Test::Utils::tempdir_short();
my $bin = `pg_config --bindir`;
my $ttl = 10;
my (%node, @pids);
chomp $bin;

# ---------- processes ----------

sub spawn
{
	my ($log, @command) = @_;
	my $pid = fork() // die "fork: $!";

	if ($pid == 0)
	{
		open STDOUT, '>>', "$PostgreSQL::Test::Utils::log_path/matrix_patroni_$log.log";
		open STDERR, '>&', \*STDOUT;
		open STDIN, '<', '/dev/null';
		exec @command or POSIX::_exit(127);
	}
	push @pids, $pid;
	return $pid;
}

sub postmaster
{
	my ($name) = @_;
	my $file = "$node{$name}{data}/postmaster.pid";
	return -e $file ? (split /\n/, slurp_file($file))[0] : undef;
}

sub children { return map { $_ + 0 } split /\n/, `ps -o pid= --ppid $_[0]`; }

# Patroni and the whole of its server
sub all_of
{
	my ($name) = @_;
	my $postmaster = postmaster($name);
	return grep { defined } $node{$name}{pid}, $postmaster ? ($postmaster, children($postmaster)) : ();
}

END
{
	my $status = $?;
	for my $name (keys %node)
	{
		kill 'CONT', all_of($name);
		kill 'KILL', all_of($name);
	}
	kill 'KILL', @pids;
	waitpid $_, 0 for @pids;
	$? = $status;
}

# ---------- the cluster ----------

my $etcd = PostgreSQL::Test::Cluster::get_free_port();
my $peer = PostgreSQL::Test::Cluster::get_free_port();
spawn('etcd', 'etcd', '--data-dir', "$dir/etcd", '--listen-client-urls', "http://127.0.0.1:$etcd", '--advertise-client-urls',
	"http://127.0.0.1:$etcd", '--listen-peer-urls', "http://127.0.0.1:$peer", '--initial-advertise-peer-urls',
	"http://127.0.0.1:$peer", '--initial-cluster', "default=http://127.0.0.1:$peer");

sub configure
{
	my ($name) = @_;
	my $n = $node{$name} = {
		rest => PostgreSQL::Test::Cluster::get_free_port(), port => PostgreSQL::Test::Cluster::get_free_port(), data => "$dir/$name" };

	# JSON is YAML
	append_to_file("$dir/$name.yml", encode_json({
		scope => 'rcs', name => $name,
		restapi => { listen => "127.0.0.1:$n->{rest}", connect_address => "127.0.0.1:$n->{rest}" },
		etcd3 => { host => "127.0.0.1:$etcd" },
		bootstrap => {
			dcs => {
				ttl => $ttl, loop_wait => 2, retry_timeout => 3, maximum_lag_on_failover => 100000000,
				postgresql => { use_pg_rewind => JSON::PP::true, parameters => { wal_log_hints => 'on', max_worker_processes => 32 } } },
			initdb => [ { encoding => 'UTF8' }, { auth => 'trust' }, 'no-locale', 'no-sync' ] },
		postgresql => {
			listen => "127.0.0.1:$n->{port}", connect_address => "127.0.0.1:$n->{port}", data_dir => $n->{data}, bin_dir => $bin,
			basebackup => [ { checkpoint => 'fast' } ],
			pg_hba => [ 'local all all trust', 'host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust' ],
			authentication => { superuser => { username => 'postgres' }, replication => { username => 'postgres' } },
			parameters => {
				unix_socket_directories => $sockets, shared_preload_libraries => 'rcs', fsync => 'off', 'rcs.settle_dead' => '1s',
				'rcs.chat_workers' => '0', 'rcs.node_id' => 'patroni', log_min_messages => 'log' } } }));
	return;
}

sub begin { $node{ $_[0] }{pid} = spawn($_[0], 'patroni', "$dir/$_[0].yml"); return; }

sub ask
{
	my ($name, $sql, $in) = @_;
	my ($out, $err) = ('', '');
	local $ENV{PGCONNECT_TIMEOUT} = 2;

	IPC::Run::run([ 'timeout', '15', 'psql', '-X', '-q', '-At', '-h', '127.0.0.1', '-p', $node{$name}{port}, '-U', 'postgres', '-d', $in // $db, '-c', $sql ],
		'<', \'', '>', \$out, '2>', \$err);
	chomp $out;
	return $err eq '' ? $out : undef;
}

sub until_true
{
	my ($seconds, $name, $code) = @_;
	my $end = time() + $seconds;
	my $is;

	sleep(0.3) until ($is = $code->()) || time() > $end;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($is, $name);
	return $is;
}

# Who has the key in etcd, as the members see it
sub leader
{
	for my $name (sort keys %node)
	{
		my $answer = HTTP::Tiny->new(timeout => 2)->get("http://127.0.0.1:$node{$name}{rest}/cluster");
		next unless $answer->{success};
		my ($leader) = grep { $_->{role} eq 'leader' && $_->{state} eq 'running' } @{ decode_json($answer->{content})->{members} };
		return $leader->{name} if $leader;
	}
	return '';
}

sub both_run
{
	return until_true(90, 'a leader and a replica that streams', sub {
		my $leader = leader() or return 0;
		return (ask($leader, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'", 'postgres') // '') eq '1' ? $leader : 0;
	});
}

configure($_) for qw(a b);
begin('a');
until_true(60, 'Patroni makes a cluster', sub { leader() eq 'a' }) or BAIL_OUT('Patroni does not start');
begin('b');

ask('a', "CREATE DATABASE $db", 'postgres');
ask('a', 'CREATE EXTENSION rcs');

# One carrier for each case, so that each has a ledger of its own
my $cases = 0;

sub new_case
{
	my ($name) = @_;
	my $leader = both_run() or BAIL_OUT('no cluster');
	my $sim = start_ktsim();
	my $n = ++$cases;
	my $last = 20000000 + $n * 100000 + 6000 - 1;
	my $first = $last - 5999;

	ask($leader, "SET client_min_messages = error; SELECT rcs_resume('next case')");
	ask($leader, qq{
		DELETE FROM rcs.chatbot;
		CREATE SERVER kt$n TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:@{[$sim->port]}/corp/v1', rate_per_minute '6000');
		CREATE USER MAPPING FOR PUBLIC SERVER kt$n OPTIONS (rcs_id 'shop', rcs_secret 'secret');
		INSERT INTO rcs.chatbot (chatbot, servers, agency_id, agency_key, brand_key) VALUES ('0212351235', '{kt$n}', 'ktbizrcs', 'AK', 'BK')});
	my $id = ask($leader, "SELECT rcs_campaign_create('$name', '$text')");
	ask($leader, "SELECT rcs_campaign_add('$id', 'SELECT ''010'' || i AS phone, ''N'' || i AS name FROM generate_series($first, $last) AS i')");
	ask($leader, "SELECT rcs_campaign_start('$id')");
	until_true(20, "$name: it sends", sub { $sim->stats->{offers} > 100 });
	my $application = application(55, map { "host=127.0.0.1 port=$node{$_}{port} user=postgres" } sort keys %node);
	sleep(4);
	return { name => $name, sim => $sim, leader => $leader, other => $leader eq 'a' ? 'b' : 'a', application => $application };
}

sub finish_case
{
	my ($c) = @_;
	my ($name, $sim) = @$c{qw(name sim)};

	application_ends($c->{application});
	my $leader = both_run();
	my $other = $leader eq 'a' ? 'b' : 'a';
	my $gap = longest_gap($sim);
	# a campaign that is braked tries again by itself
	until_true(180, "$name: nothing is unsent", sub { (ask($leader, 'SELECT count(*) FROM rcs.batch') // '') eq '0' });
	my $holds = q{SELECT coalesce(string_agg(coalesce(server, 'all') || ': ' || reason, '; '), '') FROM rcs.hold WHERE released_at IS NULL};
	until_true(90, "$name: no hold is left on the leader", sub { (ask($leader, $holds) // '?') eq '' });
	my $status = ask($leader, q{SELECT string_agg(status || ' ' || n, ', ' ORDER BY n DESC) FROM (SELECT status, count(*) AS n FROM rcs.message_status GROUP BY 1) x});
	row("Patroni: $name", twice => phones_twice($sim), gap => sprintf('%.1f', $gap), original => ask($leader, $holds), copy => "leader: $leader; $status");
	is(phones_twice($sim), 0, "$name: nobody got it twice");
	took($gap, $ttl + 20, "$name: one-time passwords flow again");
	my $id = ask($leader, "SELECT rcs_send('01088880001', 'at the end', chatbot => '0212351235')");
	until_true(15, "$name: a single message leaves at the end", sub { (ask($leader, "SELECT status FROM rcs.message_status WHERE id = '$id'") // '') eq 'sent' });
	return;
}

# ---------- the cases ----------

my $c = new_case('switchover');
my $answer = HTTP::Tiny->new(timeout => 30)->post("http://127.0.0.1:$node{ $c->{leader} }{rest}/switchover",
	{ content => encode_json({ leader => $c->{leader}, candidate => $c->{other} }), headers => { 'Content-Type' => 'application/json' } });
is($answer->{status}, 200, 'Patroni switches over') or diag $answer->{content};
until_true(60, 'the other one leads', sub { leader() eq $c->{other} });
finish_case($c);

$c = new_case('leader killed');
kill 'KILL', all_of($c->{leader});
until_true(60, 'the other one leads', sub { leader() eq $c->{other} });
begin($c->{leader});
finish_case($c);

$c = new_case('leader frozen');
my @frozen = all_of($c->{leader});
kill 'STOP', @frozen;
until_true(60, 'the other one leads', sub { leader() eq $c->{other} });
sleep(3);
kill 'CONT', @frozen;
finish_case($c);

$c = new_case('Patroni alone frozen');
kill 'STOP', $node{ $c->{leader} }{pid};
until_true(60, 'the other one leads', sub { leader() eq $c->{other} });
sleep(5);
kill 'CONT', $node{ $c->{leader} }{pid};
finish_case($c);

print_matrix();
done_testing();
