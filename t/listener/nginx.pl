# The example of doc/operations.md: nginx with TLS before the listener.  Pushes get through from the carrier's
# addresses only, and no log of nginx holds the secret, also when a request fails.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use PostgreSQL::Test::Utils;
use RcsCerts;
use RcsListener;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my ($nginx) = grep { -x } map { "$_/nginx" } split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin';
plan skip_all => 'no nginx' unless $nginx;
my $dir = PostgreSQL::Test::Utils::tempdir();
my $certs = make_certs($dir) or plan skip_all => 'no openssl program';

my $node = rcs_node('main');
my $db = rcs_database($node, 'shop');
my $sim = start_ktsim();
setup_account($node, $db, $sim);
my $port = listen_to($node, $db);
my $tls_port = PostgreSQL::Test::Cluster::get_free_port();
my $pid;
sub sql { return $node->safe_psql($db, $_[0]); }

# The example, with nothing changed but places, ports and the carrier's addresses

my $doc = slurp_file("$FindBin::RealBin/../../doc/operations.md");
my ($example) = $doc =~ /^```nginx\n(.*?)^```$/ms;
ok($example, 'there is an example');
like($example, qr/keepalive_timeout (\d)s;/, 'connections to the listener end before it ends them');

sub config
{
	my ($carrier) = @_;
	my $text = $example;
	my %places = (
		'127.0.0.1:8480' => "127.0.0.1:$port",
		'listen 443' => "listen 127.0.0.1:$tls_port",
		'/etc/ssl/rcs.example.com.pem' => $certs->{good}{cert},
		'/etc/ssl/private/rcs.example.com.key' => $certs->{good}{key},
		'192.0.2.0/24' => $carrier);
	for my $place (sort keys %places)
	{
		is($text =~ s/\Q$place\E/$places{$place}/, 1, "the example has one $place");
	}
	open my $file, '>', "$dir/nginx.conf" or die "nginx.conf: $!";
	print $file "daemon off; worker_processes 1; pid $dir/nginx.pid; error_log $dir/error.log info;\nevents { worker_connections 64; }\nhttp {\naccess_log $dir/access.log;\n",
	  # else OpenSSL itself would refuse old TLS, and the example would not be tested
	  "ssl_ciphers DEFAULT:\@SECLEVEL=0;\n",
	  (map { "${_}_temp_path $dir/$_;\n" } qw(client_body proxy fastcgi uwsgi scgi)), $text, "}\n";
	close $file;
	return;
}

sub start_nginx
{
	$pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		open STDERR, '>>', "$dir/stderr";
		open STDOUT, '>&', \*STDERR;
		exec $nginx, '-p', $dir, '-e', "$dir/error.log", '-c', "$dir/nginx.conf" or die;
	}
	my $end = time() + 20;
	sleep(0.05) until IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $tls_port) || time() > $end;
	return;
}

sub stop_nginx
{
	return unless $pid;
	kill 'TERM', $pid;
	waitpid $pid, 0;
	$pid = undef;
	return;
}
END { my $status = $?; stop_nginx(); $? = $status; }

# By curl, which checks the certificate; the status
sub over_tls
{
	my ($path, %opt) = @_;
	my @data = defined $opt{body} ? ('--data-binary', '@-') : ();
	my ($out, $err);
	my @command = ('curl', '-s', '-o', "$dir/answer", '-w', '%{http_code}', '--cacert', $certs->{ca}, '--noproxy', '*', @data,
		(map { ('-H', $_) } 'Expect:', @{ $opt{headers} // [] }), @{ $opt{options} // [] }, "https://localhost:$tls_port$path");
	IPC::Run::run(\@command, '<', \($opt{body} // ''), '>', \$out, '2>', \$err);
	return $out;
}

config('127.0.0.0/8');
start_nginx();

my @ids = split /\n/, sql("SELECT rcs_send('0101111000' || i, 'hello') FROM generate_series(1, 6) i");
drained($node, $db, 20, 'messages are sent');
sub status_of { return sql("SELECT status FROM rcs.message_status WHERE id = '$_[0]'"); }

is(over_tls("/$secret/msgstatus", body => encode_json([ report($ids[0]) ])), 200, 'a report by TLS, with the secret in the path');
is(slurp_file("$dir/answer"), '{"status":"200"}', 'the answer is that of the listener');
is(status_of($ids[0]), 'delivered', 'it is stored');
is(over_tls('/msgstatus', body => encode_json([ report($ids[1]) ]), headers => ["Authorization: Bearer $secret"]), 200, 'the secret in a header');
is(status_of($ids[1]), 'delivered', 'stored, too');
is(over_tls("/$secret/msgstatus", body => encode_json([ report($ids[2]) ]), headers => ['Transfer-Encoding: chunked']), 200, 'in chunks');
is(over_tls("/$secret/momsg$_", body => encode_json([ { replyId => "R$_", eventType => 'message', userContact => '01022220000', chatbotId => '0212351235',
	messageBody => { textMessage => 'menu' } } ])), 200, "a message of a user to /momsg$_") for '', '/KT', '/SKT', '/LGU';
is(sql('SELECT count(*) FROM rcs.inbound'), 4, 'all are stored');
is(over_tls("/$secret/msgstatus", body => encode_json([ map { report($ids[3], reason => { message => 'x' x 900 }) } 1 .. 900 ])), 200, 'almost 1 MB');
is(over_tls('/health'), 200, 'health');
is(over_tls($_), 404, "$_ is not for the world") for '/', '/metrics', "/$secret/metrics", '/api/overview';
is(over_tls('/wrong-secret-0123456789/msgstatus', body => '[]'), 401, 'a wrong secret');
is(over_tls("/$secret/msgstatus", body => 'x' x 1_100_000), 413, 'more than 1 MB');
is(over_tls("/$secret/msgstatus", body => '{'), 400, 'no JSON');
is(over_tls('/msgstatus', body => '[]', headers => [ "Authorization: $secret", 'X-Forwarded-For: 192.0.2.1' ]), 200, 'what a client claims to be makes no difference');
isnt(over_tls('/health', options => [ '--tls-max', '1.1', '--ciphers', 'DEFAULT@SECLEVEL=0' ]), 200, 'no old TLS');
isnt(over_tls('/health', options => [ '--cacert', $certs->{other_ca} ]), 200, 'the certificate is looked at: another CA does not do');

# Connections to the listener are used again, and end by nginx's wish

is(over_tls('/health'), 200, 'once more') for 1 .. 10;
sleep(0.5); # those that are not kept have ended
my $connections = sql(q{SELECT in_flight FROM rcs.worker_status WHERE kind = 'listener'});
like($connections, qr/^[12]$/, 'requests share connections to the listener');
poll($node, $db, q{SELECT in_flight FROM rcs.worker_status WHERE kind = 'listener'}, 0, 30, 'idle ones end');
is(sql('SELECT cut FROM rcs._listener()'), 0, 'none was cut by the listener');
is(over_tls("/$secret/msgstatus", body => encode_json([ report($ids[4]) ])), 200, 'the next report opens another');

# No listener runs behind nginx

sql('ALTER SYSTEM RESET rcs.listen_database');
$node->reload;
poll($node, $db, q{SELECT count(*) FROM rcs.worker_status WHERE kind = 'listener' AND pid IS NOT NULL}, 0, 20, 'the listener is off');
is(over_tls("/$secret/msgstatus", body => encode_json([ report($ids[5]) ])), 502, 'the carrier is told to come again');
set_conf($node, 'rcs.listen_database' => $db);
poll($node, $db, q{SELECT state FROM rcs.worker_status WHERE kind = 'listener'}, 'listening', 20, 'it is on again');
is(over_tls("/$secret/msgstatus", body => encode_json([ report($ids[5]) ])), 200, 'and takes it');

# Others than the carrier

stop_nginx();
config('192.0.2.0/24');
start_nginx();
my $asked = sql('SELECT ok + bad + failed FROM rcs._listener()');
is(over_tls("/$secret/msgstatus", body => '[]', headers => ["X-Forwarded-For: $_", "X-Real-IP: $_"]), 403, "who is not of the carrier is refused, claiming $_")
  for '192.0.2.1', '127.0.0.1';
is(over_tls('/msgstatus', body => '[]', headers => ["Authorization: $secret"]), 403, 'with the right secret, too');
is(sql('SELECT ok + bad + failed FROM rcs._listener()'), $asked, 'the listener never heard of them');
stop_nginx();

my $logs = join '', map { slurp_file($_) } grep { -e } map { "$dir/$_" } qw(error.log access.log stderr);
unlike($logs, qr/\Q$secret\E/, 'the secret is in no log of nginx');
is(log_count($node, $secret), 0, 'nor in that of the server');
oracle($node, $db, $sim);
$node->stop;
done_testing();
