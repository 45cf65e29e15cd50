# Result codes as data: a change by the operator is in effect within a second, and survives a restart, a
# dump and a new version; an unknown code is counted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main');
my $sim = start_ktsim();
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

my $sent = 30000000;

# A single message to a number that ends so; its id.
sub single { return sql(sprintf "SELECT rcs_send('010%04d%s', 'hello')", ++$sent % 10000, $_[0]); }

sub shown
{
	my ($id, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll($node, $db, "SELECT concat_ws(' ', status, code) FROM rcs.message_status WHERE id = '$id'",
		$expected, 20, $name);
}

# The effect of a change has a second.
sub change { sql($_[0]); sleep(1.2); return; }

# The table is the list

my $list = slurp_file('data/kt-error-codes.tsv');
$list =~ s/\A.*\n//;
$list = join '', map { s/(?:\t(account))?\n\z/"\t" . ($1 ? 't' : 'f') . "\n"/er } split /^/, $list;
is( $node->safe_psql($db, q{COPY (SELECT code, family, name, class, gloss, account FROM rcs.result_code ORDER BY code::int) TO STDOUT})
	  . "\n", $list, 'rcs.result_code is the list of the project');

# A class that was changed

$sim->set(refuse_phone_suffix => { '7501' => '75001', '2105' => '72105', '9990' => '99990', '9991' => '99991' });
shown(single('7501'), 'failed 75001', 'as shipped: the recipient cannot be reached');
change(q{UPDATE rcs.result_code SET class = 'd', note = 'comes and goes' WHERE code = '75001'});
my $id = single('7501');
shown($id, 'queued 75001', 'changed: it is refused for the moment');
my $campaign = campaign($node, $db, 1, from => 20007501);
poll($node, $db, "SELECT queued, failed FROM rcs.campaign_progress WHERE campaign = '$campaign'", '1|0', 20,
	'in campaigns too');
$node->restart;
my $after = single('7501');
shown($after, 'queued 75001', 'also the first message after a restart');
is(sql("SELECT status FROM rcs.message_status WHERE id = '$id'"), 'queued', 'the other still waits');
change(q{DELETE FROM rcs.result_code WHERE code = '75001'});
shown($_, 'failed 75001', 'as shipped again') for $id, $after;

# Of the account, or of the message

$id = single('2105');
poll($node, $db, 'SELECT state IN (\'closed\', \'probing\') FROM rcs.account_status', 't', 20, 'a quota concerns the account');
like(sql(q{SELECT hint FROM rcs_health() WHERE "check" = 'account' AND severity = 'critical'}), qr/rcs_account_check\('?kt/,
	'rcs_health() says what to do');
my $waits = single('0001');
change(q{UPDATE rcs.result_code SET account = false WHERE code = '72105'});
sql(q{SELECT rcs_account_check('kt')});
shown($id, 'failed 72105', 'if it does not, the message fails');
shown($waits, 'sent', 'and others are sent');

# Unknown codes

my $unknown = q{SELECT code, n, server, http_status, reason IS NOT NULL, last_at > now() - interval '1 minute' FROM rcs.unknown_code ORDER BY code};
is(sql($unknown), '', 'no code is unknown so far');
is(sql(q{SELECT ok FROM rcs_health() WHERE "check" = 'unknown_code'}), 't', 'so rcs_health() has nothing to say');
shown(single('9990'), 'failed 99990', 'an unknown code: the HTTP status decides');
poll($node, $db, $unknown, '99990|1|kt|400|t|t', 5, 'it is written down at once');
like(sql(q{SELECT severity, ok, detail FROM rcs_health() WHERE "check" = 'unknown_code'}),
	qr/^warning\|f\|the carrier answers with codes that are not in rcs\.result_code: 99990 \(1 times, the last \d+ s ago, HTTP 400\)$/,
	'rcs_health() tells');
my $locker = $node->background_psql($db, on_error_stop => 0);
$locker->query_safe('BEGIN; DELETE FROM rcs.unknown_code;');
$campaign = campaign($node, $db, 1, from => 20009990);
my $start = time();
shown(single('9991'), 'failed 99991', 'a lock on the table of them') for 1 .. 3;
took(time() - $start, 5, 'stops no message');
sleep(1.5); # whoever waited for it has given up by now, and said so in the log
$locker->query_safe('ROLLBACK');
$locker->quit;
poll($node, $db, "SELECT string_agg(code || ' ' || n, ', ' ORDER BY code) FROM rcs.unknown_code", '99990 2, 99991 3', 25,
	'and no count is lost');
change(q{INSERT INTO rcs.result_code (code, class, note) VALUES ('99990', 'd', 'asked KT'), ('99991', 'f', 'asked KT')});
is(sql(q{SELECT ok FROM rcs_health() WHERE "check" = 'unknown_code'}), 't', 'known now');
$id = single('9990');
shown($id, 'queued 99990', 'it means what was said');
sql("SELECT rcs_cancel('$id')");
sleep(0.5);
is(sql('SELECT sum(n) FROM rcs.unknown_code'), 5, 'and is not counted any more');

# A dump

sql(q{UPDATE rcs.result_code SET class = 'd' WHERE code = '75001'});
$sim->set(refuse_phone_suffix => {});
drained($node, $db, 60, 'all is done');
oracle($node, $db, $sim);
is(complaints($node), 0, 'the log has no complaint');

my $codes = 'SELECT * FROM rcs.result_code ORDER BY code';
my $all = sql($codes);
my $dir = PostgreSQL::Test::Utils::tempdir();
for my $format ('custom', 'plain')
{
	my $file = "$dir/$format";
	$node->command_ok([ 'pg_dump', '-F', $format, '-f', $file, '-d', $node->connstr($db) ], "a dump, $format");
	$node->safe_psql('postgres', "CREATE DATABASE copy_$format");
	my @restore = $format eq 'plain'
	  ? ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $file, '-d', $node->connstr("copy_$format"))
	  : ('pg_restore', '--exit-on-error', '-d', $node->connstr("copy_$format"), $file);
	$node->command_ok(\@restore, 'is restored without an error');
	is($node->safe_psql("copy_$format", $codes), $all, 'with all codes, changed ones and others');
}
like(slurp_file("$dir/plain"), qr/^COPY rcs\._code_change /m, 'it holds what was changed');
unlike(slurp_file("$dir/plain"), qr/^COPY rcs\._code_shipped /m, 'and not what was shipped');

# A new version ships other rows

my $extension = $node->config_data('--sharedir') . '/extension';
my ($version) = slurp_file("$extension/rcs.control") =~ /^default_version *= *'(.*)'/m;
my ($rows) = slurp_file("$extension/rcs--$version.sql") =~ /^(CREATE VIEW rcs\._code_shipped .*?;)$/ms;
$rows =~ s/\('75002', (.*), 'e'/('75002', $1, 'g'/ or die 'no row for 75002';
$rows =~ s/\('75001', (.*), 'e'/('75001', $1, 'g'/ or die 'no row for 75001';
my $script = "$extension/rcs--$version--$version.t085.sql";
$rows =~ s/^CREATE VIEW/CREATE OR REPLACE VIEW/;
append_to_file($script, "$rows\n");
$node->safe_psql('copy_plain', "ALTER EXTENSION rcs UPDATE TO '$version.t085'");
unlink $script;
is($node->safe_psql('copy_plain', q{SELECT code, class, shipped_class, note FROM rcs.result_code
		WHERE code IN ('75001', '75002', '99990') ORDER BY code}),
	"75001|d|g|\n75002|g|g|\n99990|d||asked KT", 'after an update what was changed stays, and the rest is new');
like($node->safe_psql('copy_plain', q{SELECT severity, detail, hint FROM rcs_health() WHERE "check" = 'worker_slots'}),
	qr/^critical\|the extension has version \Q$version\E\.t085 and the loaded library \Q$version\E, .*ALTER EXTENSION rcs UPDATE/,
	'rcs_health() sees that library and extension do not fit');

$node->stop;
done_testing();
