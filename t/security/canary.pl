# Telephone numbers, texts, secrets and tokens are nowhere but where they belong: not in the server's
# log at its most talkative, not in pg_stat_activity, not in pg_stat_statements.  What a client wrote
# into its own statement is its own affair; the clients here bind what must not be seen.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);

my $phone = '0107531';          # the beginning of every number here
my $text = 'canaryTEXT';
my $secret = 'canarySECRET4711';
my $key = 'canaryKEY0815';

my $libdir = `pg_config --pkglibdir`;
chomp $libdir;
my $has_statements = -e "$libdir/pg_stat_statements.so";
my $node = rcs_node('main',
	shared_preload_libraries => $has_statements ? "'pg_stat_statements,rcs'" : "'rcs'",
	preload => 0,
	log_min_messages => 'debug2',
	log_min_error_statement => 'panic',
	log_error_verbosity => 'verbose',
	track_activity_query_size => '16kB',
	'rcs.settle_dead' => '300ms',
	'rcs.settle' => '300ms',
	'rcs.request_timeout' => '1s',
	'rcs.max_in_flight' => 20);
$node->append_conf('postgresql.conf', "pg_stat_statements.track = 'all'") if $has_statements;
$node->reload;

# The secret comes from a file, so that not even the statement that sets it up shows it.
my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/secret", "$secret\n");
chmod 0600, "$dir/secret";
my $sim = start_ktsim(
	accounts => ["shop:$secret"],
	args => [ '--latency-ms', 20, '--set', 'phone_code={"01075310001":"54002"}', '--dump-bodies', "$dir/bodies" ]);
my $db = rcs_database($node, 'shop');
$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements') if $has_statements;
$node->safe_psql($db, 'CREATE TABLE people (phone text, message jsonb, key text)');
my $port = $sim->port;
$node->safe_psql($db, qq{
	CREATE SERVER kt TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:$port/corp/v1');
	CREATE USER MAPPING FOR PUBLIC SERVER kt OPTIONS (rcs_id 'shop', rcs_secret_file '$dir/secret')});

# What is secret enters through COPY, whose data no log shows.
my $rows = join '', map { "$phone" . sprintf('%04d', $_) . "\t{\"serviceType\":\"RCSSMS\",\"header\":\"0\",\"body\":{\"description\":\"$text $_\"}}\t$key-$_\n" } 0 .. 399;
$node->safe_psql($db, qq{
	COPY rcs.chatbot (chatbot, servers, agency_id, agency_key, brand_key) FROM STDIN;
0212351235\t{kt}\tktbizrcs\t$key\t$key
\\.
	COPY people FROM STDIN;
$rows\\.
});
append_to_file($node->data_dir . '/postgresql.conf', "log_statement = 'all'\nlog_duration = on\nlog_lock_waits = on\nlog_parameter_max_length = 0\nlog_parameter_max_length_on_error = 0\n");
$node->reload;
sleep(0.5);
my $mark = -s $node->logfile;

sub sql { return $node->safe_psql($db, $_[0]); }

my @seen;

sub look
{
	push @seen, $node->safe_psql('postgres', q{
		SELECT backend_type || ' ' || coalesce(application_name, '') || ' ' || coalesce(query, '')
		FROM pg_stat_activity WHERE pid <> pg_backend_pid()});
	return;
}

# Everything that writes to a log: good and bad answers, errors of callers, deaths, no carrier.

sql('SELECT count(rcs_send(phone, message, key => key)) FROM people');
my $campaign = sql(qq{
	SELECT rcs_campaign_create('canaries', '{"serviceType":"RCSSMS","header":"0","body":{"description":"#{a} b"}}')});
sql(qq{SELECT rcs_campaign_add('$campaign', 'SELECT phone, jsonb_build_object(''a'', message->''body''->>''description'') AS params FROM people')});
sql("SELECT rcs_campaign_start('$campaign')");
for my $try (1 .. 10)
{
	look();
	sleep(0.02);
}
# the same key for another text, a bad number, a text with a placeholder without a value
my ($rc, $out, $error);
for my $bad (
	q{SELECT rcs_send(phone, message || '{"copyAllowed":false}', key => key) FROM people LIMIT 1},
	q{SELECT rcs_send(phone || '123456789', message) FROM people LIMIT 1},
	q{SELECT rcs_send(phone, jsonb_set(message, '{body,description}', to_jsonb('#{x} ' || phone))) FROM people LIMIT 1},
	q{SELECT rcs_send(phone, message, chatbot => 'x' || 1) FROM people LIMIT 1},
	q{SELECT rcs_send(phone, message || '{"serviceType":"NONE"}') FROM people LIMIT 1},
	q{SELECT rcs_send(phone || 'x', message, on_error => 'record') FROM people LIMIT 1},
	q{INSERT INTO rcs.message SELECT * FROM rcs.message LIMIT 1},
	q{INSERT INTO rcs.chatbot SELECT * FROM rcs.chatbot})
{
	($rc, $out, $error) = $node->psql($db, $bad);
	$bad =~ /INSERT INTO rcs.message/ or push @seen, $error;
	look();
}
$sim->set(accept_then_hang_pct => 20, garbage_pct => 10, error_pct => 10, error_code => '74003', html_pct => 5, close_pct => 10);
sql(q{SELECT count(rcs_send(phone, message)) FROM people});
look(), sleep(0.1) for 1 .. 10;
$sim->set(expire_tokens => JSON::PP::true());
append_to_file($node->data_dir . '/rcs_fault', "after-intent error 0\n");
sql(q{SELECT count(rcs_send(phone, message)) FROM people});
look(), sleep(0.1) for 1 .. 10;
$sim->set(accept_then_hang_pct => 0, garbage_pct => 0, error_pct => 0, html_pct => 0, close_pct => 0);
my ($worker) = split /,/, $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'rcs single%'");
sql(q{SELECT count(rcs_send(phone, message)) FROM people});
kill 'KILL', $worker if $worker;
server_answers($node, $db);
poll($node, 'postgres', worker_count($db), 2, 30, 'the workers are back after a crash');
$sim->set(token_reject => JSON::PP::true(), expire_tokens => JSON::PP::true());
sql(q{SELECT count(rcs_send(phone, message)) FROM people LIMIT 20});
sleep(1);
$sim->set(token_reject => JSON::PP::false());
$sim->stop;
sql(q{SELECT count(rcs_send(phone, message)) FROM people});
sleep(1.5);
look();
$sim->start_again;
drained($node, $db, 120, 'everything leaves');
$node->restart;

# The tokens are those of the carrier that got the bodies: each is a long word that occurs nowhere else.

my $log = slurp_file($node->logfile, $mark);
cmp_ok(length $log, '>', 30_000, 'the log is talkative');
like($log, qr/DEBUG:/, 'about everything');
my $bodies = slurp_file("$dir/bodies");
like($bodies, qr/$phone/, 'the carrier was told a number');
like($bodies, qr/$text/, 'and a text');

my %canaries = (
	'a telephone number' => $phone . '\d{4}',
	'a number in another form' => '\+?82-?10-?7531|010-7531',
	'a text' => $text,
	'a secret' => $secret,
	'a key of the brand or of a message' => $key,
	'a token' => 'Bearer [A-Za-z0-9]|"accessToken"|[A-Za-z0-9_-]{64}');
for my $what (sort keys %canaries)
{
	my @hits = grep { /$canaries{$what}/ } split /\n/, $log;
	is(@hits, 0, "the log holds not $what") or diag join "\n", map { substr $_, 0, 300 } @hits[ 0 .. ($#hits > 4 ? 4 : $#hits) ];
	@hits = grep { /$canaries{$what}/ } map { split /\n/ } @seen;
	is(@hits, 0, "neither does pg_stat_activity, nor what callers are told: $what")
	  or diag join "\n", map { substr $_, 0, 300 } @hits[ 0 .. ($#hits > 4 ? 4 : $#hits) ];
}

SKIP:
{
	skip 'no pg_stat_statements', 2 unless $has_statements;
	is($node->safe_psql('postgres', "SELECT count(*) > 20 FROM pg_stat_statements WHERE query LIKE '%rcs.%'"), 't',
		'pg_stat_statements has seen the workers');
	is($node->safe_psql('postgres', "SELECT query FROM pg_stat_statements WHERE query ~ '$phone|$text|$secret|$key' AND query !~ 'pg_stat_statements'"),
		'', 'and nothing of it is in there');
}
oracle($node, $db, $sim, crashes => 1);
$node->stop;
done_testing();
