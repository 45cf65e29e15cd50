# Certificates to test TLS with: good ones and some that must be refused.  Made with the openssl
# program; where there is none, make_certs() returns nothing and the test should be skipped.
#
# It knows certificates, and not their use.
package RcsCerts;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(make_certs);

my $key_size = 2048;

# 'ca' and 'other_ca' sign; the others are what a server shows.
my @servers = (
	{ name => 'good' },
	{ name => 'expired', from => '20200101000000Z', to => '20200201000000Z' },
	{ name => 'future', from => '20900101000000Z', to => '20910101000000Z' },
	{ name => 'wrong_host', names => 'DNS:elsewhere.example' },
	{ name => 'other', ca => 'other_ca' },
);

sub run
{
	my ($dir, @args) = @_;
	my $pid = fork() // die "fork: $!";

	if ($pid == 0)
	{
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$dir/openssl.log";
		open STDERR, '>&', \*STDOUT;
		exec 'openssl', @args or exit 127;
	}
	waitpid($pid, 0);
	return $? == 0;
}

sub run_or_die
{
	my ($dir, @args) = @_;
	return if run($dir, @args);
	open my $log, '<', "$dir/openssl.log" or die "openssl @args failed";
	die "openssl @args failed: ", <$log>;
}

sub spew
{
	my ($path, $text) = @_;
	open my $file, '>', $path or die "$path: $!";
	print $file $text;
	close $file or die "$path: $!";
	return;
}

# "openssl ca" is the one command that can set both dates in every version.
sub write_config
{
	my ($dir, $ca) = @_;
	spew("$dir/$ca.index", '');
	spew("$dir/$ca.serial", "1000\n");
	spew("$dir/$ca.cnf", <<"END");
[ca]
default_ca = this
[this]
database = $dir/$ca.index
serial = $dir/$ca.serial
new_certs_dir = $dir
certificate = $dir/$ca.pem
private_key = $dir/$ca.key
default_md = sha256
default_days = 3650
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = CA:FALSE
subjectAltName = \$ENV::RCS_NAMES
END
	return;
}

sub request_args
{
	my ($dir, $name) = @_;
	return ('req', '-new', '-newkey', "rsa:$key_size", '-nodes', '-subj', "/CN=rcs test $name",
		'-keyout', "$dir/$name.key");
}

# Signs itself.
sub make_root
{
	my ($dir, $name, $section) = @_;
	run_or_die($dir, request_args($dir, $name), '-x509', '-days', 3650, '-config',
		"$dir/ca.cnf", '-extensions', $section, '-out', "$dir/$name.pem");
	return;
}

sub make_server
{
	my ($dir, %opt) = @_;
	my $ca = $opt{ca} // 'ca';
	my @dates = $opt{from} ? ('-startdate', $opt{from}, '-enddate', $opt{to}) : ();

	local $ENV{RCS_NAMES} = $opt{names} // 'DNS:localhost,IP:127.0.0.1';
	run_or_die($dir, request_args($dir, $opt{name}), '-config', "$dir/$ca.cnf", '-out',
		"$dir/$opt{name}.csr");
	run_or_die($dir, 'ca', '-batch', '-notext', '-config', "$dir/$ca.cnf", '-extensions', 'server',
		@dates, '-in', "$dir/$opt{name}.csr", '-out', "$dir/$opt{name}.pem");
	return;
}

# Into this directory.  The answer: { ca => file, other_ca => file, good => { cert, key }, ... }
# with the servers good, expired, future, wrong_host, self_signed and other (of a CA unknown to ca).
sub make_certs
{
	my ($dir) = @_;
	my %made;

	return unless run($dir, 'version');
	local $ENV{RCS_NAMES} = 'DNS:localhost,IP:127.0.0.1';
	for my $ca ('ca', 'other_ca')
	{
		write_config($dir, $ca);
		make_root($dir, $ca, 'root');
		$made{$ca} = "$dir/$ca.pem";
	}
	make_root($dir, 'self_signed', 'server');
	make_server($dir, %$_) for @servers;
	$made{$_} = { cert => "$dir/$_.pem", key => "$dir/$_.key" }
	  for 'self_signed', map { $_->{name} } @servers;
	return \%made;
}

1;
