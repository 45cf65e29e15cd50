# rcs_fetch: JSON of a data service in a session; what fails is an error with the name of the server.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";
use JSON::PP ();
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

# Cancel
my $began = time();
my ($rc, $out, $err) = $node->psql($db, q{SET statement_timeout = '300ms'; SELECT rcs_fetch('patient', '/bad')});
like($err, qr/canceling statement due to statement timeout/, 'it can be canceled');
took(time() - $began, 5, 'soon');
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
	exec $^X, "$FindBin::RealBin/../demo/table_order.pl", '--port', 0, '--port-file', $port_file, '--customers', 1000 * $pages - 1
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
is($node->safe_psql($db, qq{SELECT added, duplicates, rejected FROM rcs_campaign_add('$campaign', \$\$
	SELECT r->>'phone' AS phone, r AS params FROM generate_series(1, $pages + 1) page,
		jsonb_array_elements(rcs_fetch('table_order', '/customers?page=' || page)) r\$\$)}),
	1000 * $pages - 1 . '|0|0', 'a campaign from its pages');
is($node->safe_psql($db, "SELECT r->'items'->0->>'name' FROM rcs_fetch('table_order', '/menu') r"), 'Bibimbap', 'the menu');
is($node->safe_psql($db, q{SELECT rcs_fetch('table_order', '/orders', '{"code": "bulgogi", "n": 2, "phone": "01012345678"}')->>'total'}),
	'28000', 'an order');
kill 'TERM', $sample;
waitpid $sample, 0;
is(log_count($node, 'opensesame'), 0, 'no secret is in the log');
is(log_count($node, 'PANIC|terminated by signal'), 0, 'and nobody died');
done_testing();
