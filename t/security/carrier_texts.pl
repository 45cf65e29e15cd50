# A carrier that repeats what it was asked: nothing of it is kept or shown, and nothing it says outlives
# an erasure.  Numbers that are short on the wire and long when written out are kept aside.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(time);

# The carrier: refuses everything, with the body and the token in its text.
package Echo { sub port { return $_[0]{port}; } }

my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64, ReuseAddr => 1) or die "no socket: $!";
my $secret = 'h8Qz-of-the-account-77';
my $token = 'tok3n-of-the-shop-0123456789';
my $json = JSON::PP->new->latin1->canonical;

sub answer
{
	my ($path, $authorization, $body) = @_;
	my $asked = $body =~ /^\{/ ? JSON::PP->new->decode($body) : {};
	my $id = $asked->{rcsId} // '';

	return { status => '200', data => { tokenInfo => { accessToken => $token, expiresIn => '600' } } }
	  if $path =~ /token/ && $id ne 'loud';
	my $phone = $asked->{common}{userContact} // '01012345678';
	my $spaced = join ' ', $phone =~ /^(...)(....)(....)/;
	my $part = substr $asked->{rcs}{body}{description} // '', 3, 14;
	return { status => '400', error => { code => '75998', message => "bad RCSSMS \x07\x1b[31m [$part] $spaced $authorization " . substr($body, 0, 5000) } };
}

my $pid = fork // die "cannot fork: $!";
if ($pid == 0)
{
	$SIG{TERM} = sub { POSIX::_exit(0); };
	while (my $c = $listen->accept)
	{
		my ($length, $authorization, $first) = (0, '', scalar <$c> // '');
		while (defined(my $line = <$c>))
		{
			last if $line =~ /^\r?\n$/;
			$length = $1 if $line =~ /^content-length: *(\d+)/i;
			$authorization = $1 if $line =~ /^authorization: *([^\r\n]*)/i;
		}
		read $c, my $body, $length if $length;
		my $answer = $json->encode(answer($first, $authorization, $body // ''));
		my $status = $answer =~ /tokenInfo/ ? '200 OK' : '400 Bad';
		print $c "HTTP/1.1 $status\r\nContent-Type: application/json\r\nContent-Length: " . length($answer) . "\r\nConnection: close\r\n\r\n$answer";
		close $c;
	}
	POSIX::_exit(0);
}
END { my $rc = $?; kill 'TERM', $pid if $pid; waitpid $pid, 0 if $pid; $? = $rc; }

my $echo = bless { port => $listen->sockport }, 'Echo';
my $node = rcs_node('main', log_statement => 'none');
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $echo, rcs_id => 'quiet', rcs_secret => $secret);
sub sql { return $node->safe_psql($db, $_[0]); }

# Answers about messages

my $words = 'dear Gildong, your parcel 381922 waits at the door';
my $id = sql("SELECT rcs_send('01055556666', '$words')");
drained($node, $db, 30, 'the message has failed');
my $kept = sql("SELECT r::text FROM rcs.result r UNION ALL SELECT u::text FROM rcs.unknown_code u");
like($kept, qr/bad RCSSMS/, 'the carrier\'s own words are kept');
unlike($kept, qr/Gildong|parcel|381922|the door|[^#]r Gil/, 'not those of the message, nor a part of them');
unlike($kept, qr{tok3n|of-the-shop}, 'nor the token');
unlike($kept, qr/5555.?6666|01055556666/, 'nor the number, with or without blanks');
unlike($kept, qr/[\x00-\x08\x0b-\x1f\x7f]/, 'no control characters');

# A login that echoes the request

setup_account($node, $db, $echo, rcs_id => 'loud', rcs_secret => $secret, server => 'loud', chatbot => '0212351236');
my (undef, $out, $err) = $node->psql($db, "SELECT * FROM rcs_account_check('loud')");
$kept = join "\n", $out // '', $err // '', sql("SELECT s::text FROM rcs.account_status s"), sql("SELECT h::text FROM rcs_health() h"), slurp_file($node->logfile);
like($kept, qr/login refused: 75998/, 'the login was refused');
unlike($kept, qr/\Q$secret\E|h8Qz|of-the-acc/, 'the secret is nowhere');

# Reports

my $report = sql("SELECT rcs_send('01055557777', '$words', send_at => '2100-01-01', chatbot => '0212351235')");
sql(qq{SELECT rcs_receive(jsonb_build_object('msgId', '$report', 'status', 'fail', 'error',
	jsonb_build_object('code', '59999', 'message', 'not sent: ' || chr(27) || '[1m 010 5555 7777: dear Gildong, your parcel')))});
is(sql("SELECT reason FROM rcs.event WHERE message = '$report'"), 'not sent:  [1m 010 *** ***: ***', 'a report');

# Erasure

sql("SELECT rcs_erase('01055556666'), rcs_erase('01055557777')");
is(sql(q{SELECT count(*) FROM rcs.event WHERE reason IS NOT NULL}), '0', 'erased: events have no text of the carrier');
is(sql(q{SELECT count(*) FROM rcs.result WHERE reason LIKE '%bad RCSSMS%'}), '0', 'nor results');
is(sql(q{SELECT count(*) FROM rcs.unknown_code WHERE reason IS NOT NULL}), '0', 'nor codes that nobody knows');

done_testing();
