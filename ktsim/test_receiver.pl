# A customer's receiver, for the self test of the stand-in: takes pushes, writes each
# down as a line (connection, path, Authorization, length, beginning of the body), and
# answers as the file of answers says.  Its first word is used up by a request, the
# last stays: a status, or "hang".  Knows nothing of what is pushed.
#
#   perl test_receiver.pl PORT_FILE PUSHED_FILE ANSWERS_FILE
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my ($port_file, $pushed_file, $answers_file) = @ARGV;
my $parent = getppid();
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 128, ReuseAddr => 1)
  or die "listen: $!";
my $select = IO::Select->new($listener);
my (%buffer, %wanted, %number);
my $connections = 0;

open(my $pushed, '>>', $pushed_file) or die "$pushed_file: $!";
$pushed->autoflush(1);
write_file("$port_file.tmp", $listener->sockport);
rename("$port_file.tmp", $port_file) or die "rename: $!";

while (getppid() == $parent)
{
	for my $socket ($select->can_read(1))
	{
		if ($socket == $listener)
		{
			my $new = $listener->accept or next;
			$select->add($new);
			$buffer{$new} = '';
			$number{$new} = ++$connections;
			next;
		}
		if (!sysread($socket, $buffer{$socket}, 1048576, length $buffer{$socket}))
		{
			leave($socket);
			next;
		}
		1 while take($socket);
	}
}

sub write_file
{
	my ($path, $text) = @_;
	open(my $file, '>', $path) or die "$path: $!";
	print $file $text;
	close($file);
	return;
}

sub leave
{
	my ($socket) = @_;
	$select->remove($socket);
	delete $buffer{$socket};
	delete $wanted{$socket};
	delete $number{$socket};
	close($socket);
	return;
}

sub next_answer
{
	open(my $file, '<', $answers_file) or return 200;
	my @words = split ' ', join '', <$file>;
	close($file);
	write_file($answers_file, join ' ', @words[1 .. $#words]) if @words > 1;
	return $words[0] // 200;
}

# True when a whole request was there.
sub take
{
	my ($socket) = @_;
	return 0 if !defined $buffer{$socket} || length($buffer{$socket}) < ($wanted{$socket} // 0);
	my $start = index($buffer{$socket}, "\r\n\r\n") + 4;
	return 0 if $start < 4;
	my $head = substr($buffer{$socket}, 0, $start);
	my ($length) = $head =~ /^Content-Length: *(\d+)/mi;
	$wanted{$socket} = $start + $length;
	return 0 if length($buffer{$socket}) < $wanted{$socket};
	my ($path) = $head =~ /^\w+ (\S+)/;
	my ($authorization) = $head =~ /^Authorization: *([^\r]*)/mi;
	my $body = substr($buffer{$socket}, $start, $length);
	my $answer = next_answer();

	substr($buffer{$socket}, 0, $start + $length) = '';
	delete $wanted{$socket};
	$body = substr($body, 0, 8192);
	$body =~ tr/\n\r\t/   /;
	print $pushed join("\t", $number{$socket}, $path, $authorization // '-', $length, $body), "\n";
	return 1 if $answer eq 'hang';
	syswrite($socket, "HTTP/1.1 $answer X\r\nContent-Length: 16\r\n\r\n{\"status\":\"$answer\"}");
	return 1;
}
