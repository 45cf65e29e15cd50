# A TCP proxy between client and carrier that breaks connections on request: the program
# ktsim/ktproxy, found by KTPROXY or beside the program that KTSIM names.
#
# Knows how it is started and ordered about; ktsim/README.md says what the orders mean.
package RcsProxy;

use strict;
use warnings;

use Exporter 'import';
use File::Basename qw(dirname);
use File::Temp ();
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(sleep time);

our @EXPORT = qw(start_proxy);

my @running;

# In front of this port of 127.0.0.1.  Options: port.
sub start_proxy
{
	my ($target, %opt) = @_;
	my $program = $ENV{KTPROXY} // ($ENV{KTSIM} ? dirname($ENV{KTSIM}) . '/ktproxy' : undef);
	my $self = bless { dir => File::Temp->newdir }, __PACKAGE__;
	my $port_file = "$self->{dir}/port";

	die 'neither KTPROXY nor KTSIM is set' unless $program;
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		exec $program, '--target', $target, '--port', $opt{port} // 0, '--port-file', $port_file,
		  '--die-with-parent'
		  or POSIX::_exit(127);
	}
	$self->{pid} = $pid;
	push @running, $self;
	my $end = time() + 10;
	until (-s $port_file)
	{
		die 'the proxy did not start' if time() > $end || waitpid($pid, POSIX::WNOHANG()) == $pid;
		sleep(0.02);
	}
	open my $ports, '<', $port_file or die "$port_file: $!";
	chomp(@$self{ 'port', 'control' } = <$ports>);
	return $self;
}

sub port { return $_[0]{port}; }

# One line there, one line back.
sub order
{
	my ($self, $line) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{control})
	  or die "the proxy takes no orders: $!";
	my $answer;

	print $socket "$line\n";
	$answer = <$socket> // '';
	die "the proxy did not understand: $line" unless $answer =~ /^(?:ok$|\{)/;
	return $answer;
}

# Settings by name, as in set(cut_down => 100, once => 1); the others stay as they are.
sub set
{
	my ($self, %settings) = @_;
	$self->order(join ' ', 'set', map { "$_=$settings{$_}" } sort keys %settings);
	return;
}

# Everything passes again.
sub heal { $_[0]->order('heal'); return; }

# Cuts all connections that live; with 'reset' not in order.
sub cut { my ($self, $how) = @_; $self->order($how ? "cut $how" : 'cut'); return; }

sub stats { return JSON::PP::decode_json($_[0]->order('stats')); }

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
