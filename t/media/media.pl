# rcs_media: an image is uploaded once to each account, by any number of calls, also when a call is canceled or
# fails, and when the carrier or the worker fails meanwhile.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main',
	'rcs.request_timeout' => '500ms',	# an upload may take six times as long
	'rcs.settle' => '300ms',
	max_connections => 120);
my $db = rcs_database($node, 'shop');
my @sims = (start_ktsim(), start_ktsim());
setup_account($node, $db, $sims[0], server => 'one');
setup_account($node, $db, $sims[1], server => 'two');
$node->safe_psql($db, "INSERT INTO rcs.chatbot (chatbot, servers, agency_key, brand_key) VALUES ('0299990000', '{one}', 'AK', 'BK')");

my $pool = '0212351235';
my $alone = '0299990000';
my $images = 0;
my $crashes = 0;

sub sql { return $node->safe_psql($db, $_[0]); }

# A new image, as a literal
sub image
{
	return sprintf q('\x89504e470d0a1a0a%08x'::bytea || decode(repeat('00ff', 500), 'hex')), ++$images;
}

sub media
{
	my ($image, $chatbot) = @_;
	return sql(sprintf "SET statement_timeout = '60s'; SELECT rcs_media(%s, chatbot => '%s')", $image, $chatbot // $pool);
}

# What it fails with: state and message
sub failure
{
	my ($image, $before) = @_;
	my ($rc, $out, $err) = $node->psql($db, sprintf("%s\nSELECT rcs_media(%s, chatbot => '%s')", $before // '', $image, $pool),
		extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	return $rc == 0 ? "it gave $out" : $err;
}

# Uploads since the last call, of each carrier; and how often in all a file was stored
my @counted = ({}, {});
sub uploads
{
	my @n;
	for my $i (0, 1)
	{
		my $now = $sims[$i]->stats;
		push @n, $now->{file_offers} - ($counted[$i]{file_offers} // 0);
		$counted[$i] = $now;
	}
	return "@n";
}

sub quiet { $_->set(map { ("file_${_}_pct" => 0) } qw(slow close hang 500 throttle error store_500 store_close store_hang store_garbage)) for @sims; return; }

# A session that goes on by itself
sub background
{
	my @statements = @_;
	my ($in, $out, $err) = ('', '', '');
	my $run = IPC::Run::start(
		[ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $node->connstr($db), map { ('-c', $_) } @statements ],
		\$in, \$out, \$err);
	return { run => $run, out => \$out, err => \$err };
}

sub finish
{
	my ($session) = @_;
	IPC::Run::finish($session->{run});
	return ${ $session->{out} } . ${ $session->{err} };
}

# One image

my $id = media(image());
like($id, qr{^maapfile://rcs\.[0-9a-f]{40}$}, 'the id is made of the content');
is(uploads(), '1 1', 'one upload to each account');
is(media(sprintf q('\x89504e470d0a1a0a%08x'::bytea || decode(repeat('00ff', 500), 'hex')), 1), $id, 'the same content has the same id');
is(uploads(), '0 0', 'and is there');
is(sql("SELECT count(*), count(DISTINCT file_id), min(mime_type), min(size), min(expires_at) > now() + interval '364 days' FROM rcs.media"),
	'2|1|image/png|1012|t', 'it is written down');
like(media(q('\xffd8ffe000'::bytea)), qr{^maapfile://}, 'a JPEG');
is(uploads(), '1 1', 'is uploaded too');
is(sql("SELECT count(rcs_send('010' || i, jsonb_build_object('serviceType', 'RCSMMS', 'body', jsonb_build_object('title', 't', 'description', 'd', 'media', '$id')), chatbot => '$pool')) FROM generate_series(11110001, 11110040) i"),
	40, 'messages name it');
drained($node, $db, 30, 'they leave');
is(sql("SELECT status, count(*) FROM rcs.message_status GROUP BY 1"), 'sent|40', 'both accounts take it');
is(sql("SELECT count(DISTINCT server) FROM rcs.message_status"), 2, '... both');

# Only where it is missing

my $image = image();
media($image, $alone);
is(uploads(), '1 0', 'a chatbot of one account');
media($image);
is(uploads(), '0 1', 'a chatbot of two: only the other');

# Fifty at once

$_->set(file_slow_pct => 100, file_slow_ms => 700) for @sims;
my $script = $node->basedir . '/fifty.sql';
append_to_file($script, 'INSERT INTO got SELECT rcs_media(' . image() . ", chatbot => '$pool');\n");
sql('CREATE TABLE got (id text)');
my $bench = sub {
	my ($file, $n) = @_;
	return run_log([ 'pgbench', '-n', '-c', $n, '-j', 2, '-t', 1, '-f', $file, '-h', $node->host, '-p', $node->port, '-d', $db ]);
};
local $ENV{PGOPTIONS} = '-c client_min_messages=warning';
ok($bench->($script, 50), 'fifty sessions ask for the same image at once');
is(sql('SELECT count(*), count(DISTINCT id) FROM got'), '50|1', 'all get the same id');
is(uploads(), '1 1', 'one upload to each account');

# More than there are places, each with another image

$_->set(file_slow_ms => 20) for @sims;
$script = $node->basedir . '/seventy.sql';
append_to_file($script, "INSERT INTO got SELECT rcs_media(('\\x89504e470d0a1a0a' || lpad(to_hex(1000 + :client_id), 8, '0'))::bytea, chatbot => '$pool');\n");
sql('DELETE FROM got');
ok($bench->($script, 100), 'a hundred sessions, each with its own image');
is(sql('SELECT count(*), count(DISTINCT id) FROM got'), '100|100', 'all are served');
is(uploads(), '100 100', 'each image once');
quiet();

# The caller's transaction is his own business

$image = image();
$id = sql("BEGIN; SELECT rcs_media($image, chatbot => '$pool'); ROLLBACK");
is(uploads(), '1 1', 'uploaded in a transaction that rolls back');
is(media($image), $id, 'is there all the same');
is(uploads(), '0 0', 'and not uploaded again');

$image = image();
my $reader = background('BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT 1', 'SELECT pg_sleep(4)',
	"SELECT rcs_media($image, chatbot => '$pool')", 'COMMIT');
poll($node, $db, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", 1, 10, 'a snapshot is taken');
$id = media($image);
set_conf($node, 'rcs.single_workers' => 0);
poll($node, $db, "SELECT count(*) FROM rcs.worker_status WHERE kind = 'single'", 0, 20, 'there is no worker any more');
like(finish($reader), qr/\Q$id\E/, 'REPEATABLE READ: what came later is found, nobody is asked');
uploads();

my $start = time();
like(failure(image()), qr/ERROR:  55000: no worker uploads images.*rcs\.single_workers is 0.*HINT:  .*rcs\.single_workers/s, 'without a worker it is an error');
took(time() - $start, 6, 'at once');
set_conf($node, 'rcs.single_workers' => 1);
poll($node, $db, "SELECT count(*) FROM rcs.worker_status WHERE kind = 'single' AND state = 'idle'", 1, 20, 'the worker is back');

# Expiry: another id, on all accounts

$image = image();
$id = media($image);
uploads();
my $old = "expires_at < now() + interval '300 days'";
sql("UPDATE rcs.media SET uploaded_at = now() - interval '300 days', expires_at = now() + interval '65 days' WHERE 'maapfile://' || file_id = '$id'");
is(media($image), $id, 'a copy of two months more is used');
sql("UPDATE rcs.media SET expires_at = now() + interval '6 days' WHERE server = 'two' AND 'maapfile://' || file_id = '$id'");
is(media($image), "$id.1", 'one that expires within a week on one account is uploaded under another id');
is(uploads(), '1 1', 'to both accounts');
sql("UPDATE rcs.media SET expires_at = now() - interval '1 day' WHERE 'maapfile://' || file_id = '$id.1'");
is(media($image), "$id.2", 'and another one when it has expired');
is(uploads(), '1 1', 'to both accounts');
is(sql("SELECT count(*) FROM rcs.media WHERE 'maapfile://' || file_id LIKE '$id%'"), 2, 'one row for each account');

# The carrier says how long; a short life has a short margin, and what it calls expired is uploaded anew

$_->set(file_seconds => 600) for @sims;
$image = image();
$id = media($image);
is(sql("SELECT bool_and(expires_at BETWEEN now() + interval '590 seconds' AND now() + interval '601 seconds') FROM rcs.media WHERE 'maapfile://' || file_id = '$id'"),
	't', 'the carrier says when it expires');
is(media($image), $id, 'ten minutes are used, too');
$_->set(file_seconds => 0) for @sims;
uploads();
# as after a restore from a backup: nothing is known of the expired id
sql("DELETE FROM rcs.media WHERE 'maapfile://' || file_id = '$id'");
$sims[0]->set(file_seconds => 1);
is(media(image()) =~ /^maapfile/, 1, 'a life of a second');
sleep(1.5);
$sims[0]->set(file_seconds => 0);
uploads();
my $again = sprintf q('\x89504e470d0a1a0a%08x'::bytea || decode(repeat('00ff', 500), 'hex')), $images;
like(media($again), qr/\.1$/, 'has another id after it');
is(uploads(), '1 1', 'on both');

# Another account behind the same name

$image = image();
$id = media($image, $alone);
my $other = start_ktsim();
sql(sprintf "ALTER SERVER one OPTIONS (SET url 'http://127.0.0.1:%d/corp/v1')", $other->port);
is(media($image, $alone), $id, 'the server has another url: the same id');
is($other->stats->{files_stored}, 1, 'uploaded there');
sql(sprintf "ALTER SERVER one OPTIONS (SET url 'http://127.0.0.1:%d/corp/v1')", $sims[0]->port);
$other->stop;
uploads();

# Passing trouble

my @passing = (
	[ '500', 'file_500_pct' ],
	[ 'too fast', 'file_throttle_pct' ],
	[ 'cut', 'file_close_pct' ],
	[ 'class d', 'file_error_pct', file_error_code => '72113' ],
	[ 'stored, then 500', 'file_store_500_pct' ],
	[ 'stored, then cut', 'file_store_close_pct' ],
	[ 'stored, then silence', 'file_store_hang_pct' ],
	[ 'stored, then garbage', 'file_store_garbage_pct' ]);
for my $case (@passing)
{
	my ($name, $switch, @more) = @$case;
	$sims[0]->set($switch => 100, file_fault_count => 2, @more);
	like(media(image()), qr/^maapfile/, "$name: twice, then it works");
	is(uploads(), '3 1', "$name: three tries");
	quiet();
}
$sims[0]->set(file_throttle_pct => 100, file_fault_count => 0);
my $patient = background("SELECT rcs_media(@{[ image() ]}, chatbot => '$pool');");
sleep(10);
quiet();
like(finish($patient), qr/^maapfile/, 'too fast for longer than five tries: it works all the same');
uploads();
$sims[0]->set(file_store_close_pct => 100, file_fault_count => 1, file_refuse_reuse => JSON::PP::true());
like(media(image()), qr/^maapfile/, 'stored, then cut, then "seen before": it is there');
$sims[0]->set(file_refuse_reuse => JSON::PP::false());
quiet();
$_->set(expire_tokens => JSON::PP::true()) for @sims;
uploads();
like(media(image()), qr/^maapfile/, 'a token that has expired is renewed');
is(uploads(), '2 2', 'at once');
for my $place (1, 2)
{
	$sims[0]->set(file_envelope => $place, file_size_text => JSON::PP::true());
	my $id = media(image(), $alone);
	is(sql("SELECT expires_at > now() + interval '364 days' FROM rcs.media WHERE 'maapfile://' || file_id = '$id'"), 't',
		"the answer in another envelope ($place)");
}
$sims[0]->set(file_envelope => 0, file_size_text => JSON::PP::false());
uploads();

# Lasting trouble

$sims[1]->set(file_error_pct => 100, file_error_code => '72107', file_fault_count => 0);
$start = time();
$image = image();
like(failure($image), qr/ERROR:  58000: could not upload an image through server "two": .*\(72107\)/, 'a refusal names server and code');
took(time() - $start, 6, 'at once');
is(uploads(), '1 1', 'after one try');
quiet();
media($image);
is(uploads(), '0 1', 'what the other account has taken is not uploaded again');
$sims[1]->set(file_500_pct => 100);
$start = time();
like(failure(image()), qr/ERROR:  58000: could not upload an image through server "two": .*\(http 500\)/, 'after five tries it is an error');
is(uploads(), '1 5', 'five');
cmp_ok(time() - $start, '>', 6, 'with pauses that grow');
quiet();

# Calls that wait with the same image do not try it one after another

$sims[1]->set(file_500_pct => 100);
$image = image();
$start = time();
my @waiting = map { background("SELECT rcs_media($image, chatbot => '$pool');") } 1 .. 8;
like(finish($_), qr/ERROR:  58000/, 'eight wait and fail') for @waiting;
took(time() - $start, 14, 'together');
is(uploads(), '1 5', 'by the same tries');
quiet();

$sims[1]->stop;
like(failure(image()), qr/ERROR:  08006: could not upload an image through server "two": /, 'the carrier is gone');
$sims[1]->start_again;
sql("SELECT rcs_account_check('two')");
@counted = ($sims[0]->stats, {});
$sims[1]->set(token_reject => JSON::PP::true(), expire_tokens => JSON::PP::true());
like(failure(image()), qr/ERROR:  08006: .*server "two": the account is set aside: login refused: 70008/, 'an account that is set aside says why');
$sims[1]->set(token_reject => JSON::PP::false());
is(sql("SELECT ok FROM rcs_account_check('two')"), 't', 'it is back');
like(media(image()), qr/^maapfile/, 'and takes images');

# Patience is the caller's: canceled, terminated, timed out

$_->set(file_hang_pct => 100, file_fault_count => 0) for @sims;
$image = image();
my $hanging = background("SELECT rcs_media($image, chatbot => '$pool');");
poll($node, $db, "SELECT in_flight FROM rcs.worker_status WHERE kind = 'single'", 2, 10, 'two uploads hang');
my $phone = 22220000;
$start = time();
for (1 .. 5)
{
	my $single = sql(sprintf "SELECT rcs_send('010%d', 'hello', chatbot => '%s')", ++$phone, $pool);
	drained($node, $db, 10, 'a message leaves meanwhile', $single);
}
took(time() - $start, 9, 'and do not wait for the uploads');
$start = time();
sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT rcs_media%'");
like(finish($hanging), qr/57014: canceling statement due to user request/, 'a wait is canceled');
took(time() - $start, 3, 'at once');
$hanging = background("SELECT rcs_media($image, chatbot => '$pool');");
poll($node, $db, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT rcs_media%'", 1, 10, 'another waits');
sleep(0.5);
sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT rcs_media%'");
like(finish($hanging), qr/57P01|terminating connection/, 'a wait is terminated');
my $error = failure($image, q{
	DO $$ BEGIN
		FOR i IN 1 .. 80 LOOP
			BEGIN
				SET LOCAL statement_timeout = '20ms';
				PERFORM rcs_media(convert_to('x', 'UTF8'));
			EXCEPTION WHEN OTHERS THEN NULL;
			END;
		END LOOP;
	END $$;
	SET statement_timeout = '300ms';});
like($error, qr/57014: canceling statement due to statement timeout/, 'a time-out holds');
# more often than there are places
for my $i (1 .. 70)
{
	$error = failure($image, "SET statement_timeout = '60ms';");
	last if $error !~ /57014/;
}
like($error, qr/57014/, 'canceled seventy times');
$error = failure(image(), "BEGIN; SAVEPOINT s; SET LOCAL statement_timeout = '100ms'; SELECT rcs_media($image, chatbot => '$pool'); ROLLBACK TO s; SET LOCAL statement_timeout = '200ms';");
like($error, qr/57014/, 'and in a subtransaction');
quiet();
$_->set(file_slow_pct => 0) for @sims;
$start = time();
like(media(image()), qr/^maapfile/, 'then another image is uploaded');
took(time() - $start, 6, 'at once: the places are free, and what hangs is not in the way');
like(media($image), qr/^maapfile/, 'and the one that hung');

# The worker goes in the middle

$_->set(file_slow_pct => 100, file_slow_ms => 1500) for @sims;
$image = image();
my $session = background("SELECT rcs_media($image, chatbot => '$pool');");
poll($node, $db, "SELECT in_flight FROM rcs.worker_status WHERE kind = 'single'", 2, 10, 'two uploads are under way');
sql("SELECT pg_terminate_backend(pid) FROM rcs.worker_status WHERE kind = 'single'");
like(finish($session), qr{^maapfile://}, 'the worker is terminated: its successor does it');
quiet();
$image = image();
append_to_file($node->data_dir . '/rcs_fault', 'media-uploaded kill');
$session = background("SELECT rcs_media($image, chatbot => '$pool');");
like(finish($session), qr/server closed|terminating connection|crash/, 'the worker is killed before it writes down');
$crashes++;
server_answers($node, $db);
is(sql('SELECT count(*) FROM rcs.media m WHERE uploaded_at > now() - interval \'1 second\' AND false'), 0, 'the server is back');
uploads();
like(media($image), qr{^maapfile://rcs\.[0-9a-f]{40}$}, 'again: the same id');
is(join(' ', map { $_->stats->{files_again} > 0 ? 'again' : 'no' } @sims), 'again again', 'the carrier had it');
append_to_file($node->data_dir . '/rcs_fault', 'media-uploaded error');
like(failure(image()), qr/gave maapfile|ERROR/, 'an error in the worker');
like(media(image()), qr{^maapfile://}, 'and it goes on');

# A hold stops messages, not images

sql("SELECT rcs_hold('a pause')");
$start = time();
like(media(image()), qr{^maapfile://}, 'on hold');
took(time() - $start, 6, 'images are uploaded');
sql('SELECT rcs_resume()');

# The extension is dropped: DROP EXTENSION and rcs_media() do not wait for each other

$_->set(file_slow_pct => 100, file_slow_ms => 2500) for @sims;
$session = background("SELECT rcs_media(" . image() . ", chatbot => '$pool');");
poll($node, $db, "SELECT in_flight FROM rcs.worker_status WHERE kind = 'single'", 2, 10, 'two uploads are under way');
my $drop = background('BEGIN', 'DROP EXTENSION rcs CASCADE', 'ROLLBACK');
$start = time();
my $ended = finish($session);
like($ended, qr{^maapfile://|55000: no worker}, 'DROP EXTENSION: the call ends');
took(time() - $start, 25, 'in the end');
finish($drop);
quiet();
like(media(image()), qr{^maapfile://}, 'and it goes on');

for my $sim (@sims)
{
	my %stored;
	for my $line (split /\n/, slurp_file($sim->file_ledger))
	{
		my @column = split /\t/, $line;
		$stored{ $column[3] }++ if $column[7] eq 'stored';
	}
	is(join(' ', grep { $stored{$_} > 1 } keys %stored), '', 'no file was stored twice');
	cmp_ok(scalar keys %stored, '>', 130, 'of so many');
}
oracle($node, $db, @sims, crashes => $crashes);
$node->stop;

# Not preloaded

my $bare = rcs_node('bare', preload => 0);
my $bare_db = rcs_database($bare, 'shop');
setup_account($bare, $bare_db, $sims[0]);
my ($rc, $out, $err) = $bare->psql($bare_db, 'SELECT rcs_media(' . image() . ')', extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/ERROR:  55000: no worker uploads images.*shared_preload_libraries/s, 'without the library preloaded it is an error');
$bare->stop;
done_testing();
