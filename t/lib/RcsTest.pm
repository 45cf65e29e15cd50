# Helpers of the TAP tests: a server with the extension, the stand-in carrier, and the oracle, which
# compares what the database says with what the carrier was offered.
package RcsTest;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(rcs_node rcs_database start_ktsim setup_account oracle poll worker_count
  worker_pids settled took log_count campaign drained server_answers complaints kill_server set_conf preload_library $text);

my @statuses =
  qw(queued sending sent delivered fell_back failed uncertain canceled expired suppressed);

# A started server.  Settings by name; besides: preload => 0, start => 0, streaming => 1, install => a prefix of another PostgreSQL.
sub rcs_node
{
	my ($name, %conf) = @_;
	my $preload = delete $conf{preload} // 1;
	my $start = delete $conf{start} // 1;
	my $streaming = delete $conf{streaming} // 0;
	my $install = delete $conf{install};
	my %settings = (
		max_worker_processes => 32,
		max_prepared_transactions => 4,
		log_min_messages => 'warning',
		restart_after_crash => 'on',
		# only tests of answers to users want them
		'rcs.chat_workers' => 0,
		# so that advertising leaves at any hour of the day
		'rcs.ad_hours' => "'00:00-24:00 UTC'",
		%conf);

	$settings{shared_preload_libraries} = "'rcs'" if $preload;
	my $node = PostgreSQL::Test::Cluster->new($name, $install ? (install_path => $install) : ());
	$node->init(allows_streaming => $streaming);
	$node->append_conf('postgresql.conf', "$_ = $settings{$_}") for sort keys %settings;
	$node->start if $start;
	return $node;
}

# A database with the extension.
sub rcs_database
{
	my ($node, $db) = @_;
	$node->safe_psql('postgres', qq(CREATE DATABASE "$db"));
	$node->safe_psql($db, 'CREATE EXTENSION rcs');
	return $db;
}

# Waits until the query answers as expected; the test fails, with what it answered, if it never does.
sub poll
{
	my ($node, $db, $sql, $expected, $timeout, $name) = @_;
	my $end = time() + ($timeout // 10);
	my $answer;

	while (1)
	{
		my ($rc, $out, $err) = $node->psql($db, $sql);
		$answer = $rc == 0 ? $out : $err;
		last if $answer eq $expected || time() > $end;
		sleep(0.05);
	}
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($answer, $expected, $name // $sql);
}

my $workers = "FROM pg_stat_activity WHERE backend_type IN ('rcs single worker', 'rcs campaign worker')";

sub worker_count
{
	my ($db) = @_;
	return "SELECT count(*) $workers AND datname = '$db'";
}

sub worker_pids
{
	my ($node, $db) = @_;
	return $node->safe_psql('postgres',
		"SELECT string_agg(pid::text, ',' ORDER BY pid) $workers AND datname = '$db'");
}

# That nothing more happens cannot be waited for, so this looks again after a while.
sub settled
{
	my ($node, $db, $expected, $name, $seconds) = @_;
	sleep($seconds // 1.5);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($node->safe_psql('postgres', worker_count($db)), $expected, $name);
}

# How long something took.  A machine that does other work as well is slow for no fault of ours, so
# only a hang fails the test; with RCS_TIMES=1, for a quiet machine, the limit counts.
sub took
{
	my ($seconds, $limit, $name) = @_;
	my $hang = $PostgreSQL::Test::Utils::timeout_default;

	note sprintf '%s: %.2f s, more than %.2f', $name, $seconds, $limit if $seconds >= $limit;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return cmp_ok($seconds, '<', $ENV{RCS_TIMES} || $limit > $hang ? $limit : $hang, $name);
}

# How often the server's log holds this, from an offset on.
sub log_count
{
	my ($node, $pattern, $offset) = @_;
	my $log = slurp_file($node->logfile, $offset // 0);
	my $n = () = $log =~ /$pattern/g;
	return $n;
}

# The stand-in carrier.  Options: accounts => ['shop:secret:12000'], args => ['--latency-ms', 5], port.
sub start_ktsim
{
	return RcsTest::Sim->start(@_);
}

# Server, login and sender.  Options: server, chatbot, rcs_id, rcs_secret, options => {rate_per_minute => …}.
sub setup_account
{
	my ($node, $db, $sim, %opt) = @_;
	my $server = $opt{server} // 'kt';
	my $chatbot = $opt{chatbot} // '0212351235';
	my $id = $opt{rcs_id} // 'shop';
	my $secret = $opt{rcs_secret} // 'secret';
	my %options = (url => 'http://127.0.0.1:' . $sim->port . '/corp/v1', %{ $opt{options} // {} });
	my $list = join ', ', map { "$_ '$options{$_}'" } sort keys %options;

	$node->safe_psql(
		$db, qq{
		SET client_min_messages = warning;
		CREATE SERVER $server TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS ($list);
		CREATE USER MAPPING FOR PUBLIC SERVER $server OPTIONS (rcs_id '$id', rcs_secret '$secret');
		INSERT INTO rcs.chatbot (chatbot, servers, agency_id, agency_key, brand_key)
		VALUES ('$chatbot', '{$server}', 'ktbizrcs', 'AK', 'BK')
		ON CONFLICT (chatbot) DO UPDATE SET servers = rcs.chatbot.servers || EXCLUDED.servers;
	});
	return;
}

our $text = '{"serviceType":"RCSSMS","header":"0","body":{"description":"#{name}"}}';

# A campaign to $n phones, started.  Options: from => number of the first phone, name, and any other
# named argument of rcs_campaign_create.
sub campaign
{
	my ($node, $db, $n, %opt) = @_;
	my $from = delete $opt{from} // 20000000;
	my $name = delete $opt{name} // "from $from";
	my $last = $from + $n - 1;
	my $more = join '', map { ", $_ => '$opt{$_}'" } sort keys %opt;
	my $id = $node->safe_psql($db, "SELECT rcs_campaign_create('$name', '$text'$more)");

	$node->safe_psql(
		$db, qq{
		SELECT rcs_campaign_add('$id', 'SELECT ''010'' || i AS phone, ''N'' || i AS name
			FROM generate_series($from, $last) AS i');
		SELECT rcs_campaign_start('$id')});
	return $id;
}

# Waits until nothing is unsent, or that message or campaign; the test fails if it never is.
sub drained
{
	my ($node, $db, $seconds, $name, $id) = @_;
	my $which = defined $id ? ", '$id'" : '';
	my ($rc, $out, $err) =
	  $node->psql($db, "SELECT rcs_wait('$seconds seconds'$which)");

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($out . $err, 't', $name // 'nothing is unsent');
}

# After a crash: waits until the server takes connections again.
sub server_answers
{
	my ($node, $db) = @_;
	my $end = time() + $PostgreSQL::Test::Utils::timeout_default;

	# psql may be gone before it has read the statement, which IPC::Run dies of
	sleep(0.02) until (eval { $node->psql($db // 'postgres', 'SELECT 1') } // 1) == 0 || time() > $end;
	return;
}

# Of what should not be in the log, without what the carriers of the tests provoke.
sub complaints
{
	my ($node) = @_;
	return log_count($node, '(?:ERROR|PANIC|WARNING):  (?!carrier account "\w+" is set aside)');
}

# A library for LD_PRELOAD of this C code; nothing without a compiler.
sub preload_library
{
	my ($code) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();

	append_to_file("$dir/preload.c", $code);
	return system("cc -shared -fPIC -O1 -o $dir/preload.so $dir/preload.c -ldl 2>/dev/null") == 0 ? "$dir/preload.so" : undef;
}

# Kills the server and all its processes at once, as a power cut would, and starts it again.
sub kill_server
{
	my ($node, $db) = @_;
	my ($postmaster) = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');
	my @all = ($postmaster, map { $_ + 0 } split /\n/, `ps -o pid= --ppid $postmaster`);

	kill 'KILL', @all;
	# they are gone when no process holds the shared memory
	sleep(0.02) while grep { kill 0, $_ } @all;
	$node->{_pid} = undef;
	$node->start;
	server_answers($node, $db);
	return;
}

# Settings by name, in effect at once.
sub set_conf
{
	my ($node, %conf) = @_;
	$node->safe_psql('postgres', join '', map { "ALTER SYSTEM SET $_ = '$conf{$_}';\n" } sort keys %conf);
	$node->reload;
	sleep(0.1);
	return;
}

# The ledgers of all carriers become the table oracle.ledger.
sub load_ledgers
{
	my ($node, $db, @sims) = @_;
	my $rows = '';

	for my $i (0 .. $#sims)
	{
		for my $line (split /\n/, slurp_file($sims[$i]->ledger))
		{
			next if $line =~ /^#/;
			$line =~ s/\\/\\\\/g;
			$rows .= "$i\t$line\n";
		}
	}
	$node->safe_psql(
		$db, qq{
SET client_min_messages = error;
DROP SCHEMA IF EXISTS oracle CASCADE;
CREATE SCHEMA oracle;
CREATE TABLE oracle.ledger (sim int, n bigint, time_us bigint, account text, msgid text, phone text,
	chatbot text, decision text, code text, http_status text, answered text, body_crc32 text);
COPY oracle.ledger FROM STDIN WITH (NULL '-');
$rows\\.
CREATE INDEX ON oracle.ledger (msgid);
CREATE TABLE oracle.seen AS
	SELECT msgid, count(*) AS offers, count(*) FILTER (WHERE decision = 'accepted') AS accepted
	FROM oracle.ledger GROUP BY msgid;
CREATE TABLE oracle.message AS
	SELECT m.campaign_no, m.batch_id, m.ord, m.epoch, m.id, m.phone, s.status,
		coalesce(l.offers, 0) AS offers, coalesce(l.accepted, 0) AS accepted
	FROM rcs.message m LEFT JOIN rcs.message_status s ON s.id = m.id
	LEFT JOIN oracle.seen l ON l.msgid = m.id::text;
ANALYZE oracle.ledger, oracle.seen, oracle.message;
});
	return;
}

my $ten = join ', ', map { "'$_'" } @statuses;

# Each query lists what contradicts; nothing is to come.  Groups are listed, not a sum, so that two
# faults cannot cancel each other out.
my @checks = (
	[ 'nothing is lost', qq{
		SELECT m.id, m.status FROM oracle.message m
		WHERE m.status IS NULL OR m.status NOT IN ($ten)
		OR m.status IN ('queued', 'sending') AND NOT EXISTS (
			SELECT FROM rcs.batch b WHERE b.campaign_no = m.campaign_no
			AND (b.origin IS NULL AND b.batch_id = m.batch_id
				OR b.origin = m.batch_id AND m.ord = ANY (b.ords)))} ],
	[ 'nothing is accepted twice', q{
		SELECT campaign_no, epoch, min(id::text), sum(accepted) FROM oracle.message
		GROUP BY campaign_no, epoch, CASE WHEN campaign_no = 0 THEN id::text ELSE phone END
		HAVING sum(accepted) > 1} ],
	[ 'nothing is offered more often than intended', q{
		SELECT m.id, m.offers, coalesce(i.intents, 0) FROM oracle.message m LEFT JOIN (
			SELECT campaign_no, batch_id, ord, count(*) AS intents
			FROM rcs.intent CROSS JOIN unnest(ords) AS ord GROUP BY 1, 2, 3) i
		USING (campaign_no, batch_id, ord)
		WHERE m.offers > coalesce(i.intents, 0)} ],
	[ 'nothing is sent here that was not accepted there', q{
		SELECT id, status FROM oracle.message
		WHERE status IN ('sent', 'delivered', 'fell_back') AND accepted = 0} ],
	[ 'nothing is accepted there that is unsent here', q{
		SELECT id, status FROM oracle.message m
		WHERE status IN ('queued', 'failed', 'expired', 'canceled') AND accepted > 0
		-- unless the carrier has reported since that it failed
		AND NOT (status = 'failed' AND EXISTS (SELECT FROM rcs.event e WHERE e.message = m.id AND e.verdict = 'failed'))} ],
	[ 'nothing is offered that was never committed', q{
		SELECT msgid, offers FROM oracle.seen
		WHERE msgid IS NOT NULL AND NOT EXISTS (
			SELECT FROM rcs.message m WHERE m.id::text = seen.msgid)} ],
	[ 'nothing is leased by the dead', q{
		SELECT b.campaign_no, b.batch_id, b.generation FROM rcs.batch b
		WHERE b.state = 'l' AND NOT EXISTS (
			SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
			WHERE d.datname = current_database() AND l.locktype = 'userlock' AND l.granted
			AND l.objsubid = 21059
			AND (l.classid::bigint << 32) | l.objid::bigint = b.generation)} ],
);

# Options: name; crashes => how often the server was made to restart; shared => 1: the carriers were
# offered messages of other databases too; drained => 0: messages may still be under way.
sub oracle
{
	my ($node, $db, @rest) = @_;
	my @sims;
	push @sims, shift @rest while @rest && ref $rest[0];
	my %opt = @rest;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return subtest $opt{name} // 'oracle' => sub {
		load_ledgers($node, $db, @sims);
		for my $check (@checks)
		{
			next if $opt{shared} && $check->[0] =~ /never committed/;
			is($node->safe_psql($db, "$check->[1] LIMIT 10"), '', $check->[0]);
		}
		is( $node->safe_psql($db,
				"SELECT status, count(*) FROM oracle.message WHERE status IN ('queued', 'sending') GROUP BY 1"
			),
			'',
			'nothing is under way any more') if $opt{drained} // 1;
		is(log_count($node, 'all server processes terminated; reinitializing'),
			$opt{crashes} // 0, 'the server restarted as often as the test made it');
	};
}

package RcsTest::Sim;

use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Utils;
use POSIX ();
use Time::HiRes qw(sleep time);

my @running;

sub start
{
	my ($class, %opt) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $self = bless {
		dir => $dir,
		port => $opt{port} // 0,
		accounts => $opt{accounts} // ['shop:secret'],
		args => $opt{args} // [],
	}, $class;

	die 'KTSIM does not name the carrier to test with' unless $ENV{KTSIM};
	push @running, $self;
	return $self->start_again;
}

# The same ledgers and, after the first time, the same port.
sub start_again
{
	my ($self) = @_;
	my $port_file = "$self->{dir}/port";
	my @command = (
		$ENV{KTSIM}, '--port', $self->{port}, '--port-file', $port_file, '--ledger', $self->ledger,
		'--file-ledger', $self->file_ledger, '--push-ledger', $self->push_ledger, '--die-with-parent',
		(map { ('--account', $_) } @{ $self->{accounts} }), @{ $self->{args} });

	unlink $port_file;
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		open STDOUT, '>>', "$self->{dir}/output";
		open STDERR, '>&', \*STDOUT;
		exec @command or POSIX::_exit(127);
	}
	$self->{pid} = $pid;
	my $end = time() + 10;
	until (-s $port_file)
	{
		die 'the carrier did not start: ' . slurp_file("$self->{dir}/output")
		  if time() > $end || waitpid($pid, POSIX::WNOHANG()) == $pid;
		sleep(0.02);
	}
	@$self{qw(port query_port)} = split ' ', slurp_file($port_file);
	return $self;
}

sub port { return $_[0]{port}; }
sub query_port { return $_[0]{query_port}; } # with args => ['--query-port', 0]
sub ledger { return "$_[0]{dir}/ledger"; }
sub file_ledger { return "$_[0]{dir}/files"; }
sub push_ledger { return "$_[0]{dir}/pushes"; }

sub request
{
	my ($self, $method, $path, $data) = @_;
	my $url = "http://127.0.0.1:$self->{port}/_ktsim/$path";
	my $answer = HTTP::Tiny->new(timeout => 10)->request(
		$method, $url,
		defined $data
		? { content => encode_json($data), headers => { 'Content-Type' => 'application/json' } }
		: {});
	die "$url: $answer->{status} $answer->{content}" unless $answer->{success};
	return $answer->{content};
}

sub set
{
	my ($self, %switches) = @_;
	$self->request('POST', 'set', \%switches);
	return;
}

# A message of a user, pushed to mo_url: chatbotId, userContact and, say, text.  Its reply id.
sub inbound
{
	my ($self, %order) = @_;
	return decode_json($self->request('POST', 'mo', \%order))->{replyId};
}

sub stats { return decode_json($_[0]->request('GET', 'stats')); }

sub end_process
{
	my ($self, $signal) = @_;
	return unless $self->{pid};
	kill $signal, $self->{pid};
	waitpid($self->{pid}, 0);
	$self->{pid} = undef;
	return;
}

sub stop { return $_[0]->end_process('TERM'); }
sub kill9 { return $_[0]->end_process('KILL'); }

END
{
	# waitpid would overwrite the status of the test
	my $status = $?;
	$_->stop for @running;
	$? = $status;
}

1;
