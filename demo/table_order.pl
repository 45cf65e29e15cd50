#!/usr/bin/env perl
# A sample data service: the table-order system of a small restaurant.  Core Perl only.
#
#   GET  /menu               {"items": [{"code", "name", "price", "description", "image"}, ...]}
#   GET  /menu/CODE          one of them
#   GET  /image/CODE.png     its picture
#   POST /orders             {"code", "n", "phone"} gives {"order", "name", "total"}
#   GET  /orders?phone=...   what this phone has ordered; without phone: everything
#   GET  /customers?page=N   [{"phone", "name", "points"}, ...], 1,000 a page; [] behind the last
#
# Options: --port N (8090; 0: any), --port-file FILE, --host NAME for the addresses of pictures,
# --customers N (20000).  Orders are kept in memory.
use strict;
use warnings;

use Compress::Zlib ();
use Getopt::Long;
use IO::Socket::INET;
use JSON::PP;

my %opt = (port => 8090, customers => 20000, host => '127.0.0.1');
GetOptions(\%opt, 'port=i', 'port-file=s', 'customers=i', 'host=s') or die "see the head of $0\n";

my @menu = (
	{ code => 'bibimbap', name => 'Bibimbap', price => 9000, description => 'Rice with vegetables and an egg', color => [ 200, 80, 60 ] },
	{ code => 'bulgogi', name => 'Bulgogi', price => 14000, description => 'Grilled marinated beef', color => [ 120, 70, 50 ] },
	{ code => 'kimchi-jjigae', name => 'Kimchi-jjigae', price => 8500, description => 'Stew of kimchi and pork', color => [ 220, 60, 30 ] },
	{ code => 'japchae', name => 'Japchae', price => 11000, description => 'Glass noodles, stir-fried', color => [ 150, 120, 60 ] },
	{ code => 'mandu', name => 'Mandu', price => 6000, description => 'Eight dumplings', color => [ 230, 220, 190 ] },
);
my %dish = map { $_->{code} => $_ } @menu;
my @orders;
my $json = JSON::PP->new->utf8->canonical;

my $listener = IO::Socket::INET->new(LocalAddr => $opt{host} eq '127.0.0.1' ? '127.0.0.1' : '0.0.0.0',
	LocalPort => $opt{port}, Listen => 128, ReuseAddr => 1) or die "port $opt{port}: $!\n";
my $base = "http://$opt{host}:" . $listener->sockport;
if ($opt{'port-file'})
{
	open my $file, '>', "$opt{'port-file'}.new" or die "$opt{'port-file'}: $!\n";
	print $file $listener->sockport, "\n";
	close $file;
	rename "$opt{'port-file'}.new", $opt{'port-file'};
}
print "table order at $base\n";

$SIG{PIPE} = 'IGNORE';
while (1)
{
	my $client = $listener->accept or next;
	# one that says nothing is not waited for
	local $SIG{ALRM} = sub { die "too slow\n" };
	eval { alarm 5; serve($client); };
	alarm 0;
	close $client;
}

sub serve
{
	my ($client) = @_;
	my $in = '';

	while ($in !~ /\r\n\r\n/)
	{
		sysread($client, $in, 65536, length $in) or return;
		return if length $in > 1_000_000;
	}
	my ($head, $body) = split /\r\n\r\n/, $in, 2;
	my ($method, $path, $query) = $head =~ m{^(GET|POST) ([^ ?]+)\??(\S*) HTTP} or return;
	my ($length) = $head =~ /^Content-Length: *(\d+)/mi;

	while (length $body < ($length // 0))
	{
		sysread($client, $body, 65536, length $body) or return;
	}
	my %query = map { my ($k, $v) = split /=/, $_, 2; ($k => decoded($v // '')) } split /&/, $query;
	my ($status, $type, $answer) = eval { answer($method, $path, \%query, $body) };
	($status, $type, $answer) = (400, 'application/json', '{"error": "bad request"}') unless defined $status;
	$answer = "HTTP/1.1 $status Told\r\nContent-Type: $type\r\nContent-Length: " . length($answer)
	  . "\r\nConnection: close\r\n\r\n" . $answer;
	for (my $sent = 0; $sent < length $answer;)
	{
		$sent += syswrite($client, $answer, 65536, $sent) // return;
	}
	return;
}

sub decoded
{
	my ($text) = @_;
	$text =~ tr/+/ /;
	$text =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
	return $text;
}

sub given { return (200, 'application/json', $json->encode($_[0])); }

sub answer
{
	my ($method, $path, $query, $body) = @_;

	if ($method eq 'POST')
	{
		return (404, 'application/json', '{}') unless $path eq '/orders';
		return given(ordered($json->decode($body)));
	}
	return given({ items => [ map { shown($_) } @menu ] }) if $path eq '/menu';
	return given(shown($dish{$1})) if $path =~ m{^/menu/([\w-]+)$} && $dish{$1};
	return (200, 'image/png', picture($dish{$1})) if $path =~ m{^/image/([\w-]+)\.png$} && $dish{$1};
	return given([ grep { !defined $query->{phone} || $_->{phone} eq $query->{phone} } @orders ]) if $path eq '/orders';
	return given(customers($query->{page} // 1)) if $path eq '/customers';
	return (404, 'application/json', '{}');
}

sub shown
{
	my ($dish) = @_;
	my %shown = (%$dish, image => "$base/image/$dish->{code}.png");
	delete $shown{color};
	return \%shown;
}

sub ordered
{
	my ($order) = @_;
	my $dish = $dish{ $order->{code} // '' } or die "no such dish\n";
	my $n = ($order->{n} // 1) + 0;

	die "no number\n" if $n < 1 || $n > 99;
	push @orders, { order => 1 + @orders, phone => $order->{phone} // '', code => $dish->{code},
		name => $dish->{name}, n => $n, total => $n * $dish->{price} };
	return $orders[-1];
}

# Numbers nobody has
sub customers
{
	my ($page) = @_;
	my $first = ($page - 1) * 1000;
	my $last = $first + 999 < $opt{customers} ? $first + 999 : $opt{customers} - 1;

	return [] if $page !~ /^[1-9]\d{0,5}$/;
	return [ map { { phone => sprintf('010%08d', $_), name => "Guest $_", points => $_ % 500 } } $first .. $last ];
}

# A plain square: PNG is a signature and chunks, each with its CRC.
sub picture
{
	my ($dish) = @_;
	my $row = "\0" . pack('C3', @{ $dish->{color} }) x 320;
	my $chunk = sub { my ($type, $data) = @_; pack('N', length $data) . $type . $data . pack('N', Compress::Zlib::crc32($type . $data)) };

	return "\x89PNG\r\n\x1a\n" . $chunk->('IHDR', pack('NNC5', 320, 320, 8, 2, 0, 0, 0))
	  . $chunk->('IDAT', Compress::Zlib::compress($row x 320)) . $chunk->('IEND', '');
}
