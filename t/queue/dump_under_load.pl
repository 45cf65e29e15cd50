# pg_dump runs again and again while messages are enqueued and sent: every dump succeeds, sending goes
# on meanwhile, and a dump holds all of the state at one moment.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;

my $dumps = $ENV{RCS_LONG} ? 30 : 5;
my $recipients = $ENV{RCS_LONG} ? 100_000 : 12_000;

my $node = rcs_node('main', 'rcs.max_in_flight' => 20, 'rcs.batch_size' => 200, log_lock_waits => 'on',
	deadlock_timeout => '200ms');
my $sim = start_ktsim(args => [ '--latency-ms', 20 ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

my $dump_dir = PostgreSQL::Test::Utils::tempdir();
my $campaign = campaign($node, $db, $recipients);
my $client = $node->background_psql($db, on_error_stop => 0);
$client->{stdin} .= q{
	DO $$ BEGIN
		FOR i IN 1000 .. 3999 LOOP
			PERFORM rcs_send('0109000' || i, 'hello', key => 'order-' || i);
			COMMIT;
			PERFORM pg_sleep(0.002);
		END LOOP;
	END $$;
};
$client->{run}->pump_nb;
poll($node, $db, "SELECT accepted > 200 FROM rcs.campaign_progress WHERE campaign = '$campaign'", 't', 60,
	'a campaign is on its way');

my $idle = 0;
for my $n (1 .. $dumps)
{
	my $before = $sim->stats->{accepted};
	$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dump_dir/$n", '-d', $node->connstr($db) ], "dump $n succeeds");
	$idle++ if $sim->stats->{accepted} == $before;
	note 'sent meanwhile: ' . ($sim->stats->{accepted} - $before);
}
is($idle, 0, 'sending went on during each of them');
isnt(sql('SELECT count(*) FROM rcs.batch'), 0, 'the last one was not too late');
$client->query('SELECT 1');
$client->quit;
drained($node, $db, 180, 'everything leaves');
oracle($node, $db, $sim);
is(log_count($node, 'ERROR|deadlock detected|PANIC|still waiting for'), 0, 'nobody waited for a dump, nothing failed');

# What is in the dump from the middle.  Without workers: the copy is not to send.

set_conf($node, 'rcs.single_workers' => 0, 'rcs.campaign_workers' => 0);
$node->safe_psql('postgres', 'CREATE DATABASE copy');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('copy'), "$dump_dir/" . int(($dumps + 1) / 2) ],
	'a dump can be restored');

my $tables = q{SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class
	WHERE relnamespace = 'rcs'::regnamespace AND relkind IN ('r', 'S', 'v')};
is($node->safe_psql('copy', $tables), sql($tables), 'the copy has all tables, sequences and views');

sub copy_is
{
	my ($query, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($node->safe_psql('copy', $query), $expected, $name);
}

copy_is('SELECT (SELECT count(*) > 0 FROM rcs.batch), (SELECT count(*) > 0 FROM rcs.result), (SELECT count(*) > 0 FROM rcs.intent)',
	't|t|t', 'it was made in the middle');
copy_is("SELECT total FROM rcs.campaign_progress WHERE campaign = '$campaign'", $recipients, 'it has the campaign');
copy_is(q{SELECT count(*) FROM rcs.message m LEFT JOIN rcs.message_status s ON s.id = m.id WHERE s.status IS NULL},
	0, 'every message has a status');
copy_is(q{SELECT m.id FROM rcs.message_status m WHERE m.status IN ('queued', 'sending') AND NOT EXISTS (
		SELECT FROM rcs.message x JOIN rcs.batch b ON b.campaign_no = x.campaign_no
			AND (b.origin IS NULL AND b.batch_id = x.batch_id OR b.origin = x.batch_id AND x.ord = ANY (b.ords))
		WHERE x.id = m.id) LIMIT 5},
	'', 'what is unsent in it is in its queue');
copy_is('SELECT count(*) FROM rcs.result r WHERE NOT EXISTS (SELECT FROM rcs.message m
		WHERE (m.campaign_no, m.batch_id, m.ord) = (r.campaign_no, r.batch_id, r.ord))',
	0, 'no result is without its message');
copy_is('SELECT (SELECT max(batch_id) FROM rcs.message) <= last_value FROM rcs.batch_id_seq', 't',
	'its sequence is not behind');
copy_is('SELECT namespace FROM rcs.installation', sql('SELECT namespace FROM rcs.installation'),
	'a key of before stays used');
my $handles = q{SELECT md5(string_agg(handle, ' ' ORDER BY handle)) FROM rcs.message_status_masked WHERE campaign = '} . $campaign . q{'};
copy_is($handles, sql($handles), 'handles of messages stay the same');
$node->stop;
done_testing();
