# A web server for images: gives the answer set for each path, and writes down each request.
#
# It knows HTTP, as far as a test needs it, and not its clients.
package RcsImages;

use strict;
use warnings;

use Exporter 'import';
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep);

our @EXPORT = qw(start_images jpeg png);

my @running;

# Images that differ by their text
sub jpeg { return "\xFF\xD8\xFF\xE0" . $_[0]; }
sub png { return "\x89PNG\r\n\x1A\n" . $_[0]; }

# On this machine only.  Options: port.
sub start_images
{
	my (%opt) = @_;
	my $self = bless { dir => PostgreSQL::Test::Utils::tempdir(), port => $opt{port} // 0 }, __PACKAGE__;

	push @running, $self;
	return $self->start_again;
}

# After the first time on the same port
sub start_again
{
	my ($self) = @_;
	my $listener = IO::Socket::INET->new(
		LocalAddr => '127.0.0.1', LocalPort => $self->{port}, Listen => 64, ReuseAddr => 1) or die "images: $!";

	$self->{port} = $listener->sockport;
	my $parent = $$;
	$self->{pid} = fork() // die "fork: $!";
	if ($self->{pid} == 0)
	{
		$SIG{$_} = 'DEFAULT' for qw(TERM INT);
		$SIG{CHLD} = 'IGNORE';
		$self->serve($listener, $parent);
		POSIX::_exit(0);
	}
	close $listener;
	return $self;
}

# One process for each connection, so that a connection that hangs delays no other.
sub serve
{
	my ($self, $listener, $parent) = @_;

	while (getppid() == $parent)
	{
		my $ready = '';
		vec($ready, fileno($listener), 1) = 1;
		next unless select($ready, undef, undef, 1);
		my $client = $listener->accept or next;
		my $pid = fork();
		if (defined $pid && $pid == 0)
		{
			$SIG{ALRM} = sub { POSIX::_exit(0) };
			alarm(30);
			close $listener;
			eval { $self->answer($client) };
			POSIX::_exit(0);
		}
		close $client;
	}
	return;
}

sub answer
{
	my ($self, $client) = @_;
	my $head = '';

	$client->autoflush(1);
	while ($head !~ /\r\n\r\n/)
	{
		last unless sysread($client, $head, 4096, length $head);
	}
	my ($method, $path) = $head =~ /^(\S+) (\S+) HTTP/ or return;
	$self->note({ method => $method, path => $path, head => $head });
	(my $plain = $path) =~ s/\?.*//;
	my $said = $self->said->{$plain} // { status => 404, body => '' };
	sleep($said->{delay}) if $said->{delay};
	sleep(60) if $said->{hang};
	return if $said->{cut};
	my $body = $said->{file} ? slurp_file($said->{file}) : '';
	my @headers = @{ $said->{headers} // ['Content-Type: text/html'] };
	push @headers, 'Content-Length: ' . ($said->{length} // length $body) unless $said->{endless};
	syswrite($client, join "\r\n", "HTTP/1.1 " . ($said->{status} // 200) . " Told", @headers, 'Connection: close', '', '');
	syswrite($client, $body);
	while ($said->{endless})
	{
		syswrite($client, 'x' x 65536) or last;
	}
	while ($said->{drip})
	{
		syswrite($client, 'x') or last;
		sleep(0.05);
	}
	return;
}

sub note
{
	my ($self, $request) = @_;
	open my $log, '>>', "$self->{dir}/log" or die "log: $!";
	syswrite($log, JSON::PP->new->canonical->encode($request) . "\n");
	return;
}

sub said
{
	my ($self) = @_;
	return -e "$self->{dir}/said" ? JSON::PP::decode_json(slurp_file("$self->{dir}/said")) : {};
}

# say('/a.png', body => png('a')); further: status, headers => [...], delay, hang, cut, endless,
# drip, length => what it claims.
sub say
{
	my ($self, $path, %what) = @_;
	my $said = $self->said;

	if (defined(my $body = delete $what{body}))
	{
		$what{file} = "$self->{dir}/body" . ++$self->{bodies};
		append_to_file($what{file}, $body);
	}
	$said->{$path} = \%what;
	open my $file, '>', "$self->{dir}/said.new" or die "said: $!";
	print $file JSON::PP::encode_json($said);
	close $file;
	rename "$self->{dir}/said.new", "$self->{dir}/said" or die "said: $!";
	return;
}

# The requests so far, or those for a path
sub requests
{
	my ($self, $path) = @_;
	return () unless -e "$self->{dir}/log";
	my @all = map { JSON::PP::decode_json($_) } split /\n/, slurp_file("$self->{dir}/log");
	return grep { !defined $path || $_->{path} eq $path } @all;
}

sub port { return $_[0]{port}; }
sub url { return "http://127.0.0.1:$_[0]{port}" . ($_[1] // ''); }

sub stop
{
	my ($self) = @_;
	return unless $self->{pid};
	kill 'TERM', $self->{pid};
	waitpid($self->{pid}, 0);
	$self->{pid} = undef;
	return;
}

END
{
	# waitpid would overwrite the status of the test
	my $status = $?;
	$_->stop for @running;
	$? = $status;
}

1;
