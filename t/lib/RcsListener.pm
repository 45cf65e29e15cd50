# Helpers of the tests of the listener: its settings and secrets, requests to it, and reports.
package RcsListener;

use strict;
use warnings;

use Exporter 'import';
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use PostgreSQL::Test::Utils;
use RcsTest;
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(listen_to listener_url secret_file ask push_to raw_request report $secret $operator_secret);

our $secret = 'carrier-secret-0123456789';
our $operator_secret = 'operator-secret-0123456789';

my $port;

# A file with these lines, that the server can read.
sub secret_file
{
	my ($node, $name, @lines) = @_;
	my $path = $node->data_dir . "/$name";
	PostgreSQL::Test::Utils::append_to_file("$path.new", join '', map { "$_\n" } @lines);
	rename "$path.new", $path or die "rename: $!";
	return $path;
}

# Turns the listener of a database on, with other settings by name, and waits until it listens.
sub listen_to
{
	my ($node, $db, %conf) = @_;
	$port = PostgreSQL::Test::Cluster::get_free_port();
	set_conf($node,
		'rcs.listen_secret_file' => secret_file($node, 'carrier.secret', $secret),
		'rcs.listen_operator_file' => secret_file($node, 'operator.secret', $operator_secret),
		'rcs.listen_port' => $port,
		'rcs.listen_database' => $db,
		%conf);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	poll($node, $db, q{SELECT state FROM rcs.worker_status WHERE kind = 'listener'}, 'listening', 20, 'it listens');
	return $port;
}

sub listener_url { return "http://127.0.0.1:$port$_[0]"; }

my %clients;

# An answer as HTTP::Tiny gives it, over a connection that is kept.
sub ask
{
	my ($method, $path, %opt) = @_;
	my %headers = %{ $opt{headers} // {} };
	my $client = $clients{$$} //= HTTP::Tiny->new(timeout => 20);

	$headers{Authorization} = "Bearer $opt{secret}" if defined $opt{secret};
	my $answer = $client->request($method, listener_url($path),
		{ headers => \%headers, defined $opt{body} ? (content => $opt{body}) : () });
	# it writes header and body apart: the body would wait 40 ms until the other side acknowledges the header
	my $kept = $client->{handle} && $client->{handle}{fh};
	setsockopt($kept, IPPROTO_TCP, TCP_NODELAY, 1) if $kept;
	return $answer;
}

# Pushes what JSON says of this; the status of the answer.
sub push_to
{
	my ($path, $data, %opt) = @_;
	return ask('POST', $path, secret => $secret, body => ref $data ? encode_json($data) : $data, %opt)->{status};
}

# Bytes as they are; what comes back until the other side closes or falls silent.
sub raw_request
{
	my ($bytes, $patience) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die "connect: $!";
	my $answer = '';
	my $end = time() + ($patience // 3);

	local $SIG{PIPE} = 'IGNORE';
	$socket->blocking(0);
	while (time() < $end)
	{
		my $vec = '';
		vec($vec, $socket->fileno, 1) = 1;
		my $out = length $bytes ? $vec : '';
		select(my $in = $vec, $out, undef, 0.1);
		if (length $bytes && vec($out, $socket->fileno, 1))
		{
			my $n = syswrite $socket, $bytes;
			$bytes = defined $n ? substr($bytes, $n) : '';
		}
		next unless vec($in, $socket->fileno, 1);
		my $n = sysread $socket, $answer, 65536, length $answer;
		last unless $n;
	}
	close $socket;
	return $answer;
}

# A report as the carrier writes it.
sub report
{
	my ($id, %other) = @_;
	return { rcsId => 'shop', msgId => $id, status => 'success', serviceType => 'RCSSMS', mnoInfo => 'KT',
		sentTime => '2026-07-01T10:00:00.000+09', timestamp => '2026-07-01T10:00:01.000+09', bill => '1', %other };
}

1;
