# Messages changed by chance through everything that judges, fills in and sends them, in a server
# under AddressSanitizer.  FUZZ_N of them (100,000), made from FUZZ_SEED.
#
# Each input is either valid or refused with a reason; the ways that a message may go agree with each
# other (rcs_fuzz.c); nothing is read or written beyond its memory; nothing is left allocated.

use strict;
use warnings;

use FindBin;
use IO::Handle;
use IPC::Open2;
use List::Util qw(min);
use lib $FindBin::RealBin, "$FindBin::RealBin/../t/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RcsAsan;
use RcsMutation qw(random_case);
use Test::More;

my $total = $ENV{FUZZ_N} || 100_000;
my $seed = $ENV{FUZZ_SEED} || time;
my $batch = 1000;
my $module = $ENV{RCS_FUZZ_MODULE} or die 'RCS_FUZZ_MODULE does not name the module of the fuzzer';

note("FUZZ_SEED=$seed FUZZ_N=$total");

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'END');
shared_preload_libraries = 'rcs'
fsync = off
restart_after_crash = on
log_min_messages = fatal
log_min_error_statement = panic
autovacuum = off
END
start_under_asan($node);
$node->safe_psql(
	'postgres', qq{
	CREATE EXTENSION rcs;
	CREATE SERVER kt TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:1', rate_per_minute '1');
	CREATE USER MAPPING FOR PUBLIC SERVER kt OPTIONS (rcs_id 'shop', rcs_secret 'none');
	INSERT INTO rcs.chatbot (chatbot, servers, agency_key, brand_key, callback, footer)
	VALUES ('0212351235', '{kt}', 'AK.x', 'BK.x', '0212345678', '080-123-4567');
	CREATE FUNCTION fuzz_message(bytea, jsonb) RETURNS text LANGUAGE c AS '$module';
	CREATE FUNCTION fuzz_memory() RETURNS bigint LANGUAGE c AS '$module';
	CREATE FUNCTION fuzz_allocated() RETURNS bigint LANGUAGE c AS '$module';
	CREATE FUNCTION fuzz_overrun(int) RETURNS int LANGUAGE c STRICT AS '$module';
	CREATE TABLE input (n int PRIMARY KEY, input bytea, params text);
	CREATE TABLE verdict (n int, verdict text);
	CREATE TABLE memory (batch int, contexts bigint, allocated bigint, resident bigint)});

sub answers
{
	my $end = time + 60;
	sleep 1 until $node->psql('postgres', 'SELECT 1') == 0 || time > $end;
	return;
}

# An overrun of one byte is noticed, so silence later means something.
for my $size (1, 8, 100, 4096)
{
	$node->psql('postgres', "SELECT fuzz_overrun($size)");
	like(new_reports(), qr/heap-buffer-overflow.*fuzz_overrun/s, "one byte behind $size is noticed");
	answers();
}

# Params that are no JSON are none.
$node->safe_psql(
	'postgres', q{
	CREATE FUNCTION fuzz_json(given text) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN given::jsonb;
	EXCEPTION WHEN OTHERS THEN
		RETURN NULL;
	END $$});

sub copy_line
{
	my ($n, $input, $params) = @_;
	$params = defined $params ? $params =~ s/\\/\\\\/gr =~ s/\t/\\t/gr : '\N';
	return "$n\t\\\\x" . unpack('H*', $input) . "\t$params\n";
}

# A session of psql; a batch is one statement, answered by a line.
sub session
{
	my ($out, $in);
	my $pid = open2($out, $in, $node->installed_command('psql'), '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'));
	$in->autoflush;
	return { out => $out, in => $in, pid => $pid };
}

sub end_session
{
	my ($s) = @_;
	close $s->{in};
	waitpid $s->{pid}, 0;
	return;
}

# Inputs by number; false when the server, or psql, did not live through it.
sub run_batch
{
	my ($s, $name, %inputs) = @_;
	my $resident = q{regexp_replace(pg_read_file('/proc/self/statm'), '^\d+ (\d+) .*', '\1')::bigint * 4096};

	print { $s->{in} } "TRUNCATE input;\nCOPY input FROM STDIN;\n",
	  (map { copy_line($_, @{ $inputs{$_} }) } sort { $a <=> $b } keys %inputs), "\\.\n",
	  "INSERT INTO verdict SELECT n, fuzz_message(input, fuzz_json(params)) FROM input ORDER BY n;\n",
	  "INSERT INTO memory SELECT $name, fuzz_memory(), fuzz_allocated(), $resident;\n\\echo done $name\n";
	return (readline($s->{out}) // '') eq "done $name\n";
}

sub show_input
{
	my ($n, $input, $params) = @_;
	return diag("input $n: " . substr($input, 0, 2000) . "\nparams: " . substr($params // 'none', 0, 500));
}

# Which of a batch was it?
sub find_culprit
{
	my (%inputs) = @_;
	for my $n (sort { $a <=> $b } keys %inputs)
	{
		my $s = session();
		my $lived = run_batch($s, $n, $n => $inputs{$n});
		end_session($s);
		next if $lived;
		show_input($n, @{ $inputs{$n} });
		return answers();
	}
	diag('none of the batch does it alone');
	return;
}

local $SIG{PIPE} = 'IGNORE';
srand $seed;
my $started = time;
my $session = session();
my $crashes = 0;
my $done = 0;
my %kept;
while ($done < $total && !$crashes)
{
	my $last = min($done + $batch, $total);
	my %inputs = map { $_ => [ random_case() ] } $done .. $last - 1;

	if (run_batch($session, $last, %inputs))
	{
		my @broken = split /\n/, $node->safe_psql('postgres', "SELECT n FROM verdict WHERE n >= $done AND verdict LIKE '%BROKEN%'");
		$kept{$_} = $inputs{$_} for grep { keys %kept < 20 } @broken;
	}
	else
	{
		$crashes++;
		answers();
		find_culprit(%inputs);
	}
	$done = $last;
}
end_session($session);

is($crashes, 0, "the server lives through $done inputs");
is(new_reports(), '', 'AddressSanitizer has nothing to report');
is($node->safe_psql('postgres', "SELECT n, left(verdict, 500) FROM verdict WHERE verdict LIKE '%BROKEN%' ORDER BY n LIMIT 20"),
	'', 'each is valid or refused with a reason, whichever way it goes')
  || map { show_input($_, @{ $kept{$_} }) } (sort { $a <=> $b } keys %kept)[ 0 .. min(4, keys(%kept) - 1) ];
note($node->safe_psql('postgres', "SELECT verdict, count(*) FROM verdict WHERE verdict NOT LIKE '%BROKEN%' GROUP BY 1 ORDER BY 1"));
my $kinds = $node->safe_psql('postgres', "SELECT count(DISTINCT verdict) FROM verdict WHERE verdict IN
	('valid', 'invalid', 'not JSON', 'not text', 'template, taken', 'template, refused')");
is($kinds, 6, 'there are inputs of every kind') if $total >= 1000;

# After the first fifth, in which caches fill, memory does not grow.  What the process keeps of the
# memory that it has freed is the business of AddressSanitizer.
my @memory = split /\|/, $node->safe_psql(
	'postgres', q{
	WITH m AS (SELECT *, percent_rank() OVER (ORDER BY batch) AS part FROM memory)
	SELECT max(contexts) FILTER (WHERE part <= 0.2), max(contexts) FILTER (WHERE part >= 0.8),
		max(allocated) FILTER (WHERE part <= 0.2), max(allocated) FILTER (WHERE part >= 0.8) FROM m});
note("bytes of memory contexts: $memory[0] early, $memory[1] late; allocated: $memory[2] early, $memory[3] late");
note('resident, MB: ' . $node->safe_psql('postgres', 'SELECT min(resident) / 1000000 || $$ to $$ || max(resident) / 1000000 FROM memory'));
if ($total >= 10 * $batch)
{
	cmp_ok($memory[1], '<=', $memory[0] + 65536, 'memory contexts do not grow');
	cmp_ok($memory[3], '<=', $memory[2] + 65536, 'nor does what is allocated in all');
}
note(sprintf '%d inputs in %d s', $done, time - $started);
$node->stop;
done_testing();
