# rcs_fetch: JSON of a data service in a session; each failure is an error that names the server.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use PostgreSQL::Test::Utils;
use RcsImages;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main', 'rcs.campaign_workers' => 0, log_statement => 'none', log_min_error_statement => 'panic');
my $db = rcs_database($node, 'shop');
my $sim = start_ktsim();
my $web = start_images();
my $url = $web->url;
setup_account($node, $db, $sim);
my $pages = $ENV{RCS_LONG} ? 200 : 20;

$node->safe_psql($db, qq{
	CREATE SERVER data TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url '$url/api', timeout '2s');
	CREATE SERVER patient TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url '$url/api', timeout '50s');
	CREATE SERVER gone TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:1');
	CREATE SERVER named TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url 'https://localhost:1');
	CREATE USER MAPPING FOR PUBLIC SERVER data OPTIONS (header 'X-Key: opensesame');
	CREATE ROLE clerk;
});

# The answer, or the state and message of the error
sub fetch
{
	my ($args, $before) = @_;
	my ($rc, $out, $err) = $node->psql($db, ($before // '') . "SELECT rcs_fetch($args)", extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	return $out if $rc == 0;
	$err =~ s/^.*ERROR:\s+//;
	$err =~ s/\n.*//s;
	return $err;
}

$web->say('/api/ok', body => '{"a": [1, "\uc548"]}');
like(fetch(q{'data', '/ok?x=1'}), qr/^\{"a": \[1, "/, 'GET');
like(fetch(q{'data', '/ok', '{"q": 1}'}), qr/^\{"a": \[1, "/, 'POST');
my @asked = $web->requests;
is("$asked[0]{method} $asked[0]{path}, $asked[1]{method} $asked[1]{path}", 'GET /api/ok?x=1, POST /api/ok', 'as asked');
like($asked[0]{head}, qr/^X-Key: opensesame\r$/m, 'with its header');
for (qw(3 "x" null [1]))
{
	$web->say('/api/scalar', body => $_);
	is(fetch(q{'data', '/scalar'}), $_, "$_ is JSON, too");
}

for ([ 'status 404', { status => 404 }, qr/^58000: server "data" answered with HTTP status 404$/ ],
	[ 'status 500', { status => 500, body => '{}' }, qr/^58000: server "data" answered with HTTP status 500$/ ],
	[ 'a redirect', { status => 301, headers => ["Location: $url/api/ok"] }, qr/^58000: .*redirects are not followed$/ ],
	[ 'no JSON', { body => '<html>' }, qr/^58000: server "data" answered with something that is not JSON$/ ],
	[ 'nothing', { body => '' }, qr/not JSON$/ ],
	[ 'a bad character', { body => "\"\xff\"" }, qr/not JSON$/ ],
	[ 'a byte 0', { body => "\"a\0b\"" }, qr/not JSON$/ ],
	[ 'bytes behind a byte 0', { body => "[1]\0x" }, qr/not JSON$/ ],
	[ 'too large', { body => '"' . ('x' x (33 * 1024 * 1024)) . '"' }, qr/^08006: server "data" gave no answer: the answer is too long$/ ],
	[ 'too deep', { body => '[' x 50000 }, qr/not JSON$/ ],
	[ 'a cut', { cut => 1 }, qr/^08006: server "data" gave no answer: / ],
	[ 'a hang', { hang => 1 }, qr/^08006: server "data" gave no answer: timeout: / ],
	[ 'no end', { endless => 1 }, qr/^08006: server "data" gave no answer: / ])
{
	my ($name, $what, $problem) = @$_;
	$web->say('/api/bad', %$what);
	like(fetch(q{'data', '/bad'}), $problem, $name);
}
like(fetch(q{'gone', '/x'}), qr/^08006: server "gone" gave no answer: /, 'nobody listens');
like(fetch(q{'data', '/ok'}, 'SET ROLE clerk; '), qr/^42501: permission denied for foreign server "?data/, 'no right');
is(fetch(q{'data', '/scalar'}), '[1]', 'after all that');

# What is caught leaves nothing behind
$web->say('/api/bad', hang => 1);
is($node->safe_psql($db, q{
	DO $$ BEGIN PERFORM rcs_fetch('data', '/bad'); EXCEPTION WHEN connection_failure THEN NULL; END $$;
	SELECT rcs_fetch('data', '/scalar')}), '[1]', 'the session goes on after a time-out');

# Connections are kept: a service that says which of its connections a request came by, and hangs up after its answer, or
# when the next request is there, read or unread
my $kept = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16) or die "kept: $!";
my $kept_port = $kept->sockport;
my $keeper = fork() // die "fork: $!";
if ($keeper == 0)
{
	my $select = IO::Select->new($kept);
	my (%number, %last, $n);
	my $unanswered = 0;
	while (1)
	{
		for my $socket ($select->can_read(10))
		{
			if ($socket == $kept)
			{
				my $client = $kept->accept or next;
				$number{ $client->fileno } = ++$n;
				$last{ $client->fileno } = '';
				$select->add($client);
				next;
			}
			my $head = '';
			my $last = $last{ $socket->fileno };
			if ($last ne 'unread' && sysread($socket, $head, 65536) && $last ne 'read')
			{
				my ($path) = $head =~ m{^\S+ /(\w+)};
				my ($accept) = $head =~ /^Accept: (.*?)\r$/m;
				my $body = JSON::PP::encode_json({ connection => $number{ $socket->fileno }, accept => $accept, unanswered => $unanswered });
				syswrite $socket, "HTTP/1.1 200 OK\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
				$last{ $socket->fileno } = $path;
				next unless $path eq 'hangup';
			}
			$unanswered++ if $head ne '' && $last eq 'read';
			$select->remove($socket);
			close $socket;
		}
	}
}
close $kept;
END
{
	my $status = $?;
	kill 'TERM', $keeper if $keeper;
	waitpid $keeper, 0 if $keeper;
	$? = $status;
}
$node->safe_psql($db, qq{
	CREATE SERVER kept TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:$kept_port');
	CREATE SERVER kept_by_name TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://localhost:$kept_port')});
is($node->safe_psql($db, q{SELECT count(DISTINCT rcs_fetch('kept', '/' || i)->>'connection') FROM generate_series(1, 20) i}), 1,
	'20 requests of a session go by one connection');
is($node->safe_psql($db, q{SELECT count(DISTINCT rcs_fetch('kept_by_name', '/' || i)->>'connection') FROM generate_series(1, 20) i}), 1,
	'also to a host with a name, whose address is looked at each time');
is($node->safe_psql($db, q{
	SELECT count(DISTINCT rcs_fetch('kept', CASE WHEN i % 2 = 0 THEN '/hangup' ELSE '/x' END)->>'connection')
	FROM generate_series(1, 40) i}), 20, 'one that the service has closed is not in the way');
for (qw(read unread hangup))
{
	is($node->safe_psql($db, "SELECT count(DISTINCT rcs_fetch('kept', '/$_')->>'connection') FROM generate_series(1, 100) i"), 100,
		"nor one that it closes when the next request comes ($_)");
}
like(fetch(q{'kept', '/x', '{}'}, q{SELECT rcs_fetch('kept', '/read'); }), qr/^08006: server "kept" gave no answer: /, 'but a POST is not made twice');
is($node->safe_psql($db, q{SELECT rcs_fetch('kept', '/x')->>'unanswered'}), 100, 'as the service says');
is($node->safe_psql($db, q{SELECT rcs_fetch('kept', '/x')->>'accept', rcs_fetch('kept', '/x', '{}')->>'accept'}), 'application/json|application/json',
	'JSON is what is asked for');

# Cancel
my $began = time();
my ($rc, $out, $err) = $node->psql($db, q{SET statement_timeout = '300ms'; SELECT rcs_fetch('patient', '/bad')});
like($err, qr/canceling statement due to statement timeout/, 'it can be canceled');
took(time() - $began, 5, 'soon');
my $waiting = fork() // die "fork: $!";
if ($waiting == 0)
{
	$node->psql($db, q{SET application_name = 'waits'; SELECT rcs_fetch('patient', '/bad')});
	POSIX::_exit(0);
}
poll($node, $db, q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'waits' AND wait_event_type = 'Extension'}, 1, 20, 'a session waits for the service');
$began = time();
is($node->safe_psql($db, q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'waits'}), 't', 'it is told to cancel');
waitpid $waiting, 0;
took(time() - $began, 5, 'and does');
is($node->safe_psql($db, q{
	CREATE FUNCTION took() RETURNS numeric LANGUAGE plpgsql AS $$
	DECLARE t timestamptz := clock_timestamp();
	BEGIN
		BEGIN PERFORM rcs_fetch('patient', '/bad'); EXCEPTION WHEN query_canceled THEN NULL; END;
		RETURN extract(epoch FROM clock_timestamp() - t);
	END $$;
	SET statement_timeout = '500ms';
	SELECT took() < 1.5}), 't', 'within a moment');

# A campaign, page by page, from the sample server
my $port_file = PostgreSQL::Test::Utils::tempdir() . '/port';
my $sample = fork() // die "fork: $!";
if ($sample == 0)
{
	open STDOUT, '>', '/dev/null';
	exec $^X, "$FindBin::RealBin/../../demo/table_order.pl", '--port', 0, '--port-file', $port_file, '--customers', 1000 * $pages - 1
	  or die;
}
for (1 .. 200)
{
	last if -s $port_file;
	sleep(0.05);
}
my $port = slurp_file($port_file) + 0;
my $campaign = $node->safe_psql($db, qq{
	CREATE SERVER table_order TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:$port');
	SELECT rcs_campaign_create('pages', '$text')});
$began = time();
is($node->safe_psql($db, qq{SELECT added, duplicates, rejected FROM rcs_campaign_add('$campaign', \$\$
	SELECT r->>'phone' AS phone, r AS params FROM generate_series(1, $pages + 1) page,
		jsonb_array_elements(rcs_fetch('table_order', '/customers?page=' || page)) r\$\$)}),
	1000 * $pages - 1 . '|0|0', 'a campaign from its pages');
diag(sprintf '%d recipients in pages of 1,000: %.1f s', 1000 * $pages - 1, time() - $began);
is($node->safe_psql($db, "SELECT phone, message->'body'->>'description' FROM rcs_campaign_preview('$campaign', phone => '01000000007')"),
	'01000000007|Guest 7', 'each with what the server says of him');
my ($loop) = slurp_file("$FindBin::RealBin/../../doc/chat.md") =~ /^```sql\n(DO \$\$.*?)^```$/ms;
$node->safe_psql($db, qq{SELECT rcs_campaign_create('autumn', '$text'); SELECT rcs_campaign_add(rcs_campaign_id('autumn'), '{01000000007}'::text[], ARRAY['{"name": "x"}'::jsonb])});
for (1 .. 2)
{
	$node->safe_psql($db, $loop);
	is($node->safe_psql($db, "SELECT total, duplicates FROM rcs.campaign_progress WHERE name = 'autumn'"),
		1000 * $pages - 1 . '|' . ($_ == 1 ? 1 : 1000 * $pages), "page by page, each of them committed, as the documentation shows it ($_)");
}
is($node->safe_psql($db, "SELECT r->'items'->0->>'name' FROM rcs_fetch('table_order', '/menu') r"), 'Bibimbap', 'the menu');
is($node->safe_psql($db, q{SELECT rcs_fetch('table_order', '/orders', '{"code": "bulgogi", "n": 2, "phone": "01012345678"}')->>'total'}),
	'28000', 'an order');
kill 'TERM', $sample;
waitpid $sample, 0;
is(log_count($node, 'opensesame'), 0, 'no secret is in the log');
is(log_count($node, 'PANIC|terminated by signal'), 0, 'and nobody died');
done_testing();
