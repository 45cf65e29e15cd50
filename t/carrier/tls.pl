# TLS: a carrier that cannot prove who it is gets no byte of a request, and the reason is shown.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsCerts;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $dir = PostgreSQL::Test::Utils::tempdir();
my $certs = make_certs($dir);
plan skip_all => 'no openssl program' unless $certs;

my $node = rcs_node('main', 'rcs.settle' => '300ms', 'rcs.request_timeout' => '2s');
my $plain = start_ktsim();
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $plain);

my $phone = 11110000;
my $id;

sub sql { return $node->safe_psql($db, $_[0]); }

sub tls_carrier
{
	my ($name) = @_;
	return start_ktsim(
		args => [ '--tls-cert', $certs->{$name}{cert}, '--tls-key', $certs->{$name}{key} ]);
}

# Both at once: the account would be a right one for a moment
sub go_to
{
	my ($url, $ca) = @_;
	my $had = sql("SELECT count(*) FROM pg_foreign_server, unnest(srvoptions) o WHERE o ~ '^ca_file='");
	sql(sprintf "ALTER SERVER kt OPTIONS (SET url '%s', %s ca_file '%s')", $url, $had ? 'SET' : 'ADD', $ca);
	return;
}

sub offers
{
	my ($sim) = @_;
	return scalar grep { !/^#/ && !/^n\t/ } split /\n/, slurp_file($sim->ledger);
}

sub refused
{
	my ($name, $reason) = @_;
	my ($ok, $detail) = split /\|/, sql("SELECT ok, detail FROM rcs_account_check('kt')"), 2;
	is($ok, 'f', "$name: no login");
	like($detail, $reason, "$name: the reason is clear");
	$id = sql(sprintf "SELECT rcs_send('010%d', 'hello')", ++$phone);
	poll($node, $db, "SELECT state IN ('closed', 'probing') FROM rcs.account_status", 't', 30,
		"$name: the account is set aside");
	like(sql('SELECT last_error FROM rcs.account_status'), $reason, "$name: rcs.account_status says why");
	sleep(1);
	poll($node, $db, "SELECT status FROM rcs.message_status WHERE id = '$id'", 'queued', 20,
		"$name: a message waits");
	is(sql("SELECT count(*) FROM rcs.result WHERE outcome = 't'"), 0, "$name: nothing is in doubt");
	return;
}

my @sims;
my %reason = (
	expired => qr/expired/i,
	future => qr/not yet valid/i,
	wrong_host => qr/name|match|subject/i,
	self_signed => qr/self[- ]signed/i,
	other => qr/certificate/i);
for my $name (sort keys %reason)
{
	my $sim = tls_carrier($name);
	push @sims, $sim;
	go_to('https://127.0.0.1:' . $sim->port . '/corp/v1', $certs->{ca});
	refused($name, $reason{$name});
	is(offers($sim), 0, "$name: nothing was offered");
}

my $good = tls_carrier('good');
my $url = 'https://127.0.0.1:' . $good->port . '/corp/v1';
go_to($url, "$dir/missing.pem");
refused('missing CA file', qr/missing\.pem|certificate|CA/i);
go_to($url, $certs->{other_ca});
refused('wrong CA file', qr/certificate/i);
is(offers($good), 0, 'wrong CA files: nothing was offered');

# The right one; the other name in the certificate

go_to($url, $certs->{ca});
is(sql("SELECT ok FROM rcs_account_check('kt')"), 't', 'with the right CA the login works');
my $campaign = campaign($node, $db, 500);
drained($node, $db, 60, 'everything leaves, the messages that waited, too');
go_to($url =~ s/127\.0\.0\.1/localhost/r, $certs->{ca});
$id = sql(sprintf "SELECT rcs_send('010%d', 'hello')", ++$phone);
drained($node, $db, 60, 'the certificate is good for localhost, too', $id);
is(sql("SELECT count(*) FROM rcs.message_status WHERE status <> 'sent'"), 0, 'all are sent');
oracle($node, $db, $good, @sims);

# What an old, or a newer, server gets to see

sub listener
{
	my ($port, @args) = @_;
	my $log = "$dir/s_server.log";
	unlink $log;
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		open STDIN, '<', '/dev/zero';
		open STDOUT, '>', $log;
		open STDERR, '>&', \*STDOUT;
		exec 'openssl', 's_server', '-accept', "127.0.0.1:$port", '-cert', $certs->{good}{cert}, '-key',
		  $certs->{good}{key}, @args
		  or exit 127;
	}
	my $end = time() + 10;
	sleep(0.05) until time() > $end || (-e $log && slurp_file($log) =~ /^ACCEPT/m);
	return ($pid, $log);
}

for my $case ([ 'TLS 1.0', '-tls1' ], [ 'TLS 1.1', '-tls1_1' ])
{
	my ($name, @args) = @$case;
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my ($pid, $log) = listener($port, @args, '-cipher', 'DEFAULT@SECLEVEL=0');
	go_to("https://127.0.0.1:$port/corp/v1", $certs->{ca});
	refused($name, qr/protocol|version|tls|ssl/i);
	kill 'TERM', $pid;
	waitpid($pid, 0);
	unlike(slurp_file($log), qr/POST|rcsSecret/, "$name: not a byte of a request");
}

my $port = PostgreSQL::Test::Cluster::get_free_port();
my ($pid, $log) = listener($port, '-alpn', 'h2,http/1.1');
go_to("https://127.0.0.1:$port/corp/v1", $certs->{ca});
is(sql("SELECT ok FROM rcs_account_check('kt')"), 'f', 'a server that never answers');
kill 'TERM', $pid;
waitpid($pid, 0);
my $seen = slurp_file($log);
like($seen, qr{^ALPN protocols selected: http/1\.1$}m, 'HTTP/2 on offer: 1.1 is chosen');
like($seen, qr{^POST /corp/v1/token HTTP/1\.1\r?$}m, 'and spoken');

is(log_count($node, 'FATAL|PANIC|WARNING:  (?!carrier account)'), 0, 'the log has no complaint');
go_to($url, $certs->{ca});
drained($node, $db, 90, 'in the end everything leaves');
oracle($node, $db, $good, @sims);
$node->stop;
done_testing();
