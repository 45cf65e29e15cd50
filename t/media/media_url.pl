# Images named by an address: fetched and uploaded once for all messages, looked at again after media_ttl, and
# fetched from the allowed hosts only.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsCerts;
use RcsImages;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

# A resolver that gives a name of the form a-b-c-d.test the address a.b.c.d, and others what they are called
sub build_resolver
{
	return preload_library(<<'C');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>

typedef int (*Resolve) (const char *, const char *, const struct addrinfo *, struct addrinfo **);

static const char *const names[][2] = {
	{"mapped.test", "::ffff:127.0.0.1"}, {"unique.test", "fd12:3456::1"}, {"link6.test", "fe80::1"},
	{"loop6.test", "::1"}, {"six-to-four.test", "2002:7f00:1::1"}, {"nat64.test", "64:ff9b::7f00:1"},
	{"elsewhere.example", "127.0.0.1"}};

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res)
{
	Resolve		next = (Resolve) dlsym(RTLD_NEXT, "getaddrinfo");
	char		address[64];
	char	   *end;

	if (node == NULL || strlen(node) >= sizeof(address))
		return next(node, service, hints, res);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(node, names[i][0]) == 0)
			return next(names[i][1], service, NULL, res);
	strcpy(address, node);
	end = strstr(address, ".test");
	if (end == NULL || end[5] != '\0')
		return next(node, service, hints, res);
	*end = '\0';
	for (char *c = address; *c; c++)
		if (*c == '-')
			*c = '.';
	return next(address, service, hints, res);
}
C
}

my $resolver = build_resolver();
my $certs = make_certs(PostgreSQL::Test::Utils::tempdir());
my $key = 'geheim-4711-canary';
my $node = rcs_node('main', start => 0, 'rcs.request_timeout' => '2s', 'rcs.settle' => '300ms');
{
	local $ENV{LD_PRELOAD} = $resolver // '';
	$node->start;
}
my $bodies = PostgreSQL::Test::Utils::tempdir() . '/bodies';
my $sim = start_ktsim(args => [ '--dump-bodies', $bodies ]);
my $web = start_images();
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

my $phone = 11110000;
my $next_phone = 20000000;

sub sql { return $node->safe_psql($db, $_[0]); }

# A data service; options as for CREATE SERVER, and header or header_file
sub service
{
	my ($name, $url, %opt) = @_;
	my %mapping = map { $_ => delete $opt{$_} } grep { exists $opt{$_} } qw(header header_file);
	my $list = join ', ', map { "$_ '$opt{$_}'" } sort keys %opt;
	sql("SET client_min_messages = warning;
		CREATE SERVER \"$name\" TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url '$url'" . ($list ? ", $list" : '') . ')');
	sql("SET client_min_messages = warning;
		CREATE USER MAPPING FOR PUBLIC SERVER \"$name\" OPTIONS (" . join(', ', map { "$_ '$mapping{$_}'" } keys %mapping) . ')')
	  if %mapping;
	return;
}

sub message
{
	my ($url, $title) = @_;
	return sprintf '{"serviceType":"RCSMMS","header":"0","body":{"title":"%s","description":"d","media":"%s"}}', $title // 't', $url;
}

sub single
{
	my ($url) = @_;
	return sql(sprintf "SELECT rcs_send('010%d', '%s'::jsonb)", ++$phone, message($url));
}

sub shown
{
	my ($id, $columns) = @_;
	return sql("SELECT $columns FROM rcs.message_status WHERE id = '$id'");
}

sub image_campaign
{
	my ($url, $n) = @_;
	my $from = $next_phone;
	$next_phone += $n;
	my $id = sql(sprintf "SELECT rcs_campaign_create('c', '%s')", message($url, '#{name}'));
	sql("SELECT rcs_campaign_add('$id', 'SELECT ''010'' || i AS phone, ''N'' || i AS name FROM generate_series($from, $from + $n - 1) AS i')");
	sql("SELECT rcs_campaign_start('$id')");
	return $id;
}

# The file's id in the request for a message, as it left
sub sent_id
{
	my ($id) = @_;
	my ($body) = grep { /^$id\t/ } split /\n/, slurp_file($bodies);
	return ($body // '') =~ m{"media":\s*"maapfile://([^"]+)"} ? $1 : "none in " . ($body // 'nothing');
}

sub uploads { return $sim->stats->{file_offers}; }
sub asked { my @all = $web->requests(@_); return scalar @all; }

# A campaign of 2,000

service('shop', $web->url('/shop'), header => "X-Key: $key");
$web->say('/shop/a.png', body => png('a' x 3000), delay => 1.5);
my $campaign = image_campaign($web->url('/shop/a.png'), 2000);
poll($node, $db, "SELECT count(*) > 0 FROM rcs.message_status WHERE campaign = '$campaign' AND reason = 'waiting for an image'",
	't', 20, 'a campaign waits for its image');
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 0, 'nothing is sent before');
drained($node, $db, 60, 'then it leaves', $campaign);
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 2000, 'all of it');
is(asked('/shop/a.png'), 1, 'the image was fetched once');
is(uploads(), 1, 'and uploaded once');
like(($web->requests)[0]{head}, qr/^GET .*\r\nX-Key: $key\r\n/s, 'with the header of the service');
unlike(($web->requests)[0]{head}, qr/Authorization|Cookie|X-Forwarded/i, 'and nothing else');
my ($first) = grep { /accepted/ } split /\n/, slurp_file($sim->ledger);
my ($upload) = grep { /stored/ } split /\n/, slurp_file($sim->file_ledger);
cmp_ok((split /\t/, $first)[1], '>', (split /\t/, $upload)[1], 'before the first message left');
is(sql('SELECT server, mime_type, size, failures, problem, fresh_until > now() + interval \'23 hours\' FROM rcs.media_url'),
	'shop|image/png|3008|0||t', 'it is written down');

# Singles, both lanes at once, two cards

my $id = single($web->url('/shop/a.png'));
drained($node, $db, 10, 'a single message with the same image', $id);
is(asked('/shop/a.png') . ' ' . uploads(), '1 1', 'needs no look');
$web->say("/shop/$_.jpg", body => jpeg($_), delay => 4) for qw(b c);
my @singles = split /\n/, sql(sprintf "SELECT rcs_send('010' || i, '%s'::jsonb) FROM generate_series(44440001, 44440040) i",
	message($web->url('/shop/b.jpg')));
$campaign = image_campaign($web->url('/shop/b.jpg'), 700);
poll($node, $db, "SELECT status || ' ' || reason FROM rcs.message_status WHERE id = '$singles[0]'", 'queued waiting for an image', 10,
	'a single message waits');
my $plain = sql(sprintf "SELECT rcs_send('010%d', 'no image')", ++$phone);
drained($node, $db, 1, 'another one does not', $plain);
drained($node, $db, 30, 'both lanes with a new image');
is(asked('/shop/b.jpg') . ' ' . uploads(), '1 2', 'one look, one upload');
is(shown($singles[0], 'status, attempts'), 'sent|1', 'sent at the first offer');
$id = sql(sprintf q{SELECT rcs_send('010%d', '{"serviceType":"RCSMMS","body":{"title1":"t","description1":"d","media1":"%s","title2":"t","description2":"d","media2":"%s"}}'::jsonb)},
	++$phone, $web->url('/shop/b.jpg'), $web->url('/shop/c.jpg'));
drained($node, $db, 20, 'two cards, one image of which is new', $id);
is(asked('/shop/c.jpg') . ' ' . uploads(), '1 3', 'only that one is fetched');
like(slurp_file($bodies), qr{"media1":\s*"maapfile://rcs\.[^"]+".*"media2":\s*"maapfile://rcs\.}, 'both are named');
$web->say('/shop/copy.png', body => png('a' x 3000));
$id = single($web->url('/shop/copy.png?size=1'));
drained($node, $db, 20, 'the same image at another address', $id);
is(asked('/shop/copy.png?size=1') . ' ' . uploads(), '1 3', 'is fetched, but not uploaded');

# Looked at again after media_ttl

service('short', $web->url('/short'), media_ttl => '3 seconds');
$web->say('/short/a.png', body => png('first'));
my $url = $web->url('/short/a.png');
$id = single($url);
drained($node, $db, 20, 'an image with a short life', $id);
my $old = sent_id($id);
sleep(3.2);
$id = single($url);
drained($node, $db, 20, 'after media_ttl', $id);
is(asked('/short/a.png') . ' ' . uploads(), '2 4', 'it is looked at again, and is the same');
is(sent_id($id), $old, 'the same id');
$web->say('/short/a.png', body => png('second'), delay => 1.5);
sleep(3.2);
$id = single($url);
my $many = image_campaign($url, 300);
drained($node, $db, 30, 'with another content after media_ttl');
is(asked('/short/a.png') . ' ' . uploads(), '3 5', 'it is uploaded, once');
my $new = sent_id($id);
isnt($new, $old, 'and messages name the new one');

# The service is down while a copy is there

$web->stop;
sleep(3.2);
my $before = log_count($node, 'WARNING:  image "/short/a.png" cannot be had');
$id = single($url);
$many = image_campaign($url, 300);
drained($node, $db, 30, 'the service is down: messages go with the old copy');
is(sent_id($id), $new, 'the copy of before');
is(sql("SELECT failures > 0, problem FROM rcs.media_url WHERE url = '$url'") =~ /^t\|could not fetch \/short\/a\.png from server "short": .*onnect/ ? 1 : 0, 1, 'why is written down');
is(log_count($node, 'WARNING:  image "/short/a.png" cannot be had') - $before, 1, 'and logged once');
$web->start_again;
$web->say('/short/a.png', body => png('third'));
sleep(1);
poll($node, $db, sprintf("SELECT count(rcs_send('010%d', '%s'::jsonb)), (SELECT failures FROM rcs.media_url WHERE url = '%s')", ++$phone, message($url), $url),
	'1|0', 40, 'when it is back, it is looked at again');
drained($node, $db, 20, 'all leave');

# What is no image, and no address to go to

service('slow', $web->url('/slow'), timeout => '1s');
service('gone', 'http://127.0.0.1:1/');
$web->say('/shop/redirect.png', status => 302, headers => [ 'Location: ' . $web->url('/shop/a.png') ], body => png('x'));
$web->say('/shop/moved.png', status => 301, headers => ['Location: http://169.254.169.254/latest/meta-data'], body => png('x'));
$web->say('/shop/500.png', status => 500, body => png('x'));
$web->say('/shop/html.png', body => '<html></html>', headers => ['Content-Type: image/png']);
$web->say('/shop/gif.png', body => 'GIF89a...', headers => ['Content-Type: image/png']);
$web->say('/shop/empty.png', body => '', headers => ['Content-Type: image/png']);
$web->say('/shop/big.png', body => png('x' x 1048576));
$web->say('/shop/endless.png', body => png('x'), endless => 1);
$web->say('/shop/short.png', body => png('x'), length => 5000);
$web->say('/shop/cut.png', cut => 1);
$web->say('/slow/drip.png', body => png('x'), length => 100000, drip => 1);
$web->say('/slow/hang.png', hang => 1);
my %bad = (
	$web->url('/shop/404.png') => 'http 404',
	$web->url('/shop/500.png') => 'http 500',
	$web->url('/shop/redirect.png') => 'http 302, and redirects are not followed',
	$web->url('/shop/moved.png') => 'http 301, and redirects are not followed',
	$web->url('/shop/html.png') => 'neither a JPEG nor a PNG',
	$web->url('/shop/gif.png') => 'neither a JPEG nor a PNG',
	$web->url('/shop/empty.png') => 'the image is empty',
	$web->url('/shop/big.png') => 'too long',
	$web->url('/shop/endless.png') => 'too long',
	$web->url('/shop/short.png') => 'bytes remaining|outstanding',
	$web->url('/shop/cut.png') => 'mpty reply|closed',
	$web->url('/slow/drip.png') => 'timeout: .*timed out',
	$web->url('/slow/hang.png') => 'timeout: .*timed out',
	$web->url('/shop/01012345678/1.png?secret=hidden') => 'http 404',
	'http://127.0.0.1:1/x.png' => 'connect');
my %private;
my $tls_port = $web->port;
if ($resolver)
{
	%private = map { ("https://$_:$tls_port/x.png" => 'the address of the host is ') }
	  qw(127-0-0-1.test 10-1-2-3.test 172-16-0-1.test 192-168-1-1.test 169-254-169-254.test 100-64-0-1.test 224-0-0-1.test
	  0-0-0-0.test mapped.test unique.test link6.test loop6.test six-to-four.test nat64.test elsewhere.example);
	for my $url (sort keys %private)
	{
		my ($host) = $url =~ m{//([^:/]+)};
		service($host, "https://$host:$tls_port");
	}
	service('open', "https://169-254-169-254.test:$tls_port/open", allow_private => 'true');
	$private{"https://169-254-169-254.test:$tls_port/open/x.png"} = 'special purposes';
}
my $asked = asked();
my $uploads = uploads();
my %waits = map { $_ => single($_) } keys %bad, keys %private;
my $hopeless = image_campaign($web->url('/shop/404.png'), 20);
poll($node, $db, "SELECT count(*) FROM rcs.message_status WHERE lane = 'single' AND status = 'queued'", 0, 120, 'bad images are given up');
for my $url (sort keys %waits)
{
	my $reason = $bad{$url} // $private{$url};
	like(shown($waits{$url}, 'status, code, attempts, reason'), qr/^failed\|media\|0\|waiting for an image: could not fetch \S+ from server .*$reason/, "$url: $reason");
}
is(uploads(), $uploads, 'nothing of it was uploaded');
is(scalar(grep { $_->{path} =~ /latest/ } $web->requests), 0, 'no redirect was followed');
for my $path (qw(/shop/404.png /shop/html.png /shop/endless.png))
{
	my $n = asked($path);
	ok($n >= 5 && $n <= 9, "$path: $n tries");
}
is(scalar(grep { $_->{method} ne 'GET' } $web->requests), 0, 'the services were only asked') if $resolver;
like(sql("SELECT min(status), min(reason) FROM rcs.message_status WHERE campaign = '$hopeless' AND reason IS NOT NULL"),
	qr{^queued\|waiting for an image: could not fetch /shop/404\.png from server "shop": http 404}, 'a campaign goes on waiting and says why');
cmp_ok(log_count($node, 'WARNING:  image "/shop/404.png" cannot be had'), '==', 1, 'which is logged once');
$web->say('/shop/404.png', body => png('at last'));
drained($node, $db, 60, 'when the image is there, it leaves', $hopeless);
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$hopeless'"), 20, 'all of it');
$id = single($web->url('/shop/404.png'));
drained($node, $db, 10, 'and so does a new message', $id);
is(shown($id, 'status'), 'sent', 'which is sent');

# The carrier refuses the image

$sim->set(file_error_pct => 100, file_error_code => '72107');
$web->say('/shop/refused.png', body => png('refused'));
$id = single($web->url('/shop/refused.png'));
poll($node, $db, "SELECT status FROM rcs.message_status WHERE id = '$id'", 'failed', 60, 'an image that the carrier refuses');
like(shown($id, 'code, reason'), qr/^media\|waiting for an image: could not upload an image through server "kt": .*\(72107\)/, 'fails with its code');
$sim->set(file_error_pct => 0);
$id = single($web->url('/shop/refused.png'));
poll($node, $db, "SELECT status FROM rcs.message_status WHERE id = '$id'", 'sent', 60, 'later it is taken');

# Private addresses that are meant

$web->say('/local/a.png', body => png('local'));
service('local', 'http://localhost:' . $web->port . '/local');
$id = single('http://localhost:' . $web->port . '/local/a.png');
drained($node, $db, 20, 'a server that says localhost', $id);
is(shown($id, 'status'), 'sent', 'may be on this machine');
SKIP:
{
	skip 'neither compiler nor openssl', 5 unless $resolver && $certs;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	append_to_file("$dir/a.png", png('private'));
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		chdir $dir;
		open STDOUT, '>', '/dev/null';
		open STDERR, '>&', \*STDOUT;
		open STDIN, '<', '/dev/null';
		exec 'openssl', 's_server', '-accept', $port, '-cert', $certs->{wrong_host}{cert}, '-key', $certs->{wrong_host}{key}, '-WWW', '-quiet'
		  or POSIX::_exit(127);
	}
	service('inside', "https://elsewhere.example:$port", ca_file => $certs->{ca});
	$id = single("https://elsewhere.example:$port/a.png");
	poll($node, $db, "SELECT problem FROM rcs.media_url WHERE server = 'inside'",
		'could not fetch /a.png from server "inside": the address of the host is of a private network', 20, 'a name of a private address is refused');
	sql("ALTER SERVER inside OPTIONS (ADD allow_private 'true')");
	poll($node, $db, "SELECT status FROM rcs.message_status WHERE id = '$id'", 'sent', 40, 'unless allow_private says so');
	kill 'TERM', $pid;
	waitpid($pid, 0);
}

# The header in a file; a bad file

my $file = $node->basedir . '/header';
append_to_file($file, "X-Key: $key-2\n");
service('filed', $web->url('/filed'), header_file => $file);
$web->say('/filed/a.png', body => png('filed'));
$id = single($web->url('/filed/a.png'));
drained($node, $db, 20, 'the header stands in a file', $id);
like(($web->requests('/filed/a.png'))[0]{head}, qr/\r\nX-Key: $key-2\r\n/, 'and is sent');
unlink $file;
append_to_file($file, "X-Key: $key-3\r\nX-Evil: 1\n");
$web->say('/filed/b.png', body => png('filed b'));
$id = single($web->url('/filed/b.png'));
poll($node, $db, sprintf("SELECT problem IS NOT NULL FROM rcs.media_url WHERE url = '%s'", $web->url('/filed/b.png')), 't', 20, 'a header of two lines');
is(asked('/filed/b.png'), 0, 'is never sent');
unlink $file;
append_to_file($file, "X-Key: $key-4");
drained($node, $db, 40, 'a good one is read again', $id);
is(shown($id, 'status'), 'sent', 'at the next try');

# A right that was lost and a service that is gone do not matter to what is queued before; nor does a hold

sql("SELECT rcs_hold('a pause')");
$web->say('/shop/held.png', body => png('held'));
$id = single($web->url('/shop/held.png'));
sleep(1.5);
is(shown($id, 'status'), 'queued', 'a message on hold waits');
sql('SELECT rcs_resume()');
drained($node, $db, 20, 'and leaves with its image', $id);

# No worker that uploads

set_conf($node, 'rcs.single_workers' => 0);
poll($node, $db, "SELECT count(*) FROM rcs.worker_status WHERE kind = 'single'", 0, 20, 'there is no single worker');
$web->say('/shop/late.png', body => png('late'));
$campaign = image_campaign($web->url('/shop/late.png'), 10);
poll($node, $db, "SELECT DISTINCT reason FROM rcs.message_status WHERE campaign = '$campaign'",
	'waiting for an image: no worker for single messages runs, which uploads it', 60, 'a campaign says what it lacks');
set_conf($node, 'rcs.single_workers' => 1);
drained($node, $db, 30, 'and leaves when there is one', $campaign);

# Nothing leaks
like(slurp_file($node->logfile), qr{WARNING:  image "/shop/010\*+678/1\.png" cannot be had}, 'what may be a phone number is masked in the log');
unlike(slurp_file($node->logfile), qr/WARNING.*hidden/, 'and the query is not in it');

my $dump = sql('SELECT string_agg(u::text, chr(10)) FROM rcs.media_url u') . sql('SELECT string_agg(s::text, chr(10)) FROM rcs.message_status s')
  . sql('SELECT string_agg(r::text, chr(10)) FROM rcs.result r') . sql('SELECT coalesce(string_agg(r::text, chr(10)), \'\') FROM rcs.rejected r');
unlike($dump, qr/canary/, 'no header in a table');
my $log = join "\n", grep { !/CREATE USER MAPPING/ } split /\n/, slurp_file($node->logfile);
unlike($log, qr/canary/, 'nor in the log');
unlike(join("\n", grep { /WARNING|LOG:  image/ } split /\n/, $log), qr/010\d{8}/, 'nor a phone number');
oracle($node, $db, $sim);
is(log_count($node, '(?:ERROR|PANIC|WARNING):  (?!carrier account|image ")'), 0, 'the log has no complaint');
$node->stop;
done_testing();
